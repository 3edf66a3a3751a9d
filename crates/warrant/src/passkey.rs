//! A person's passkey on a statement: a WebAuthn assertion whose challenge commits to the statement's exact bytes. Runners, the
//! control plane and auditors check it with this code, offline.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lineclear_core::passkey::{Algorithm, CREDENTIAL_MAX, Passkey};
use lineclear_core::statement::Assertion;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// What a challenge is made with, so that no other ceremony of ours can give the same one.
const DOMAIN: &[u8] = b"lineclear-approval-v1\0";
/// Longest `clientDataJSON` in bytes: four members, the origin among them, and room for what browsers add.
const CLIENT_MAX: usize = 4 * 1024;
/// Shortest authenticator data: hash, flags, counter (`WebAuthn` Level 3, §6.1).
const DATA_MIN: usize = 37;
/// Longest authenticator data in bytes; extensions may follow what is fixed.
const DATA_MAX: usize = 2 * 1024;
/// Longest signature in bytes: that of an RSA key of 8,192 bits.
const SIGNATURE_MAX: usize = 1024;
/// Flags of the authenticator data (`WebAuthn` Level 3, §6.1): somebody was there, it was this person, the key may be copied.
const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
const BACKUP_ELIGIBLE: u8 = 0x08;

/// Why an assertion is no signature on a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AssertionFault {
    /// A member that is too long or not in its encoding.
    #[error("the `{0}` of the assertion is malformed")]
    Shape(&'static str),
    /// Made with a passkey that is not one of this person's.
    #[error("no passkey of this person made the assertion")]
    Stranger,
    /// Not an assertion: a registration, say.
    #[error("the assertion is of another type than `webauthn.get`")]
    Type,
    /// Made on another page, or in a frame of one.
    #[error("the assertion was made on another page")]
    Origin,
    /// Made for other bytes.
    #[error("the assertion is not over this statement")]
    Challenge,
    /// The authenticator signed for another site.
    #[error("the authenticator signed for another site")]
    Site,
    /// Nobody was there.
    #[error("nobody touched the authenticator")]
    Absent,
    /// Somebody was there, and nobody knows who.
    #[error("the authenticator did not verify the person")]
    Unverified,
    /// It was enrolled as a key that cannot be copied, and now it can, or the other way round.
    #[error("the passkey is not of the kind that was enrolled")]
    Kind,
    /// Not made by the key.
    #[error("the signature does not fit the statement")]
    Signature,
}

/// The members of `clientDataJSON` that are checked (`WebAuthn` Level 3, §5.8.1); browsers may add others.
#[derive(Deserialize)]
struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    #[serde(default, rename = "crossOrigin")]
    cross_origin: bool,
    #[serde(default, rename = "topOrigin")]
    top_origin: Option<String>,
}

/// The challenge that commits to a statement: SHA-256 over a fixed prefix, the length and the bytes. The statement's own nonce keeps it
/// unpredictable.
pub fn challenge(statement: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(DOMAIN);
    hash.update(u64::try_from(statement.len()).unwrap_or(u64::MAX).to_be_bytes());
    hash.update(statement.as_bytes());
    hash.finalize().into()
}

/// Whether the assertion was made by this passkey over exactly this text, by a verified person.
///
/// # Errors
/// The first fault, in the order of the members of [`AssertionFault`].
pub fn check_assertion(key: &Passkey, text: &str, assertion: &Assertion) -> Result<(), AssertionFault> {
    let client = bounded("client_data", assertion.client_data.as_bytes(), CLIENT_MAX)?;
    let data = decoded("authenticator_data", &assertion.authenticator_data, DATA_MAX)?;
    let signature = decoded("signature", &assertion.signature, SIGNATURE_MAX)?;
    decoded("credential", &assertion.credential, CREDENTIAL_MAX)?;
    if assertion.credential != key.credential() {
        return Err(AssertionFault::Stranger);
    }
    check_client(key, client, text)?;
    check_data(key, &data)?;
    let mut signed = data;
    signed.extend(Sha256::digest(client));
    let public = UnparsedPublicKey::new(scheme(key.algorithm()), key.key());
    public.verify(&signed, &signature).map_err(|_| AssertionFault::Signature)
}

fn check_client(key: &Passkey, client: &[u8], text: &str) -> Result<(), AssertionFault> {
    let said: ClientData = serde_json::from_slice(client).map_err(|_| AssertionFault::Shape("client_data"))?;
    if said.kind != "webauthn.get" {
        return Err(AssertionFault::Type);
    }
    if said.origin != key.origin() || said.cross_origin || said.top_origin.is_some() {
        return Err(AssertionFault::Origin);
    }
    let given = decoded("challenge", &said.challenge, 64)?;
    if bool::from(given.as_slice().ct_eq(&challenge(text))) { Ok(()) } else { Err(AssertionFault::Challenge) }
}

fn check_data(key: &Passkey, data: &[u8]) -> Result<(), AssertionFault> {
    let shape = AssertionFault::Shape("authenticator_data");
    let (site, rest) = data.split_first_chunk::<32>().filter(|_| data.len() >= DATA_MIN).ok_or(shape)?;
    let flags = *rest.first().ok_or(shape)?;
    if site.as_slice() != Sha256::digest(key.host().as_bytes()).as_slice() {
        return Err(AssertionFault::Site);
    }
    let checks = [
        (flags & PRESENT != 0, AssertionFault::Absent),
        (flags & VERIFIED != 0, AssertionFault::Unverified),
        ((flags & BACKUP_ELIGIBLE != 0) == key.synced(), AssertionFault::Kind),
    ];
    checks.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, fault)| Err(fault))
}

/// Whether one of these lines is a passkey that made the assertion over this text.
///
/// # Errors
/// The fault of the one passkey with the assertion's credential; [`AssertionFault::Stranger`] when there is none.
pub(crate) fn check_lines(text: &str, assertion: &Assertion, lines: &[&str]) -> Result<(), AssertionFault> {
    let named = lines.iter().filter_map(|line| line.parse::<Passkey>().ok()).find(|key| key.credential() == assertion.credential);
    check_assertion(&named.ok_or(AssertionFault::Stranger)?, text, assertion)
}

fn bounded<'a>(what: &'static str, bytes: &'a [u8], most: usize) -> Result<&'a [u8], AssertionFault> {
    if bytes.is_empty() || bytes.len() > most { Err(AssertionFault::Shape(what)) } else { Ok(bytes) }
}

fn decoded(what: &'static str, text: &str, most: usize) -> Result<Vec<u8>, AssertionFault> {
    // Four characters hold three bytes.
    let text = bounded(what, text.as_bytes(), most.div_ceil(3) * 4)?;
    URL_SAFE_NO_PAD.decode(text).map_err(|_| AssertionFault::Shape(what))
}

fn scheme(algorithm: Algorithm) -> &'static dyn VerificationAlgorithm {
    match algorithm {
        Algorithm::Es256 => &ECDSA_P256_SHA256_ASN1,
        Algorithm::Es384 => &ECDSA_P384_SHA384_ASN1,
        Algorithm::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
        Algorithm::EdDsa => &ED25519,
    }
}

#[cfg(test)]
pub(crate) mod authenticator;
#[cfg(test)]
mod tests;
