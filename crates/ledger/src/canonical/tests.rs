//! The scanner against the canonicalizer: what one writes the other takes, and nothing else.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn scan(text: &[u8]) -> Result<(), JsonFault> {
    let mut scan = Scan::new(text)?;
    scan.value(0)?;
    scan.end()
}

#[test]
fn anything_but_the_canonical_spelling_is_refused() {
    let check = |text: &str, expected| assert_eq!(scan(text.as_bytes()), expected, "{text}");
    check(r#"{"a":[1,-2,0,true,false,null,"é\n\u001f"],"b":{}}"#, Ok(()));
    check(r#"{"a": 1}"#, Err(JsonFault::Syntax(5)));
    check("1 ", Err(JsonFault::Syntax(1)));
    check(r#"{"b":1,"a":2}"#, Err(JsonFault::Order(7)));
    check(r#"{"a":1,"a":2}"#, Err(JsonFault::Duplicate(7)));
    check(r#"{"a":1,}"#, Err(JsonFault::Syntax(7)));
    check("[1,]", Err(JsonFault::Syntax(3)));
    check("1.0", Err(JsonFault::Float(0)));
    check("1e2", Err(JsonFault::Float(0)));
    check("-0", Err(JsonFault::Spelling(0)));
    check("01", Err(JsonFault::Syntax(0)));
    check("-", Err(JsonFault::Syntax(0)));
    check("9007199254740991", Ok(()));
    check("-9007199254740991", Ok(()));
    check("9007199254740992", Err(JsonFault::Range(0)));
    check("99999999999999999999", Err(JsonFault::Range(0)));
    check(r#""\u0041""#, Err(JsonFault::Spelling(1)));
    check(r#""\u000a""#, Err(JsonFault::Spelling(1)));
    check(r#""\u001F""#, Err(JsonFault::Spelling(1)));
    check(r#""\/""#, Err(JsonFault::Spelling(1)));
    check("\"\n\"", Err(JsonFault::Syntax(1)));
    check("\"a", Err(JsonFault::Syntax(1)));
    check(&"[".repeat(17), Err(JsonFault::Depth(16)));
    check(&format!("{}{}", "[".repeat(16), "]".repeat(16)), Ok(()));
    assert_eq!(scan(b"\"\xff\""), Err(JsonFault::Utf8));
}

#[test]
fn keys_are_sorted_by_utf16_as_the_rfc_wants() {
    // U+1F600 begins with the code unit D83D and therefore comes before U+FB33.
    assert_eq!(scan("{\"\u{1f600}\":1,\"\u{fb33}\":2}".as_bytes()), Ok(()));
    assert_eq!(scan("{\"\u{fb33}\":1,\"\u{1f600}\":2}".as_bytes()), Err(JsonFault::Order(9)));
}

#[test]
fn a_value_that_would_be_changed_is_refused_before_it_is_written() {
    let check = |value: Value, expected| assert_eq!(write(&value).map(|_| ()), expected);
    check(json!({"a": [1, "x", null]}), Ok(()));
    check(json!(1.5), Err(ValueFault::Number));
    check(json!(1.0), Err(ValueFault::Number));
    check(json!(u64::MAX), Err(ValueFault::Number));
    check(json!(i64::MIN), Err(ValueFault::Number));
    check(json!([9_007_199_254_740_992u64]), Err(ValueFault::Number));
    check((0..17).fold(json!(1), |inner, _| json!([inner])), Err(ValueFault::Depth));
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-9_007_199_254_740_991i64..=9_007_199_254_740_991).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..6).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn what_the_canonicalizer_writes_is_taken_and_means_the_same(value in values()) {
        let bytes = write(&value).unwrap();
        prop_assert_eq!(scan(&bytes), Ok(()));
        prop_assert_eq!(serde_json::from_slice::<Value>(&bytes).unwrap(), value);
    }

    #[test]
    fn what_is_taken_is_what_the_canonicalizer_writes(value in values(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = write(&value).unwrap();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if scan(&bytes).is_ok() {
            let value: Value = serde_json::from_slice(&bytes).unwrap();
            prop_assert_eq!(write(&value).unwrap(), bytes);
        }
    }

    #[test]
    fn arbitrary_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = scan(&bytes);
    }
}
