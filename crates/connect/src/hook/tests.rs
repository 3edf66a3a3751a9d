//! Bodies as senders write them, what comes out, and bodies that nobody meant.

mod alerts;
mod changes;
mod hostile;
mod vendors;

use lineclear_core::Timestamp;
use lineclear_core::deployment::Report;
use lineclear_core::signal::{Signal, SignalState, SourceKind};

use super::{Headers, Heard, read};
use crate::WebhookError;

fn now() -> Timestamp {
    "2026-11-25T08:00:00Z".parse().unwrap()
}

fn heard_with(kind: SourceKind, headers: &[(&str, &str)], body: &str) -> Result<Heard, WebhookError> {
    read("src", kind, None, Headers::new(headers), body.as_bytes(), now())
}

fn heard(kind: SourceKind, body: &str) -> Result<Heard, WebhookError> {
    heard_with(kind, &[], body)
}

fn signals(kind: SourceKind, body: &str) -> Vec<Signal> {
    match heard(kind, body) {
        Ok(Heard::Signals(signals)) => signals,
        other => panic!("{kind}: {other:?}"),
    }
}

fn one(kind: SourceKind, body: &str) -> Signal {
    let mut all = signals(kind, body);
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

fn report(kind: SourceKind, headers: &[(&str, &str)], body: &str) -> Report {
    match heard_with(kind, headers, body) {
        Ok(Heard::Reports(mut reports)) if reports.len() == 1 => reports.remove(0),
        other => panic!("{kind}: {other:?}"),
    }
}

/// State, severity and service in one line.
fn told(signal: &Signal) -> String {
    let state = if signal.state == SignalState::Firing { "firing" } else { "over" };
    format!("{state} {} {}", signal.graded().number(), signal.service.as_deref().unwrap_or("-"))
}

fn check_refused(kind: SourceKind, headers: &[(&str, &str)], body: &str, expected: &str) {
    assert_eq!(heard_with(kind, headers, body).map_err(|error| error.to_string()), Err(expected.to_owned()), "{kind} {body}");
}
