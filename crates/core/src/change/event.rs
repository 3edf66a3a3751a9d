//! What can happen to a change, and how it can end.

use serde::{Deserialize, Serialize};

use super::{Judgement, Sample};
use crate::bundle::Bundle;
use crate::catalogue::Inputs;
use crate::dossier::{Difference, Dossier, Misfit};
use crate::id::{ApprovalId, ChangeId, OperatorId, RunId};
use crate::proposal::Proposal;
use crate::run::RunEnd;
use crate::situation::Actor;
use crate::time::{Span, Timestamp};

/// How a change ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// Policy refuses it, whoever approves.
    Denied,
    /// It fits nothing in the estate.
    Misfit {
        /// Why.
        misfit: Misfit,
    },
    /// A person said no.
    Rejected {
        /// Who.
        by: OperatorId,
    },
    /// Nobody answered in time, or a missing fact never came.
    Lapsed,
    /// Who proposed it took it back.
    Withdrawn {
        /// Who.
        by: Actor,
    },
    /// It was advice: nothing had to be carried out.
    Advised,
    /// The world is better, for the whole soak, and policy lets the machine say so; or a person said so.
    Succeeded {
        /// Who declared it; none when the machine did.
        by: Option<OperatorId>,
    },
    /// What was done was taken back.
    Undone,
    /// A person declared that it failed.
    Failed {
        /// Who.
        by: OperatorId,
    },
}

impl Outcome {
    /// One word for records, lists and tables.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::Misfit { .. } => "misfit",
            Self::Rejected { .. } => "rejected",
            Self::Lapsed => "lapsed",
            Self::Withdrawn { .. } => "withdrawn",
            Self::Advised => "advised",
            Self::Succeeded { .. } => "succeeded",
            Self::Undone => "undone",
            Self::Failed { .. } => "failed",
        }
    }
}

/// What can happen to a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// Somebody asks for it.
    Proposed {
        /// Its id.
        id: ChangeId,
        /// What is asked for.
        proposal: Box<Proposal>,
        /// When.
        at: Timestamp,
    },
    /// It fits nothing in the estate.
    Misfit {
        /// Why.
        misfit: Misfit,
        /// When.
        at: Timestamp,
    },
    /// A fact is missing or stale.
    Blocked {
        /// What gate 1 found.
        dossier: Box<Dossier>,
        /// When it lapses.
        until: Timestamp,
    },
    /// No approval helps.
    Denied {
        /// What gate 1 found.
        dossier: Box<Dossier>,
    },
    /// People are asked, for the first time or again.
    Asked {
        /// What gate 1 found.
        dossier: Box<Dossier>,
        /// What an approval binds.
        bundle: Box<Bundle>,
        /// The request.
        approval: ApprovalId,
        /// What differs from what was asked, or cleared, before.
        differences: Vec<Difference>,
    },
    /// Policy alone says yes.
    Cleared {
        /// What gate 1 found.
        dossier: Box<Dossier>,
        /// What is bound.
        bundle: Box<Bundle>,
        /// What differs from what was cleared before.
        differences: Vec<Difference>,
        /// When the clearance lapses.
        until: Timestamp,
    },
    /// Enough people said yes.
    Approved {
        /// When the clearance lapses.
        until: Timestamp,
        /// When it was granted.
        at: Timestamp,
    },
    /// A person said no.
    Rejected {
        /// Who.
        by: OperatorId,
        /// When.
        at: Timestamp,
    },
    /// Its time ran out.
    Lapsed {
        /// When.
        at: Timestamp,
    },
    /// Who proposed it takes it back.
    Withdrawn {
        /// Who.
        by: Actor,
        /// Why.
        reason: String,
        /// When.
        at: Timestamp,
    },
    /// Its inputs are changed; everything is judged and asked again.
    Amended {
        /// Who.
        by: Actor,
        /// The new inputs.
        inputs: Inputs,
        /// When.
        at: Timestamp,
    },
    /// It was advice, and is recorded.
    Advised {
        /// When.
        at: Timestamp,
    },
    /// Another run holds what this one needs for itself; it waits for its turn, within the time that it is cleared for.
    Queued {
        /// The concurrency key.
        key: String,
        /// The change whose run holds it.
        behind: ChangeId,
        /// That run.
        run: RunId,
        /// When.
        at: Timestamp,
    },
    /// A run starts, on facts that were looked at again.
    Started {
        /// The run.
        run: RunId,
        /// What was found at dispatch.
        dossier: Box<Dossier>,
        /// What binds the run: what was approved, or what policy cleared on these facts.
        bundle: Box<Bundle>,
        /// What goals and neighbours looked like at dispatch.
        before: Sample,
        /// When.
        at: Timestamp,
    },
    /// The run is over.
    RunEnded {
        /// How.
        how: RunEnd,
        /// How long the goals must hold.
        soak: Span,
        /// When.
        at: Timestamp,
    },
    /// The goals were looked at.
    Sampled {
        /// What was seen.
        sample: Sample,
    },
    /// The machine judges the result.
    Judged {
        /// How.
        judgement: Judgement,
        /// Whether policy lets the machine close the change on that.
        closes: bool,
        /// When.
        at: Timestamp,
    },
    /// A person takes back what was done.
    TakenBack {
        /// Who.
        by: OperatorId,
        /// Why.
        reason: String,
        /// When.
        at: Timestamp,
    },
    /// A person declares the outcome, or overrules it.
    Declared {
        /// Who.
        by: OperatorId,
        /// Whether it succeeded.
        success: bool,
        /// Why.
        reason: String,
        /// When.
        at: Timestamp,
    },
    /// Something about this change was refused; nothing moves, and it is on record.
    ActRefused {
        /// Who tried.
        by: Actor,
        /// What.
        act: String,
        /// Why, as a stable word.
        code: String,
        /// When.
        at: Timestamp,
    },
}

impl Event {
    /// One word for records and tables.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Proposed { .. } => "proposed",
            Self::Misfit { .. } => "misfit",
            Self::Blocked { .. } => "blocked",
            Self::Denied { .. } => "denied",
            Self::Asked { .. } => "asked",
            Self::Cleared { .. } => "cleared",
            Self::Approved { .. } => "approved",
            Self::Rejected { .. } => "rejected",
            Self::Lapsed { .. } => "lapsed",
            Self::Withdrawn { .. } => "withdrawn",
            Self::Amended { .. } => "amended",
            Self::Advised { .. } => "advised",
            Self::Queued { .. } => "queued",
            Self::Started { .. } => "started",
            Self::RunEnded { .. } => "run_ended",
            Self::Sampled { .. } => "sampled",
            Self::Judged { .. } => "judged",
            Self::TakenBack { .. } => "taken_back",
            Self::Declared { .. } => "declared",
            Self::ActRefused { .. } => "act_refused",
        }
    }
}
