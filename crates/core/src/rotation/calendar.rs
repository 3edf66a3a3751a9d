//! A rotation as a calendar that others can show: iCalendar (RFC 5545), one event for each person's stretch.

use std::fmt::Write as _;

use super::{Rotation, Watch};
use crate::digest::Digest;
use crate::time::{Span, Timestamp};

/// How far back a calendar reaches: last week is still discussed this week.
pub const CALENDAR_BEHIND: Span = Span::from_secs(7 * 86_400);
/// How far ahead a calendar reaches: a quarter, in which people plan.
pub const CALENDAR_AHEAD: Span = Span::from_secs(92 * 86_400);
/// Longest line in bytes, its end not counted (RFC 5545 §3.1).
const LINE_MAX: usize = 75;

/// The calendar of a rotation around an instant. The same stretch has the same identifier whenever it is asked for, as long
/// as its end does not move. Events are titled with the login alone, so that the calendar can be read in again.
pub fn calendar(rotation: &Rotation, origin: &str, now: Timestamp) -> String {
    let mut lines = vec![
        "BEGIN:VCALENDAR".to_owned(),
        "VERSION:2.0".into(),
        "PRODID:-//Lineclear//On call//EN".into(),
        "CALSCALE:GREGORIAN".into(),
        "METHOD:PUBLISH".into(),
        format!("NAME:{}", escaped(&rotation.title)),
        format!("X-WR-CALNAME:{}", escaped(&rotation.title)),
    ];
    let end = now + CALENDAR_AHEAD;
    for watch in rotation.watches(now - CALENDAR_BEHIND, end) {
        lines.extend(events(rotation, origin, &watch, end));
    }
    lines.push("END:VCALENDAR".into());
    let mut text = String::new();
    for line in lines {
        fold(&line, &mut text);
    }
    text
}

fn events(rotation: &Rotation, origin: &str, watch: &Watch, end: Timestamp) -> Vec<String> {
    let (from, until) = (utc(watch.from), utc(watch.until.unwrap_or(end)));
    let event = |person: &crate::name::Login| {
        let what = format!("{}\n{person}\n{until}", rotation.name);
        vec![
            "BEGIN:VEVENT".to_owned(),
            format!("UID:{}@{}", Digest::of(what.as_bytes()), host(origin)),
            format!("DTSTAMP:{from}"),
            format!("DTSTART:{from}"),
            format!("DTEND:{until}"),
            format!("SUMMARY:{person}"),
            format!("DESCRIPTION:On call for {}", escaped(&rotation.title)),
            "TRANSP:TRANSPARENT".into(),
            "END:VEVENT".into(),
        ]
    };
    watch.people.iter().flat_map(event).collect()
}

/// The first part of a ledger's origin: a host.
fn host(origin: &str) -> &str {
    origin.split('/').next().unwrap_or("lineclear")
}

/// `20261122T021407Z` (RFC 5545 §3.3.5, form 2).
fn utc(at: Timestamp) -> String {
    let time = jiff::Timestamp::from_microsecond(at.as_micros()).unwrap_or_default();
    time.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// Text as RFC 5545 §3.3.11 wants it.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '\\' | ';' | ',' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// A line in pieces of at most [`LINE_MAX`] bytes, each after the first begun by a blank.
fn fold(line: &str, text: &mut String) {
    let mut length = 0;
    for c in line.chars() {
        if length + c.len_utf8() > LINE_MAX {
            text.push_str("\r\n ");
            length = 1;
        }
        length += c.len_utf8();
        // Writing to a string does not fail.
        let _ = text.write_char(c);
    }
    text.push_str("\r\n");
}
