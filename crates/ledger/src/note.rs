//! C2SP signed notes: a text that is to be ignored unless a trusted key signed it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::key::{LogKey, Verifier, is_key_name};

/// Bytes in a note at most: 32 signatures of the longest post-quantum kind would just fit.
pub const NOTE_MAX_BYTES: usize = 128 * 1024;

/// Signatures on a note at most. C2SP wants at least 16 accepted; a witness in transition signs twice.
pub const SIGNATURES_MAX: usize = 32;

/// Why a text is no note that may be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Longer than [`NOTE_MAX_BYTES`].
    #[error("a note of {0} bytes")]
    TooLong(usize),
    /// A text without final newline, with control characters, or empty.
    #[error("the text of a note is lines without control characters")]
    Text,
    /// No empty line before the signatures, or a signature line out of shape.
    #[error("not a signed note: text, empty line, signature lines")]
    Shape,
    /// More than [`SIGNATURES_MAX`].
    #[error("more than 32 signatures")]
    Signatures,
    /// A known key whose signature does not fit the text: reason enough to reject everything.
    #[error("the signature of `{0}` does not fit the text")]
    Invalid(String),
    /// Nobody trusted has signed.
    #[error("no signature of a known key; signed by {0}")]
    Unknown(String),
}

/// One signature line.
pub(crate) struct SignatureLine<'a> {
    pub(crate) name: &'a str,
    pub(crate) id: [u8; 4],
    signature: Vec<u8>,
}

/// Signs `text`, which ends with a newline, with each key in turn.
pub fn sign(text: &str, keys: &[&LogKey]) -> Result<String, NoteError> {
    if !is_text(text) {
        return Err(NoteError::Text);
    }
    if keys.is_empty() || keys.len() > SIGNATURES_MAX {
        return Err(NoteError::Signatures);
    }
    Ok(format!("{text}\n{}", keys.iter().map(|key| key.signature_line(text)).collect::<String>()))
}

/// The text of a note that at least one of `verifiers` signed.
///
/// Signatures of unknown keys are ignored; one of a known key that fails rejects the note (C2SP signed-note 1.0.0).
pub fn open<'a>(note: &'a str, verifiers: &[Verifier]) -> Result<&'a str, NoteError> {
    let (text, signatures) = split(note)?;
    let mut known = false;
    for line in &signatures {
        for verifier in verifiers.iter().filter(|verifier| verifier.name() == line.name && verifier.id() == line.id) {
            if !verifier.holds(text, &line.signature) {
                return Err(NoteError::Invalid(line.to_string()));
            }
            known = true;
        }
    }
    if known { Ok(text) } else { Err(NoteError::Unknown(signers(&signatures))) }
}

impl LogKey {
    /// A note with one signature.
    pub fn sign(&self, text: &str) -> Result<String, NoteError> {
        sign(text, &[self])
    }
}

/// Text and signature lines, none of them believed.
pub(crate) fn split(note: &str) -> Result<(&str, Vec<SignatureLine<'_>>), NoteError> {
    if note.len() > NOTE_MAX_BYTES {
        return Err(NoteError::TooLong(note.len()));
    }
    // The text may hold empty lines itself: it ends at the last one.
    let (before, lines) = note.rsplit_once("\n\n").ok_or(NoteError::Shape)?;
    let text = note.get(..=before.len()).filter(|text| is_text(text)).ok_or(NoteError::Text)?;
    let lines = lines.strip_suffix('\n').ok_or(NoteError::Shape)?;
    if lines.split('\n').count() > SIGNATURES_MAX {
        return Err(NoteError::Signatures);
    }
    let signatures = lines.split('\n').map(|line| SignatureLine::parse(line).ok_or(NoteError::Shape));
    Ok((text, signatures.collect::<Result<_, _>>()?))
}

/// `name+id` of each signer, for messages.
pub(crate) fn signers(signatures: &[SignatureLine<'_>]) -> String {
    signatures.iter().map(|line| format!("`{line}`")).collect::<Vec<_>>().join(", ")
}

impl<'a> SignatureLine<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (name, blob) = line.strip_prefix("\u{2014} ")?.split_once(' ')?;
        let blob = STANDARD.decode(blob).ok()?;
        let (id, signature) = blob.split_first_chunk::<4>()?;
        (is_key_name(name) && !signature.is_empty()).then(|| Self { name, id: *id, signature: signature.to_vec() })
    }
}

impl std::fmt::Display for SignatureLine<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}+{}", self.name, crate::key::id_hex(self.id))
    }
}

fn is_text(text: &str) -> bool {
    text.ends_with('\n') && !text.chars().any(|c| c < ' ' && c != '\n')
}

#[cfg(test)]
mod tests;
