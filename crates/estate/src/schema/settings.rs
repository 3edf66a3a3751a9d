//! The schema of `lineclear.toml`, for editors that check TOML by JSON Schema.

use lineclear_core::notice::{Kind, Urgency};
use lineclear_core::signal::SourceKind;
use serde_json::Value;

use super::form::{flag, keys, list, map, object, text, words};

fn channel() -> Value {
    object(
        "a channel",
        &["kind"],
        &[
            ("kind", words(&["slack", "teams", "mail", "webhook", "pagerduty", "ntfy"])),
            ("url", text(500)),
            ("server", text(500)),
            ("from", text(254)),
            ("user", text(500)),
            ("team", text(500)),
            ("room", text(254)),
            ("kinds", list(words(&keys(Kind::ALL)), 0)),
            ("urgency", words(&keys(Urgency::ALL))),
            ("secret_file", text(200)),
            ("secret_env", text(200)),
            ("signing_file", text(200)),
            ("signing_env", text(200)),
        ],
    )
}

fn sender() -> Value {
    object(
        "a sender",
        &["kind"],
        &[
            ("kind", words(&keys(SourceKind::ALL))),
            ("proof", words(&["token", "secret", "signature", "none"])),
            ("secret_file", text(200)),
            ("secret_env", text(200)),
            ("replay", super::form::duration()),
            ("mapping", text(200)),
            ("pages", flag()),
            ("topics", list(text(200), 0)),
        ],
    )
}

/// The schema of `lineclear.toml`.
pub(super) fn settings() -> Value {
    let notices = object("`notices`", &[], &[("channels", map(channel())), ("people", map(map(text(254))))]);
    object(
        "`lineclear.toml`",
        &["title", "origin", "posture"],
        &[
            ("title", text(120)),
            ("origin", text(120)),
            ("posture", words(&["stopped", "advise-only", "routine-only", "full"])),
            ("sources", map(text(500))),
            ("signals", map(sender())),
            ("notices", notices),
        ],
    )
}
