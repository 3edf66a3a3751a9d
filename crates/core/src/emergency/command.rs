//! What can be asked of an emergency. Every act of a person takes a person by type: no agent can be written down here.

use std::collections::BTreeSet;

use super::{ACTS_MAX, Emergency, Event, LASTS_MIN, Rules, SERVICES_MAX, Scope, State, WORDS_MAX, WORDS_MIN};
use crate::id::{ChangeId, EmergencyId, IncidentId, OperatorId, RunId};
use crate::machine::Machine as _;
use crate::name::RoleName;
use crate::time::{Span, Timestamp};

/// What a person declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration {
    /// Why, in their own words.
    pub justification: String,
    /// What it covers.
    pub scope: Scope,
    /// How long it lasts.
    pub lasts: Span,
    /// The incident that it is about.
    pub incident: Option<IncidentId>,
}

/// Who declares, and what is open already.
#[derive(Debug, Clone, Copy)]
pub struct Standing<'a> {
    /// What the estate says; none when it has no emergencies.
    pub rules: Option<&'a Rules>,
    /// The roles that the person holds.
    pub roles: &'a BTreeSet<RoleName>,
    /// How many reviews are open.
    pub open_reviews: usize,
}

/// What can be asked of an emergency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// A run begins under it.
    Act {
        /// The change.
        change: ChangeId,
        /// Its run.
        run: RunId,
    },
    /// A person ends it.
    End {
        /// Who.
        by: OperatorId,
        /// Why.
        reason: String,
    },
    /// Time passed.
    Tick,
    /// A person closes its review.
    Review {
        /// Who.
        by: OperatorId,
        /// What was found.
        findings: String,
    },
}

/// Why nothing is declared, ended or closed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The estate has none.
    #[error("this estate lists no emergencies: `authority.yaml` says in `emergencies` whether and how one may be declared")]
    NotHere,
    /// The person holds none of the roles.
    #[error("to declare an emergency takes one of the roles {0}")]
    NotYours(String),
    /// Words that are missing, too few or too many.
    #[error("say {0} in {WORDS_MIN} to {WORDS_MAX} characters")]
    Words(&'static str),
    /// Too short or too long.
    #[error("an emergency lasts {LASTS_MIN} to {0} here")]
    Lasts(Span),
    /// No services, or too many.
    #[error("name 1 to {SERVICES_MAX} services, or the whole estate")]
    Services,
    /// Others stand unreviewed.
    #[error("{open} reviews of earlier emergencies are open, and this estate lets {bound} stand open: close one first")]
    Unreviewed {
        /// How many are open.
        open: usize,
        /// How many may be.
        bound: u8,
    },
    /// It is somewhere else.
    #[error("emergency `{id}` is {state}, so `{command}` does not apply")]
    WrongState {
        /// Which.
        id: EmergencyId,
        /// Where it is.
        state: &'static str,
        /// What was asked.
        command: &'static str,
    },
    /// Whoever declared it, or broke the glass, looks at it.
    #[error("whoever began emergency `{0}` does not close its review")]
    OwnReview(EmergencyId),
}

/// Whether these words are neither missing nor more than one screen.
fn said(words: &str, what: &'static str) -> Result<(), Refusal> {
    let count = words.trim().chars().count();
    if (WORDS_MIN..=WORDS_MAX).contains(&count) { Ok(()) } else { Err(Refusal::Words(what)) }
}

impl Emergency {
    /// What a declaration leads to.
    ///
    /// # Errors
    /// When the estate has none, the person may not, something about it is out of bounds, or too many reviews are open.
    pub fn declare(
        id: EmergencyId,
        by: OperatorId,
        declared: Declaration,
        standing: Standing<'_>,
        now: Timestamp,
    ) -> Result<Event, Refusal> {
        let rules = standing.rules.ok_or(Refusal::NotHere)?;
        if !rules.roles.is_empty() && rules.roles.is_disjoint(standing.roles) {
            let names: Vec<String> = rules.roles.iter().map(|role| format!("`{role}`")).collect();
            return Err(Refusal::NotYours(names.join(", ")));
        }
        let Declaration { justification, scope, lasts, incident } = declared;
        said(&justification, "why there is an emergency")?;
        if lasts < LASTS_MIN || lasts > rules.longest {
            return Err(Refusal::Lasts(rules.longest));
        }
        if let Scope::Services { services } = &scope
            && !(1..=SERVICES_MAX).contains(&services.len())
        {
            return Err(Refusal::Services);
        }
        if standing.open_reviews >= usize::from(rules.open_reviews) {
            return Err(Refusal::Unreviewed { open: standing.open_reviews, bound: rules.open_reviews });
        }
        Ok(Event::Declared { id, by, justification: justification.trim().into(), scope, incident, until: now + lasts, at: now })
    }

    /// What a command leads to. A tick before its time, and an act beyond those that are listed, lead to nothing.
    ///
    /// # Errors
    /// When it does not apply, nothing is said, or a person would review their own.
    pub fn decide(&self, command: Command, now: Timestamp) -> Result<Vec<Event>, Refusal> {
        let wrong = |command| Refusal::WrongState { id: self.id, state: self.word(), command };
        let in_force = matches!(self.state, State::InForce);
        match command {
            Command::Act { .. } if !in_force || self.until <= now => Err(wrong("act")),
            Command::Act { .. } if self.acts.len() >= ACTS_MAX => Ok(Vec::new()),
            Command::Act { change, run } => Ok(vec![Event::Acted { change, run, at: now }]),
            Command::End { .. } if !in_force => Err(wrong("end")),
            Command::End { by, reason } => {
                let reason = reason.trim();
                if reason.is_empty() || reason.chars().count() > WORDS_MAX {
                    return Err(Refusal::Words("why it is over"));
                }
                Ok(vec![Event::Ended { by, reason: reason.into(), at: now }])
            }
            Command::Tick => Ok(if in_force && self.until <= now { vec![Event::Expired { at: now }] } else { Vec::new() }),
            Command::Review { .. } if !matches!(self.state, State::Over { .. }) => Err(wrong("review")),
            Command::Review { by, .. } if by == self.by => Err(Refusal::OwnReview(self.id)),
            Command::Review { by, findings } => {
                said(&findings, "what was found")?;
                Ok(vec![Event::Reviewed { by, findings: findings.trim().into(), at: now }])
            }
        }
    }
}
