//! What a named person decides about a stuck run: an override, with its reason, and with whatever else it needs.

use serde::{Deserialize, Serialize};

use super::{Event, Refusal, Run, State};
use crate::catalogue::Risk;
use crate::id::OperatorId;
use crate::time::Timestamp;

/// Longest reason or evidence, in characters.
pub const WORDS_MAX: usize = 4_000;

/// What an operator does about a stuck run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// Try the step again.
    Retry,
    /// It took effect; this needs evidence.
    MarkApplied,
    /// It took none; it is tried again.
    MarkNotApplied,
    /// Go on without it; on the way back, it stays as it is. On high risk it needs a second person.
    Skip,
    /// Go on where it stands, with a deadline that begins anew; only when nothing of the step may have been changed.
    Continue,
    /// Take back what was applied.
    Undo,
    /// Leave everything as it stands.
    Abort,
    /// It is somebody else's now; nothing else changes.
    HandOver,
}

/// An override: what is decided, and on what ground.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Override {
    /// What.
    pub resolution: Resolution,
    /// Why.
    pub reason: String,
    /// What was seen; needed to mark something as applied.
    #[serde(default)]
    pub evidence: Option<String>,
    /// To whom; needed to hand over.
    #[serde(default)]
    pub to: Option<OperatorId>,
}

/// An override that waits for a second person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Who asked first.
    pub by: OperatorId,
    /// For what.
    pub resolution: Resolution,
    /// Why.
    pub reason: String,
}

impl Override {
    /// An override that needs no more than a reason.
    pub fn new(resolution: Resolution, reason: impl Into<String>) -> Self {
        Self { resolution, reason: reason.into(), evidence: None, to: None }
    }

    /// The same, with what was seen.
    #[must_use]
    pub fn seen(self, evidence: impl Into<String>) -> Self {
        Self { evidence: Some(evidence.into()), ..self }
    }

    /// The same, for somebody.
    #[must_use]
    pub fn to(self, taker: OperatorId) -> Self {
        Self { to: Some(taker), ..self }
    }
}

impl Resolution {
    /// Every resolution, in the order in which they are offered.
    pub const ALL: [Self; 8] =
        [Self::Retry, Self::MarkApplied, Self::MarkNotApplied, Self::Skip, Self::Continue, Self::Undo, Self::Abort, Self::HandOver];

    /// One word for records, requests and tables.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::MarkApplied => "mark_applied",
            Self::MarkNotApplied => "mark_not_applied",
            Self::Skip => "skip",
            Self::Continue => "continue",
            Self::Undo => "undo",
            Self::Abort => "abort",
            Self::HandOver => "hand_over",
        }
    }

    /// Whether it needs a second person at this risk.
    pub fn needs_second(self, risk: Risk) -> bool {
        self == Self::Skip && risk == Risk::High
    }
}

impl Run {
    /// The event that an override leads to, or why it does not.
    pub(super) fn resolve(&self, by: OperatorId, ruling: Override, now: Timestamp) -> Result<Event, Refusal> {
        let said = |text: &str| !text.trim().is_empty() && text.chars().count() <= WORDS_MAX;
        let Override { resolution, reason, evidence, to } = ruling;
        if !said(&reason) {
            return Err(Refusal::Unreasoned);
        }
        let State::Stuck { asked, .. } = &self.state else { return Err(self.wrong("resolve")) };
        if !self.understood() && !matches!(resolution, Resolution::Abort | Resolution::HandOver) {
            return Err(Refusal::NotUnderstood { run: self.order.id, version: self.order.semantics });
        }
        let evidence = evidence.filter(|text| said(text));
        match resolution {
            Resolution::MarkApplied if evidence.is_none() => return Err(Refusal::Unproven),
            Resolution::HandOver if to.is_none() => return Err(Refusal::NoTaker),
            Resolution::Continue if self.touched => return Err(Refusal::InDoubt),
            Resolution::Retry
            | Resolution::MarkApplied
            | Resolution::MarkNotApplied
            | Resolution::Skip
            | Resolution::Continue
            | Resolution::Undo
            | Resolution::Abort
            | Resolution::HandOver => {}
        }
        let to = to.filter(|_| resolution == Resolution::HandOver);
        let mut asked_by = None;
        if resolution.needs_second(self.order.risk) {
            match asked.as_ref().filter(|asked| asked.resolution == resolution) {
                None => return Ok(Event::SecondAsked { by, resolution, reason, at: now }),
                Some(asked) if asked.by == by => return Err(Refusal::NeedsAnother),
                Some(asked) => asked_by = Some(asked.by),
            }
        }
        Ok(Event::Resolved { by, resolution, reason, evidence, to, asked_by, at: now })
    }
}
