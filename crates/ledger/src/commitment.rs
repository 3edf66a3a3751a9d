//! Salted commitments: how a record binds a payload that can still be erased.

use sha2::{Digest as _, Sha256};

use crate::hash::Hash;

/// The only commitment there is: SHA-256 over a domain word, 32 random bytes and the payload.
pub const COMMIT_ALG: &str = "sha256-salt/1";

/// Bytes of salt. As many as the digest, so that guessing the salt is no easier than guessing the digest.
pub const SALT_LEN: usize = 32;

/// Keeps a commitment from being any other hash of the same bytes.
const DOMAIN: &[u8] = b"lineclear/commit/1";

/// What a record says of a payload that lies beside the log. Erasing the salt and the payload leaves nothing that could be guessed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Commitment {
    /// [`COMMIT_ALG`].
    pub alg: String,
    /// SHA-256(domain ‖ salt ‖ payload), base64url.
    pub hash: String,
    /// Length of the payload in bytes. Pad the payload where its length tells something.
    pub len: u64,
    /// Media type of the payload.
    #[serde(rename = "type")]
    pub media: String,
}

/// Commits to a payload under a salt that must be fresh and random.
pub fn commit_payload(salt: &[u8; SALT_LEN], bytes: &[u8], media: &str) -> Commitment {
    // A `usize` is at most 64 bits wide on every platform there is.
    let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    Commitment { alg: COMMIT_ALG.to_owned(), hash: digest(salt, bytes).to_base64url(), len, media: media.to_owned() }
}

impl Commitment {
    /// Whether this salt and payload are the ones committed to.
    pub fn opens(&self, salt: &[u8; SALT_LEN], bytes: &[u8]) -> bool {
        self.alg == COMMIT_ALG && u64::try_from(bytes.len()) == Ok(self.len) && self.digest() == Some(digest(salt, bytes))
    }

    /// The committed hash, when it is spelled as one.
    pub fn digest(&self) -> Option<Hash> {
        Hash::from_base64url(&self.hash).ok()
    }
}

fn digest(salt: &[u8; SALT_LEN], bytes: &[u8]) -> Hash {
    Hash::from_bytes(Sha256::new().chain_update(DOMAIN).chain_update(salt).chain_update(bytes).finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_salt_and_payload_open_a_commitment() {
        let commitment = commit_payload(&[7; 32], b"payload", "text/plain");
        assert!(commitment.opens(&[7; 32], b"payload"));
        assert!(!commitment.opens(&[8; 32], b"payload"));
        assert!(!commitment.opens(&[7; 32], b"Payload"));
        assert!(!Commitment { len: 8, ..commitment.clone() }.opens(&[7; 32], b"payload"));
        assert!(!Commitment { alg: "md5/1".to_owned(), ..commitment.clone() }.opens(&[7; 32], b"payload"));
        assert!(!Commitment { hash: "AAAA".to_owned(), ..commitment }.opens(&[7; 32], b"payload"));
    }
}
