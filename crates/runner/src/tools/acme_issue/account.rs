//! The account at the authority. Its key is made once and kept; that the authority's terms are agreed to stands in the runner's file,
//! where a person wrote it.

use instant_acme::{Account, AccountCredentials, NewAccount};

use super::folder::{Secrecy, put};
use crate::config::{AcmeConfig, read_secret};
use crate::tools::args::cut;

/// Opens the account, and registers one where there is none.
pub(super) async fn open(authority: &AcmeConfig) -> Result<Account, String> {
    let fault = |error: instant_acme::Error| format!("the authority `{}`: {}", authority.directory, cut(&error.to_string(), 300));
    let builder = match &authority.roots {
        Some(roots) => Account::builder_with_root(roots),
        None => Account::builder(),
    };
    let builder = builder.map_err(fault)?;
    if authority.account.exists() {
        let text = read_secret(&authority.account).map_err(|why| format!("the account file {why}"))?;
        let kept: AccountCredentials = serde_json::from_str(&text).map_err(|_| "the account file holds no account".to_owned())?;
        return builder.from_credentials(kept).await.map_err(fault);
    }
    if !authority.terms_agreed {
        return Err("there is no account, and this runner's file does not say that the terms of the authority are agreed to".into());
    }
    let new = NewAccount { contact: &[], terms_of_service_agreed: true, only_return_existing: false };
    let (account, made) = builder.create(&new, authority.directory.clone(), None).await.map_err(fault)?;
    let text = serde_json::to_string(&made).map_err(|error| error.to_string())?;
    put(&authority.account, text.as_bytes(), Secrecy::Owner).map_err(|error| format!("the account could not be kept: {error}"))?;
    Ok(account)
}
