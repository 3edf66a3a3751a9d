//! The life of a change: proposed, judged, approved by people where policy asks for it, run, verified, closed.
//!
//! ```text
//! proposed ─► blocked │ denied │ awaiting │ cleared
//! awaiting ─► cleared │ rejected │ lapsed │ withdrawn │ (amended) proposed │ (another policy) awaiting │ blocked │ denied
//! cleared  ─► running │ (facts checked again) awaiting │ blocked │ denied
//! running  ─► verifying │ undone │ escalated
//! verifying ─► succeeded │ escalated ─► a person declares
//! ```

mod command;
mod event;
mod judgement;
#[cfg(test)]
mod tests;
mod transition;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

pub use command::{Assessment, Command, Refusal};
pub use event::{Event, Outcome};
pub use judgement::{Judgement, Sample, judge};

use crate::bundle::Bundle;
use crate::dossier::{Difference, Dossier};
use crate::id::{ApprovalId, ChangeId, RunId};
use crate::machine::{IllegalTransition, Machine};
use crate::proposal::Proposal;
use crate::situation::Actor;
use crate::time::{Span, Timestamp};

/// How long a change waits for a missing fact before it lapses.
pub const BLOCKED_TTL: Span = Span::from_secs(3_600);
/// How often a blocked change is judged again.
pub const REASSESS_EVERY: Span = Span::from_secs(15);
/// How long a cleared change may wait for its dispatch.
pub const CLEARED_TTL: Span = Span::from_secs(900);
/// How often a change is asked again before it is denied: a world that never holds still is no ground to act on.
pub const ROUNDS_MAX: u32 = 10;
/// How often the goals are looked at while verification soaks.
pub const SAMPLE_EVERY: Span = Span::from_secs(1);
/// Most samples that are kept; with longer soaks they are taken further apart.
pub const SAMPLES_MAX: u64 = 60;
/// Most refused acts that one change records; the log is not for whoever is refused to fill.
pub const REFUSALS_MAX: u32 = 16;
/// How long after the run the goals may take to be reached, before the soak that they must last.
pub const SETTLE_MAX: Span = Span::from_secs(30);

/// Where a change stands; each state holds what is known in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// Gate 1 has not looked at it yet.
    Proposed,
    /// A fact is missing or stale; a fresh fact or a person unblocks it.
    Blocked {
        /// What gate 1 found.
        dossier: Box<Dossier>,
        /// When it lapses.
        until: Timestamp,
    },
    /// People are asked.
    Awaiting {
        /// What they are asked about.
        gate: Box<Gate>,
        /// The request.
        approval: ApprovalId,
    },
    /// Policy, and people where needed, said yes.
    Cleared {
        /// What they said yes to.
        gate: Box<Gate>,
        /// The request that was granted; none when policy alone cleared it.
        approval: Option<ApprovalId>,
        /// When the clearance lapses.
        until: Timestamp,
        /// The run that holds what this one needs for itself; none when nothing is known to be in its way.
        behind: Option<RunId>,
    },
    /// A run carries it out.
    Running {
        /// What was cleared.
        gate: Box<Gate>,
        /// The request that the run consumed.
        approval: Option<ApprovalId>,
        /// The run.
        run: RunId,
        /// What goals and neighbours looked like at dispatch.
        before: Sample,
    },
    /// The run is done; the world is watched.
    Verifying {
        /// What was cleared.
        gate: Box<Gate>,
        /// The request that the run consumed.
        approval: Option<ApprovalId>,
        /// The run.
        run: RunId,
        /// How long the goals must hold.
        soak: Span,
        /// When the watching ends.
        until: Timestamp,
        /// How far apart samples are taken.
        every: Span,
        /// What was seen at dispatch.
        before: Sample,
        /// What was seen so far.
        samples: Vec<Sample>,
    },
    /// A person has to declare the outcome.
    Escalated {
        /// What was cleared.
        gate: Box<Gate>,
        /// The request that the run consumed.
        approval: Option<ApprovalId>,
        /// The run.
        run: RunId,
        /// What the machine thinks; none when the run was aborted.
        judgement: Option<Judgement>,
    },
    /// It is over.
    Closed {
        /// How.
        outcome: Outcome,
        /// What was cleared; none when it never came that far.
        gate: Option<Box<Gate>>,
        /// What gate 1 found, when it ended there.
        dossier: Option<Box<Dossier>>,
        /// The request that was used or ended with it.
        approval: Option<ApprovalId>,
        /// The run, if one started.
        run: Option<RunId>,
        /// What the machine thought of the result.
        judgement: Option<Judgement>,
    },
}

/// What stands at gate 2: what was found, what is bound, and what differs from the round before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// What gate 1 found.
    pub dossier: Dossier,
    /// What an approval binds.
    pub bundle: Bundle,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Which.
    pub id: ChangeId,
    /// What was asked for.
    pub proposal: Proposal,
    /// When.
    pub proposed: Timestamp,
    /// How often people were asked.
    pub rounds: u32,
    /// Where it stands.
    pub state: State,
    /// Since when.
    pub since: Timestamp,
    /// Who changed its inputs since: a proposer like the first, when it comes to approving.
    pub amended_by: BTreeSet<Actor>,
    /// When gate 1 last looked.
    pub assessed: Option<Timestamp>,
    /// What differed from the round before, when people are asked again.
    pub differences: Vec<Difference>,
    /// How many acts on it were refused and recorded.
    pub refusals: u32,
}

/// What the engine owes a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Gather the dossier and judge it.
    Assess,
    /// Look at everything again and start the run.
    Dispatch,
    /// Look at the goals.
    Sample,
    /// Time has run out.
    Tick,
}

impl Change {
    /// What is owed now.
    pub fn effects(&self, now: Timestamp) -> Vec<Effect> {
        match &self.state {
            State::Proposed => vec![Effect::Assess],
            State::Blocked { until, .. } if *until <= now => vec![Effect::Tick],
            State::Blocked { .. } if self.due().is_some_and(|due| due <= now) => vec![Effect::Assess],
            State::Cleared { until, .. } if *until <= now => vec![Effect::Tick],
            State::Cleared { .. } => vec![Effect::Dispatch],
            State::Verifying { until, .. } if *until <= now => vec![Effect::Sample],
            State::Verifying { .. } if self.due().is_some_and(|due| due <= now) => vec![Effect::Sample],
            State::Blocked { .. }
            | State::Awaiting { .. }
            | State::Running { .. }
            | State::Verifying { .. }
            | State::Escalated { .. }
            | State::Closed { .. } => Vec::new(),
        }
    }

    /// What gate 1 found last.
    pub fn dossier(&self) -> Option<&Dossier> {
        match &self.state {
            State::Blocked { dossier, .. } => Some(dossier),
            State::Proposed | State::Awaiting { .. } | State::Cleared { .. } | State::Running { .. } => {
                self.gate().map(|gate| &gate.dossier)
            }
            State::Verifying { .. } | State::Escalated { .. } => self.gate().map(|gate| &gate.dossier),
            State::Closed { gate, dossier, .. } => gate.as_ref().map(|gate| &gate.dossier).or(dossier.as_deref()),
        }
    }

    /// What stands, or stood, at gate 2.
    pub fn gate(&self) -> Option<&Gate> {
        match &self.state {
            State::Proposed | State::Blocked { .. } => None,
            State::Awaiting { gate, .. }
            | State::Cleared { gate, .. }
            | State::Running { gate, .. }
            | State::Verifying { gate, .. }
            | State::Escalated { gate, .. } => Some(gate),
            State::Closed { gate, .. } => gate.as_deref(),
        }
    }

    /// The request for approval that is open, was granted, or was used.
    pub fn approval(&self) -> Option<ApprovalId> {
        match &self.state {
            State::Proposed | State::Blocked { .. } => None,
            State::Awaiting { approval, .. } => Some(*approval),
            State::Cleared { approval, .. }
            | State::Running { approval, .. }
            | State::Verifying { approval, .. }
            | State::Escalated { approval, .. }
            | State::Closed { approval, .. } => *approval,
        }
    }

    /// The run, once one started.
    pub fn run(&self) -> Option<RunId> {
        match &self.state {
            State::Running { run, .. } | State::Verifying { run, .. } | State::Escalated { run, .. } => Some(*run),
            State::Closed { run, .. } => *run,
            State::Proposed | State::Blocked { .. } | State::Awaiting { .. } | State::Cleared { .. } => None,
        }
    }

    /// How it ended.
    pub fn outcome(&self) -> Option<&Outcome> {
        match &self.state {
            State::Closed { outcome, .. } => Some(outcome),
            State::Proposed
            | State::Blocked { .. }
            | State::Awaiting { .. }
            | State::Cleared { .. }
            | State::Running { .. }
            | State::Verifying { .. }
            | State::Escalated { .. } => None,
        }
    }
}

impl Machine for Change {
    type Event = Event;

    fn begin(event: &Event) -> Result<Self, IllegalTransition> {
        transition::begin(event)
    }

    fn apply(self, event: &Event) -> Result<Self, IllegalTransition> {
        transition::apply(self, event)
    }

    fn word(&self) -> &'static str {
        match &self.state {
            State::Proposed => "proposed",
            State::Blocked { .. } => "blocked",
            State::Awaiting { .. } => "awaiting_approval",
            State::Cleared { .. } => "cleared",
            State::Running { .. } => "running",
            State::Verifying { .. } => "verifying",
            State::Escalated { .. } => "escalated",
            State::Closed { outcome, .. } => outcome.word(),
        }
    }

    fn open(&self) -> bool {
        self.outcome().is_none()
    }

    fn due(&self) -> Option<Timestamp> {
        match &self.state {
            State::Proposed | State::Cleared { .. } => Some(self.since),
            State::Blocked { until, .. } => Some((*until).min(self.assessed.unwrap_or(self.since) + REASSESS_EVERY)),
            State::Verifying { until, every, samples, .. } => {
                let last = samples.last().map_or(self.since, |sample| sample.at);
                Some((*until).min(last + *every))
            }
            State::Awaiting { .. } | State::Running { .. } | State::Escalated { .. } | State::Closed { .. } => None,
        }
    }
}
