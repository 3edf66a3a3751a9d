//! What the pulse owes a delivery: to send it, to edit it once it is overtaken, to remind, and to look whether that is so.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lineclear_core::approval::{self, Approval};
use lineclear_core::change::{self, Change};
use lineclear_core::delivery::{Command, Delivery, Effect, Failure, How, LOOK_EVERY, Order, Receipt, Settlement, Undelivered, Why};
use lineclear_core::incident::{self, Incident};
use lineclear_core::machine::Machine as _;
use lineclear_core::name::ChannelName;
use lineclear_core::notice::{Kind, Notice};
use lineclear_core::page::{self, Page};
use lineclear_core::record::Stream;
use lineclear_core::run::{self, Run};
use lineclear_core::situation::Actor;
use lineclear_core::{DeliveryId, Span, Timestamp};

use super::{Act, Parcel};
use crate::EngineError;
use crate::engine::Inner;
use crate::history::{Draft, Loaded};
use crate::pulse::Outcome;

/// Most messages under way in one channel: one that hangs must not keep the others waiting, and none is to be flooded.
const PER_CHANNEL_MAX: u32 = 4;
/// How long a channel may take; longer than any of its own timeouts.
const PATIENCE: Duration = Duration::from_secs(30);
/// When a channel is busy, how soon it is tried.
const TURN_AFTER: Span = Span::from_secs(2);

/// How many messages are under way in each channel. Only a matter of pace.
#[derive(Default)]
pub(crate) struct Couriers {
    away: Mutex<BTreeMap<ChannelName, u32>>,
}

/// A courier who is on their way; back when dropped.
struct Courier<'a> {
    couriers: &'a Couriers,
    channel: ChannelName,
}

impl Couriers {
    fn away(&self) -> MutexGuard<'_, BTreeMap<ChannelName, u32>> {
        self.away.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn leave(&self, channel: &ChannelName) -> Option<Courier<'_>> {
        let mut away = self.away();
        let count = away.entry(channel.clone()).or_default();
        if *count >= PER_CHANNEL_MAX {
            return None;
        }
        *count += 1;
        Some(Courier { couriers: self, channel: channel.clone() })
    }
}

impl Drop for Courier<'_> {
    fn drop(&mut self) {
        if let Some(count) = self.couriers.away().get_mut(&self.channel) {
            *count = count.saturating_sub(1);
        }
    }
}

impl Inner {
    /// Performs what is owed to a delivery now.
    pub(crate) async fn perform_delivery(&self, id: DeliveryId) -> Result<Outcome, EngineError> {
        let loaded = self.need::<Delivery>(Stream::Delivery(id)).await?;
        let now = self.now();
        let Some(effect) = loaded.machine.effects(now).pop() else {
            return Ok(Outcome::Waits(loaded.machine.due().unwrap_or(now + LOOK_EVERY)));
        };
        let notice = &loaded.machine.order.notice;
        let command = match effect {
            Effect::Send => {
                match self.settlement(notice.about).await?.filter(|settlement| settlement.how.last() && notice.may_be_overtaken()) {
                    Some(settlement) => Command::Settle(settlement),
                    None => match self.send(&loaded.machine, None).await {
                        Some(command) => command,
                        None => return Ok(Outcome::Waits(now + TURN_AFTER)),
                    },
                }
            }
            Effect::Edit { receipt, settlement } => match self.send(&loaded.machine, Some((&receipt, &settlement))).await {
                Some(command) => command,
                None => return Ok(Outcome::Waits(now + TURN_AFTER)),
            },
            Effect::Look => match self.settlement(notice.about).await? {
                Some(settlement) => Command::Settle(settlement),
                None => return self.remind(&loaded, now).await,
            },
        };
        self.settle_delivery(&loaded, command).await
    }

    async fn settle_delivery(&self, loaded: &Loaded<Delivery>, command: Command) -> Result<Outcome, EngineError> {
        let now = self.now();
        let events = loaded.machine.decide(command, now)?;
        if events.is_empty() {
            return Ok(Outcome::Waits(now + LOOK_EVERY));
        }
        let mut draft = Draft::new(&*self.ids, Actor::Engine, now);
        let after = draft.extend(loaded, events)?;
        self.commit(draft).await?;
        if after.word() == "dead" {
            let why = after.failure().map_or("", |failure| failure.why.word());
            tracing::error!(delivery.id = %after.order.id, channel = %after.order.channel, why, "a notice cannot arrive; it lies at /notices");
        }
        Ok(Outcome::Moved)
    }

    /// Asks the channel; none when it is busy with others.
    async fn send(&self, it: &Delivery, edit: Option<(&Receipt, &Settlement)>) -> Option<Command> {
        let estate = self.in_force().estate.clone();
        let order = &it.order;
        let place = estate.notices.place(&order.channel, order.to, &estate.directory);
        let (Some(channel), Some(place)) = (estate.notices.channels.get(&order.channel), place) else {
            let failure = Failure::new(Why::Unrouted, "the estate in force no longer says how to reach them there");
            return Some(Command::Failed(failure, None));
        };
        let _courier = self.couriers.leave(&order.channel)?;
        let by = edit.and_then(|(_, settlement)| settlement.by).map(|by| self.name(Actor::Operator(by)));
        let act = match edit {
            None => Act::Send,
            Some((receipt, settlement)) => Act::Edit { receipt, settlement, by: by.as_deref() },
        };
        let parcel = Parcel { order, queued: it.queued, channel, place: &place, act, now: self.now() };
        let told = tokio::time::timeout(PATIENCE, self.tell.tell(parcel)).await;
        let late = || Err(Undelivered::new(Why::Unreachable, "it did not answer in time"));
        Some(match told.unwrap_or_else(|_| late()) {
            Ok(_) if edit.is_some() => Command::Edited,
            Ok(receipt) => Command::Sent(receipt),
            Err(Undelivered { failure, wait }) => Command::Failed(failure, wait),
        })
    }

    /// Reminds once, when half of the time is over; then looks again later.
    async fn remind(&self, loaded: &Loaded<Delivery>, now: Timestamp) -> Result<Outcome, EngineError> {
        let (order, queued) = (&loaded.machine.order, loaded.machine.queued);
        let Some(until) = order.notice.until.filter(|_| order.notice.kind == Kind::Asked) else {
            return Ok(Outcome::Waits(now + LOOK_EVERY));
        };
        let half = queued + Span::from_micros(until.since(queued).as_micros() / 2);
        if now < half {
            return Ok(Outcome::Waits(half.min(now + LOOK_EVERY)));
        }
        let reminder = reminder(order, until.since(now));
        let heard = self.in_force().estate.notices.hears(&order.channel, order.to, Kind::Reminder);
        if heard && now < until && self.store.row(Stream::Delivery(reminder.id)).await?.is_none() {
            let mut draft = Draft::new(&*self.ids, Actor::Engine, now);
            draft.deliver(reminder)?;
            self.commit(draft).await?;
        }
        Ok(Outcome::Waits(now + LOOK_EVERY))
    }

    /// What became of something that people were told about; none while it is open, or when nothing can become of it.
    async fn settlement(&self, about: Stream) -> Result<Option<Settlement>, EngineError> {
        let over = |how| Some(Settlement { how, by: None });
        Ok(match about {
            Stream::Approval(_) => match self.need::<Approval>(about).await?.machine.state {
                approval::State::Open { .. } => None,
                approval::State::Granted { votes, .. } | approval::State::Consumed { votes, .. } => {
                    Some(Settlement { how: How::Granted, by: votes.last().map(|vote| vote.by) })
                }
                approval::State::Rejected { vote } => Some(Settlement { how: How::Rejected, by: Some(vote.by) }),
                approval::State::Lapsed => over(How::Lapsed),
                approval::State::Withdrawn => over(How::Withdrawn),
            },
            Stream::Run(_) => match self.need::<Run>(about).await?.machine.state {
                run::State::Stuck { .. } => None,
                run::State::Ready { .. } | run::State::Trying { .. } | run::State::Failed { .. } | run::State::Ended { .. } => {
                    over(How::Resolved)
                }
            },
            Stream::Change(_) => match self.need::<Change>(about).await?.machine.state {
                change::State::Escalated { .. } => None,
                change::State::Proposed
                | change::State::Blocked { .. }
                | change::State::Awaiting { .. }
                | change::State::Cleared { .. }
                | change::State::Running { .. }
                | change::State::Verifying { .. }
                | change::State::Closed { .. } => over(How::Resolved),
            },
            Stream::Incident(_) => {
                let incident = self.need::<Incident>(about).await?.machine;
                match incident.state {
                    incident::State::Open => None,
                    incident::State::Acknowledged => Some(Settlement { how: How::Acknowledged, by: incident.commander }),
                    incident::State::Resolved | incident::State::Merged | incident::State::Closed => over(How::Resolved),
                }
            }
            Stream::Page(_) => {
                let page = self.need::<Page>(about).await?.machine;
                match page.state {
                    page::State::Acknowledged { by, .. } => Some(Settlement { how: How::Acknowledged, by: Some(by) }),
                    page::State::Resting { .. } | page::State::Over { .. } => over(How::Resolved),
                    page::State::Held { .. } | page::State::Owed { .. } | page::State::Calling { .. } => None,
                }
            }
            Stream::Installation
            | Stream::Delivery(_)
            | Stream::Deployment(_)
            | Stream::Emergency(_)
            | Stream::Lane(_)
            | Stream::Revision(_)
            | Stream::Runner(_)
            | Stream::Patch(_) => None,
        })
    }
}

/// The same once more, as a reminder.
fn reminder(order: &Order, left: Span) -> Order {
    let first = &order.notice;
    let title = format!("Still open: {}", first.title);
    let blank = Notice::new(Kind::Reminder, first.about, &format!("{} reminder", first.occasion), &title, &first.path);
    let lines = std::iter::once(lineclear_core::notice::Line { label: "Time left".into(), text: left.to_string() });
    let lines = lines.chain(first.lines.iter().cloned()).take(lineclear_core::notice::LINES_MAX).collect();
    let notice =
        Notice { lines, urgency: first.urgency, until: first.until, check_words: first.check_words.clone(), answer: first.answer, ..blank };
    Order::new(notice, order.channel.clone(), order.to)
}
