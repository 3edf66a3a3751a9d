//! The rules of C2SP signed-note, one by one.

use proptest::prelude::*;

use super::*;

const TEXT: &str = "first line\n\nthird line, after an empty one\n";

fn key(seed: u8) -> LogKey {
    LogKey::from_seed(&format!("key.example/{seed}"), &[seed; 32]).unwrap()
}

#[test]
fn a_note_opens_for_whoever_knows_the_key() {
    let note = key(1).sign(TEXT).unwrap();
    assert_eq!(open(&note, &[key(1).verifier()]), Ok(TEXT));
    insta::assert_snapshot!(note);
}

#[test]
fn a_note_that_others_made_opens_here() {
    // Signed with another implementation of Ed25519, put together by hand after the specification.
    let vkey = "vector.example/notes+ad13f3a8+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
    let text = "A note made elsewhere.\n\nIts text holds an empty line.\n";
    let signature = "rRPzqM7TgpkVmMt87wWt56IRYBWixdwV/hYJJPXecGwYC3hcNBYCf6DIsujIABnbhl7pBMb0u5n0p1B4xSviEajMUQQ=";
    let note = format!("{text}\n\u{2014} vector.example/notes {signature}\n");
    assert_eq!(open(&note, &[Verifier::parse(vkey).unwrap()]), Ok(text));
    let seed: [u8; 32] = std::array::from_fn(|at| u8::try_from(at).unwrap());
    assert_eq!(LogKey::from_seed("vector.example/notes", &seed).unwrap().sign(text), Ok(note));
}

#[test]
fn signatures_of_strangers_are_ignored_but_do_not_suffice() {
    let note = sign(TEXT, &[&key(1), &key(2)]).unwrap();
    assert_eq!(open(&note, &[key(2).verifier()]), Ok(TEXT));
    let strangers = open(&note, &[key(3).verifier()]).unwrap_err().to_string();
    assert!(strangers.starts_with("no signature of a known key; signed by `key.example/1+"), "{strangers}");
    assert!(open(&note, &[]).is_err());
    // The same name with another key is a stranger too.
    let namesake = LogKey::from_seed("key.example/1", &[9; 32]).unwrap();
    assert!(matches!(open(&note, &[namesake.verifier()]), Err(NoteError::Unknown(_))));
}

#[test]
fn a_known_key_whose_signature_fails_rejects_the_note() {
    let note = sign(TEXT, &[&key(1), &key(2)]).unwrap();
    let other = sign("other\n", &[&key(2)]).unwrap();
    let forged = other.rsplit_once("\n\n").unwrap().1;
    let both = format!("{note}{forged}");
    assert_eq!(open(&both, &[key(1).verifier()]), Ok(TEXT));
    assert!(matches!(open(&both, &[key(1).verifier(), key(2).verifier()]), Err(NoteError::Invalid(_))));
    let changed = note.replacen("first", "First", 1);
    assert!(matches!(open(&changed, &[key(1).verifier()]), Err(NoteError::Invalid(_))));
}

#[test]
fn a_note_out_of_shape_is_refused() {
    let good = key(1).sign(TEXT).unwrap();
    let check = |note: String, expected| assert_eq!(open(&note, &[key(1).verifier()]), Err(expected), "{note}");
    check(String::new(), NoteError::Shape);
    check(good.trim_end().to_owned(), NoteError::Shape);
    check(good.replace("first", "fir\tst"), NoteError::Text);
    check(good.replace("\u{2014} ", "- "), NoteError::Shape);
    check(good.replace("\u{2014} ", "\u{2014}  "), NoteError::Shape);
    check(format!("{good}\n"), NoteError::Shape);
    check(format!("{good}\u{2014} short AAAA\n"), NoteError::Shape);
    check(format!("{good}{}", "\u{2014} s AAAAAAA=\n".repeat(SIGNATURES_MAX)), NoteError::Signatures);
    check("x".repeat(NOTE_MAX_BYTES + 1), NoteError::TooLong(NOTE_MAX_BYTES + 1));
    assert!(open(&format!("{good}{}", "\u{2014} s AAAAAAA=\n".repeat(SIGNATURES_MAX - 1)), &[key(1).verifier()]).is_ok());
    assert_eq!(key(1).sign("no newline"), Err(NoteError::Text));
    assert_eq!(key(1).sign(""), Err(NoteError::Text));
}

#[test]
fn no_changed_byte_of_a_note_goes_unseen() {
    let good = key(1).sign(TEXT).unwrap();
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bytes = good.clone().into_bytes();
            bytes[at] ^= 1 << bit;
            if let Ok(note) = String::from_utf8(bytes) {
                assert!(open(&note, &[key(1).verifier()]).is_err(), "byte {at}, bit {bit}");
            }
        }
    }
}

proptest! {
    #[test]
    fn arbitrary_text_is_answered(note in "(\\PC|\n|\u{2014} ){0,80}") {
        prop_assert!(open(&note, &[key(1).verifier()]).is_err());
    }
}
