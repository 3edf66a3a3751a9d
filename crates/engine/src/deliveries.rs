//! People are told: notices are handed over in the transaction of what they are about, or by whoever owes them, and the pulse
//! sees to each until it arrived, was overtaken, or lies before people as a dead letter. Nothing here decides anything, and
//! nothing that decides waits for it.

mod owed;
mod post;

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;

use lineclear_core::delivery::{Command, Delivery, Order, Receipt, Undelivered};
use lineclear_core::machine::Machine as _;
use lineclear_core::name::ChannelName;
use lineclear_core::notice::{Handed, Kind, Notice, Recipient};
use lineclear_core::record::Stream;
use lineclear_core::situation::Actor;
use lineclear_core::{DeliveryId, OperatorId, Timestamp};
use lineclear_store::{APPENDS_MAX, RowQuery, StoreError};
use serde::Serialize;

pub use lineclear_connect::tell::{Act, Parcel};
pub(crate) use post::Couriers;

use crate::engine::{CONFLICTS_MAX, Inner};
use crate::history::Draft;
use crate::view::Moment;
use crate::{Caller, Engine, EngineError, story};

/// Most deliveries about one thing that are made due when it is decided; later ones are found by the pulse.
const NUDGED_MAX: u32 = 500;

/// What a channel answered.
pub type Told<'a> = Pin<Box<dyn Future<Output = Result<Receipt, Undelivered>> + Send + 'a>>;

/// The channels themselves: behind a trait, so that stories can drop, delay and read what people are told.
pub trait Tell: Send + Sync {
    /// Sends or edits one message. It may be asked to do so again after a crash.
    fn tell<'a>(&'a self, parcel: Parcel<'a>) -> Told<'a>;
}

/// Everything there is to see of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeliveryView {
    /// The delivery.
    pub delivery: Delivery,
    /// Its state in one word.
    pub word: &'static str,
    /// The recipient's login, when it is a person.
    pub to: Option<String>,
    /// When it is tried again, or looked after.
    pub due: Option<Timestamp>,
    /// Its life, oldest first.
    pub timeline: Vec<Moment>,
}

impl Engine {
    /// Everything there is to see of a delivery.
    ///
    /// # Errors
    /// When there is none, or the store fails.
    pub async fn delivery(&self, id: DeliveryId) -> Result<DeliveryView, EngineError> {
        let loaded = self.inner.need::<Delivery>(Stream::Delivery(id)).await?;
        let timeline = loaded.events.iter().map(|stored| Moment {
            at: stored.happened.at,
            by: stored.happened.by,
            name: self.name(stored.happened.by),
            stream: stored.stream,
            kind: stored.happened.event.kind(),
            index: stored.index,
            says: story::says(&stored.happened.event, &|actor| self.name(actor)),
        });
        let timeline = timeline.collect();
        let delivery = loaded.machine;
        let to = delivery.order.to.person().map(|person| self.name(Actor::Operator(person)));
        Ok(DeliveryView { word: delivery.word(), due: delivery.due(), to, timeline, delivery })
    }

    /// A person sets a dead letter going again.
    ///
    /// # Errors
    /// When the caller is no person, or the delivery is no dead letter.
    pub async fn retry_delivery(&self, caller: &Caller, id: DeliveryId) -> Result<(), EngineError> {
        self.known(caller)?;
        let by = caller.person()?;
        self.decide_delivery(id, by, Command::Retry(by)).await
    }

    /// A person says that a notice need not arrive.
    ///
    /// # Errors
    /// When the caller is no person, it arrived already, or no reason is given.
    pub async fn dismiss_delivery(&self, caller: &Caller, id: DeliveryId, reason: String) -> Result<(), EngineError> {
        self.known(caller)?;
        let by = caller.person()?;
        self.decide_delivery(id, by, Command::Dismiss(by, reason)).await
    }

    /// Hands a notice to named people, and to the rooms that hear of its kind; the same occasion again adds nothing.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn hand_over(&self, notice: &Notice, to: &BTreeSet<OperatorId>) -> Result<Handed, EngineError> {
        self.inner.hand_over(notice, to).await
    }

    async fn decide_delivery(&self, id: DeliveryId, by: OperatorId, command: Command) -> Result<(), EngineError> {
        let inner = &self.inner;
        for _ in 0..CONFLICTS_MAX {
            let loaded = inner.need::<Delivery>(Stream::Delivery(id)).await?;
            let now = inner.now();
            let mut draft = Draft::new(&*inner.ids, Actor::Operator(by), now);
            draft.extend(&loaded, loaded.machine.decide(command.clone(), now)?)?;
            match inner.commit(draft).await {
                Err(StoreError::Conflict { .. }) => {}
                other => return other.map(drop).map_err(EngineError::from),
            }
        }
        Err(EngineError::Busy(Stream::Delivery(id)))
    }

    /// A person tries out a channel: a notice to themselves, or to its room when they have no place of their own in it.
    ///
    /// # Errors
    /// When the caller is no person, or the estate in force has no such channel, or it reaches neither.
    pub async fn try_channel(&self, caller: &Caller, channel: &ChannelName) -> Result<DeliveryId, EngineError> {
        self.known(caller)?;
        let person = caller.person()?;
        let inner = &self.inner;
        let estate = self.estate();
        let reached = |to: &Recipient| estate.notices.place(channel, *to, &estate.directory).is_some();
        let to = [Recipient::Person(person), Recipient::Room].into_iter().find(reached);
        let to = to.ok_or_else(|| EngineError::NotFound(format!("place in channel `{channel}`")))?;
        let now = inner.now();
        let name = self.name(Actor::Operator(person));
        let occasion = format!("test {}", DeliveryId::new(inner.ids.number()));
        let notice = Notice::new(Kind::Test, Stream::Installation, &occasion, "A test: this channel works", "/notices")
            .line("Asked by", &name)
            .line("From", &estate.title);
        let order = Order::new(notice, channel.clone(), to);
        let id = order.id;
        let mut draft = Draft::new(&*inner.ids, Actor::Operator(person), now);
        draft.deliver(order)?;
        inner.commit(draft).await?;
        Ok(id)
    }
}

impl Inner {
    /// Hands a notice to named people, and to the rooms that hear of its kind. Handing over the same occasion again, after a
    /// crash, adds nothing. Where no channel is configured it stands in the console only, and the answer says so.
    pub(crate) async fn hand_over(&self, notice: &Notice, to: &BTreeSet<OperatorId>) -> Result<Handed, EngineError> {
        let force = self.in_force();
        let (orders, handed) = route(&force.estate, notice, to);
        let mut missing = Vec::new();
        for order in orders {
            if self.store.row(Stream::Delivery(order.id)).await?.is_none() {
                missing.push(order);
            }
        }
        if missing.is_empty() {
            return Ok(handed);
        }
        let mut draft = Draft::new(&*self.ids, Actor::Engine, self.now());
        for order in missing {
            draft.deliver(order)?;
        }
        self.commit(draft).await?;
        Ok(handed)
    }

    /// Adds to a draft the notices that its events owe, as far as there are channels.
    pub(crate) fn announce(&self, draft: &mut Draft<'_>) {
        let force = self.in_force();
        if force.estate.notices.is_empty() {
            return;
        }
        for (notice, to) in owed::owed(draft.appends(), &force.estate, &|actor| self.name(actor)) {
            let (orders, handed) = route(&force.estate, &notice, &to);
            if !handed.in_console_only.is_empty() {
                tracing::debug!(about = %notice.about, people.count = handed.in_console_only.len(), "some people are told in the console only");
            }
            for order in orders {
                let full = draft.appends().len() >= APPENDS_MAX;
                let queued = if full { Err(EngineError::Busy(Stream::Delivery(order.id))) } else { draft.deliver(order) };
                if let Err(error) = queued {
                    // What is decided goes on record in any case; the console shows it.
                    tracing::error!(%error, about = %notice.about, "a notice could not be handed over");
                }
            }
        }
    }

    /// What was told about these things is looked after at once.
    pub(crate) async fn look_after(&self, decided: Vec<Stream>) {
        for stream in decided {
            let query = RowQuery {
                kind: "delivery".into(),
                words: vec!["sent".into()],
                key: Some(stream.to_string()),
                limit: NUDGED_MAX,
                ..RowQuery::default()
            };
            let now = self.now();
            let rows = match self.store.rows(query).await {
                Ok(page) => page.rows,
                Err(error) => {
                    tracing::warn!(%error, stream = %stream, "messages about it will be edited a little later");
                    continue;
                }
            };
            for row in rows {
                if let Err(error) = self.store.postpone(row.stream, Some(now)).await {
                    tracing::warn!(%error, stream = %row.stream, "a message will be edited a little later");
                }
                self.throttle.forget(row.stream);
            }
        }
    }
}

/// The deliveries that a notice leads to, and who is reached by none of their own.
fn route(estate: &lineclear_core::estate::Estate, notice: &Notice, to: &BTreeSet<OperatorId>) -> (Vec<Order>, Handed) {
    let routes = estate.notices.routes(notice, to, &estate.directory);
    let reached: BTreeSet<OperatorId> = routes.iter().filter_map(|(_, recipient)| recipient.person()).collect();
    let orders: Vec<Order> = routes.into_iter().map(|(channel, recipient)| Order::new(notice.clone(), channel, recipient)).collect();
    let in_console_only = to.difference(&reached).copied().collect();
    let handed = Handed { deliveries: orders.len(), in_console_only };
    (orders, handed)
}

/// The streams whose notices an event may overtake.
pub(crate) fn decided(draft: &Draft<'_>) -> Vec<Stream> {
    let moved = draft.appends().iter().filter(|append| append.events.iter().any(|happened| owed::decides(&happened.event)));
    moved.map(|append| append.stream).collect()
}

impl Draft<'_> {
    /// Drafts that a notice is delivered; the engine does it, whoever caused the rest.
    pub(crate) fn deliver(&mut self, order: Order) -> Result<(), EngineError> {
        let (stream, at) = (Stream::Delivery(order.id), self.at());
        let event = lineclear_core::delivery::Event::Queued { order: Box::new(order), at };
        self.as_engine(|draft| draft.begin::<Delivery>(stream, vec![event]).map(drop))
    }
}
