//! What can be asked of a change, and what it leads to.

use super::{BLOCKED_TTL, CLEARED_TTL, Change, Event, REFUSALS_MAX, ROUNDS_MAX, Sample, State, judge};
use crate::bundle::Bundle;
use crate::catalogue::{Closing, Inputs};
use crate::dossier::{Dossier, Misfit};
use crate::id::{ApprovalId, ChangeId, OperatorId, RunId};
use crate::lane::Held;
use crate::machine::Machine as _;
use crate::plan::EffectClass;
use crate::run::RunEnd;
use crate::situation::Actor;
use crate::time::{Span, Timestamp};
use crate::verdict::Verdict;

/// What gate 1 found, what an approval of it would bind, and the id of the request if people must be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assessment {
    /// What was found, the verdict included.
    pub dossier: Dossier,
    /// What an approval binds.
    pub bundle: Bundle,
    /// The id of the request, if people must be asked.
    pub approval: ApprovalId,
}

/// What can be asked of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// It fits nothing in the estate.
    Misfit(Misfit),
    /// Gate 1 has looked.
    Assess(Box<Assessment>),
    /// Enough people said yes.
    Approve,
    /// A person said no.
    Reject(OperatorId),
    /// Time passed, for the change or for its request.
    Lapse,
    /// It is taken back.
    Withdraw {
        /// By whom.
        by: Actor,
        /// Why.
        reason: String,
    },
    /// Its inputs are changed.
    Amend {
        /// By whom.
        by: Actor,
        /// The new inputs, which fit the action.
        inputs: Inputs,
    },
    /// Everything was looked at again just now; start if it still is what was cleared.
    Dispatch {
        /// What was found.
        assessment: Box<Assessment>,
        /// Whether policy, asked with the real approvals and these facts, permits it.
        permitted: bool,
        /// The id of the run.
        run: RunId,
        /// What goals and neighbours look like now.
        before: Sample,
    },
    /// The run is over.
    EndRun {
        /// How.
        how: RunEnd,
        /// How long the goals must hold.
        soak: Span,
    },
    /// Goals and neighbours were looked at.
    Sample {
        /// What was seen.
        sample: Sample,
        /// Who may close a change that improved things.
        closing: Closing,
    },
    /// A person takes back what was done.
    TakeBack {
        /// Who.
        by: OperatorId,
        /// Why.
        reason: String,
    },
    /// A person declares the outcome.
    Declare {
        /// Who.
        by: OperatorId,
        /// Whether it succeeded.
        success: bool,
        /// Why.
        reason: String,
    },
}

/// Why a command cannot be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The change is somewhere else.
    #[error("change `{change}` is {state}, so `{command}` does not apply")]
    WrongState {
        /// Which change.
        change: ChangeId,
        /// Where it is.
        state: &'static str,
        /// What was asked.
        command: &'static str,
    },
    /// An agent may only touch what it proposed itself.
    #[error("change `{change}` was proposed by somebody else")]
    NotYours {
        /// Which change.
        change: ChangeId,
    },
    /// A declaration needs a reason.
    #[error("say why: without a reason it is not recorded")]
    Unreasoned,
}

impl Change {
    /// What a command leads to.
    ///
    /// # Errors
    /// When the state does not allow it.
    pub fn decide(&self, command: Command, now: Timestamp) -> Result<Vec<Event>, Refusal> {
        match command {
            Command::Misfit(misfit) => self.in_state("misfit", before_the_run, vec![Event::Misfit { misfit, at: now }]),
            Command::Assess(assessment) => {
                let looks = |s: &State| matches!(s, State::Proposed | State::Blocked { .. } | State::Awaiting { .. });
                let events = if self.asked_already(&assessment) { Vec::new() } else { self.assessed(*assessment, now) };
                self.in_state("assess", looks, events)
            }
            Command::Approve => {
                let events = vec![Event::Approved { until: now + CLEARED_TTL, at: now }];
                self.in_state("approve", |s| matches!(s, State::Awaiting { .. }), events)
            }
            Command::Reject(by) => {
                let waits = |s: &State| matches!(s, State::Awaiting { .. } | State::Cleared { approval: Some(_), .. });
                self.in_state("reject", waits, vec![Event::Rejected { by, at: now }])
            }
            Command::Lapse => Ok(if self.lapses(now) { vec![Event::Lapsed { at: now }] } else { Vec::new() }),
            Command::Withdraw { by, reason } => {
                self.owned(by)?;
                let events = vec![Event::Withdrawn { by, reason, at: now }];
                self.in_state("withdraw", before_the_run, events)
            }
            Command::Amend { by, inputs } => {
                self.owned(by)?;
                self.in_state("amend", before_the_run, vec![Event::Amended { by, inputs, at: now }])
            }
            Command::Dispatch { assessment, permitted, run, before } => self.dispatch(*assessment, permitted, run, before, now),
            Command::EndRun { how, soak } => {
                self.in_state("end run", |s| matches!(s, State::Running { .. }), vec![Event::RunEnded { how, soak, at: now }])
            }
            Command::Sample { sample, closing } => self.sample(sample, closing, now),
            Command::TakeBack { by, reason } => {
                reasoned(&reason)?;
                let done = |s: &State| matches!(s, State::Escalated { judgement: Some(_), .. });
                self.in_state("take back", done, vec![Event::TakenBack { by, reason, at: now }])
            }
            Command::Declare { by, success, reason } => {
                reasoned(&reason)?;
                let events = vec![Event::Declared { by, success, reason, at: now }];
                self.in_state("declare", declarable, events)
            }
        }
    }

    /// What goes on record when an act is refused because the change is another's; nothing for other refusals, which tell
    /// the caller all there is to know, and nothing past [`REFUSALS_MAX`].
    pub fn refused(&self, command: &Command, refusal: &Refusal, now: Timestamp) -> Vec<Event> {
        let (by, act) = match command {
            Command::Withdraw { by, .. } => (*by, "withdraw"),
            Command::Amend { by, .. } => (*by, "amend"),
            Command::Misfit(_)
            | Command::Assess(_)
            | Command::Approve
            | Command::Reject(_)
            | Command::Lapse
            | Command::Dispatch { .. }
            | Command::EndRun { .. }
            | Command::Sample { .. }
            | Command::TakeBack { .. }
            | Command::Declare { .. } => return Vec::new(),
        };
        if self.refusals >= REFUSALS_MAX || !matches!(refusal, Refusal::NotYours { .. }) {
            return Vec::new();
        }
        vec![Event::ActRefused { by, act: act.into(), code: "not_your_change".into(), at: now }]
    }

    /// What goes on record when its turn has not come; nothing when that is known already.
    pub fn queued(&self, held: &Held, now: Timestamp) -> Vec<Event> {
        let Held { key, holder } = held;
        match &self.state {
            State::Cleared { behind, .. } if *behind != Some(holder.run) => {
                vec![Event::Queued { key: key.clone(), behind: holder.change, run: holder.run, at: now }]
            }
            State::Cleared { .. }
            | State::Proposed
            | State::Blocked { .. }
            | State::Awaiting { .. }
            | State::Running { .. }
            | State::Verifying { .. }
            | State::Escalated { .. }
            | State::Closed { .. } => Vec::new(),
        }
    }

    fn in_state(&self, command: &'static str, fits: impl Fn(&State) -> bool, events: Vec<Event>) -> Result<Vec<Event>, Refusal> {
        if fits(&self.state) { Ok(events) } else { Err(Refusal::WrongState { change: self.id, state: self.word(), command }) }
    }

    fn owned(&self, by: Actor) -> Result<(), Refusal> {
        match by {
            Actor::Agent(_) if by != self.proposal.by => Err(Refusal::NotYours { change: self.id }),
            Actor::Agent(_) | Actor::Operator(_) | Actor::Engine => Ok(()),
        }
    }

    /// Whether its time is over. With a request it is the request's time that counts, and the request keeps it.
    fn lapses(&self, now: Timestamp) -> bool {
        match &self.state {
            State::Blocked { until, .. } | State::Cleared { approval: None, until, .. } => *until <= now,
            State::Awaiting { .. } | State::Cleared { approval: Some(_), .. } => true,
            State::Proposed | State::Running { .. } | State::Verifying { .. } | State::Escalated { .. } | State::Closed { .. } => false,
        }
    }

    fn assessed(&self, found: Assessment, now: Timestamp) -> Vec<Event> {
        let Assessment { dossier, bundle, approval } = found;
        let verdict = dossier.verdict.clone().filter(|_| dossier.faults.is_empty());
        let Some(verdict) = verdict else {
            let until = match &self.state {
                // The same faults again are no news.
                State::Blocked { dossier: known, .. } if known.faults == dossier.faults => return Vec::new(),
                State::Blocked { until, .. } => *until,
                State::Proposed
                | State::Awaiting { .. }
                | State::Cleared { .. }
                | State::Running { .. }
                | State::Verifying { .. }
                | State::Escalated { .. }
                | State::Closed { .. } => now + BLOCKED_TTL,
            };
            return vec![Event::Blocked { dossier: Box::new(dossier), until }];
        };
        let differences = match self.gate() {
            Some(gate) => gate.dossier.difference(&dossier),
            // Amended after people were asked: they are shown what was amended.
            None if self.rounds > 0 => self.differences.clone(),
            None => Vec::new(),
        };
        let (dossier, bundle) = (Box::new(dossier), Box::new(bundle));
        match verdict {
            Verdict::Denied { .. } => vec![Event::Denied { dossier }],
            Verdict::NeedsApproval { .. } if self.rounds >= ROUNDS_MAX => vec![Event::Lapsed { at: now }],
            Verdict::NeedsApproval { .. } => vec![Event::Asked { dossier, bundle, approval, differences }],
            // Cleared before on the same ground, and yet not permitted: no news, and it lapses in its time.
            Verdict::Clear { .. } if self.cleared_by_policy().is_some_and(|(known, _)| known.drift(&bundle).is_empty()) => Vec::new(),
            Verdict::Clear { .. } => {
                let advice = dossier.plan.is_none();
                let until = self.cleared_by_policy().map_or(now + CLEARED_TTL, |(_, until)| until);
                let cleared = Event::Cleared { dossier, bundle, differences, until };
                if advice { vec![cleared, Event::Advised { at: now }] } else { vec![cleared] }
            }
        }
    }

    /// Whether people are asked about just this: looking again at what stands is no news.
    fn asked_already(&self, found: &Assessment) -> bool {
        let State::Awaiting { gate, .. } = &self.state else { return false };
        let asks = matches!(found.dossier.verdict, Some(Verdict::NeedsApproval { .. })) && found.dossier.faults.is_empty();
        asks && gate.bundle.drift(&found.bundle).is_empty()
    }

    fn cleared_by_policy(&self) -> Option<(&Bundle, Timestamp)> {
        if let State::Cleared { gate, approval: None, until, .. } = &self.state { Some((&gate.bundle, *until)) } else { None }
    }

    fn dispatch(&self, found: Assessment, permitted: bool, run: RunId, before: Sample, now: Timestamp) -> Result<Vec<Event>, Refusal> {
        let State::Cleared { gate, approval, until, .. } = &self.state else {
            return Err(Refusal::WrongState { change: self.id, state: self.word(), command: "dispatch" });
        };
        if *until <= now {
            return Ok(vec![Event::Lapsed { at: now }]);
        }
        let stands = found.dossier.faults.is_empty()
            && permitted
            && match approval {
                Some(_) => gate.bundle.drift(&found.bundle).is_empty(),
                // Nobody approved anything: what counts is that policy alone clears it on these facts, too.
                None => matches!(found.dossier.verdict, Some(Verdict::Clear { .. })),
            };
        if !stands {
            return Ok(self.assessed(found, now));
        }
        if found.dossier.plan.is_none() {
            return Ok(vec![Event::Advised { at: now }]);
        }
        let bundle = if approval.is_some() { gate.bundle.clone() } else { found.bundle };
        Ok(vec![Event::Started { run, dossier: Box::new(found.dossier), bundle: Box::new(bundle), before, at: now }])
    }

    fn sample(&self, sample: Sample, closing: Closing, now: Timestamp) -> Result<Vec<Event>, Refusal> {
        let State::Verifying { gate, samples, soak, until, before, .. } = &self.state else {
            return Err(Refusal::WrongState { change: self.id, state: self.word(), command: "sample" });
        };
        let mut seen = samples.clone();
        seen.push(sample.clone());
        let mut events = vec![Event::Sampled { sample }];
        if let Some(judgement) = judge(before, &seen, *soak, *until <= now) {
            // What only read has nothing to improve: that it came to its end is all there is to judge.
            let read = gate.dossier.plan.as_ref().is_some_and(|plan| plan.steps.iter().all(|step| step.effect == EffectClass::Read));
            let blind = seen.iter().all(|sample| sample.goals.is_empty() && sample.neighbours.is_empty());
            let closes = closing == Closing::Machine && (judgement == super::Judgement::Improved || (read && blind));
            events.push(Event::Judged { judgement, closes, at: now });
        }
        Ok(events)
    }
}

fn before_the_run(state: &State) -> bool {
    matches!(state, State::Proposed | State::Blocked { .. } | State::Awaiting { .. } | State::Cleared { .. })
}

fn declarable(state: &State) -> bool {
    let by_machine = |outcome: &super::Outcome| matches!(outcome, super::Outcome::Succeeded { by: None });
    match state {
        State::Escalated { .. } => true,
        State::Closed { outcome, .. } => by_machine(outcome),
        State::Proposed
        | State::Blocked { .. }
        | State::Awaiting { .. }
        | State::Cleared { .. }
        | State::Running { .. }
        | State::Verifying { .. } => false,
    }
}

fn reasoned(reason: &str) -> Result<(), Refusal> {
    if reason.trim().is_empty() { Err(Refusal::Unreasoned) } else { Ok(()) }
}
