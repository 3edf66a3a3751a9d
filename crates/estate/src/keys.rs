//! `keys/<login>.pub`: the OpenSSH public keys and passkeys that may sign for a person.

use lineclear_core::name::Login;
use lineclear_core::passkey::{PASSKEY_WORD, Passkey};
use ssh_key::{Algorithm, PublicKey};

use crate::fault::{At, Fault, Faults, LoadError, Place, Text};
use crate::members::cut;

/// Most keys of one person: a laptop, a spare, a hardware token, and one that is being replaced.
const KEYS_MAX: usize = 8;
/// Longest line, in bytes; an Ed25519 key has about 80 and a comment.
const LINE_MAX: usize = 500;

/// The keys of one person, each with its place and its key without the comment.
#[derive(Debug)]
pub(crate) struct KeysDraft {
    pub(crate) login: Option<At<Login>>,
    pub(crate) keys: Vec<(At<String>, Vec<u8>)>,
}

/// Reads the public keys of one file, one a line; blank lines and lines with `#` are skipped.
///
/// # Errors
/// Everything in it that is wrong.
pub fn parse_keys(path: &str, text: &str) -> Result<Vec<String>, LoadError> {
    let faults = Faults::default();
    let draft = read(path, text, &faults);
    faults.settle(Some(draft.keys.into_iter().map(|(key, _)| key.value).collect()))
}

pub(crate) fn read(path: &str, text: &str, faults: &Faults) -> KeysDraft {
    let text = Text::new(path, text);
    let stem = path.rsplit('/').next().unwrap_or(path).trim_end_matches(".pub");
    let login = match stem.parse::<Login>() {
        Ok(value) => Some(At { value, place: Place::start(&text) }),
        Err(error) => {
            faults.push(Fault::of_file(path, error.to_string(), Some("name the file `<login>.pub`".into())));
            None
        }
    };
    let (mut keys, mut start) = (Vec::new(), 0);
    if text.text.contains("PRIVATE KEY") {
        // Without a place, so that no message repeats what stands there.
        let help = "remove it here and make a new one, since others may have read this one";
        faults.push(Fault::of_file(path, "a private key in the estate", Some(help.into())));
        return KeysDraft { login, keys };
    }
    for line in text.text.split_inclusive('\n') {
        let place = Place::new(&text, start..start + line.trim_end().len());
        start += line.len();
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(raw) = key(line, &place, faults) {
            keys.push((At { value: line.to_owned(), place }, raw));
        }
    }
    if keys.len() > KEYS_MAX {
        faults.at(&Place::start(&text), format!("one person has at most {KEYS_MAX} keys, not {}", keys.len()), None);
    }
    KeysDraft { login, keys }
}

/// The key itself, so that two persons with one key are found whatever the comments say.
fn key(line: &str, place: &Place, faults: &Faults) -> Option<Vec<u8>> {
    if line.split_ascii_whitespace().next() == Some(PASSKEY_WORD) {
        let help = "copy the line that the console shows under `Your keys` when a passkey is made";
        let read = line.parse::<Passkey>().map_err(|error| faults.at(place, error.to_string(), Some(help.into())));
        return read.ok().map(|passkey| passkey.key().to_vec());
    }
    let read = (line.len() <= LINE_MAX).then(|| PublicKey::from_openssh(line).ok()).flatten();
    let Some(key) = read else {
        let help = "write the line of an OpenSSH `.pub` file: `ssh-ed25519 AAAA… comment`, or that of a passkey";
        faults.at(place, format!("`{}` is no OpenSSH public key", cut(line)), Some(help.into()));
        return None;
    };
    if key.algorithm() != Algorithm::Ed25519 {
        let help = "make one with `ssh-keygen -t ed25519`";
        faults.at(place, format!("a key of type `{}`; only `ssh-ed25519` signs here", key.algorithm()), Some(help.into()));
        return None;
    }
    key.key_data().ed25519().map(|key| key.0.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::FAULTS_MAX;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f alice@laptop\n";

    /// How many faults are made while a text is read, and how many are told.
    fn check(text: &str, made: usize, told: usize) {
        let faults = Faults::default();
        let draft = read("keys/alice.pub", text, &faults);
        assert_eq!(faults.count(), made, "made");
        let told_of = faults.settle(Some(draft)).map_or_else(|error| error.faults().len(), |_| 0);
        assert_eq!(told_of, told, "told");
    }

    #[test]
    fn a_passkey_is_a_key_and_a_broken_one_is_told_by_its_place() {
        let good = "passkey http://localhost:7000 device Y3JlZA MCowBQYDK2VwAyEABQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU= alice’s phone";
        assert_eq!(parse_keys("keys/alice.pub", &format!("{KEY}{good}\n")).unwrap().len(), 2);
        let error = parse_keys("keys/alice.pub", &format!("{KEY}{}\n", good.replace("device", "phone"))).unwrap_err();
        let told = error.to_string();
        assert!(told.contains("keys/alice.pub:2:1") && told.contains("`phone` is neither `device` nor `synced`"), "{told}");
    }

    #[test]
    fn a_file_of_very_many_lines_costs_no_more_faults_than_are_told() {
        check(&KEY.repeat(KEYS_MAX), 0, 0);
        check(&KEY.repeat(KEYS_MAX + 1), 1, 1);
        check(&KEY.repeat(3_000), 1, 1);
        check(&"no key\n".repeat(FAULTS_MAX), FAULTS_MAX, FAULTS_MAX);
        check(&"no key\n".repeat(FAULTS_MAX + 50), FAULTS_MAX + 1, FAULTS_MAX);
        // Each fault copies the text, and counts the lines above it: past the bound none is made at all.
        check(&"x\n".repeat(crate::FILE_BYTES_MAX / 2), FAULTS_MAX + 1, FAULTS_MAX);
        check(&"ssh-rsa AAAAB3NzaC1yc2E= a\n".repeat(9_000), FAULTS_MAX + 1, FAULTS_MAX);
        check(&"#\n".repeat(crate::FILE_BYTES_MAX / 2), 0, 0);
    }
}
