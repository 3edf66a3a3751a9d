//! The content lines of a calendar (RFC 5545 §3.1): unfolded, with name, parameters and value.

use std::sync::Arc;

use crate::fault::{Place, Text};

/// One content line.
#[derive(Debug, Clone)]
pub(super) struct Line {
    /// The name, in capitals.
    pub(super) name: String,
    /// What stands between name and value.
    parameters: Vec<(String, String)>,
    /// The value, as it is written.
    pub(super) value: String,
    /// Where it stands.
    pub(super) place: Place,
}

impl Line {
    /// A parameter's value, without quotes.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Every content line of a text; what has no colon is no such line, and left out.
pub(super) fn lines(text: &Arc<Text>) -> Vec<Line> {
    let (mut found, mut whole, mut begins, mut at) = (Vec::new(), String::new(), 0, 0);
    for raw in text.text.split_inclusive('\n') {
        let line = raw.trim_end_matches(['\r', '\n']);
        if let Some(more) = line.strip_prefix([' ', '\t']) {
            whole.push_str(more);
        } else {
            found.extend(split(&whole, text, begins..at));
            line.clone_into(&mut whole);
            begins = at;
        }
        at += raw.len();
    }
    found.extend(split(&whole, text, begins..at));
    found
}

fn split(line: &str, text: &Arc<Text>, at: std::ops::Range<usize>) -> Option<Line> {
    let colon = outside_quotes(line, ':')?;
    let (head, value) = (line.get(..colon)?, line.get(colon + 1..)?);
    let mut parts = Vec::new();
    let mut rest = head;
    while let Some(semicolon) = outside_quotes(rest, ';') {
        parts.push(rest.get(..semicolon)?);
        rest = rest.get(semicolon + 1..)?;
    }
    parts.push(rest);
    let mut parts = parts.into_iter();
    let name = parts.next()?.trim().to_ascii_uppercase();
    let parameter = |part: &str| part.split_once('=').map(|(name, value)| (name.to_ascii_uppercase(), value.trim_matches('"').to_owned()));
    let parameters = parts.filter_map(parameter).collect();
    // Its first line is enough to find it.
    let end = text.text.get(at.clone()).and_then(|shown| shown.find(['\r', '\n'])).map_or(at.end, |length| at.start + length);
    Some(Line { name, parameters, value: value.to_owned(), place: Place::new(text, at.start..end) })
}

/// Where this character stands first that is in no quotes.
fn outside_quotes(text: &str, wanted: char) -> Option<usize> {
    let mut quoted = false;
    text.char_indices()
        .find(|(_, c)| {
            quoted ^= *c == '"';
            *c == wanted && !quoted
        })
        .map(|(at, _)| at)
}

/// Text as it was meant (RFC 5545 §3.3.11), on one line.
pub(super) fn unescaped(text: &str) -> String {
    let (mut out, mut chars) = (String::new(), text.chars());
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n' | 'N') | None => out.push(' '),
                Some(c) => out.push(c),
            },
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}
