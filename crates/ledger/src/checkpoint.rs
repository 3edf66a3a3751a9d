//! The head of a log at one size, and its signed form: C2SP `tlog-checkpoint` 1.0.0.

use crate::hash::Hash;
use crate::key::{LogKey, Verifier, is_key_name};
use crate::note::{self, NoteError};
use crate::tree::empty_root;

/// Records in a log at most: what a signed 64-bit column and 63 proof hashes hold.
const SIZE_MAX: u64 = (1 << 63) - 1;

/// Origin, size and root of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log, and which life of it: `host/installation/e1`.
    pub origin: String,
    /// Number of records.
    pub size: u64,
    /// RFC 6962 root over them.
    pub root: Hash,
}

/// A checkpoint together with the note that signs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// What was signed.
    pub checkpoint: Checkpoint,
    /// The note as it is stored and sent.
    pub note: String,
}

/// Why a text is no checkpoint that may be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// Not a note, or not signed by the log.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// Not exactly origin, size and root on three lines.
    #[error("a checkpoint is three lines: origin, size, root")]
    Shape,
    /// An origin that no key can have.
    #[error("the origin of a checkpoint has no white space and no `+`")]
    Origin,
    /// Not a decimal number up to 2^63 − 1 without leading zeros.
    #[error("`{0}` is not the size of a log")]
    Size(String),
    /// Not 32 bytes in base64.
    #[error("the root of a checkpoint is not a digest")]
    Root,
    /// Size 0 with a root other than the hash of nothing.
    #[error("a log without records has the hash of nothing as its root")]
    EmptyRoot,
    /// A key that signs for another log.
    #[error("a checkpoint of `{origin}` signed by the key of `{key}`")]
    Foreign {
        /// What the checkpoint says.
        origin: String,
        /// Whose key signed it.
        key: String,
    },
}

impl Checkpoint {
    /// The three lines that are signed.
    pub fn to_text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, self.root.to_base64())
    }

    /// Reads the text of a note. Extension lines are refused: not every signature type covers them.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let lines: Vec<&str> = text.strip_suffix('\n').ok_or(CheckpointError::Shape)?.splitn(5, '\n').collect();
        let [origin, size, root] = lines.as_slice() else { return Err(CheckpointError::Shape) };
        if !is_key_name(origin) {
            return Err(CheckpointError::Origin);
        }
        let size = parse_decimal(size).filter(|size| *size <= SIZE_MAX).ok_or_else(|| {
            let shown: String = size.chars().take(40).collect();
            CheckpointError::Size(shown)
        })?;
        let root = Hash::from_base64(root).map_err(|_| CheckpointError::Root)?;
        if size == 0 && root != empty_root() {
            return Err(CheckpointError::EmptyRoot);
        }
        Ok(Self { origin: (*origin).to_owned(), size, root })
    }
}

/// ASCII digits without leading zeros, within 64 bits.
pub(crate) fn parse_decimal(text: &str) -> Option<u64> {
    let plain = text == "0" || !text.starts_with('0');
    (plain && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

impl Signed {
    /// Opens a note with the key of its log and keeps both.
    pub fn open(note: &str, verifier: &Verifier) -> Result<Self, CheckpointError> {
        Ok(Self { checkpoint: verifier.open_checkpoint(note)?, note: note.to_owned() })
    }
}

impl LogKey {
    /// The signed form. Compute it inside the transaction, release it only after COMMIT has answered.
    ///
    /// A checkpoint of another origin than this key's name, or one that [`Checkpoint::parse`] refuses, opens nowhere.
    pub fn sign_checkpoint(&self, checkpoint: &Checkpoint) -> String {
        let text = checkpoint.to_text();
        format!("{text}\n{}", self.signature_line(&text))
    }
}

impl Verifier {
    /// The checkpoint in a note that this key signed and whose origin is this key's name.
    pub fn open_checkpoint(&self, note: &str) -> Result<Checkpoint, CheckpointError> {
        let checkpoint = Checkpoint::parse(note::open(note, std::slice::from_ref(self))?)?;
        if checkpoint.origin == self.name() {
            Ok(checkpoint)
        } else {
            Err(CheckpointError::Foreign { origin: checkpoint.origin, key: self.name().to_owned() })
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tree::leaf_hash;

    fn checkpoint() -> Checkpoint {
        Checkpoint { origin: "ledger.example/e1".to_owned(), size: 7, root: leaf_hash(b"x") }
    }

    #[test]
    fn a_checkpoint_opens_for_the_key_of_its_log_only() {
        let key = LogKey::from_seed("ledger.example/e1", &[1; 32]).unwrap();
        let signed = Signed::open(&key.sign_checkpoint(&checkpoint()), &key.verifier()).unwrap();
        assert_eq!(signed.checkpoint, checkpoint());
        let other = LogKey::from_seed("ledger.example/e2", &[1; 32]).unwrap();
        let foreign = other.verifier().open_checkpoint(&other.sign_checkpoint(&checkpoint())).unwrap_err();
        assert_eq!(foreign.to_string(), "a checkpoint of `ledger.example/e1` signed by the key of `ledger.example/e2`");
    }

    #[test]
    fn a_checkpoint_in_any_other_spelling_is_refused() {
        let root = leaf_hash(b"x").to_base64();
        let check = |text: &str, expected| assert_eq!(Checkpoint::parse(text), Err(expected), "{text}");
        check("", CheckpointError::Shape);
        check(&format!("a\n1\n{root}"), CheckpointError::Shape);
        check(&format!("a\n1\n{root}\nextension\n"), CheckpointError::Shape);
        check(&format!("a b\n1\n{root}\n"), CheckpointError::Origin);
        check(&format!("\n1\n{root}\n"), CheckpointError::Origin);
        for size in ["", "01", "+1", "-1", "1 ", "9223372036854775808", "99999999999999999999"] {
            check(&format!("a\n{size}\n{root}\n"), CheckpointError::Size(size.to_owned()));
        }
        check("a\n1\nAAAA\n", CheckpointError::Root);
        check(&format!("a\n0\n{root}\n"), CheckpointError::EmptyRoot);
        assert!(Checkpoint::parse(&format!("a\n0\n{}\n", empty_root().to_base64())).is_ok());
    }

    proptest! {
        #[test]
        fn arbitrary_text_is_answered(text in "(\\PC|\n){0,80}") {
            let _ = Checkpoint::parse(&text);
        }
    }
}
