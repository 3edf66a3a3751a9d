//! Takes secrets out of whatever is about to be reported: the value itself and the forms in which programs print it.

use std::fmt::Write as _;
use std::sync::Arc;

use aho_corasick::{AhoCorasick, Input, MatchKind};
use base64::Engine as _;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use serde_json::Value;

use super::Secret;

/// What stands in the place of a secret.
pub(crate) const MASK: &str = "[secret]";
/// Secrets below this length in bytes are not looked for: they would be found everywhere. The runner's file admits none to programs.
pub(crate) const SHORTEST: usize = 8;

/// Finds secrets as they are, in base64 (at each of its three alignments), in hexadecimal, in URLs and in JSON.
#[derive(Clone, Default)]
pub(crate) struct Redactor {
    found: Option<Arc<AhoCorasick>>,
    longest: usize,
}

/// One stream of output, with what may still become a secret held back.
pub(crate) struct Stream {
    redactor: Redactor,
    held: Vec<u8>,
}

impl Redactor {
    /// Looks for these.
    pub(crate) fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        let known: Vec<&[u8]> = secrets.into_iter().map(Secret::expose).filter(|bytes| bytes.len() >= SHORTEST).collect();
        let forms: Vec<Vec<u8>> = known.into_iter().flat_map(forms).collect();
        if forms.is_empty() {
            return Self::default();
        }
        let longest = forms.iter().map(Vec::len).max().unwrap_or_default();
        let found = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&forms);
        // It fails beyond two thousand million bytes of patterns only; a runner's file holds a thousand times less.
        Self { found: found.ok().map(Arc::new), longest }
    }

    /// The same text without secrets.
    pub(crate) fn text(&self, text: &str) -> String {
        match &self.found {
            Some(found) if found.is_match(text) => {
                let mut clean = Vec::with_capacity(text.len());
                let mut stream = self.stream();
                stream.push(text.as_bytes(), &mut clean);
                stream.finish(&mut clean);
                String::from_utf8_lossy(&clean).into_owned()
            }
            Some(_) | None => text.to_owned(),
        }
    }

    /// The same value without secrets, in names as in texts.
    pub(crate) fn value(&self, value: Value) -> Value {
        if self.found.is_none() {
            return value;
        }
        match value {
            Value::String(text) => Value::String(self.text(&text)),
            Value::Array(items) => Value::Array(items.into_iter().map(|item| self.value(item)).collect()),
            Value::Object(members) => {
                Value::Object(members.into_iter().map(|(name, member)| (self.text(&name), self.value(member))).collect())
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => value,
        }
    }

    /// For output that comes in pieces.
    pub(crate) fn stream(&self) -> Stream {
        Stream { redactor: self.clone(), held: Vec::new() }
    }
}

impl Stream {
    /// Takes the next piece, and gives what is certain to hold no secret any more.
    pub(crate) fn push(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        self.held.extend_from_slice(piece);
        let safe = self.held.len().saturating_sub(self.redactor.longest.saturating_sub(1));
        self.emit(safe, out);
    }

    /// Gives the rest.
    pub(crate) fn finish(mut self, out: &mut Vec<u8>) {
        let all = self.held.len();
        self.emit(all, out);
    }

    /// Everything that begins before `limit`; a secret that begins there lies wholly in what is held.
    fn emit(&mut self, limit: usize, out: &mut Vec<u8>) {
        let mut at = 0;
        while at < limit {
            let found = self.redactor.found.as_ref().and_then(|found| found.find(Input::new(&self.held).range(at..)));
            let (end, next) = match found.filter(|found| found.start() < limit) {
                Some(found) => (found.start(), Some(found.end())),
                None => (limit, None),
            };
            out.extend_from_slice(self.held.get(at..end).unwrap_or_default());
            if next.is_some() {
                out.extend_from_slice(MASK.as_bytes());
            }
            at = next.unwrap_or(limit);
        }
        self.held.drain(..at.min(self.held.len()));
    }
}

/// A secret as programs print it.
fn forms(secret: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = vec![secret.to_vec()];
    for engine in [&STANDARD, &URL_SAFE] {
        forms.push(engine.encode(secret).into_bytes());
    }
    for before in 0..3 {
        forms.extend([inside(&STANDARD_NO_PAD, secret, before), inside(&URL_SAFE_NO_PAD, secret, before)]);
    }
    for upper in [false, true] {
        forms.push(each(secret, |byte, text| if upper { write!(text, "{byte:02X}") } else { write!(text, "{byte:02x}") }));
        // RFC 3986 §2.3: everything but these is percent-encoded by somebody; forms write a space as `+`.
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
        for space in ["%20", "+"] {
            forms.push(each(secret, |byte, text| match byte {
                b' ' => text.write_str(space),
                byte if plain(byte) => text.write_char(char::from(byte)),
                byte if upper => write!(text, "%{byte:02X}"),
                byte => write!(text, "%{byte:02x}"),
            }));
        }
    }
    if let Ok(text) = std::str::from_utf8(secret) {
        let quoted = Value::from(text).to_string();
        let inner = quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or_default();
        let mut units = [0; 2];
        let ascii = inner.chars().map(|c| match c {
            c if c.is_ascii() => c.to_string(),
            c => c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect(),
        });
        forms.extend([ascii.collect::<String>().into_bytes(), inner.as_bytes().to_vec(), inner.replace('/', "\\/").into_bytes()]);
    }
    forms.retain(|form| form.len() >= SHORTEST);
    forms.sort_unstable();
    forms.dedup();
    forms
}

/// The digits of base64 that `secret` alone decides when `before` bytes (modulo three) stand before it.
fn inside(engine: &GeneralPurpose, secret: &[u8], before: usize) -> Vec<u8> {
    let bytes: Vec<u8> = std::iter::repeat_n(0, before).chain(secret.iter().copied()).collect();
    let digits = engine.encode(&bytes).into_bytes();
    let (first, last) = ((before * 8).div_ceil(6), bytes.len() * 8 / 6);
    digits.get(first..last).unwrap_or_default().to_vec()
}

fn each(bytes: &[u8], write: impl Fn(u8, &mut String) -> std::fmt::Result) -> Vec<u8> {
    let mut text = String::new();
    for byte in bytes {
        // Writing to a text cannot fail.
        let _ = write(*byte, &mut text);
    }
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SECRET: &str = "p/ss \"word\"+ü~1";

    fn redactor() -> Redactor {
        Redactor::new([&Secret::new(SECRET), &Secret::new("short")])
    }

    fn check(text: &str, expected: &str) {
        assert_eq!(redactor().text(text), expected);
        // Cut anywhere, and in single bytes, it is the same.
        for size in [1, 2, 3, 7, text.len().max(1)] {
            let (mut stream, mut out) = (redactor().stream(), Vec::new());
            text.as_bytes().chunks(size).for_each(|piece| stream.push(piece, &mut out));
            stream.finish(&mut out);
            assert_eq!(String::from_utf8(out).unwrap(), expected, "in pieces of {size}");
        }
    }

    #[test]
    fn a_secret_is_found_as_programs_print_it() {
        check("nothing here, and short is nothing", "nothing here, and short is nothing");
        check(&format!("a{SECRET}b{SECRET}{SECRET}"), "a[secret]b[secret][secret]");
        check(&format!("x={}&y", "p%2Fss%20%22word%22%2B%C3%BC~1"), "x=[secret]&y");
        check("x=p%2fss+%22word%22%2b%c3%bc~1", "x=[secret]");
        check(&json!({ "password": SECRET }).to_string(), "{\"password\":\"[secret]\"}");
        check("{\"password\":\"p\\/ss \\\"word\\\"+ü~1\"}", "{\"password\":\"[secret]\"}");
        check("p/ss \\\"word\\\"+\\u00fc~1", MASK);
        check(&STANDARD.encode(SECRET), MASK);
        check(&URL_SAFE.encode(SECRET), MASK);
        check(&SECRET.bytes().map(|byte| format!("{byte:02x}")).collect::<String>(), MASK);
    }

    #[test]
    fn a_secret_inside_a_longer_base64_leaves_at_most_its_edges() {
        for before in ["", "u", "us", "use", "user:"] {
            let text = STANDARD.encode(format!("{before}{SECRET}@host"));
            let clean = redactor().text(&text);
            assert!(clean.contains(MASK), "{before}: {clean}");
            let left = clean.replace(MASK, "");
            assert!(left.len() <= before.len() * 2 + 12, "{before}: {clean}");
        }
    }

    #[test]
    fn a_value_is_clean_to_its_last_member() {
        let value = json!({ SECRET: [1, null, { "a": format!("<{SECRET}>") }] });
        assert_eq!(redactor().value(value), json!({ "[secret]": [1, null, { "a": "<[secret]>" }] }));
        assert_eq!(Redactor::default().value(json!({ "a": SECRET })), json!({ "a": SECRET }));
    }
}
