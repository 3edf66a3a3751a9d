//! The house: store, engine, runner and server of one installation, put together over one data directory.
//!
//! ```text
//! data/
//!   lineclear.db      events, ledger, payloads            keys/log.seed      signs checkpoints
//!   head.note         the last committed head, outside    keys/warrant.seed  seals warrants
//!                     the database (rollback guard)       runner/            runner.toml, journal.db
//!   tokens.json       hashes of bearer tokens           estates/           every version of the estate
//! ```

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lineclear_core::Digest;
use lineclear_engine::{Clock as _, Engine, InForce, Parts, SystemClock, SystemIds};
use lineclear_estate::{LoadError, Loaded};
use lineclear_ledger::{Guard, LogKey};
use lineclear_runner::{Config, Runner, Untold};
use lineclear_store::{Head, Sqlite, Store};
use lineclear_warrant::WarrantKey;
use tokio_util::sync::CancellationToken;

use crate::examiner::{Examiner, Telescope};
use crate::keys::{Keys, KeysError};
use crate::link::InProcess;
use crate::post::Post;
use crate::shelf::Shelf;

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
    #[error("{0}")]
    Sources(String),
    /// What people are told by.
    #[error("{0}")]
    Channels(String),
    /// The estate in force cannot be had.
    #[error("refusing to start: the estate in force is `{digest}`, and {why}")]
    Estate {
        /// Which.
        digest: Digest,
        /// Why.
        why: String,
    },
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

/// A folder that holds an estate, with everything in it.
pub struct Folder {
    /// Its files.
    pub files: BTreeMap<String, Vec<u8>>,
    /// The estate that they make.
    pub loaded: Loaded,
}

impl Folder {
    /// Reads a folder.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn read(path: &Path) -> Result<Self, LoadError> {
        let files = lineclear_estate::read_files(path)?;
        let loaded = lineclear_estate::load_files(&files)?;
        Ok(Self { files, loaded })
    }
}

/// A running installation, without its server.
pub struct House {
    /// The engine.
    pub engine: Engine,
    /// The estate of the folder that it was started with, when that is not the one in force.
    pub elsewhere: Option<Digest>,
    /// What was done on this host without the control plane and is told now, or why it is not, one sentence each.
    pub glasses: Vec<String>,
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

    /// Every version of the estate that was proposed or in force.
    pub fn estates(&self) -> PathBuf {
        self.data.join("estates")
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
    /// Opens the data directory, refuses a database that is not the newest, and starts engine and runner. The folder's estate
    /// is the one that a new installation begins with; later the one on record is in force, whatever the folder holds. What
    /// people are told leads them to `console`.
    ///
    /// # Errors
    /// Whatever keeps it from starting, with what to do about it.
    pub async fn open(
        place: &Place,
        folder: Folder,
        runner_toml: Option<&Path>,
        solver: Option<PathBuf>,
        console: &str,
    ) -> Result<Self, HouseError> {
        crate::keys::private_directory(&place.data).map_err(|source| HouseError::Io {
            path: place.data.clone(),
            action: "made private",
            source,
        })?;
        let log = place.log_key(&folder.loaded.estate.origin)?;
        let verifier = log.verifier();
        let store: Arc<dyn Store> = Arc::new(Sqlite::open(&place.database(), log)?);
        let guard = check_memory(place, &*store, &verifier).await?;
        let config = runner_toml.map(read_runner).transpose()?;
        let given = folder.loaded.estate.digest;
        let shelf = Shelf::new(place.estates());
        let InForce { estate, policies } = in_force(&*store, &shelf, folder).await?;
        let elsewhere = (estate.digest != given).then_some(given);
        let telescope = Arc::new(Telescope::of(&estate).map_err(HouseError::Sources)?);
        let estates = Arc::new(Examiner::new(shelf, Arc::clone(&telescope), solver));
        let parts = Parts {
            store: Arc::clone(&store),
            policies,
            estate,
            estates,
            telemetry: telescope,
            tell: Arc::new(Post::new(console, place.data.clone()).map_err(HouseError::Channels)?),
            clock: Arc::new(SystemClock::default()),
            ids: Arc::new(SystemIds),
            warrant_key: place.warrant_key()?,
            log: verifier,
            runners: config.iter().map(|config| config.trust.runner).collect(),
            version: env!("CARGO_PKG_VERSION").into(),
        };
        let engine = Engine::start(parts).await?;
        let guard = remember_now(&engine, guard).await?;
        let stop = CancellationToken::new();
        let (embedded, glasses) = match config {
            Some(config) => embedded(config, place, &engine, stop.clone()).await.map(|(task, glasses)| (Some(task), glasses))?,
            None => (None, Vec::new()),
        };
        let mut tasks = vec![
            tokio::spawn({
                let (engine, stop) = (engine.clone(), stop.clone());
                async move { engine.run(stop).await }
            }),
            tokio::spawn(remember(engine.clone(), guard, stop.clone())),
        ];
        tasks.extend(embedded);
        Ok(Self { engine, elsewhere, glasses, stop, tasks })
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

/// The estate in force: the one on record, or the folder's where none is.
async fn in_force(store: &dyn Store, shelf: &Shelf, folder: Folder) -> Result<InForce, HouseError> {
    let Folder { files, loaded } = folder;
    let given = loaded.estate.digest;
    let digest = Engine::recorded(store).await?.unwrap_or(given);
    let cannot = |why: String| HouseError::Estate { digest, why };
    if digest == given {
        shelf.keep(&files).map_err(cannot)?;
        return Ok(InForce { estate: loaded.estate, policies: Arc::new(loaded.policies) });
    }
    let files = shelf.fetch(digest).map_err(|error| cannot(error.to_string()))?;
    let loaded = lineclear_estate::load_files(&files).map_err(|error| cannot(error.to_string()))?;
    Ok(InForce { estate: loaded.estate, policies: Arc::new(loaded.policies) })
}

/// The runner of this process, and what it had to tell.
async fn embedded(
    config: Config,
    place: &Place,
    engine: &Engine,
    stop: CancellationToken,
) -> Result<(tokio::task::JoinHandle<()>, Vec<String>), HouseError> {
    let (id, clock) = (config.trust.runner, SystemClock::default());
    let runner = Runner::open(config, &place.runner().join("journal.db"), move || clock.now())
        .map_err(|error| HouseError::Runner(error.to_string()))?;
    let glasses = tell_glasses(&runner, engine).await;
    let link = Arc::new(InProcess::new(engine.clone(), id));
    Ok((tokio::spawn(async move { runner.serve(link, stop).await }), glasses))
}

/// What somebody did on this host while there was no control plane becomes part of the ledger before anything else runs.
async fn tell_glasses(runner: &Runner, engine: &Engine) -> Vec<String> {
    let mut said = Vec::new();
    if let Err(error) = runner.recover_glasses().await {
        said.push(format!("a broken glass could not be settled: {error}"));
    }
    let untold = runner.untold_glasses().unwrap_or_else(|error| {
        said.push(format!("broken glasses could not be listed: {error}"));
        Vec::new()
    });
    for Untold { session, journal } in untold {
        let told = match journal {
            Ok(text) => engine.tell_glass(&text).await.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        said.push(match told {
            Ok(told) => match runner.told_glass(&session) {
                Ok(()) => {
                    format!("a glass was broken while this installation was down: {} is told, and its review is open", told.emergency)
                }
                Err(error) => format!("{} is told, and that could not be remembered: {error}", told.emergency),
            },
            Err(why) => format!("the journal of a broken glass is not told: {why}"),
        });
    }
    for line in &said {
        tracing::warn!("{line}");
    }
    said
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
