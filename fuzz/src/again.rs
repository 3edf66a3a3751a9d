//! What was read and is written again must be read as the same thing.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A text that is let through is read again, from what it prints, as the same value.
pub fn text_again<T: FromStr<Err: Display> + Display + PartialEq + Debug>(text: &str) {
    match text.parse::<T>() {
        Ok(value) => {
            let again = value.to_string().parse::<T>().map_err(|error| error.to_string());
            assert_eq!(again, Ok(value), "not read again as it was");
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// As [`text_again`], for types that have one spelling only: what is printed is what was read.
pub fn text_exactly<T: FromStr<Err: Display> + Display>(text: &str) {
    match text.parse::<T>() {
        Ok(value) => assert_eq!(value.to_string(), text, "two spellings of one value"),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// JSON that is let through is read again, from what is written, as the same value, fractions included.
pub fn json_again<T: DeserializeOwned + Serialize + PartialEq + Debug>(bytes: &[u8]) -> Option<T> {
    let value: T = serde_json::from_slice(bytes).ok()?;
    let text = serde_json::to_string(&value).expect("what was read can be written");
    let again: T = serde_json::from_str(&text).unwrap_or_else(|error| panic!("not read again: {error}\n{text}"));
    assert!(again == value, "read again as another value\n{text}");
    Some(value)
}
