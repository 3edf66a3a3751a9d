//! Alertmanager's webhook, version 4: its body in, signals out.
//!
//! Strict where a mistake would change what is acted on (types, times, states, members given twice), tolerant where
//! Alertmanager grows (members that are not read here are ignored, whatever they hold; `endsAt` is one of them, as it is
//! the zero time while an alert fires). One bad alert refuses the body: a sender whose format is not understood must be
//! seen, not half believed.

use std::collections::{BTreeMap, BTreeSet};

use lineclear_core::signal::{LABEL_MAX, LABELS_MAX, Signal, SignalState};
use lineclear_core::{Digest, Timestamp};

use crate::json::{self, Json, JsonError, Place};
use crate::text::{is_plain, one_line, paragraph};

/// Largest body, in bytes: a thousand alerts of a kilobyte each, which is a storm already.
pub const BODY_MAX: usize = 1 << 20;
/// Most alerts in one body; `max_alerts` of the receiver keeps a storm below it.
pub const ALERTS_MAX: usize = 1_000;
/// Longest fingerprint kept as it is, in characters; Alertmanager's has 16, a SHA-256 has 64.
pub const FINGERPRINT_MAX: usize = 128;
/// Longest title, in characters: two lines of a screen.
pub const TITLE_MAX: usize = 200;
/// Longest stated severity, in characters: it is one word.
pub const SEVERITY_MAX: usize = 40;

/// Longest JSON pointer in an error, in characters: member names come from outside.
const POINTER_MAX: usize = 200;
/// What [`Signal::source`] says.
const SOURCE: &str = "alertmanager";
/// The version of the format that is read here.
const VERSION: &str = "4";
/// Exact numbers in JSON end here, and with them the time (RFC 8785; the year 2255).
const MICROS_MAX: i64 = 1 << 53;

/// Why a webhook body is refused. Places are JSON pointers (RFC 6901), harmless on a screen and at most 200 characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// Longer than [`BODY_MAX`].
    #[error("the body has {len} bytes, at most {BODY_MAX} are read")]
    TooLarge {
        /// Its length in bytes.
        len: usize,
    },
    /// More alerts than [`ALERTS_MAX`].
    #[error("/alerts: {count} alerts, at most {ALERTS_MAX} are read")]
    TooMany {
        /// How many there are.
        count: usize,
    },
    /// Not JSON.
    #[error("the body is no JSON: {0}")]
    Json(String),
    /// A member is there twice.
    #[error("{0}: given twice")]
    Twice(String),
    /// A member is missing or not what it must be.
    #[error("{at}: expected {expected}")]
    Member {
        /// Where.
        at: String,
        /// What belongs there.
        expected: &'static str,
    },
}

type Members<'j> = BTreeMap<&'j str, &'j str>;

/// The signals of one webhook body, in its order, the first of those with the same fingerprint and state.
///
/// - The fingerprint is Alertmanager's, or the SHA-256 of all labels where it gives none. The group is its `groupKey`. A
///   key that is too long or holds deceptive characters is replaced by its SHA-256: unlike a cut one it stays unique.
/// - The title is the annotation `summary`, else the label `alertname`. The stated severity is the label `severity`, or
///   empty.
/// - Of labels and annotations the first [`LABELS_MAX`] by name are kept, each name and value cut at [`LABEL_MAX`] characters.
///   Control, bidirectional and invisible characters become U+FFFD; only annotations keep line breaks.
///
/// # Errors
///
/// See [`WebhookError`]; times must be RFC 3339, between 1970 and 2255.
pub fn parse(body: &[u8]) -> Result<Vec<Signal>, WebhookError> {
    let root = document(body)?;
    let Json::Object(root) = &root else { return Err(expected(&Place::Root, "an object")) };
    if text(&Place::Root, root, "version")? != VERSION {
        return Err(expected(&Place::Member(&Place::Root, "version"), "`4`"));
    }
    alerts(root)
}

/// A body within bounds, as JSON without repeated members.
pub(crate) fn document(body: &[u8]) -> Result<Json, WebhookError> {
    if body.len() > BODY_MAX {
        return Err(WebhookError::TooLarge { len: body.len() });
    }
    json::read(body).map_err(|error| match error {
        JsonError::Syntax(why) => WebhookError::Json(one_line(&why, POINTER_MAX)),
        JsonError::Twice(pointer) => WebhookError::Twice(one_line(&pointer, POINTER_MAX)),
    })
}

/// The alerts of a body that is Alertmanager's, or has the same members.
pub(crate) fn alerts(root: &BTreeMap<String, Json>) -> Result<Vec<Signal>, WebhookError> {
    let group = key(text(&Place::Root, root, "groupKey")?, LABEL_MAX);
    let at = Place::Member(&Place::Root, "alerts");
    let Some(Json::List(alerts)) = root.get("alerts") else { return Err(expected(&at, "a list")) };
    if alerts.len() > ALERTS_MAX {
        return Err(WebhookError::TooMany { count: alerts.len() });
    }
    if let Some(Json::Count(cut @ 1..)) = root.get("truncatedAlerts") {
        tracing::warn!(alerts.cut = cut, "Alertmanager left alerts out of a webhook, see `max_alerts` of its receiver");
    }
    let mut signals = Vec::new();
    let mut seen = BTreeSet::new();
    for (index, alert) in alerts.iter().enumerate() {
        let signal = signal(&Place::Item(&at, index), alert, &group)?;
        if seen.insert((signal.fingerprint.clone(), signal.state)) {
            signals.push(signal);
        }
    }
    Ok(signals)
}

fn signal(at: &Place<'_>, alert: &Json, group: &str) -> Result<Signal, WebhookError> {
    let Json::Object(alert) = alert else { return Err(expected(at, "an object")) };
    let state = match text(at, alert, "status")? {
        "firing" => SignalState::Firing,
        "resolved" => SignalState::Resolved,
        _ => return Err(expected(&Place::Member(at, "status"), "`firing` or `resolved`")),
    };
    let labels = texts(at, alert, "labels")?;
    let annotations = texts(at, alert, "annotations")?;
    let given = [annotations.get("summary"), labels.get("alertname")];
    let title = given.into_iter().flatten().map(|title| title.trim()).find(|title| !title.is_empty());
    Ok(Signal {
        source: SOURCE.to_owned(),
        fingerprint: fingerprint(at, alert, &labels)?,
        group: group.to_owned(),
        state,
        title: one_line(title.unwrap_or("an alert without a name"), TITLE_MAX),
        stated_severity: one_line(labels.get("severity").unwrap_or(&""), SEVERITY_MAX),
        severity: None,
        service: crate::hook::service_of(&kept(&labels, one_line)),
        starts: time(&Place::Member(at, "startsAt"), text(at, alert, "startsAt")?)?,
        labels: kept(&labels, one_line),
        annotations: kept(&annotations, paragraph),
    })
}

fn fingerprint(at: &Place<'_>, alert: &BTreeMap<String, Json>, labels: &Members<'_>) -> Result<String, WebhookError> {
    let given = match alert.get("fingerprint") {
        None | Some(Json::Null) => "",
        Some(_) => text(at, alert, "fingerprint")?,
    };
    if !given.is_empty() {
        return Ok(key(given, FINGERPRINT_MAX));
    }
    if labels.is_empty() {
        // Without both, unrelated alerts would be one.
        return Err(expected(&Place::Member(at, "fingerprint"), "a fingerprint, since there are no labels"));
    }
    // 0xff occurs in no UTF-8 text, so that the bytes of two sets of labels are never the same.
    let bytes: Vec<u8> = labels.iter().flat_map(|(name, value)| [name.as_bytes(), b"\xff", value.as_bytes(), b"\xff"].concat()).collect();
    Ok(Digest::of(&bytes).to_string())
}

/// A key as given, or its digest where showing or storing it as given would be unwise.
pub(crate) fn key(given: &str, max: usize) -> String {
    if is_plain(given, max) { given.to_owned() } else { Digest::of(given.as_bytes()).to_string() }
}

fn kept(given: &Members<'_>, shown: fn(&str, usize) -> String) -> BTreeMap<String, String> {
    let mut kept = BTreeMap::new();
    for (name, value) in given.iter().take(LABELS_MAX) {
        kept.entry(one_line(name, LABEL_MAX)).or_insert_with(|| shown(value, LABEL_MAX));
    }
    kept
}

fn text<'j>(at: &Place<'_>, members: &'j BTreeMap<String, Json>, name: &str) -> Result<&'j str, WebhookError> {
    match members.get(name) {
        Some(Json::Text(text)) => Ok(text),
        _ => Err(expected(&Place::Member(at, name), "a string")),
    }
}

/// An object of strings; nothing when it is missing or null.
fn texts<'j>(at: &Place<'_>, members: &'j BTreeMap<String, Json>, name: &str) -> Result<Members<'j>, WebhookError> {
    let at = Place::Member(at, name);
    match members.get(name) {
        None | Some(Json::Null) => Ok(Members::new()),
        Some(Json::Object(members)) => members.keys().map(|name| Ok((name.as_str(), text(&at, members, name)?))).collect(),
        Some(_) => Err(expected(&at, "an object of strings")),
    }
}

/// RFC 3339 §5.6 with any offset and up to nanoseconds, which are cut to microseconds.
fn time(at: &Place<'_>, given: &str) -> Result<Timestamp, WebhookError> {
    let wrong = || expected(at, "an RFC 3339 time between 1970 and 2255");
    // The parser of `core` also knows shorter forms and time zones in brackets; the wire format does not.
    let shape: String = given.chars().take(40).map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let rest = shape.strip_prefix("0000-00-00T00:00:00").ok_or_else(wrong)?;
    let offset = match rest.strip_prefix('.') {
        Some(fraction) if fraction.starts_with('0') => fraction.trim_start_matches('0'),
        Some(_) => return Err(wrong()),
        None => rest,
    };
    if !matches!(offset, "Z" | "+00:00" | "-00:00") {
        return Err(wrong());
    }
    given.parse().ok().filter(|time: &Timestamp| (0..MICROS_MAX).contains(&time.as_micros())).ok_or_else(wrong)
}

pub(crate) fn expected(at: &Place<'_>, expected: &'static str) -> WebhookError {
    let pointer = one_line(&at.to_string(), POINTER_MAX);
    WebhookError::Member { at: if pointer.is_empty() { "the body".to_owned() } else { pointer }, expected }
}

#[cfg(test)]
mod tests;
