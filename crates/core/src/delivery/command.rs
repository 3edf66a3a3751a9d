//! What can be asked of a delivery, and what it leads to.

use super::{DETAIL_MAX, Delivery, Event, Failure, HANDLE_MAX, PAUSE_MAX, PAUSES, RETRIES_MAX, Receipt, Settlement, State};
use crate::id::{DeliveryId, OperatorId};
use crate::machine::Machine as _;
use crate::text::one_line;
use crate::time::{Span, Timestamp};

/// Longest reason for a dismissal, in characters.
const REASON_MAX: usize = 500;

/// What can be asked of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// The channel took the message.
    Sent(Receipt),
    /// The message was edited.
    Edited,
    /// A try failed; the receiver may have said how long to wait.
    Failed(Failure, Option<Span>),
    /// What it is about was decided.
    Settle(Settlement),
    /// A person sets it going again.
    Retry(OperatorId),
    /// A person says that it need not arrive.
    Dismiss(OperatorId, String),
}

/// Why a person's command cannot be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is on its way, arrived, or was dismissed.
    #[error("delivery `{delivery}` is {state}; only a dead letter can be tried again")]
    NotDead {
        /// Which.
        delivery: DeliveryId,
        /// Its state.
        state: &'static str,
    },
    /// It arrived, or was dismissed before.
    #[error("delivery `{delivery}` is {state}, so there is nothing to dismiss")]
    NotWaiting {
        /// Which.
        delivery: DeliveryId,
        /// Its state.
        state: &'static str,
    },
    /// It was tried again too often.
    #[error("delivery `{0}` was set going {RETRIES_MAX} times; mend its channel, or dismiss it")]
    TooOften(DeliveryId),
    /// A dismissal needs a reason.
    #[error("say why: a notice that somebody does not get is dismissed with a reason")]
    Unreasoned,
}

impl Delivery {
    /// What a command leads to. What came too late to matter leads to nothing.
    ///
    /// # Errors
    /// When a person's command does not fit the state.
    pub fn decide(&self, command: Command, now: Timestamp) -> Result<Vec<Event>, Refusal> {
        let at = now;
        let (delivery, state) = (self.order.id, self.word());
        Ok(match (command, &self.state) {
            (Command::Sent(receipt), State::Queued { .. }) => {
                let handle = receipt.handle.filter(|handle| handle.len() <= HANDLE_MAX);
                vec![Event::Sent { receipt: Receipt { handle }, at }]
            }
            (Command::Edited, State::Superseded { .. }) => vec![Event::Edited { at }],
            (Command::Failed(failure, wait), State::Queued { tries, .. } | State::Superseded { tries, .. }) => {
                vec![failed(&failure, *tries, wait, at)]
            }
            (Command::Settle(settlement), State::Queued { .. }) if settlement.how.last() && self.order.notice.may_be_overtaken() => {
                vec![Event::Superseded { settlement, at }]
            }
            (Command::Settle(settlement), State::Sent { says, .. }) if says.as_ref() != Some(&settlement) => {
                vec![Event::Superseded { settlement, at }]
            }
            (Command::Settle(settlement), State::Superseded { settlement: old, .. }) if !old.how.last() && *old != settlement => {
                vec![Event::Superseded { settlement, at }]
            }
            (Command::Retry(_), State::Dead { .. }) if self.retries >= RETRIES_MAX => return Err(Refusal::TooOften(delivery)),
            (Command::Retry(by), State::Dead { .. }) => vec![Event::Retried { by, at }],
            (Command::Retry(_), _) => return Err(Refusal::NotDead { delivery, state }),
            (Command::Dismiss(_, reason), _) if reason.trim().is_empty() => return Err(Refusal::Unreasoned),
            (Command::Dismiss(by, reason), State::Dead { .. } | State::Queued { .. }) => {
                vec![Event::Dismissed { by, reason: one_line(reason.trim(), REASON_MAX), at }]
            }
            (Command::Dismiss(..), _) => return Err(Refusal::NotWaiting { delivery, state }),
            (Command::Sent(_) | Command::Edited | Command::Failed(..) | Command::Settle(_), _) => Vec::new(),
        })
    }
}

/// Another try after the pause for this many failures, or the receiver's own if that is longer; a dead letter when it would not
/// help or was tried often enough.
fn failed(failure: &Failure, tries: u32, wait: Option<Span>, at: Timestamp) -> Event {
    let failure = Failure { detail: one_line(&failure.detail, DETAIL_MAX), ..failure.clone() };
    let pause = usize::try_from(tries).ok().and_then(|tries| PAUSES.get(tries)).filter(|_| failure.why.passes());
    match pause {
        Some(pause) => Event::Failed { failure, due: at + wait.map_or(*pause, |wait| wait.min(PAUSE_MAX).max(*pause)), at },
        None => Event::Buried { failure, at },
    }
}
