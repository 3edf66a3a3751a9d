//! The content address of an estate: one digest over the path and the bytes of every file.

use std::collections::BTreeMap;

use lineclear_core::Digest;

/// Part of the hashed bytes, so that this digest can be mistaken for no other.
const FORMAT: &[u8] = b"lineclear.estate/1\n";

/// The content address: SHA-256 over a format line and, ordered by path, each file's path length (eight bytes, big-endian),
/// path, and the SHA-256 of its bytes. No two sets of files share it by shifting bytes between a path and a content.
pub fn digest(files: &BTreeMap<String, Vec<u8>>) -> Digest {
    let mut list = FORMAT.to_vec();
    for (path, bytes) in files {
        list.extend_from_slice(&(path.len() as u64).to_be_bytes());
        list.extend_from_slice(path.as_bytes());
        list.extend_from_slice(Digest::of(bytes).as_bytes());
    }
    Digest::of(&list)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(files: &[(&str, &str)]) -> Digest {
        digest(&files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect())
    }

    #[test]
    fn every_path_and_every_byte_counts() {
        let all = [
            of(&[]),
            of(&[("a", "")]),
            of(&[("b", "")]),
            of(&[("a", "b")]),
            of(&[("ab", "")]),
            of(&[("a", ""), ("b", "")]),
            of(&[("b", "a")]),
        ];
        let distinct: std::collections::BTreeSet<Digest> = all.into();
        assert_eq!(distinct.len(), all.len());
        assert_eq!(of(&[("a", "1"), ("b", "2")]), of(&[("b", "2"), ("a", "1")]));
    }
}
