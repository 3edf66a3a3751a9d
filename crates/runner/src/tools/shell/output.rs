//! What a program prints: all of it is read and digested, the beginning is kept, and secrets never get that far.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::secret::Redactor;
use crate::tools::sandbox::{Said, split};

/// How much of each output is kept: half of what a report may carry.
pub(super) const KEPT_MAX: usize = 32 * 1024;
/// How much of each output is read before the program is cut off: nobody looks at more.
const READ_MAX: usize = 64 * 1024 * 1024;
/// How much is read at once.
const PIECE: usize = 16 * 1024;
/// How much is read while the launcher's line is waited for; it is far shorter.
const LINE_MAX: usize = 64 * 1024;

/// What was printed, after secrets were taken out: its beginning, its length and the SHA-256 digest of all of it.
pub(super) struct Output {
    kept: Vec<u8>,
    bytes: usize,
    digest: String,
    whole: bool,
}

/// Reads until the launcher's first line is whole; it, and what was read beyond it.
pub(super) async fn first_line(from: &mut (impl AsyncRead + Unpin)) -> (Option<Said>, Vec<u8>) {
    let (mut held, mut piece) = (Vec::new(), vec![0_u8; PIECE]);
    while held.len() < LINE_MAX {
        let Ok(count @ 1..) = from.read(&mut piece).await else { break };
        held.extend_from_slice(piece.get(..count).unwrap_or_default());
        if let Some((said, rest)) = split(&held) {
            return (Some(said), rest.to_vec());
        }
    }
    (None, held)
}

/// Reads to the end, beginning with what was read already.
pub(super) async fn drain(from: Option<impl AsyncRead + Unpin>, begin: Vec<u8>, redactor: &Redactor) -> Output {
    let (mut stream, mut clean, mut piece) = (redactor.stream(), Vec::new(), vec![0_u8; PIECE]);
    let mut output = Output { kept: Vec::new(), bytes: 0, digest: String::new(), whole: true };
    let (mut digest, mut read) = (Sha256::new(), begin.len());
    let mut take = |clean: &mut Vec<u8>, output: &mut Output| {
        digest.update(&*clean);
        output.bytes = output.bytes.saturating_add(clean.len());
        output.kept.extend(clean.iter().take(KEPT_MAX.saturating_sub(output.kept.len())));
        clean.clear();
    };
    stream.push(&begin, &mut clean);
    take(&mut clean, &mut output);
    if let Some(mut from) = from {
        while let Ok(count @ 1..) = from.read(&mut piece).await {
            stream.push(piece.get(..count).unwrap_or_default(), &mut clean);
            take(&mut clean, &mut output);
            read = read.saturating_add(count);
            if read >= READ_MAX {
                output.whole = false;
                break;
            }
        }
    }
    stream.finish(&mut clean);
    take(&mut clean, &mut output);
    output.digest = digest.finalize().iter().fold(String::from("sha256:"), |text, byte| text + &format!("{byte:02x}"));
    output
}

impl Output {
    /// The beginning, as text.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.kept).into_owned()
    }

    /// As reports carry it.
    pub(super) fn to_json(&self) -> Value {
        let mut json = json!({"text": self.text(), "bytes": self.bytes, "digest": self.digest});
        if let Some(members) = json.as_object_mut().filter(|_| !self.whole) {
            members.insert("cut_off".into(), Value::Bool(true));
        }
        json
    }
}

#[cfg(test)]
mod tests {
    use lineclear_core::digest::Digest;

    use super::*;
    use crate::secret::Secret;

    #[tokio::test]
    async fn the_digest_is_that_of_all_and_knows_no_pieces() {
        let text = "0123456789abcdef".repeat(10_000);
        for size in [1, 1_000, PIECE] {
            let mut mock = Vec::new();
            text.as_bytes().chunks(size).for_each(|piece| mock.push(piece.to_vec()));
            let joined = mock.concat();
            let output = drain(Some(&joined[..]), Vec::new(), &Redactor::default()).await;
            assert_eq!(output.digest, Digest::of(text.as_bytes()).to_string());
            assert_eq!((output.bytes, output.kept.len(), output.whole), (text.len(), KEPT_MAX, true));
        }
    }

    #[tokio::test]
    async fn a_secret_across_the_end_of_what_is_kept_is_not_kept_in_part() {
        let redactor = Redactor::new([&Secret::new("correct horse battery")]);
        let text = format!("{}correct horse battery", "x".repeat(KEPT_MAX - 4));
        let output = drain(Some(text.as_bytes()), Vec::new(), &redactor).await;
        assert!(output.text().ends_with("xx[sec"), "{}", output.text().len());
        assert_eq!(output.digest, Digest::of(text.replace("correct horse battery", "[secret]").as_bytes()).to_string());
    }
}
