//! What can be asked of a page, what that leads to, and what is owed to it.

use std::collections::BTreeSet;

use super::{ANSWERS_MAX, End, Event, LATE_MAX, Page, Plan, State, Step};
use crate::id::{OperatorId, PageId};
use crate::incident::Severity;
use crate::machine::Machine as _;
use crate::time::Timestamp;

/// Something that a person did about what a page is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Act {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: OperatorId,
}

/// What can be asked of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// The step that is owed is told; whom, was found by the estate in force.
    Tell {
        /// The people that it reaches now, or the last resort in their place.
        people: BTreeSet<OperatorId>,
        /// Whether it is the last resort, because the step reaches nobody.
        instead: bool,
    },
    /// Whoever was told is reminded.
    Remind,
    /// A person answers.
    Acknowledge(OperatorId),
    /// A person hands it to another one.
    HandOver {
        /// Who.
        by: OperatorId,
        /// To whom.
        to: OperatorId,
        /// Why.
        reason: String,
    },
    /// The time of whoever has answered is over: what has been done since?
    Look(Option<Act>),
    /// The incident is worse or milder.
    Regrade {
        /// How bad.
        severity: Severity,
        /// Until when quiet hours hold that.
        held: Option<Timestamp>,
    },
    /// A rule tells others.
    Reroute(Plan),
    /// Whoever commanded the incident has left it.
    CommanderLeft(Timestamp),
    /// Every signal has resolved.
    Rest,
    /// Something fires again.
    Resume,
    /// Nobody need be looked for any more.
    End(End),
}

/// What is owed to a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// To tell a step.
    Tell(Step),
    /// To remind whoever was told.
    Remind,
    /// To look whether whoever has answered has done anything.
    Look,
}

/// Why a command cannot be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is over, and enough people have said so late.
    #[error("page `{0}` is over")]
    Over(PageId),
    /// It is somebody else's.
    #[error("page `{0}` is not yours to hand over: answer it first")]
    NotYours(PageId),
    /// Their answer is of no use.
    #[error("page `{0}` asks for somebody who may approve, which you may not")]
    Recused(PageId),
    /// Who gets it could not approve.
    #[error("page `{0}` asks for somebody who may approve, which they may not")]
    ToRecused(PageId),
    /// It needs a reason.
    #[error("say why: the hand-over of page `{0}` is recorded with its reason")]
    Unreasoned(PageId),
    /// Too much has happened to it.
    #[error("page `{0}` was answered {ANSWERS_MAX} times")]
    TooMany(PageId),
}

impl Page {
    /// What a command leads to. What comes too early, or says nothing new, leads to nothing.
    ///
    /// # Errors
    /// When the state does not allow it.
    pub fn decide(&self, command: Command, now: Timestamp) -> Result<Vec<Event>, Refusal> {
        Ok(match command {
            Command::Tell { people, instead } => self.tell(people, instead, now),
            Command::Remind => match &self.state {
                State::Calling { step, people, .. } if self.effects(now).contains(&Effect::Remind) => {
                    vec![Event::Reminded { step: *step, people: people.clone(), at: now }]
                }
                State::Held { .. }
                | State::Owed { .. }
                | State::Calling { .. }
                | State::Acknowledged { .. }
                | State::Resting { .. }
                | State::Over { .. } => Vec::new(),
            },
            Command::Acknowledge(by) => self.acknowledge(by, now)?,
            Command::HandOver { by, to, reason } => self.hand_over(by, to, reason, now)?,
            Command::Look(act) => self.look(act, now),
            Command::Regrade { severity, held } => {
                let released = matches!(self.state, State::Held { .. }) && held.is_none();
                let same = self.severity == Some(severity) || !self.open();
                if same { Vec::new() } else { vec![Event::Regraded { severity, released, at: now }] }
            }
            Command::Reroute(plan) => {
                if self.open() && self.plan.path != plan.path {
                    vec![Event::Rerouted { plan, at: now }]
                } else {
                    Vec::new()
                }
            }
            Command::CommanderLeft(left) => {
                if self.open() && self.gap < Some(left) {
                    vec![Event::CommanderLeft { left, at: now }]
                } else {
                    Vec::new()
                }
            }
            Command::Rest => match self.state {
                State::Resting { .. } | State::Over { .. } => Vec::new(),
                State::Held { .. } | State::Owed { .. } | State::Calling { .. } | State::Acknowledged { .. } => {
                    vec![Event::Rested { at: now }]
                }
            },
            Command::Resume if matches!(self.state, State::Resting { .. }) => {
                vec![Event::Resumed { until: now + self.plan.act_within, at: now }]
            }
            Command::Resume => Vec::new(),
            Command::End(why) => {
                if self.open() {
                    vec![Event::Ended { why, at: now }]
                } else {
                    Vec::new()
                }
            }
        })
    }

    /// What is owed to it now.
    pub fn effects(&self, now: Timestamp) -> Vec<Effect> {
        let effect = match &self.state {
            State::Held { until } if *until <= now => Some(Effect::Tell(Step::FIRST)),
            State::Owed { step, .. } => Some(Effect::Tell(*step)),
            State::Calling { step, until, .. } if *until <= now => self.plan.next(*step).map(Effect::Tell),
            State::Calling { .. } => self.reminder().filter(|at| *at <= now).map(|_| Effect::Remind),
            State::Acknowledged { until, .. } if *until <= now => Some(Effect::Look),
            State::Held { .. } | State::Acknowledged { .. } | State::Resting { .. } | State::Over { .. } => None,
        };
        effect.into_iter().collect()
    }

    fn tell(&self, people: BTreeSet<OperatorId>, instead: bool, now: Timestamp) -> Vec<Event> {
        let owed = self.effects(now).into_iter().find_map(|effect| match effect {
            Effect::Tell(step) => Some(step),
            Effect::Remind | Effect::Look => None,
        });
        let Some(step) = owed else { return Vec::new() };
        // Where nobody can be told nobody has to be waited for, but the last resort may come back.
        let last = matches!(step, Step::Last { .. });
        let until = if people.is_empty() && !last { now } else { now + self.plan.within(step) };
        vec![Event::Told { step, people, instead, until, at: now }]
    }

    fn acknowledge(&self, by: OperatorId, now: Timestamp) -> Result<Vec<Event>, Refusal> {
        if self.about.recused().is_some_and(|recused| recused.contains(&by)) {
            return Err(Refusal::Recused(self.id));
        }
        match self.holder() {
            _ if !self.open() => self.late(by, now),
            Some(holder) if holder != by => self.late(by, now),
            Some(_) if matches!(self.state, State::Resting { .. }) => Ok(Vec::new()),
            None if matches!(self.state, State::Resting { .. }) => self.late(by, now),
            Some(_) | None => {
                self.bounded()?;
                Ok(vec![Event::Acknowledged { by, until: now + self.plan.act_within, at: now }])
            }
        }
    }

    fn late(&self, by: OperatorId, now: Timestamp) -> Result<Vec<Event>, Refusal> {
        if self.late >= LATE_MAX { Err(Refusal::Over(self.id)) } else { Ok(vec![Event::AnsweredLate { by, at: now }]) }
    }

    fn hand_over(&self, by: OperatorId, to: OperatorId, reason: String, now: Timestamp) -> Result<Vec<Event>, Refusal> {
        let theirs = match &self.state {
            State::Acknowledged { by: holder, .. } => *holder == by,
            State::Calling { people, .. } => people.contains(&by),
            State::Over { .. } => return Err(Refusal::Over(self.id)),
            State::Held { .. } | State::Owed { .. } | State::Resting { .. } => false,
        };
        if !theirs {
            return Err(Refusal::NotYours(self.id));
        }
        if self.about.recused().is_some_and(|recused| recused.contains(&to)) {
            return Err(Refusal::ToRecused(self.id));
        }
        if reason.trim().is_empty() {
            return Err(Refusal::Unreasoned(self.id));
        }
        self.bounded()?;
        Ok(vec![Event::HandedOver { by, to, reason, until: now + self.plan.within(self.step()), at: now }])
    }

    fn look(&self, act: Option<Act>, now: Timestamp) -> Vec<Event> {
        let State::Acknowledged { by, since, until, .. } = self.state else { return Vec::new() };
        if until > now {
            return Vec::new();
        }
        match act.filter(|act| act.at > since && act.at + self.plan.act_within > now && self.answers < ANSWERS_MAX) {
            Some(act) => vec![Event::Acted { by: act.by, acted: act.at, until: act.at + self.plan.act_within, at: now }],
            None => vec![Event::Forgotten { by, at: now }],
        }
    }

    fn bounded(&self) -> Result<(), Refusal> {
        if self.answers >= ANSWERS_MAX { Err(Refusal::TooMany(self.id)) } else { Ok(()) }
    }
}
