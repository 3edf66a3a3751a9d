//! One pass that accepts RFC 8785 bytes of our profile and nothing else, without building or re-serialising anything.
//!
//! Parsing, canonicalising again and comparing takes twenty times as long, and both steps silently change what they cannot hold.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::Value;

/// The largest integer that every JSON reader holds exactly (RFC 8785 §3.2.2.3, I-JSON).
pub(crate) const INTEGER_MAX: u64 = (1 << 53) - 1;

/// Objects and arrays within each other at most; a record needs six.
pub(crate) const DEPTH_MAX: u8 = 16;

/// What is wrong with the bytes of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JsonFault {
    /// Not UTF-8.
    #[error("not UTF-8")]
    Utf8,
    /// Not JSON, or JSON with white space, or cut short, or with more behind it.
    #[error("not canonical JSON at byte {0}")]
    Syntax(usize),
    /// A number with a fraction or an exponent.
    #[error("a number that is not an integer at byte {0}")]
    Float(usize),
    /// An integer beyond ±(2^53 − 1).
    #[error("an integer beyond 2^53 - 1 at byte {0}")]
    Range(usize),
    /// One key twice in one object.
    #[error("a key a second time at byte {0}")]
    Duplicate(usize),
    /// Keys out of the order of their UTF-16 code units.
    #[error("a key out of order at byte {0}")]
    Order(usize),
    /// A character escaped in another way than RFC 8785 §3.2.2.2 says.
    #[error("a character in another than the canonical spelling at byte {0}")]
    Spelling(usize),
    /// Too many levels.
    #[error("more than 16 levels of objects and arrays at byte {0}")]
    Depth(usize),
}

/// A cursor over canonical JSON.
pub(crate) struct Scan<'a> {
    whole: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scan<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Result<Self, JsonFault> {
        let whole = std::str::from_utf8(bytes).map_err(|_| JsonFault::Utf8)?;
        Ok(Self { whole, bytes, at: 0 })
    }

    /// Exactly these bytes.
    pub(crate) fn literal(&mut self, expected: &[u8]) -> Result<(), JsonFault> {
        if self.rest().starts_with(expected) {
            self.at += expected.len();
            Ok(())
        } else {
            Err(JsonFault::Syntax(self.at))
        }
    }

    /// Whether these bytes came next; they are consumed then.
    pub(crate) fn take(&mut self, expected: &[u8]) -> bool {
        self.literal(expected).is_ok()
    }

    pub(crate) fn end(&self) -> Result<(), JsonFault> {
        if self.at == self.bytes.len() { Ok(()) } else { Err(JsonFault::Syntax(self.at)) }
    }

    /// A string, its escapes resolved.
    pub(crate) fn text(&mut self) -> Result<Cow<'a, str>, JsonFault> {
        let from = self.at;
        let escaped = self.skip_text()?;
        if escaped {
            let outer = self.whole.get(from..self.at).unwrap_or_default();
            return serde_json::from_str(outer).map(Cow::Owned).map_err(|_| JsonFault::Syntax(from));
        }
        self.whole.get(from + 1..self.at.saturating_sub(1)).map(Cow::Borrowed).ok_or(JsonFault::Syntax(from))
    }

    /// An integer within ±(2^53 − 1), spelled in the one way.
    pub(crate) fn integer(&mut self) -> Result<i64, JsonFault> {
        let from = self.at;
        let negative = self.take(b"-");
        let digits = self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
        let text = self.rest().get(..digits).unwrap_or_default();
        self.at += digits;
        if matches!(self.peek(), Some(b'.' | b'e' | b'E')) {
            return Err(JsonFault::Float(from));
        }
        match text {
            [] | [b'0', _, ..] => return Err(JsonFault::Syntax(from)),
            [b'0'] if negative => return Err(JsonFault::Spelling(from)),
            _ if digits > 16 => return Err(JsonFault::Range(from)),
            _ => {}
        }
        let magnitude = text.iter().fold(0i64, |number, digit| number * 10 + i64::from(digit - b'0'));
        if magnitude.unsigned_abs() > INTEGER_MAX { Err(JsonFault::Range(from)) } else { Ok(if negative { -magnitude } else { magnitude }) }
    }

    /// Any object, as the bytes it stands in. `depth` is how many levels surround it.
    pub(crate) fn object(&mut self, depth: u8) -> Result<&'a [u8], JsonFault> {
        let from = self.at;
        if self.peek() != Some(b'{') {
            return Err(JsonFault::Syntax(from));
        }
        self.value(depth)?;
        Ok(self.bytes.get(from..self.at).unwrap_or_default())
    }

    /// Each member of an object in turn: `member` gets the key and reads the value.
    pub(crate) fn members<E: From<JsonFault>>(
        &mut self,
        mut member: impl FnMut(&mut Self, Cow<'a, str>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.literal(b"{")?;
        let mut last: Option<Cow<'a, str>> = None;
        if self.take(b"}") {
            return Ok(());
        }
        loop {
            let at = self.at;
            let key = self.text()?;
            match last.as_ref().map(|last| utf16_order(last, &key)) {
                Some(Ordering::Equal) => return Err(JsonFault::Duplicate(at).into()),
                Some(Ordering::Greater) => return Err(JsonFault::Order(at).into()),
                Some(Ordering::Less) | None => {}
            }
            self.literal(b":")?;
            member(self, key.clone())?;
            last = Some(key);
            if self.take(b"}") {
                return Ok(());
            }
            self.literal(b",")?;
        }
    }

    fn value(&mut self, depth: u8) -> Result<(), JsonFault> {
        match self.peek() {
            Some(b'{' | b'[') if depth >= DEPTH_MAX => Err(JsonFault::Depth(self.at)),
            Some(b'{') => self.members(|scan, _| scan.value(depth + 1)),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.skip_text().map(|_| ()),
            Some(b't') => self.literal(b"true"),
            Some(b'f') => self.literal(b"false"),
            Some(b'n') => self.literal(b"null"),
            _ => self.integer().map(|_| ()),
        }
    }

    fn array(&mut self, depth: u8) -> Result<(), JsonFault> {
        self.literal(b"[")?;
        if self.take(b"]") {
            return Ok(());
        }
        loop {
            self.value(depth + 1)?;
            if self.take(b"]") {
                return Ok(());
            }
            self.literal(b",")?;
        }
    }

    /// Past a string; whether it holds escapes.
    fn skip_text(&mut self) -> Result<bool, JsonFault> {
        self.literal(b"\"")?;
        let mut escaped = false;
        loop {
            let special = self.rest().iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f));
            self.at += special.ok_or(JsonFault::Syntax(self.at))?;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(escaped);
                }
                Some(b'\\') => {
                    escaped = true;
                    self.skip_escape()?;
                }
                _ => return Err(JsonFault::Syntax(self.at)),
            }
        }
    }

    /// Only what RFC 8785 §3.2.2.2 escapes, and only as it does.
    fn skip_escape(&mut self) -> Result<(), JsonFault> {
        let length = match self.rest() {
            [b'\\', b'"' | b'\\' | b'b' | b't' | b'n' | b'f' | b'r', ..] => 2,
            [b'\\', b'u', b'0', b'0', b'0', b'0'..=b'7' | b'b' | b'e' | b'f', ..]
            | [b'\\', b'u', b'0', b'0', b'1', b'0'..=b'9' | b'a'..=b'f', ..] => 6,
            _ => return Err(JsonFault::Spelling(self.at)),
        };
        self.at += length;
        Ok(())
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }
}

/// RFC 8785 §3.2.3 sorts by UTF-16 code units, which differs from UTF-8 beyond the basic plane.
fn utf16_order(one: &str, other: &str) -> Ordering {
    if one.is_ascii() && other.is_ascii() { one.cmp(other) } else { one.encode_utf16().cmp(other.encode_utf16()) }
}

/// Why a value cannot become canonical bytes without being changed on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ValueFault {
    /// A float, or an integer that only a float could hold.
    #[error("a number that is not an integer within 2^53 - 1")]
    Number,
    /// Too many levels.
    #[error("more than 16 levels of objects and arrays")]
    Depth,
    /// The serialiser refused.
    #[error("a value that cannot be written")]
    Unwritable,
}

/// RFC 8785 bytes of a value that survives them.
pub(crate) fn write(value: &Value) -> Result<Vec<u8>, ValueFault> {
    hold(value, 0)?;
    serde_json_canonicalizer::to_vec(value).map_err(|_| ValueFault::Unwritable)
}

fn hold(value: &Value, depth: u8) -> Result<(), ValueFault> {
    let deeper = if depth < DEPTH_MAX { Ok(depth + 1) } else { Err(ValueFault::Depth) };
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) => Ok(()),
        Value::Number(number) => {
            let magnitude = number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs));
            if magnitude.is_some_and(|magnitude| magnitude <= INTEGER_MAX) { Ok(()) } else { Err(ValueFault::Number) }
        }
        Value::Array(values) => deeper.and_then(|deeper| values.iter().try_for_each(|value| hold(value, deeper))),
        Value::Object(members) => deeper.and_then(|deeper| members.values().try_for_each(|value| hold(value, deeper))),
    }
}

#[cfg(test)]
mod tests;
