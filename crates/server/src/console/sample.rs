//! Samples of everything that pages show: plain ones for people to look at, and hostile ones in which every text that
//! somebody else can write tries to get out.

mod change;
mod dossier;
mod draft;
mod elsewhere;
mod emergencies;
mod estate;
mod notices;

use lineclear_core::posture::Posture;
use lineclear_core::{Span, Timestamp};
use maud::Markup;

use super::frame::Frame;

/// What an attacker writes: markup, attributes, an escape from both kinds of quotes, and characters that deceive.
pub(super) const HOSTILE: &str = "</code></pre></textarea></title><script>alert(1)</script><img src=x onerror=alert(1) style=color:red>\"'><a href=javascript:x onclick=y>\u{202e}\0ex\u{430}mple\u{200b}&lt;";

/// Whether others' text is plain or hostile.
#[derive(Debug, Clone, Copy)]
pub(super) struct Voice {
    /// Whether it is hostile.
    pub hostile: bool,
}

impl Voice {
    /// A text that somebody else wrote.
    pub fn say(self, plain: &str) -> String {
        if self.hostile { HOSTILE.into() } else { plain.into() }
    }
}

/// When the samples are looked at.
pub(super) fn now() -> Timestamp {
    "2026-11-22T02:14:07.123456Z".parse().unwrap()
}

/// So many seconds before that.
pub(super) fn before(seconds: u64) -> Timestamp {
    now() - Span::from_secs(seconds)
}

/// So many seconds after that.
pub(super) fn after(seconds: u64) -> Timestamp {
    now() + Span::from_secs(seconds)
}

/// An id of this kind.
pub(super) fn id<T: std::str::FromStr<Err: std::fmt::Debug>>(kind: &str, number: u32) -> T {
    format!("{kind}_0193f0c4a1007a3e8b11d2c3{number:08x}").parse().unwrap()
}

/// The frame of a page.
pub(super) fn frame(voice: Voice) -> Frame {
    Frame {
        nonce: "5eed5eed".into(),
        now: now(),
        person: voice.say("Alice Amsel"),
        estate: voice.say("Northwind Hosting (example)"),
        posture: Posture::Full,
        simulated: true,
        emergencies: Vec::new(),
        reviews: 0,
    }
}

/// Every page, by name.
pub(super) fn pages(voice: Voice) -> Vec<(&'static str, Markup)> {
    let mut all = change::pages(voice);
    all.extend(elsewhere::pages(voice));
    all.extend(draft::pages(voice));
    all.extend(estate::pages(voice));
    all
}
