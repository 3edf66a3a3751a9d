//! The house: store, engine, runner and server of one installation, put together over one data directory.
//!
//! ```text
//! data/
//!   lineclear.db      events, ledger, payloads            keys/log.seed      signs checkpoints
//!   head.note         the last committed head, outside    keys/warrant.seed  seals warrants
//!                     the database (rollback guard)       runner/            runner.toml, journal.db
//!   tokens.json       hashes of bearer tokens
//! ```

use std::path::{Path, PathBuf};
use std::sync::Arc;

use lineclear_core::Span;
use lineclear_engine::{Clock as _, Engine, Parts, SystemClock, SystemIds};
use lineclear_estate::Loaded;
use lineclear_ledger::{Guard, LogKey};
use lineclear_runner::{Config, Runner};
use lineclear_store::{Head, Sqlite, Store};
use lineclear_warrant::WarrantKey;
use tokio_util::sync::CancellationToken;

use crate::keys::{Keys, KeysError};
use crate::link::InProcess;

/// How long one question to telemetry may take.
const ASK_TIMEOUT: Span = Span::from_secs(5);
/// How often the committed head is remembered outside the database, while records come in.
const REMEMBER_EVERY: std::time::Duration = std::time::Duration::from_secs(1);

/// Where an installation lives.
#[derive(Debug, Clone)]
pub struct Place {
    /// Its data directory.
    pub data: PathBuf,
}

/// Why an installation does not start.
#[derive(Debug, thiserror::Error)]
pub enum HouseError {
    /// A key file.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The ledger's name is no key name.
    #[error("the ledger's origin `{origin}` names no key")]
    Origin {
        /// As in the estate.
        origin: String,
        /// Why.
        #[source]
        source: lineclear_ledger::KeyError,
    },
    /// The database.
    #[error(transparent)]
    Store(#[from] lineclear_store::StoreError),
    /// The memory outside the database says that this database is not the newest.
    #[error("refusing to start: {0}")]
    Guard(#[from] lineclear_ledger::GuardError),
    /// The memory outside the database is gone although there are records.
    #[error("refusing to start: `{path}` is missing although the database holds {size} records")]
    NoMemory {
        /// The memory.
        path: PathBuf,
        /// How many records.
        size: u64,
    },
    /// The engine.
    #[error(transparent)]
    Engine(#[from] lineclear_engine::EngineError),
    /// The runner.
    #[error("the runner does not start: {0}")]
    Runner(String),
    /// A source of telemetry.
    #[error("a source of the estate is unusable: {0}")]
    Sources(String),
    /// A file or a directory.
    #[error("`{path}` cannot be {action}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// Why not.
        source: std::io::Error,
    },
    /// The committed head cannot be read.
    #[error("the head of the ledger cannot be read: {0}")]
    Head(String),
}

/// A running installation, without its server.
pub struct House {
    /// The engine.
    pub engine: Engine,
    stop: CancellationToken,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Place {
    /// The key files.
    ///
    /// # Errors
    /// When they cannot be read or made.
    pub fn keys(&self) -> Result<Keys, KeysError> {
        Keys::open(&self.data.join("keys"))
    }

    /// The database.
    pub fn database(&self) -> PathBuf {
        self.data.join("lineclear.db")
    }

    /// The last committed head, outside the database.
    pub fn memory(&self) -> PathBuf {
        self.data.join("head.note")
    }

    /// The runner's own directory.
    pub fn runner(&self) -> PathBuf {
        self.data.join("runner")
    }

    /// The hashes of bearer tokens.
    pub fn tokens(&self) -> PathBuf {
        self.data.join("tokens.json")
    }

    /// The ledger's key for an origin.
    ///
    /// # Errors
    /// When the key file is unusable or the origin names no key.
    pub fn log_key(&self, origin: &str) -> Result<LogKey, HouseError> {
        let keys = self.keys()?;
        LogKey::from_seed(origin, keys.log()).map_err(|source| HouseError::Origin { origin: origin.into(), source })
    }

    /// The key that seals warrants.
    ///
    /// # Errors
    /// When the key file is unusable.
    pub fn warrant_key(&self) -> Result<WarrantKey, HouseError> {
        Ok(WarrantKey::from_seed(*self.keys()?.warrant()))
    }
}

impl House {
    /// Opens the data directory, refuses a database that is not the newest, and starts engine and runner.
    ///
    /// # Errors
    /// Whatever keeps it from starting, with what to do about it.
    pub async fn open(place: &Place, loaded: Loaded, runner_toml: &Path) -> Result<Self, HouseError> {
        crate::keys::private_directory(&place.data).map_err(|source| HouseError::Io {
            path: place.data.clone(),
            action: "made private",
            source,
        })?;
        let estate = loaded.estate;
        let log = place.log_key(&estate.origin)?;
        let verifier = log.verifier();
        let store: Arc<dyn Store> = Arc::new(Sqlite::open(&place.database(), log)?);
        let guard = check_memory(place, &*store, &verifier).await?;
        let config = read_runner(runner_toml)?;
        let runner_id = config.trust.runner;
        let sources = lineclear_connect::Sources::new(&estate.sources, ASK_TIMEOUT).map_err(|e| HouseError::Sources(e.to_string()))?;
        let parts = Parts {
            store: Arc::clone(&store),
            policies: Arc::new(loaded.policies),
            estate,
            telemetry: Arc::new(sources),
            clock: Arc::new(SystemClock::default()),
            ids: Arc::new(SystemIds),
            warrant_key: place.warrant_key()?,
            log: verifier,
            runners: vec![runner_id],
            version: env!("CARGO_PKG_VERSION").into(),
        };
        let engine = Engine::start(parts).await?;
        let guard = remember_now(&engine, guard).await?;
        let stop = CancellationToken::new();
        let clock = SystemClock::default();
        let runner = Runner::open(config, &place.runner().join("journal.db"), move || clock.now())
            .map_err(|error| HouseError::Runner(error.to_string()))?;
        let link = Arc::new(InProcess::new(engine.clone(), runner_id));
        let tasks = vec![
            tokio::spawn({
                let (engine, stop) = (engine.clone(), stop.clone());
                async move { engine.run(stop).await }
            }),
            tokio::spawn({
                let stop = stop.clone();
                async move { runner.serve(link, stop).await }
            }),
            tokio::spawn(remember(engine.clone(), guard, stop.clone())),
        ];
        Ok(Self { engine, stop, tasks })
    }

    /// Stops engine and runner and waits for them.
    pub async fn close(self) {
        self.stop.cancel();
        for task in self.tasks {
            // A task that panicked has been logged; the others still end in order.
            let _ = task.await;
        }
    }
}

fn read_runner(path: &Path) -> Result<Config, HouseError> {
    let text = std::fs::read_to_string(path).map_err(|source| HouseError::Io { path: path.to_owned(), action: "read", source })?;
    Config::parse(&text).map_err(|error| HouseError::Runner(format!("`{}`: {error}", path.display())))
}

async fn check_memory(place: &Place, store: &dyn Store, verifier: &lineclear_ledger::Verifier) -> Result<Guard, HouseError> {
    let path = place.memory();
    let guard = Guard::open(&path, verifier)?;
    let head = store.head().await?;
    let found = verifier.open_checkpoint(&head.note).map_err(|error| HouseError::Head(error.to_string()))?;
    match guard.remembered() {
        None if head.size > 0 => return Err(HouseError::NoMemory { path, size: head.size }),
        None => {}
        Some(memory) => {
            let proof = if memory.size <= head.size { store.consistency(memory.size, head.size).await } else { Ok(Vec::new()) };
            guard.check(&found, |_, _| proof)?;
        }
    }
    Ok(guard)
}

/// Remembers the head before anything is served: from now on a missing memory means that somebody took it away.
async fn remember_now(engine: &Engine, mut guard: Guard) -> Result<Guard, HouseError> {
    let note = engine.store().head().await?.note;
    let written = tokio::task::spawn_blocking(move || guard.remember(&note).map(|()| guard)).await;
    Ok(written.map_err(|error| HouseError::Head(error.to_string()))??)
}

/// Remembers committed heads outside the database, once a second while records come in, and once more at the end.
async fn remember(engine: Engine, mut guard: Guard, stop: CancellationToken) {
    let mut known = guard.remembered().map(|head| head.size);
    loop {
        let last = tokio::select! {
            () = stop.cancelled() => true,
            () = tokio::time::sleep(REMEMBER_EVERY) => false,
        };
        match engine.store().head().await {
            Ok(Head { size, note, .. }) if Some(size) != known => {
                let written = tokio::task::spawn_blocking(move || {
                    let result = guard.remember(&note);
                    (guard, result)
                });
                let Ok((back, result)) = written.await else { return };
                guard = back;
                match result {
                    Ok(()) => known = Some(size),
                    Err(error) => tracing::error!(%error, "the committed head could not be remembered outside the database"),
                }
            }
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "the head of the ledger could not be read"),
        }
        if last {
            return;
        }
    }
}
