//! The embedded store: one SQLite file, one writer thread with group commit, a few readers.
//!
//! A commit is acknowledged only once the write-ahead log is synced. There is no way to switch that off: group commit makes
//! it cheap, and anything less loses acknowledged records when the power fails.

mod connection;
mod file;
mod group;
mod list;
mod log;
mod number;
mod readers;
mod schema;
mod select;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use lineclear_core::Timestamp;
use lineclear_core::record::{Row, Stream};
use lineclear_ledger::{Hash, LogKey, Verifier};
use rusqlite::Connection;
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::prepared::Prepared;
use crate::{Answer, Batch, Committed, Head, Once, Page, RowQuery, Store, StoreError, Stored};
use file::Claim;
use readers::Readers;
use writer::{Done, Job, Task, Writer};

/// Jobs that wait for the writer at most; who comes later waits at the door. One full group, so that the next is always complete.
const QUEUE_MAX: usize = writer::GROUP_MAX;

/// A store in one SQLite file.
pub struct Sqlite {
    path: PathBuf,
    verifier: Verifier,
    // The only sender there is, so that taking it ends the writer; nobody holds a copy while waiting at the door.
    jobs: Mutex<Option<mpsc::UnboundedSender<Job>>>,
    door: Arc<Semaphore>,
    thread: Mutex<Option<JoinHandle<()>>>,
    readers: Arc<Readers>,
    // Released last: whoever gets the claim next finds nobody writing.
    _claim: Claim,
}

impl Sqlite {
    /// Opens the database at `path`, or creates it, for the log that `key` names and signs.
    ///
    /// Claims it through `<path>.lock`, brings the schema up to date, and checks that head, tree and signature fit each other.
    /// Blocks while it reads.
    pub fn open(path: &Path, key: LogKey) -> Result<Self, StoreError> {
        Self::start(path, key, None)
    }

    /// As [`Sqlite::open`], but the file never grows beyond `pages` pages of 4,096 bytes: what does not fit is refused as
    /// [`StoreError::Database`] with nothing half-written, like on a full disk.
    pub fn open_capped(path: &Path, key: LogKey, pages: u32) -> Result<Self, StoreError> {
        Self::start(path, key, Some(pages))
    }

    fn start(path: &Path, key: LogKey, pages: Option<u32>) -> Result<Self, StoreError> {
        connection::check_library()?;
        let claim = Claim::take(path)?;
        let path = claim.database().to_owned();
        let mut connection = connection::writer(&path, pages)?;
        schema::migrate(&mut connection, &key)?;
        let verifier = key.verifier();
        let writer = Writer::load(connection, key)?;
        let readers = Arc::new(Readers::open(&path)?);
        let (sender, receiver) = mpsc::unbounded_channel();
        let thread = std::thread::Builder::new().name("store-writer".into()).spawn(move || writer.run(receiver));
        let thread = thread.map_err(|error| StoreError::Open(format!("no thread for the writer: {error}")))?;
        Ok(Self {
            path,
            verifier,
            jobs: Mutex::new(Some(sender)),
            door: Arc::new(Semaphore::new(QUEUE_MAX)),
            thread: Mutex::new(Some(thread)),
            readers,
            _claim: claim,
        })
    }

    /// Copies a consistent state of the database to the new file `to`, while writers go on, and checks the copy's head.
    ///
    /// Blocks for as long as copying takes. Never copy the file itself: its newest commits are in the write-ahead log.
    pub fn backup(&self, to: &Path) -> Result<(), StoreError> {
        Self::copy(&self.path, &self.verifier, to)
    }

    /// As [`Sqlite::backup`], from a database that another process may have open.
    pub fn copy(from: &Path, verifier: &Verifier, to: &Path) -> Result<(), StoreError> {
        file::create_new(to)?;
        let failed = |error: rusqlite::Error| StoreError::Database(format!("the backup failed: {error}"));
        let source = connection::reader(from)?;
        let mut target = connection::copy(to)?;
        // All pages in one step: a reader's snapshot, which no writer waits for and no commit restarts.
        let step = rusqlite::backup::Backup::new(&source, &mut target).and_then(|backup| backup.step(-1)).map_err(failed)?;
        if step != rusqlite::backup::StepResult::Done {
            return Err(StoreError::Database("the backup was interrupted".into()));
        }
        log::load(&target, verifier)?;
        target.close().map_err(|(_, error)| failed(error))?;
        file::sync(to)
    }

    /// Finishes the jobs that wait, then stops the writer; every later operation answers [`StoreError::Closed`]. Blocks
    /// until then.
    pub fn close(&self) {
        self.door.close();
        drop(self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take());
        self.readers.close();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the store's writer ended in a panic");
        }
    }

    async fn submit(&self, task: Task) -> Result<Done, StoreError> {
        let place = Arc::clone(&self.door).acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let (reply, answer) = oneshot::channel();
        let job = Job { task, reply, _place: place };
        match &*self.jobs.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(jobs) => jobs.send(job).map_err(|_| StoreError::Closed)?,
            None => return Err(StoreError::Closed),
        }
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// One short statement: not worth another thread.
    async fn glance<T>(&self, read: impl FnOnce(&Connection) -> Result<T, StoreError> + Send) -> Result<T, StoreError> {
        self.readers.lease().await?.read(read)
    }

    /// Anything that may take longer than a few pages.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let lease = self.readers.lease().await?;
        tokio::task::spawn_blocking(move || lease.read(read)).await.map_err(|_| StoreError::Closed)?
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        self.close();
    }
}

impl std::fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sqlite").field("path", &self.path).field("log", &self.verifier.name()).finish_non_exhaustive()
    }
}

impl Store for Sqlite {
    fn append(&self, batch: Batch) -> Answer<'_, Committed> {
        Box::pin(async move {
            let done = self.submit(Task::Append(Prepared::new(batch)?)).await?;
            Ok(Committed { events: done.events, head: done.head })
        })
    }

    fn events(&self, stream: Stream, from: u64) -> Answer<'_, Vec<Stored>> {
        Box::pin(self.read(move |connection| select::events(connection, stream, from)))
    }

    fn row(&self, stream: Stream) -> Answer<'_, Option<Row>> {
        Box::pin(self.glance(move |connection| list::row(connection, stream)))
    }

    fn rows(&self, query: RowQuery) -> Answer<'_, Page> {
        Box::pin(self.read(move |connection| list::rows(connection, &query)))
    }

    fn due(&self, now: Timestamp, limit: u32) -> Answer<'_, Vec<Row>> {
        Box::pin(self.read(move |connection| list::due(connection, now, limit)))
    }

    fn postpone(&self, stream: Stream, due: Option<Timestamp>) -> Answer<'_, ()> {
        Box::pin(async move { self.submit(Task::Postpone(stream, due)).await.map(|_| ()) })
    }

    fn counts(&self) -> Answer<'_, Vec<(String, String, u64)>> {
        Box::pin(self.read(list::counts))
    }

    fn once(&self, key: String) -> Answer<'_, Option<Once>> {
        Box::pin(self.glance(move |connection| select::once(connection, &key)))
    }

    fn head(&self) -> Answer<'_, Head> {
        Box::pin(self.glance(select::head))
    }

    fn entries(&self, from: u64, count: u32) -> Answer<'_, Vec<(u64, Vec<u8>)>> {
        Box::pin(self.read(move |connection| select::entries(connection, from, count)))
    }

    fn payload(&self, commitment: String) -> Answer<'_, Option<([u8; 32], Vec<u8>)>> {
        Box::pin(self.glance(move |connection| select::payload(connection, &commitment)))
    }

    fn inclusion(&self, index: u64, size: u64) -> Answer<'_, Vec<Hash>> {
        Box::pin(self.read(move |connection| log::inclusion(connection, index, size)))
    }

    fn consistency(&self, old: u64, new: u64) -> Answer<'_, Vec<Hash>> {
        Box::pin(self.read(move |connection| log::consistency(connection, old, new)))
    }

    fn take_epoch(&self) -> Answer<'_, u64> {
        Box::pin(async move { self.submit(Task::Epoch).await.map(|done| done.epoch) })
    }
}
