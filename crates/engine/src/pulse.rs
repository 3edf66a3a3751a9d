//! The pulse: what is due is looked at, and what is owed is performed. After a crash the same loop finds the same rows,
//! so recovery has no path of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lineclear_core::approval::Approval;
use lineclear_core::record::Stream;
use lineclear_core::{Span, Timestamp};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::engine::Inner;
use crate::{Engine, EngineError};

/// How often the store is asked what is due, when nothing moved meanwhile.
const BEAT: Duration = Duration::from_millis(200);
/// Most rows taken at one beat.
const DUE_MAX: u32 = 256;
/// Most machines performed for at the same time.
const HANDS: usize = 32;
/// Most deliveries performed for at the same time, besides: however many channels hang, what decides has its hands free.
const COURIERS: usize = 16;
/// How much later each further round of deliveries is due that finds every courier on the way: they must not fill the page of
/// what is due.
const ROUND: Span = Span::from_secs(5);
/// How long a machine that was looked at, and had not moved, is left alone.
const REST: Span = Span::from_secs(1);
/// The same after a failure.
const REST_AFTER_FAULT: Span = Span::from_secs(2);

/// Which machines are being performed for, and which are left alone for a while. Only a matter of pace.
#[derive(Default)]
pub(crate) struct Throttle {
    busy: Mutex<BTreeSet<Stream>>,
    resting: Mutex<BTreeMap<Stream, Timestamp>>,
}

impl Throttle {
    fn begin(&self, stream: Stream, now: Timestamp) -> bool {
        let rests = lock(&self.resting).get(&stream).is_some_and(|until| now < *until);
        !rests && lock(&self.busy).insert(stream)
    }

    fn end(&self, stream: Stream) {
        lock(&self.busy).remove(&stream);
    }

    fn rest(&self, stream: Stream, until: Timestamp) {
        lock(&self.resting).insert(stream, until);
    }

    /// A machine that moved need not rest.
    pub fn forget(&self, stream: Stream) {
        lock(&self.resting).remove(&stream);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What these hold is only a matter of pace.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What looking at a machine led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It moved.
    Moved,
    /// It is as it was; look again no sooner than then.
    Waits(Timestamp),
}

impl Engine {
    /// Performs what is owed until `stop`. One loop per engine.
    pub async fn run(&self, stop: CancellationToken) {
        let (hands, couriers) = (Arc::new(Semaphore::new(HANDS)), Arc::new(Semaphore::new(COURIERS)));
        loop {
            if let Err(error) = self.beat(&hands, &couriers).await {
                tracing::error!(%error, "the store could not say what is due");
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.inner.beat.notified() => {}
                () = tokio::time::sleep(BEAT) => {}
            }
        }
    }

    async fn beat(&self, hands: &Arc<Semaphore>, couriers: &Arc<Semaphore>) -> Result<(), EngineError> {
        let now = self.inner.now();
        let rows = self.inner.store.due(now, DUE_MAX).await?;
        let mut waiting = 0_u64;
        for row in rows {
            if !self.inner.throttle.begin(row.stream, now) {
                continue;
            }
            let delivery = matches!(row.stream, Stream::Delivery(_));
            let Ok(hand) = Arc::clone(if delivery { couriers } else { hands }).try_acquire_owned() else {
                self.inner.throttle.end(row.stream);
                if delivery {
                    let rounds = 1 + waiting / COURIERS as u64;
                    waiting += 1;
                    self.inner.postpone(row.stream, now + Span::from_micros(ROUND.as_micros() * rounds)).await;
                }
                continue;
            };
            let inner = Arc::clone(&self.inner);
            tokio::spawn(async move {
                // What went wrong was logged where it did, and is tried again.
                let _ = inner.look_at(row.stream).await;
                drop(hand);
                inner.beat.notify_one();
            });
        }
        Ok(())
    }

    /// Performs what is due now, one machine after the other, and says how many moved: [`Engine::run`] for whoever holds the
    /// clock themselves. What a look at one machine leads to is due at the next beat.
    ///
    /// # Errors
    /// When the store cannot say what is due, or the first performance that failed; the others are performed all the same.
    pub async fn beat_once(&self) -> Result<usize, EngineError> {
        let inner = &self.inner;
        let now = inner.now();
        let (mut moved, mut fault) = (0, None);
        for row in inner.store.due(now, DUE_MAX).await? {
            if !inner.throttle.begin(row.stream, now) {
                continue;
            }
            match inner.look_at(row.stream).await {
                Ok(true) => moved += 1,
                Ok(false) => {}
                Err(error) => fault = fault.or(Some(error)),
            }
        }
        fault.map_or(Ok(moved), Err)
    }
}

impl Inner {
    /// Looks at one machine, and says whether it moved.
    async fn look_at(self: &Arc<Self>, stream: Stream) -> Result<bool, EngineError> {
        let outcome = self.perform(stream).await;
        let mut moved = Ok(matches!(outcome, Ok(Outcome::Moved)));
        let now = self.now();
        let until = match outcome {
            // It moved; or somebody else was faster, and what they did is what counts.
            Ok(Outcome::Moved) | Err(EngineError::Busy(_)) => None,
            Ok(Outcome::Waits(until)) => {
                if until > now + REST {
                    self.postpone(stream, until).await;
                }
                Some(until.max(now + REST))
            }
            Err(error) => {
                tracing::error!(%error, stream = %stream, "what is owed could not be performed");
                moved = Err(error);
                Some(now + REST_AFTER_FAULT)
            }
        };
        if let Some(until) = until {
            self.throttle.rest(stream, until);
        }
        self.throttle.end(stream);
        moved
    }

    async fn postpone(&self, stream: Stream, until: Timestamp) {
        if let Err(error) = self.store.postpone(stream, Some(until)).await {
            tracing::warn!(%error, stream = %stream, "what need not be looked at soon will be looked at soon");
        }
    }

    /// Performs what is owed to one machine now.
    pub(crate) async fn perform(self: &Arc<Self>, stream: Stream) -> Result<Outcome, EngineError> {
        match stream {
            Stream::Change(id) => Box::pin(self.perform_change(id)).await,
            Stream::Run(id) => Box::pin(self.perform_run(id)).await,
            Stream::Revision(id) => Box::pin(self.perform_revision(id)).await,
            Stream::Runner(id) => Box::pin(self.perform_runner(id)).await,
            Stream::Approval(_) => {
                let loaded = self.need::<Approval>(stream).await?;
                Box::pin(self.lapse(&loaded)).await
            }
            Stream::Incident(id) => Box::pin(self.perform_incident(id)).await,
            Stream::Delivery(id) => Box::pin(self.perform_delivery(id)).await,
            Stream::Page(id) => Box::pin(self.perform_page(id)).await,
            Stream::Patch(id) => self.perform_patch(id).await,
            Stream::Emergency(id) => Box::pin(self.perform_emergency(id)).await,
            Stream::Deployment(_) | Stream::Lane(_) | Stream::Installation => Ok(Outcome::Waits(self.now() + Span::from_secs(60))),
        }
    }
}
