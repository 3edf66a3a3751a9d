//! A notice: what a person is told outside the console, in few plain bounded lines, with a path that leads to the page where
//! they can answer. It carries no authority and nothing secret: whoever reads it without signing in can do nothing with it.

mod channel;

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

pub use channel::{Carrier, Channel, ChannelName, Channels, Recipient};

use crate::id::ApprovalId;
use crate::record::Stream;
use crate::text::one_line;
use crate::time::Timestamp;

/// Longest title, in characters: a subject line.
pub const TITLE_MAX: usize = 150;
/// Longest label of a line, in characters.
pub const LABEL_MAX: usize = 40;
/// Longest text of a line, in characters; Slack shows a field of at most 2,000.
pub const LINE_MAX: usize = 400;
/// Most lines: what a telephone shows at once.
pub const LINES_MAX: usize = 12;
/// Longest occasion, in bytes: two ids and a word.
pub const OCCASION_MAX: usize = 160;
/// Longest path, in bytes: a page and an id.
pub const PATH_MAX: usize = 120;

/// What people are told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Their approval is asked for.
    Asked,
    /// It is still asked for.
    Reminder,
    /// A request lapsed without an answer.
    Lapsed,
    /// A run is stuck.
    Stuck,
    /// Nobody but a person can say whether a change helped.
    Verify,
    /// The autonomy that remains was lowered.
    Posture,
    /// An incident needs somebody now, or a request climbs to them.
    Page,
    /// Somebody tries out a channel.
    Test,
}

/// How soon it has to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// Today.
    Low,
    /// While it is asked.
    #[default]
    Normal,
    /// Now.
    High,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// What it says something of: `Worst case`.
    pub label: String,
    /// What it says.
    pub text: String,
}

/// What a person is told. Made by [`Notice::new`], which keeps every bound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// What kind of thing it is.
    pub kind: Kind,
    /// What it is about, and by whose state it is overtaken.
    pub about: Stream,
    /// Names the occasion: one occasion is told one person through one channel once, however often it is handed over.
    pub occasion: String,
    /// One line for people.
    pub title: String,
    /// More lines.
    pub lines: Vec<Line>,
    /// How soon it has to be read.
    pub urgency: Urgency,
    /// The page of the console: a path, without a query.
    pub path: String,
    /// When it is overtaken at the latest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Words that name the exact bundle: the same in console, command line and chat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check_words: Option<String>,
    /// The request that may be answered where the notice is read, because policy is content with a session there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<ApprovalId>,
}

impl Notice {
    /// A notice about something. What is too long is cut, and what deceives the eye is replaced; a path that is none leads to
    /// the first page.
    pub fn new(kind: Kind, about: Stream, occasion: &str, title: &str, path: &str) -> Self {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'_' | b'-' | b'.');
        let good = path.starts_with('/') && !path.starts_with("//") && path.len() <= PATH_MAX && path.bytes().all(plain);
        Self {
            kind,
            about,
            occasion: one_line(occasion, OCCASION_MAX),
            title: one_line(title, TITLE_MAX),
            lines: Vec::new(),
            urgency: Urgency::Normal,
            path: if good { path.into() } else { "/".into() },
            until: None,
            check_words: None,
            answer: None,
        }
    }

    /// With one more line, up to [`LINES_MAX`].
    #[must_use]
    pub fn line(mut self, label: &str, text: &str) -> Self {
        if self.lines.len() < LINES_MAX {
            self.lines.push(Line { label: one_line(label, LABEL_MAX), text: one_line(text, LINE_MAX) });
        }
        self
    }

    /// With this urgency.
    #[must_use]
    pub fn urgency(self, urgency: Urgency) -> Self {
        Self { urgency, ..self }
    }

    /// Overtaken at this moment at the latest.
    #[must_use]
    pub fn until(self, until: Timestamp) -> Self {
        Self { until: Some(until), ..self }
    }

    /// With the words that name the exact bundle.
    #[must_use]
    pub fn check_words(self, words: String) -> Self {
        Self { check_words: Some(words), ..self }
    }

    /// May be answered where it is read.
    #[must_use]
    pub fn answer(self, request: ApprovalId) -> Self {
        Self { answer: Some(request), ..self }
    }

    /// Whether what it is about may be decided later, so that the message is looked after until then.
    pub const fn may_be_overtaken(&self) -> bool {
        self.kind.may_be_overtaken()
    }
}

impl Kind {
    /// Every kind with the word that people write.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("asked", Self::Asked),
        ("reminder", Self::Reminder),
        ("lapsed", Self::Lapsed),
        ("stuck", Self::Stuck),
        ("verify", Self::Verify),
        ("posture", Self::Posture),
        ("page", Self::Page),
        ("test", Self::Test),
    ];

    /// The word that people write.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Reminder => "reminder",
            Self::Lapsed => "lapsed",
            Self::Stuck => "stuck",
            Self::Verify => "verify",
            Self::Posture => "posture",
            Self::Page => "page",
            Self::Test => "test",
        }
    }

    /// Whether what it is about may be decided later.
    pub const fn may_be_overtaken(self) -> bool {
        match self {
            Self::Asked | Self::Reminder | Self::Stuck | Self::Verify | Self::Page => true,
            Self::Lapsed | Self::Posture | Self::Test => false,
        }
    }
}

impl Urgency {
    /// Every urgency with the word that people write, least first.
    pub const ALL: &'static [(&'static str, Self)] = &[("low", Self::Low), ("normal", Self::Normal), ("high", Self::High)];

    /// The word that people write.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl fmt::Display for Urgency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Who was handed a notice, and who could not be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Handed {
    /// How many deliveries it led to, those of an earlier hand-over of the same occasion included.
    pub deliveries: usize,
    /// The people whom no channel reaches: they see it in the console only.
    pub in_console_only: BTreeSet<crate::OperatorId>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::is_plain;

    #[test]
    fn every_kind_and_urgency_has_its_word() {
        assert!(Kind::ALL.iter().all(|(word, kind)| kind.word() == *word));
        assert!(Urgency::ALL.iter().all(|(word, urgency)| urgency.word() == *word));
    }

    #[test]
    fn a_path_carries_no_query_and_leads_nowhere_else() {
        let path = |given| Notice::new(Kind::Test, Stream::Installation, "o", "t", given).path;
        assert_eq!(path("/changes/change_1"), "/changes/change_1");
        for bad in ["", "changes", "//evil.test/", "/a?token=b", "/a#b", "https://evil.test", "/a b", "/a\n"] {
            assert_eq!(path(bad), "/", "{bad}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_said_comes_out_short_and_plain(title: String, label: String, text: String, count in 0_usize..20) {
            let mut notice = Notice::new(Kind::Asked, Stream::Installation, &title, &title, "/");
            for _ in 0..count {
                notice = notice.line(&label, &text);
            }
            prop_assert!(is_plain(&notice.title, TITLE_MAX) && is_plain(&notice.occasion, OCCASION_MAX));
            prop_assert!(notice.lines.len() == count.min(LINES_MAX));
            prop_assert!(notice.lines.iter().all(|line| is_plain(&line.label, LABEL_MAX) && is_plain(&line.text, LINE_MAX)));
        }
    }
}
