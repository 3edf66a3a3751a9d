//! The one thread that writes: takes what waits, commits it as one group, and only then answers.

use lineclear_core::Timestamp;
use lineclear_core::record::Stream;
use lineclear_ledger::{Checkpoint, LogKey, encode_tile};
use rusqlite::{Connection, params};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use super::group::{Fault, Group, Made};
use super::log::{self, FullTile, Log};
use super::number::column;
use crate::prepared::Prepared;
use crate::{Head, StoreError, Stored};

/// Jobs in one transaction at most: more gain nothing on the disk, and the first of them waits for the last.
pub(super) const GROUP_MAX: usize = 1_024;

/// Pages in the write-ahead log before they are moved into the database: rare enough to cut the slowest appends by half.
const WAL_PAGES: i64 = 8_000;

/// What the writer is asked to do.
#[derive(Debug)]
pub(super) enum Task {
    /// Commit a batch.
    Append(Prepared),
    /// Move the moment at which a row is due.
    Postpone(Stream, Option<Timestamp>),
    /// Take the next epoch.
    Epoch,
}

/// A task and who waits for it. Nobody may: the task is done all the same.
pub(super) struct Job {
    pub(super) task: Task,
    pub(super) reply: oneshot::Sender<Result<Done, StoreError>>,
    /// Its place in the queue, free again once the writer has taken it.
    pub(super) _place: OwnedSemaphorePermit,
}

/// What a task led to, durable.
#[derive(Debug)]
pub(super) struct Done {
    /// The events of a batch.
    pub(super) events: Vec<Stored>,
    /// The epoch that was taken.
    pub(super) epoch: u64,
    /// The head of the whole group.
    pub(super) head: Head,
}

/// What each task of a group led to, in its order.
type Results = Vec<Result<Made, StoreError>>;

/// The connection that writes, and the log as the database has it.
pub(super) struct Writer {
    connection: Connection,
    key: LogKey,
    // INVARIANT: both are what the last COMMIT that answered has left; only `commit` and `recover` set them.
    log: Log,
    head: Head,
    /// The time of the newest entry.
    last: Timestamp,
    poison: Option<StoreError>,
}

impl Writer {
    pub(super) fn load(connection: Connection, key: LogKey) -> Result<Self, StoreError> {
        let (log, head) = log::load(&connection, &key.verifier())?;
        let last = super::select::last_time(&connection)?;
        Ok(Self { connection, key, log, head, last, poison: None })
    }

    /// Works until nobody is left who could send a job.
    pub(super) fn run(mut self, mut jobs: mpsc::UnboundedReceiver<Job>) {
        let mut waiting = Vec::with_capacity(GROUP_MAX);
        while jobs.blocking_recv_many(&mut waiting, GROUP_MAX) > 0 {
            let (tasks, replies): (Vec<Task>, Vec<_>) = waiting.drain(..).map(|job| (job.task, job.reply)).unzip();
            let count = tasks.len();
            let results = self.commit(&tasks).unwrap_or_else(|error| (0..count).map(|_| Err(error.clone())).collect());
            for (reply, result) in replies.into_iter().zip(results) {
                let head = &self.head;
                let done = result.map(|Made { events, epoch }| Done { events, epoch, head: head.clone() });
                // Whoever asked may be gone; what was committed stays committed.
                let _ = reply.send(done);
            }
            self.checkpoint("PASSIVE", WAL_PAGES);
        }
        self.checkpoint("TRUNCATE", 0);
    }

    fn commit(&mut self, tasks: &[Task]) -> Result<Results, StoreError> {
        if let Some(poison) = &self.poison {
            return Err(poison.clone());
        }
        match self.attempt(tasks) {
            Ok((made, log, head, last)) => {
                (self.log, self.head, self.last) = (log, head, last);
                Ok(made)
            }
            Err(fault) => Err(self.recover(fault)),
        }
    }

    /// The whole transaction. The log in memory is untouched: what comes back is what it becomes once this has returned.
    fn attempt(&self, tasks: &[Task]) -> Result<(Results, Log, Head, Timestamp), Fault> {
        self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let mut group = Group::new(&self.connection, self.key.name(), self.log.size(), self.last);
        let made = tasks.iter().map(|task| group.run(task)).collect::<Result<Vec<_>, Fault>>()?;
        let (log, head) = self.extend(&group)?;
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        Ok((made, log, head, group.last_time()))
    }

    /// Tiles and head for the entries of a group.
    fn extend(&self, group: &Group<'_>) -> Result<(Log, Head), Fault> {
        let mut log = self.log.clone();
        if group.size() == log.size() {
            return Ok((log, self.head.clone()));
        }
        for leaf in group.read_back(self.log.size())? {
            for FullTile { level, n, root, hashes } in log.push(leaf) {
                let values = params![level, column(n), root.as_bytes(), encode_tile(&hashes)];
                let sql = "INSERT INTO tile (level, n, root, hashes) VALUES (?1, ?2, ?3, ?4)";
                self.connection.prepare_cached(sql)?.execute(values)?;
            }
        }
        let (size, root) = (log.size(), log.root());
        let note = self.key.sign_checkpoint(&Checkpoint { origin: self.key.name().to_owned(), size, root });
        let sql = "UPDATE head SET size = ?1, root = ?2, note = ?3 WHERE size = ?4";
        let values = params![column(size), root.as_bytes(), note, column(self.head.size)];
        if self.connection.prepare_cached(sql)?.execute(values)? != 1 {
            return Err(Fault::Poisoned(StoreError::Database("somebody else has written to the log".into())));
        }
        Ok((log, Head { size, root, note }))
    }

    /// Forgets a lost transaction and takes the log from the database again. What every job of the group is told.
    fn recover(&mut self, fault: Fault) -> StoreError {
        let (error, poisoned) = match fault {
            Fault::Refused(error) | Fault::Failed(error) => (error, false),
            Fault::Poisoned(error) => (error, true),
        };
        tracing::error!(%error, poisoned, "a group of jobs was not committed");
        // Some errors have rolled back already.
        let back = if self.connection.is_autocommit() { Ok(()) } else { self.connection.execute_batch("ROLLBACK") };
        match (poisoned, back.map_err(Fault::from).and_then(|()| Ok(log::load(&self.connection, &self.key.verifier())?))) {
            (false, Ok((log, head))) => (self.log, self.head) = (log, head),
            (true, _) | (false, Err(_)) => self.poisoned(&error),
        }
        error
    }

    /// From here on nothing is written: after a failed sync nobody knows what the disk holds, and trying again lies about it.
    fn poisoned(&mut self, error: &StoreError) {
        let why = format!("nothing is written any more after an earlier failure, open the store again: {error}");
        self.poison = Some(StoreError::Database(why));
    }

    /// Moves the write-ahead log into the database once `pages` of it wait.
    fn checkpoint(&mut self, how: &str, pages: i64) {
        if self.poison.is_some() {
            return;
        }
        let run = |how: &str| {
            let sql = format!("PRAGMA wal_checkpoint({how})");
            self.connection.prepare_cached(&sql)?.query_row([], |row| Ok(row.get::<_, i64>(1)? - row.get::<_, i64>(2)?))
        };
        let done = match run("NOOP") {
            Ok(waiting) if waiting >= pages => run(how).map(|_| ()),
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        };
        match done.map_err(Fault::from) {
            Ok(()) => {}
            Err(Fault::Refused(error) | Fault::Failed(error)) => tracing::warn!(%error, "the write-ahead log could not be moved; it grows"),
            Err(Fault::Poisoned(error)) => {
                tracing::error!(%error, "the write-ahead log could not be moved");
                self.poisoned(&error);
            }
        }
    }
}
