//! The formats of the ledger: records, notes, checkpoints, tickets, tiles and keys, as a stranger may hand them in.

#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use lineclear_fuzz::{pick, text};
use lineclear_ledger::{
    Checkpoint, Draft, Entry, Hash, LogKey, Ticket, TilePath, Verifier, decode_bundle, decode_tile, encode_bundle, encode_tile, open, sign,
};

const VKEY: &str = include_str!("../../crates/ledger/frozen/v1/vkey");
const NOTE: &str = include_str!("../../crates/ledger/frozen/v1/checkpoint");

fuzz_target!(|data: &[u8]| {
    let Some((which, rest)) = pick(data, 11) else { return };
    let given = text(rest);
    match which {
        0 => entry(rest),
        1 => note(given),
        2 => {
            if let Ok(checkpoint) = Checkpoint::parse(given) {
                assert_eq!(checkpoint.to_text(), given, "two spellings of one checkpoint");
            }
        }
        3 => ticket(given),
        4 => {
            if let Ok(path) = TilePath::parse(given) {
                assert_eq!(path.to_string(), given, "two spellings of one path");
                assert!((1..=256).contains(&path.count()));
            }
        }
        5 => {
            if let Ok(hashes) = decode_tile(rest) {
                assert_eq!(encode_tile(&hashes), rest);
            }
        }
        6 => bundle(rest),
        7 => {
            if let Ok(verifier) = Verifier::parse(given) {
                assert_eq!(verifier.to_string().parse::<Verifier>().map(|again| again.id_hex()), Ok(verifier.id_hex()));
                assert_eq!(verifier.to_string(), given, "two spellings of one key");
            }
        }
        8 => signed(given),
        9 => hashes(given),
        _ => draft(rest),
    }
});

/// A record that is let through is sealed again, from what it says, as the same bytes.
fn entry(bytes: &[u8]) {
    if let Ok(entry) = Entry::parse(bytes) {
        let again = entry.draft().seal().map(Entry::into_bytes);
        assert_eq!(again.as_deref(), Ok(bytes), "sealed again as another record");
    }
}

/// No note is believed but the one that was signed.
fn note(given: &str) {
    let verifier = Verifier::parse(VKEY).expect("the key is sound");
    if let Ok(opened) = open(given, std::slice::from_ref(&verifier)) {
        assert!(NOTE.starts_with(opened), "a forged note");
        assert!(verifier.open_checkpoint(given).is_ok());
    }
}

fn ticket(given: &str) {
    if let Ok(ticket) = Ticket::parse(given) {
        assert_eq!(Ticket::parse(&ticket.to_text()).as_ref(), Ok(&ticket));
        let verifier = Verifier::parse(VKEY).expect("the key is sound");
        let stranger = lineclear_ledger::leaf_hash(b"never recorded");
        assert!(ticket.verify(stranger, &verifier).is_err(), "a proof of what was never recorded");
    }
}

fn bundle(bytes: &[u8]) {
    if let Ok(records) = decode_bundle(bytes) {
        assert_eq!(encode_bundle(&records).as_deref(), Ok(bytes));
        records.into_iter().for_each(entry);
    }
}

fn signed(given: &str) {
    let key = LogKey::from_seed("ledger.example/fuzz", &[7; 32]).expect("the name is sound");
    if let Ok(note) = sign(given, &[&key]) {
        assert_eq!(open(&note, &[key.verifier()]), Ok(given), "not opened as it was signed");
    }
}

fn hashes(given: &str) {
    if let Ok(hash) = Hash::from_hex(given) {
        assert_eq!(hash.to_string(), given);
    }
    if let Ok(hash) = Hash::from_base64(given) {
        assert_eq!(hash.to_base64(), given, "two spellings of one hash");
    }
    if let Ok(hash) = Hash::from_base64url(given) {
        assert_eq!(hash.to_base64url(), given, "two spellings of one hash");
    }
}

/// Any JSON as the body of a record: what is sealed is read again with the same body.
fn draft(bytes: &[u8]) {
    let Ok(body) = serde_json::from_slice::<serde_json::Value>(bytes) else { return };
    let word = |word: &str| word.to_owned();
    let draft = Draft {
        log: word("ledger.example/e1"),
        stream: word("change_0"),
        seq: 0,
        prev: None,
        id: word("id-0"),
        kind: word("change.noted/1"),
        time: word("2026-11-22T00:00:00.000000Z"),
        by_kind: word("agent"),
        by_id: word("agent_1"),
        body,
        commit: BTreeMap::new(),
        links: BTreeMap::new(),
    };
    if let Ok(sealed) = draft.seal() {
        assert_eq!(sealed.draft(), &draft, "sealed as another record");
        entry(sealed.bytes());
    }
}
