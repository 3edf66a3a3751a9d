//! The envelope of a warrant: DSSE version 1 with Ed25519. It is believed whole or not at all, and read in one spelling only.
//!
//! What is signed is the pre-authentication encoding `DSSEv1 <len> <type> <len> <payload>` (secure-systems-lab/dsse, protocol.md).

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::warrant::{ENVELOPE_MAX, PAYLOAD_TYPE, Warrant};

/// What a verifier's text begins with.
const TEXT_PREFIX: &str = "warrant-ed25519:";
/// Bytes of the key's digest that make its id: enough to tell keys apart, and not what trust rests on.
const ID_BYTES: usize = 8;

/// The control plane's key for warrants. Its secret half is wiped when it is dropped and never printed.
pub struct WarrantKey(SigningKey);

/// The public half, as runners pin it. Prints as `warrant-ed25519:` and base64.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct WarrantVerifier(VerifyingKey);

/// Why a text is no [`WarrantVerifier`]. The text is left out: somebody may have pasted a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not `warrant-ed25519:` and base64 of 32 bytes.
    #[error("a warrant key has the form `warrant-ed25519:` and 44 characters of base64")]
    Shape,
    /// No point of the curve, or one of small order.
    #[error("no usable Ed25519 public key")]
    Point,
}

/// Why a warrant was not sealed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// It would be longer than [`ENVELOPE_MAX`].
    #[error("an envelope of {0} bytes, at most {ENVELOPE_MAX} are allowed")]
    TooLong(usize),
    /// It does not come back from JSON as it went in, for instance because of a fraction in a call.
    #[error("the warrant does not survive JSON: {0}")]
    Unstable(String),
}

/// Why an envelope is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// Longer than [`ENVELOPE_MAX`].
    #[error("an envelope of {0} bytes, at most {ENVELOPE_MAX} are allowed")]
    TooLong(usize),
    /// Not an envelope with one signature, or spelled in another way than we do.
    #[error("not an envelope: {0}")]
    Shape(String),
    /// Another payload type.
    #[error("the payload type is `{0}`, not `{PAYLOAD_TYPE}`")]
    PayloadType(String),
    /// Signed by a key that is not the pinned one, or by nobody.
    #[error("the signature is not that of the pinned warrant key")]
    Signature,
    /// Signed, but no warrant that this program knows.
    #[error("the payload is no warrant: {0}")]
    Payload(String),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    payload: String,
    #[serde(rename = "payloadType")]
    payload_type: String,
    signatures: [Signed; 1],
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signed {
    keyid: String,
    sig: String,
}

impl WarrantKey {
    /// The key of these 32 secret bytes. The caller wipes its own copy of them.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(SigningKey::from_bytes(&seed))
    }

    /// The public half.
    pub fn public(&self) -> WarrantVerifier {
        WarrantVerifier(self.0.verifying_key())
    }

    /// The warrant as a signed envelope: JSON on one line.
    ///
    /// # Errors
    /// When it would be too long, or would not be read back as the same warrant.
    pub fn seal(&self, warrant: &Warrant) -> Result<String, SealError> {
        let payload = serde_json::to_vec(warrant).map_err(|error| SealError::Unstable(error.to_string()))?;
        if read(&payload).as_ref() != Ok(warrant) {
            return Err(SealError::Unstable("it reads back as another one".into()));
        }
        let text = self.envelope(&payload, PAYLOAD_TYPE);
        if text.len() > ENVELOPE_MAX { Err(SealError::TooLong(text.len())) } else { Ok(text) }
    }

    fn envelope(&self, payload: &[u8], payload_type: &str) -> String {
        let signature = self.0.sign(&pre_authentication(payload_type, payload)).to_bytes();
        let signed = Signed { keyid: self.public().id(), sig: STANDARD.encode(signature) };
        let envelope = Envelope { payload: STANDARD.encode(payload), payload_type: payload_type.into(), signatures: [signed] };
        serde_json::to_string(&envelope).unwrap_or_default()
    }
}

impl fmt::Debug for WarrantKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WarrantKey({})", self.public())
    }
}

impl WarrantVerifier {
    /// The first eight bytes of SHA-256 over the public key, in hexadecimal.
    pub fn id(&self) -> String {
        let digest: [u8; 32] = Sha256::digest(self.0.as_bytes()).into();
        lineclear_ledger::Hash::from_bytes(digest).to_string().chars().take(ID_BYTES * 2).collect()
    }
}

impl fmt::Display for WarrantVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{TEXT_PREFIX}{}", STANDARD.encode(self.0.as_bytes()))
    }
}

impl fmt::Debug for WarrantVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for WarrantVerifier {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let key = text.strip_prefix(TEXT_PREFIX).filter(|key| key.len() == 44).ok_or(KeyError::Shape)?;
        let key: [u8; 32] = STANDARD.decode(key).ok().and_then(|key| key.try_into().ok()).ok_or(KeyError::Shape)?;
        VerifyingKey::from_bytes(&key).ok().filter(|key| !key.is_weak()).map(Self).ok_or(KeyError::Point)
    }
}

/// The warrant in an envelope that the pinned key signed.
///
/// Exactly one spelling is accepted, that of [`WarrantKey::seal`]: no second signature, no unknown or repeated member at any
/// depth, no white space.
///
/// # Errors
/// The first thing that is wrong; nothing of the payload is read before its signature holds.
pub fn open(envelope: &str, verifier: &WarrantVerifier) -> Result<Warrant, EnvelopeError> {
    if envelope.len() > ENVELOPE_MAX {
        return Err(EnvelopeError::TooLong(envelope.len()));
    }
    let shape = |why: &str| EnvelopeError::Shape(why.into());
    let parsed: Envelope = serde_json::from_str(envelope).map_err(|error| EnvelopeError::Shape(error.to_string()))?;
    if parsed.payload_type != PAYLOAD_TYPE {
        return Err(EnvelopeError::PayloadType(parsed.payload_type.chars().take(80).collect()));
    }
    if !serde_json::to_string(&parsed).is_ok_and(|again| again == envelope) {
        return Err(shape("spelled in another way"));
    }
    let [signed] = &parsed.signatures;
    let payload = STANDARD.decode(&parsed.payload).map_err(|_| shape("the payload is no base64"))?;
    let signature = STANDARD.decode(&signed.sig).map_err(|_| shape("the signature is no base64"))?;
    let signature = Signature::from_slice(&signature).map_err(|_| EnvelopeError::Signature)?;
    let bytes = pre_authentication(PAYLOAD_TYPE, &payload);
    if signed.keyid != verifier.id() || verifier.0.verify_strict(&bytes, &signature).is_err() {
        return Err(EnvelopeError::Signature);
    }
    read(&payload).map_err(EnvelopeError::Payload)
}

/// A warrant whose bytes are exactly the ones that this program would write: a repeated member cannot hide in them.
fn read(payload: &[u8]) -> Result<Warrant, String> {
    let warrant: Warrant = serde_json::from_slice(payload).map_err(|error| error.to_string())?;
    let again = serde_json::to_vec(&warrant).map_err(|error| error.to_string())?;
    if again == payload { Ok(warrant) } else { Err("a member is repeated, or written in another way".into()) }
}

fn pre_authentication(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::fixture::World;

    fn check(envelope: &str, expected: &str) {
        let world = World::new();
        let word = match open(envelope, &world.key().public()) {
            Ok(_) => "opened",
            Err(EnvelopeError::TooLong(_)) => "too long",
            Err(EnvelopeError::Shape(_)) => "shape",
            Err(EnvelopeError::PayloadType(_)) => "type",
            Err(EnvelopeError::Signature) => "signature",
            Err(EnvelopeError::Payload(_)) => "payload",
        };
        assert_eq!(word, expected, "{}", envelope.chars().take(200).collect::<String>());
    }

    #[test]
    fn the_encoding_is_that_of_the_dsse_specification() {
        let bytes = pre_authentication("http://example.com/HelloWorld", b"hello world");
        assert_eq!(bytes, b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
    }

    #[test]
    fn what_was_sealed_opens_and_anything_else_does_not() {
        let world = World::new();
        let (key, warrant) = (world.key(), world.warrant());
        let good = key.seal(&warrant).unwrap();
        assert_eq!(open(&good, &key.public()).as_ref(), Ok(&warrant));
        check(&good, "opened");
        check(&format!("{good} "), "shape");
        check(&good.replacen('{', "{\"x\":1,", 1), "shape");
        check(&good.replacen("\"payloadType\":", "\"payloadType\":\"x\",\"payloadType\":", 1), "shape");
        check(&good.replace(PAYLOAD_TYPE, "application/json"), "type");
        check(&WarrantKey::from_seed([9; 32]).seal(&warrant).unwrap(), "signature");
        check(&"x".repeat(ENVELOPE_MAX + 1), "too long");
        check("", "shape");
        check(&key.envelope(b"{}", PAYLOAD_TYPE), "payload");
        let signature = good.split("\"signatures\":[").nth(1).unwrap().trim_end_matches("]}").to_owned();
        check(&good.replace(&signature, &format!("{signature},{signature}")), "shape");
        check(&good.replace(&signature, ""), "shape");
    }

    #[test]
    fn a_member_repeated_deep_inside_is_refused_though_it_is_signed() {
        let world = World::new();
        let text = serde_json::to_string(&world.warrant()).unwrap();
        let twice = text.replacen("\"with\":{", "\"with\":{\"zone\":\"other.test\",", 1);
        assert_ne!(text, twice);
        check(&world.key().envelope(text.as_bytes(), PAYLOAD_TYPE), "opened");
        check(&world.key().envelope(twice.as_bytes(), PAYLOAD_TYPE), "payload");
    }

    #[test]
    fn a_public_key_survives_its_text_and_the_secret_is_never_printed() {
        let key = WarrantKey::from_seed([7; 32]);
        assert_eq!(key.public().to_string().parse(), Ok(key.public()));
        assert_eq!(format!("{key:?}"), format!("WarrantKey({})", key.public()));
        for bad in ["", "warrant-ed25519:", "warrant-ed25519:AAAA"] {
            assert_eq!(bad.parse::<WarrantVerifier>(), Err(KeyError::Shape), "{bad}");
        }
        let weak = format!("warrant-ed25519:{}", STANDARD.encode([0_u8; 32]));
        assert_eq!(weak.parse::<WarrantVerifier>(), Err(KeyError::Point));
    }
}
