//! The engine: it asks `core` and `policy`, commits, and only then performs what is owed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use lineclear_core::estate::Estate;
use lineclear_core::installation::{self, Installation};
use lineclear_core::record::Stream;
use lineclear_core::situation::Actor;
use lineclear_core::{Digest, RunnerId, Timestamp};
use lineclear_ledger::Verifier;
use lineclear_policy::Policies;
use lineclear_store::{Committed, Store, StoreError};
use lineclear_warrant::WarrantKey;
use tokio::sync::{Notify, broadcast};

use crate::EngineError;
use crate::clock::{Clock, IdSource};
use crate::deliveries::{Couriers, Tell};
use crate::desk::Desk;
use crate::estates::Estates;
use crate::history::{Draft, Kept, Loaded, load};
use crate::presence::Presence;
use crate::pulse::Throttle;
use crate::roster::Roster;
use crate::telemetry::Telemetry;

/// How often a command is decided again when others were faster.
pub(crate) const CONFLICTS_MAX: u32 = 8;
/// How many may ask at the same time what policy would say; each asks the runner, too.
const CHECKS_MAX: usize = 8;
/// How many notices a slow listener may be behind before it has to look at everything again.
const NOTICES_MAX: usize = 1_024;

/// What an engine is made of.
pub struct Parts {
    /// Where everything is kept.
    pub store: Arc<dyn Store>,
    /// The estate in force.
    pub estate: Arc<Estate>,
    /// Its policies.
    pub policies: Arc<Policies>,
    /// Where versions of the estate are kept and examined; the one in force is kept there already.
    pub estates: Arc<dyn Estates>,
    /// Where facts are asked.
    pub telemetry: Arc<dyn Telemetry>,
    /// By which people are told.
    pub tell: Arc<dyn Tell>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Ids and salts.
    pub ids: Arc<dyn IdSource>,
    /// The key that seals warrants.
    pub warrant_key: WarrantKey,
    /// The ledger's own verifier, for the heads that runners show.
    pub log: Verifier,
    /// The runners of this process, which need no invitation; they carry no labels.
    pub runners: Vec<RunnerId>,
    /// The product's version, for the record.
    pub version: String,
}

/// The estate that decides now, with its policies. Whoever takes it decides by one version from beginning to end.
pub struct InForce {
    /// The estate.
    pub estate: Arc<Estate>,
    /// Its policies.
    pub policies: Arc<Policies>,
}

pub(crate) struct Inner {
    pub store: Arc<dyn Store>,
    pub force: RwLock<Arc<InForce>>,
    /// Versions that were in force before, as far as somebody asked for them.
    pub retired: Mutex<BTreeMap<Digest, Arc<InForce>>>,
    pub estates: Arc<dyn Estates>,
    pub telemetry: Arc<dyn Telemetry>,
    pub tell: Arc<dyn Tell>,
    pub couriers: Couriers,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn IdSource>,
    pub warrant_key: WarrantKey,
    pub log: Verifier,
    pub roster: Roster,
    pub epoch: u64,
    pub desk: Desk,
    pub notices: broadcast::Sender<Stream>,
    pub beat: Notify,
    pub throttle: Throttle,
    pub presence: Presence,
    /// Signals come in one door, so that a storm opens one incident.
    pub intake: crate::intake::Intake,
    /// How many ask at the same time what policy would say.
    pub checks: tokio::sync::Semaphore,
    /// One activation at a time, from the commit to the swap.
    pub activating: tokio::sync::Mutex<()>,
    /// One examination of a proposed version at a time.
    pub examining: tokio::sync::Mutex<()>,
    /// One invitation of a runner at a time.
    pub inviting: tokio::sync::Mutex<()>,
}

/// The engine; clones share one.
#[derive(Clone)]
pub struct Engine {
    pub(crate) inner: Arc<Inner>,
}

impl Engine {
    /// Starts a new life of the engine: takes the next epoch and records under which estate it runs. Nothing is performed
    /// until [`Engine::run`].
    ///
    /// # Errors
    /// When the store fails, when another estate is in force here than the one that is given, or when a version that still
    /// decides cannot be had.
    pub async fn start(parts: Parts) -> Result<Self, EngineError> {
        let epoch = parts.store.take_epoch().await?;
        let (notices, _) = broadcast::channel(NOTICES_MAX);
        let inner = Inner {
            store: parts.store,
            force: RwLock::new(Arc::new(InForce { estate: parts.estate, policies: parts.policies })),
            retired: Mutex::default(),
            estates: parts.estates,
            telemetry: parts.telemetry,
            tell: parts.tell,
            couriers: Couriers::default(),
            clock: parts.clock,
            ids: parts.ids,
            warrant_key: parts.warrant_key,
            log: parts.log,
            roster: Roster::new(parts.runners),
            epoch,
            desk: Desk::default(),
            notices,
            beat: Notify::new(),
            throttle: Throttle::default(),
            presence: Presence::default(),
            intake: crate::intake::Intake::default(),
            checks: tokio::sync::Semaphore::new(CHECKS_MAX),
            activating: tokio::sync::Mutex::new(()),
            examining: tokio::sync::Mutex::new(()),
            inviting: tokio::sync::Mutex::new(()),
        };
        let engine = Self { inner: Arc::new(inner) };
        engine.record_start(parts.version).await?;
        Ok(engine)
    }

    async fn record_start(&self, version: String) -> Result<(), EngineError> {
        let inner = &self.inner;
        let (now, estate) = (inner.now(), self.estate());
        inner.check_versions().await?;
        let started = installation::Event::Started { epoch: inner.epoch, estate: estate.digest, posture: estate.posture, version, at: now };
        let mut draft = Draft::new(&*inner.ids, Actor::Engine, now);
        let adopted = installation::Event::Adopted { estate: estate.digest, at: now };
        match inner.load::<Installation>(Stream::Installation).await? {
            None => draft.begin::<Installation>(Stream::Installation, vec![started, adopted]).map(drop)?,
            Some(loaded) => {
                let (recorded, governed) = (loaded.machine.estate, loaded.machine.tenure.is_some());
                if governed && recorded != estate.digest {
                    return Err(EngineError::OtherEstate { recorded, given: estate.digest });
                }
                // Before the start is on record: a crash in between finds the same work.
                if loaded.machine.fresh || recorded != estate.digest {
                    inner.sweep().await?;
                }
                let events = if governed { vec![started] } else { vec![started, adopted] };
                draft.extend(&loaded, events).map(drop)?;
            }
        }
        inner.commit(draft).await?;
        Ok(())
    }

    /// The estate that a store records as in force and kept; none in a new store, or in one that no engine which keeps estates
    /// has been started on. Whoever starts an engine asks here first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn recorded(store: &dyn Store) -> Result<Option<Digest>, EngineError> {
        let loaded = load::<Installation>(store, Stream::Installation).await?;
        Ok(loaded.filter(|loaded| loaded.machine.tenure.is_some()).map(|loaded| loaded.machine.estate))
    }

    /// The estate in force.
    pub fn estate(&self) -> Arc<Estate> {
        self.inner.in_force().estate.clone()
    }

    /// Its policies.
    pub fn policies(&self) -> Arc<Policies> {
        self.inner.in_force().policies.clone()
    }

    /// The store, for reading ledger and lists.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.inner.store
    }

    /// The engine's time.
    pub fn now(&self) -> Timestamp {
        self.inner.now()
    }

    /// 32 random bytes from the engine's own source.
    pub fn random(&self) -> [u8; 32] {
        self.inner.ids.random()
    }

    /// The verifier of this installation's ledger; prints as its vkey.
    pub fn log(&self) -> &Verifier {
        &self.inner.log
    }

    /// A notice for each stream that moved, after it was committed. A listener that falls behind must look again.
    pub fn notices(&self) -> broadcast::Receiver<Stream> {
        self.inner.notices.subscribe()
    }
}

impl Inner {
    /// What decides now. A lock that a panic has poisoned still holds a whole version.
    pub(crate) fn in_force(&self) -> Arc<InForce> {
        self.force.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) async fn load<M: Kept>(&self, stream: Stream) -> Result<Option<Loaded<M>>, EngineError> {
        load(&*self.store, stream).await
    }

    pub(crate) async fn need<M: Kept>(&self, stream: Stream) -> Result<Loaded<M>, EngineError> {
        self.load(stream).await?.ok_or_else(|| EngineError::NotFound(stream.to_string()))
    }

    /// Commits a draft, with the notices to people that it owes, and tells everybody who listens; an empty draft is no news.
    pub async fn commit(&self, mut draft: Draft<'_>) -> Result<Option<Committed>, StoreError> {
        if draft.is_empty() {
            return Ok(None);
        }
        self.announce(&mut draft);
        let decided = if self.in_force().estate.notices.is_empty() { Vec::new() } else { crate::deliveries::decided(&draft) };
        let batch = draft.into_batch();
        let streams: Vec<Stream> = batch.appends.iter().map(|append| append.stream).collect();
        let pages = crate::pages::moved(&batch.appends);
        let committed = self.store.append(batch).await?;
        for stream in streams {
            self.throttle.forget(stream);
            // Nobody listening is no error.
            let _ = self.notices.send(stream);
        }
        self.look_after(decided).await;
        self.nudge_pages(&pages).await;
        self.beat.notify_one();
        Ok(Some(committed))
    }

    /// The installation's posture and epoch as they stand.
    pub async fn installation(&self) -> Result<Loaded<Installation>, EngineError> {
        self.need(Stream::Installation).await
    }
}
