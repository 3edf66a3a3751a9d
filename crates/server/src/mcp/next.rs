//! What an agent should do now: one word to branch on, and one instruction that a model can follow.

use lineclear_core::change::{Outcome, State};
use lineclear_engine::ChangeView;

/// Where a change stands, as far as an agent has to care.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    /// Gate 1 is looking.
    BeingChecked,
    /// A fact is missing.
    Blocked,
    /// People are asked.
    PendingApproval,
    /// It is carried out.
    InProgress,
    /// A person must decide what becomes of it.
    NeedsPerson,
    /// It is over.
    Finished,
}

impl Status {
    /// Of a change.
    pub fn of(view: &ChangeView) -> Self {
        match &view.change.state {
            State::Proposed => Self::BeingChecked,
            State::Blocked { .. } => Self::Blocked,
            State::Awaiting { .. } => Self::PendingApproval,
            State::Running { .. } if view.word == "stuck" => Self::NeedsPerson,
            State::Cleared { .. } | State::Running { .. } | State::Verifying { .. } => Self::InProgress,
            State::Escalated { .. } => Self::NeedsPerson,
            State::Closed { .. } => Self::Finished,
        }
    }
}

/// What the asking agent should do now.
pub(super) fn next(view: &ChangeView, yours: bool) -> &'static str {
    if let Some(outcome) = view.change.outcome() {
        return after(outcome);
    }
    match (Status::of(view), yours) {
        (Status::BeingChecked, _) => "The gate is still measuring: call `wait_for_decision` with this `change`.",
        (Status::Blocked, true) => {
            "Policy was not asked, because `faults` lists what is missing or stale. It is looked at again by itself: call \
             `wait_for_decision` with this `change`, or `withdraw_change` if it is no longer wanted. Do not propose it again."
        }
        (Status::PendingApproval, true) => {
            "A named person has to answer at `url`, and no tool can. Show the url to the person you work for, then call \
             `wait_for_decision` with this `change` until `status` is no longer `pending_approval`. If nobody answers, it lapses."
        }
        (Status::Blocked | Status::PendingApproval, false) => {
            "It is another's proposal and not decided yet: `wait_for_decision` with this `change` tells when it is."
        }
        (Status::InProgress, _) => {
            "It was cleared, and Lineclear carries it out; do nothing to the target yourself. Call `wait_for_decision` with this \
             `change` and `until` = `finished` to learn how it ends."
        }
        (Status::NeedsPerson, _) => {
            "A named person has to decide at `url` what becomes of it. Do nothing to the target yourself; `wait_for_decision` with \
             `until` = `finished` does not help before somebody has decided."
        }
        (Status::Finished, _) => "It is over; nothing is left to do.",
    }
}

fn after(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Denied => "No approval helps: read `verdict.reasons` and choose something else. Do not propose the same again.",
        Outcome::Misfit { .. } => "It fits nothing in this estate: call `list_actions` and propose what is there.",
        Outcome::Rejected { .. } => "A person said no. Do not propose the same again; ask them at `url` what they would accept.",
        Outcome::Lapsed => {
            "Nobody answered in time, or a fact never came. That is neither yes nor no: propose again only if it still helps."
        }
        Outcome::Withdrawn { .. } => "It was taken back before it ran. Nothing was changed, and nothing is left to do.",
        Outcome::Advised => "It is recorded as advice for people. Nothing is carried out, and nothing is left to do.",
        Outcome::Succeeded { .. } => "It was carried out, and the result was found good. Nothing is left to do.",
        Outcome::Undone => {
            "It was taken back after it had begun: the target is as before. Read the timeline with `get_change` before you propose anything else."
        }
        Outcome::Failed { .. } => "A person declared that it failed. Read the timeline with `get_change` before you propose anything else.",
    }
}
