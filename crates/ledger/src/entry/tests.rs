//! What becomes a record and what is refused.

use proptest::prelude::*;

use super::*;
use crate::commitment::commit_payload;

fn draft() -> Draft {
    Draft {
        log: "ledger.example/acme/e1".to_owned(),
        stream: "change_0190".to_owned(),
        seq: 1,
        prev: Some(leaf_hash(b"before")),
        id: "0190-1".to_owned(),
        kind: "change.cleared/1".to_owned(),
        time: "2026-11-22T02:14:07.123456Z".to_owned(),
        by_kind: "agent".to_owned(),
        by_id: "agent_01J".to_owned(),
        body: json!({"risk": "low", "bp": 9_850}),
        commit: BTreeMap::from([("evidence".to_owned(), commit_payload(&[1; 32], b"{}", "application/json"))]),
        links: BTreeMap::from([("incident".to_owned(), "incident_7".to_owned())]),
    }
}

#[test]
fn a_record_says_what_its_draft_said() {
    let entry = draft().seal().unwrap();
    assert_eq!(entry.draft(), &draft());
    assert_eq!(Entry::parse(entry.bytes()).unwrap(), entry);
    assert_eq!(entry.leaf(), leaf_hash(entry.bytes()));
    insta::assert_snapshot!(String::from_utf8(entry.into_bytes()).unwrap());
}

#[test]
fn a_draft_that_breaks_a_rule_is_refused_before_it_gets_an_index() {
    let check = |change: &dyn Fn(&mut Draft), expected: &str| {
        let mut draft = draft();
        change(&mut draft);
        assert_eq!(draft.seal().unwrap_err().to_string(), expected);
    };
    check(&|d| d.body = json!([]), "not canonical JSON at byte 8");
    check(&|d| d.body = json!({"a": 0.5}), "a number that is not an integer within 2^53 - 1");
    check(&|d| d.seq = 1 << 53, "a number that is not an integer within 2^53 - 1");
    check(&|d| d.seq = 0, "member `prev` is not absent at seq 0 and present after it");
    check(&|d| d.prev = None, "member `prev` is not absent at seq 0 and present after it");
    check(&|d| d.id = String::new(), "member `id` is not a short id");
    check(&|d| d.id = "a b".to_owned(), "member `id` is not a short id");
    check(&|d| d.stream = "s".repeat(129), "member `stream` is not a short name");
    check(&|d| d.log = "a+b".to_owned(), "member `log` is not the origin of a log");
    check(&|d| d.body = json!({"a": "x".repeat(ENTRY_MAX_BYTES)}), "a record of 33199 bytes, at most 32768 are allowed");
    for kind in ["change", "change/0", "change/01", "Change/1", "/1", "change/1/2", "change/x"] {
        check(&|d| d.kind = kind.to_owned(), "member `kind` is not a name and a major version");
    }
    for time in [
        "2026-11-22T02:14:07Z",
        "2026-11-22T02:14:07.123Z",
        "2026-11-22 02:14:07.123456Z",
        "2026-11-22T02:14:07.123456+00:00",
        "2026-02-29T02:14:07.123456Z",
        "2026-13-01T02:14:07.123456Z",
        "2026-11-31T02:14:07.123456Z",
        "2026-11-00T02:14:07.123456Z",
        "2026-11-22T24:14:07.123456Z",
        "2026-11-22T02:60:07.123456Z",
        "2026-11-22T02:14:60.123456Z",
    ] {
        check(&|d| d.time = time.to_owned(), "member `time` is not UTC with six digits after the second");
    }
    check(&|d| d.commit.get_mut("evidence").unwrap().alg = "md5/1".to_owned(), "member `commit` is not of a known algorithm");
    check(&|d| d.commit.get_mut("evidence").unwrap().hash.push('A'), "member `commit` is not a digest in base64url");
    check(
        &|d| d.links = (0..65).map(|n| (format!("l{n}"), "x".to_owned())).collect(),
        "member `links` is not at most 64 short ids with short names",
    );
}

#[test]
fn bytes_that_are_not_exactly_canonical_are_refused() {
    let text = String::from_utf8(draft().seal().unwrap().into_bytes()).unwrap();
    let check = |from: &str, to: &str, expected: &str| {
        assert!(text.contains(from), "{from}");
        assert_eq!(Entry::parse(text.replacen(from, to, 1).as_bytes()).unwrap_err().to_string(), expected);
    };
    check("{\"bp\":9850", "{ \"bp\":9850", "not canonical JSON at byte 9");
    check("9850", "9850.0", "a number that is not an integer at byte 14");
    check("9850", "9007199254740993", "an integer beyond 2^53 - 1 at byte 14");
    check("\"bp\":9850", "\"bp\":9850,\"bp\":1", "a key a second time at byte 19");
    check("\"bp\":9850", "\"z\":1", "a key out of order at byte 15");
    check("\"v\":1", "\"v\":2", "a record of version 2, only 1 is known");
    check("\"v\":1", "\"v\":1,\"w\":1", "member `v` is not where it belongs");
    check("\"sign\":[]", "\"sign\":[1]", "member `sign` is not where it belongs");
    check(",\"time\"", ",\"tame\"", "member `time` is not where it belongs");
    check("\"low\"", "\"\\u006cow\"", "a character in another than the canonical spelling at byte 27");
    assert_eq!(Entry::parse(format!("{text}\n").as_bytes()).unwrap_err().to_string(), format!("not canonical JSON at byte {}", text.len()));
    assert_eq!(Entry::parse(&[0xff]).unwrap_err().to_string(), "not UTF-8");
}

proptest! {
    #[test]
    fn a_changed_byte_is_refused_or_is_another_record(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let entry = draft().seal().unwrap();
        let mut bytes = entry.bytes().to_vec();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(other) = Entry::parse(&bytes) {
            prop_assert_eq!(other.leaf() == entry.leaf(), bytes == entry.bytes());
            let again = other.draft().seal().unwrap();
            prop_assert_eq!(again.bytes(), &bytes[..]);
        }
    }

    #[test]
    fn arbitrary_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(Entry::parse(&bytes).is_err());
    }
}
