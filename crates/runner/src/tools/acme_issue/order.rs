//! One order: taken up where it was left, or placed; finalized with a key that is on disk; and fetched.

use std::collections::BTreeSet;
use std::time::Duration;

use instant_acme::{Account, Identifier, NewOrder, Order, OrderStatus, RetryPolicy};
use lineclear_core::digest::Digest;
use rcgen::{CertificateParams, DistinguishedName, KeyPair, PublicKeyData as _};
use serde::{Deserialize, Serialize};

use super::folder::Folder;
use crate::tools::args::cut;

/// An order as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    url: String,
    names: BTreeSet<String>,
}

/// The order that is under way for these names, or a new one; its address is on disk in either case.
pub(super) async fn take_up(account: &Account, folder: &Folder<'_>, names: &BTreeSet<String>) -> Result<Order, String> {
    let kept = folder.order().and_then(|text| serde_json::from_str::<Kept>(&text).ok()).filter(|kept| kept.names == *names);
    if let Some(kept) = kept
        && let Ok(mut order) = account.order(kept.url).await
    {
        let status = order.state().status;
        let open = status == OrderStatus::Pending || status == OrderStatus::Ready;
        let done = status == OrderStatus::Processing || status == OrderStatus::Valid;
        // Without the key that it was finalized with its certificate is of no use.
        if open || (done && folder.new_key().is_some()) {
            return Ok(order);
        }
    }
    folder.forget();
    let identifiers: Vec<Identifier> = names.iter().cloned().map(Identifier::Dns).collect();
    let order = account.new_order(&NewOrder::new(&identifiers)).await.map_err(|error| told(&error))?;
    let kept = Kept { url: order.url().to_owned(), names: names.clone() };
    folder.keep_order(&serde_json::to_string(&kept).map_err(|error| error.to_string())?)?;
    Ok(order)
}

/// Finalizes an order that is ready, and waits for its certificate: the chain and the key, as PEM.
pub(super) async fn finish(
    mut order: Order,
    folder: &Folder<'_>,
    names: &BTreeSet<String>,
    wait: Duration,
) -> Result<(String, String), String> {
    if order.state().status == OrderStatus::Ready {
        let key = KeyPair::generate().map_err(|error| error.to_string())?;
        let mut asked = CertificateParams::new(names.iter().cloned().collect::<Vec<_>>()).map_err(|error| error.to_string())?;
        // Names stand in the alternative names only (RFC 8555 §7.4).
        asked.distinguished_name = DistinguishedName::new();
        let asked = asked.serialize_request(&key).map_err(|error| error.to_string())?;
        folder.keep_key(&key.serialize_pem())?;
        order.finalize_csr(asked.der()).await.map_err(|error| told(&error))?;
    }
    let chain = order.poll_certificate(&RetryPolicy::new().timeout(wait)).await.map_err(|error| told(&error))?;
    let key = folder.new_key().ok_or("the key of the order is gone")?;
    Ok((chain, key))
}

/// SHA-256 of the public half of a private key in PEM, as certificates carry it.
pub(super) fn public_key(pem: &str) -> Result<Digest, String> {
    KeyPair::from_pem(pem).map(|key| Digest::of(&key.subject_public_key_info())).map_err(|error| error.to_string())
}

/// What the authority says, on one line.
pub(super) fn told(error: &instant_acme::Error) -> String {
    cut(&error.to_string(), 400)
}
