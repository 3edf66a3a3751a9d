//! One notice on its way to one recipient through one channel: sent at least once, tried again with growing pauses, and laid
//! before people when it cannot arrive. When what it is about is decided, the message is edited, so that nobody acts on a
//! stale one.
//!
//! ```text
//! queued ─► sent │ failed ─► sent │ dead
//! queued, failed ─► (decided meanwhile) closed
//! sent ─► (decided) superseded ─► closed, or sent again while more is to come │ dead
//! dead ─► (a person) queued, superseded │ dismissed
//! ```

mod command;
mod event;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use command::{Command, Refusal};
pub use event::Event;

use crate::digest::Digest;
use crate::id::{DeliveryId, OperatorId};
use crate::machine::{IllegalTransition, Machine};
use crate::name::ChannelName;
use crate::notice::{Notice, Recipient};
use crate::time::{Span, Timestamp};

/// How long to wait after the first, second, … try that failed. The last is repeated by nobody: after it comes the dead letter,
/// about four hours after the first try; a channel that is away for longer needs a person.
pub const PAUSES: [Span; 8] = [
    Span::from_secs(2),
    Span::from_secs(10),
    Span::from_secs(60),
    Span::from_secs(300),
    Span::from_secs(900),
    Span::from_secs(1_800),
    Span::from_secs(3_600),
    Span::from_secs(7_200),
];
/// Longest wait that a receiver may ask for: it must not silence us for a day.
pub const PAUSE_MAX: Span = Span::from_secs(7_200);
/// How often a message that arrived is looked after while what it is about is open. Whoever decides makes it due at once; this
/// is for what a crash swallowed.
pub const LOOK_EVERY: Span = Span::from_secs(60);
/// Longest handle of a message, in bytes: a room and a time in Slack.
pub const HANDLE_MAX: usize = 200;
/// Longest detail of a failure, in characters.
pub const DETAIL_MAX: usize = 200;
/// How often a person may set a dead letter going again; then the channel needs mending, not the letter.
pub const RETRIES_MAX: u32 = 20;

/// What is to be delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// This delivery; also the key by which a receiver knows a repetition.
    pub id: DeliveryId,
    /// What is said.
    pub notice: Notice,
    /// Through which channel.
    pub channel: ChannelName,
    /// To whom.
    pub to: Recipient,
}

/// What a channel gave back: how to find the message again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The channel's own handle; none where a message cannot be found again.
    pub handle: Option<String>,
}

/// Why a try failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Nobody answers there, or not in time.
    Unreachable,
    /// It answers, and is busy or broken.
    Busy,
    /// It refuses; trying again would not help.
    Refused,
    /// The estate in force no longer says how to reach the recipient there.
    Unrouted,
    /// The secret is not there, or not readable by us alone.
    NoSecret,
}

/// A try that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Why.
    pub why: Why,
    /// One line for people; never an address, never a secret.
    pub detail: String,
}

/// What a channel says when a message could not be sent or edited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undelivered {
    /// Why.
    pub failure: Failure,
    /// How long the receiver asks to be left alone.
    pub wait: Option<Span>,
}

/// How what it is about was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// Enough people said yes.
    Granted,
    /// Somebody said no.
    Rejected,
    /// Nobody answered in time.
    Lapsed,
    /// It is no longer asked.
    Withdrawn,
    /// Somebody took it; more is to come.
    Acknowledged,
    /// It is over.
    Resolved,
}

/// What became of what it is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settlement {
    /// How.
    pub how: How,
    /// By whom, when it was a person.
    pub by: Option<OperatorId>,
}

/// Where a delivery stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// It is to be sent.
    Queued {
        /// Tries that failed.
        tries: u32,
        /// When to try.
        due: Timestamp,
        /// The last failure.
        last: Option<Failure>,
    },
    /// The channel took it.
    Sent {
        /// How to find it again.
        receipt: Receipt,
        /// What it was edited to say, when more is to come.
        says: Option<Settlement>,
        /// Since when.
        at: Timestamp,
    },
    /// What it is about was decided: the message is to be edited.
    Superseded {
        /// How to find it.
        receipt: Receipt,
        /// What to say.
        settlement: Settlement,
        /// Tries that failed.
        tries: u32,
        /// When to try.
        due: Timestamp,
        /// The last failure.
        last: Option<Failure>,
    },
    /// Nothing more is owed.
    Closed {
        /// What the message says now, or why it was never sent; none when nothing can overtake it.
        settlement: Option<Settlement>,
    },
    /// It cannot arrive, and a person should know.
    Dead {
        /// The last failure.
        failure: Failure,
        /// The message to edit, when it is the editing that failed.
        editing: Option<Editing>,
    },
    /// A person said that it need not arrive.
    Dismissed {
        /// Who.
        by: OperatorId,
    },
}

/// A message that could not be edited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Editing {
    /// How to find it.
    pub receipt: Receipt,
    /// What to say.
    pub settlement: Settlement,
}

/// One delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// What is to be delivered.
    pub order: Order,
    /// When it was handed over.
    pub queued: Timestamp,
    /// How often a person set it going again.
    pub retries: u32,
    /// Where it stands.
    pub state: State,
}

/// What the engine owes a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Send it.
    Send,
    /// Edit the message.
    Edit {
        /// How to find it.
        receipt: Receipt,
        /// What to say.
        settlement: Settlement,
    },
    /// See whether what it is about was decided.
    Look,
}

impl Order {
    /// An order, whose id follows from occasion, channel and recipient: handed over twice, it is one delivery.
    pub fn new(notice: Notice, channel: ChannelName, to: Recipient) -> Self {
        let digest = Digest::of(format!("{}\n{channel}\n{to}", notice.occasion).as_bytes());
        let number = digest.as_bytes().iter().take(16).fold(0_u128, |number, byte| (number << 8) | u128::from(*byte));
        Self { id: DeliveryId::new(Uuid::from_u128(number)), notice, channel, to }
    }
}

impl Why {
    /// One word for records and lists.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Busy => "busy",
            Self::Refused => "refused",
            Self::Unrouted => "unrouted",
            Self::NoSecret => "no_secret",
        }
    }

    /// Whether the same may work later without anybody mending anything.
    pub const fn passes(self) -> bool {
        match self {
            Self::Unreachable | Self::Busy => true,
            Self::Refused | Self::Unrouted | Self::NoSecret => false,
        }
    }
}

impl How {
    /// One word for records and people.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Granted => "approved",
            Self::Rejected => "rejected",
            Self::Lapsed => "lapsed",
            Self::Withdrawn => "withdrawn",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
        }
    }

    /// Whether nothing can follow.
    pub const fn last(self) -> bool {
        match self {
            Self::Acknowledged => false,
            Self::Granted | Self::Rejected | Self::Lapsed | Self::Withdrawn | Self::Resolved => true,
        }
    }
}

impl Failure {
    /// A failure with its detail on one bounded line.
    pub fn new(why: Why, detail: &str) -> Self {
        Self { why, detail: crate::text::one_line(detail, DETAIL_MAX) }
    }
}

impl Undelivered {
    /// A failure without a wish for patience.
    pub fn new(why: Why, detail: &str) -> Self {
        Self { failure: Failure::new(why, detail), wait: None }
    }
}

impl Delivery {
    /// What is owed now.
    pub fn effects(&self, now: Timestamp) -> Vec<Effect> {
        match &self.state {
            State::Queued { due, .. } if *due <= now => vec![Effect::Send],
            State::Superseded { receipt, settlement, due, .. } if *due <= now => {
                vec![Effect::Edit { receipt: receipt.clone(), settlement: settlement.clone() }]
            }
            State::Sent { .. } => vec![Effect::Look],
            State::Queued { .. } | State::Superseded { .. } | State::Closed { .. } | State::Dead { .. } | State::Dismissed { .. } => {
                Vec::new()
            }
        }
    }

    /// The last failure that still matters.
    pub const fn failure(&self) -> Option<&Failure> {
        match &self.state {
            State::Queued { last, .. } | State::Superseded { last, .. } => last.as_ref(),
            State::Dead { failure, .. } => Some(failure),
            State::Sent { .. } | State::Closed { .. } | State::Dismissed { .. } => None,
        }
    }
}

impl Machine for Delivery {
    type Event = Event;

    fn begin(event: &Event) -> Result<Self, IllegalTransition> {
        if let Event::Queued { order, at } = event {
            let state = State::Queued { tries: 0, due: *at, last: None };
            return Ok(Self { order: (**order).clone(), queued: *at, retries: 0, state });
        }
        Err(IllegalTransition { machine: "delivery", from: "nothing", event: event.word() })
    }

    fn apply(mut self, event: &Event) -> Result<Self, IllegalTransition> {
        let illegal = IllegalTransition { machine: "delivery", from: self.word(), event: event.word() };
        let overtaken = self.order.notice.may_be_overtaken();
        self.state = match (self.state, event) {
            (State::Queued { .. }, Event::Sent { receipt, at }) if overtaken => {
                State::Sent { receipt: receipt.clone(), says: None, at: *at }
            }
            (State::Queued { .. }, Event::Sent { .. }) => State::Closed { settlement: None },
            (State::Queued { tries, .. }, Event::Failed { failure, due, .. }) => {
                State::Queued { tries: tries.saturating_add(1), due: *due, last: Some(failure.clone()) }
            }
            (State::Superseded { receipt, settlement, tries, .. }, Event::Failed { failure, due, .. }) => {
                State::Superseded { receipt, settlement, tries: tries.saturating_add(1), due: *due, last: Some(failure.clone()) }
            }
            (State::Queued { .. }, Event::Buried { failure, .. }) => State::Dead { failure: failure.clone(), editing: None },
            (State::Superseded { receipt, settlement, .. }, Event::Buried { failure, .. }) => {
                State::Dead { failure: failure.clone(), editing: Some(Editing { receipt, settlement }) }
            }
            (State::Queued { .. }, Event::Superseded { settlement, .. }) if overtaken && settlement.how.last() => {
                State::Closed { settlement: Some(settlement.clone()) }
            }
            (State::Sent { receipt, says, .. }, Event::Superseded { settlement, at }) if says.as_ref() != Some(settlement) => {
                State::Superseded { receipt, settlement: settlement.clone(), tries: 0, due: *at, last: None }
            }
            // A later word overtakes one that has not been said yet.
            (State::Superseded { receipt, settlement: old, .. }, Event::Superseded { settlement, at }) if !old.how.last() => {
                State::Superseded { receipt, settlement: settlement.clone(), tries: 0, due: *at, last: None }
            }
            (State::Superseded { settlement, .. }, Event::Edited { .. }) if settlement.how.last() => {
                State::Closed { settlement: Some(settlement) }
            }
            (State::Superseded { receipt, settlement, .. }, Event::Edited { at }) => {
                State::Sent { receipt, says: Some(settlement), at: *at }
            }
            (State::Dead { editing: None, .. }, Event::Retried { at, .. }) => State::Queued { tries: 0, due: *at, last: None },
            (State::Dead { editing: Some(it), .. }, Event::Retried { at, .. }) => {
                State::Superseded { receipt: it.receipt, settlement: it.settlement, tries: 0, due: *at, last: None }
            }
            (State::Dead { .. } | State::Queued { .. }, Event::Dismissed { by, .. }) => State::Dismissed { by: *by },
            (_, _) => return Err(illegal),
        };
        self.retries = self.retries.saturating_add(u32::from(matches!(event, Event::Retried { .. })));
        Ok(self)
    }

    fn word(&self) -> &'static str {
        match &self.state {
            State::Queued { tries: 0, .. } => "queued",
            State::Queued { .. } => "failed",
            State::Sent { .. } => "sent",
            State::Superseded { .. } => "superseded",
            State::Closed { .. } => "closed",
            State::Dead { .. } => "dead",
            State::Dismissed { .. } => "dismissed",
        }
    }

    fn open(&self) -> bool {
        match &self.state {
            State::Queued { .. } | State::Sent { .. } | State::Superseded { .. } => true,
            State::Closed { .. } | State::Dead { .. } | State::Dismissed { .. } => false,
        }
    }

    fn due(&self) -> Option<Timestamp> {
        match &self.state {
            State::Queued { due, .. } | State::Superseded { due, .. } => Some(*due),
            State::Sent { at, .. } => Some(*at + LOOK_EVERY),
            State::Closed { .. } | State::Dead { .. } | State::Dismissed { .. } => None,
        }
    }
}
