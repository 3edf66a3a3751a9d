//! The runner's own journal: one SQLite file that makes "started at most once" true across crashes. Every write is synced
//! before the call returns, and every call that follows from it comes after.
//!
//! ```text
//! accepted ─► started ─► ended(report)         a crash: accepted ─► never, started ─► lost
//! nothing  ─► never (asked about before it came)            lost ─► found (fenced, then looked)
//! ```

mod glass;

pub use glass::{Session, SessionState};

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lineclear_core::run::{AttemptKey, Direction, Found};
use lineclear_core::{Digest, Span, Timestamp};
use lineclear_warrant::{Checked, Report};
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, TransactionBehavior, params};
use serde_json::Value;

/// How long what is over is kept: longer than any approval can still be used (see `lineclear_warrant`), so that a bundle's
/// one run is never forgotten too early.
pub const KEEP: Span = Span::from_secs(120 * 24 * 3_600);
/// Most attempts in a journal; more are refused rather than forgotten.
pub const ATTEMPTS_MAX: u32 = 1_000_000;
/// Most reports that are delivered anew in one go.
const UNTOLD_AT_ONCE: u32 = 256;
/// The first SQLite without the WAL-reset corruption (3.51.3).
const SQLITE_MIN: i32 = 3_051_003;

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS attempt (
    run TEXT NOT NULL, step TEXT NOT NULL, direction TEXT NOT NULL CHECK (direction IN ('do', 'undo')), number INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('accepted', 'started', 'ended', 'never', 'lost', 'found')),
    epoch INTEGER NOT NULL, bundle TEXT, digest TEXT, envelope TEXT, report TEXT, at INTEGER NOT NULL,
    PRIMARY KEY (run, step, direction, number)
) STRICT;
CREATE INDEX IF NOT EXISTS attempt_bundle ON attempt (bundle, run);
CREATE TABLE IF NOT EXISTS untold (
    run TEXT NOT NULL, step TEXT NOT NULL, direction TEXT NOT NULL, number INTEGER NOT NULL, report TEXT NOT NULL,
    PRIMARY KEY (run, step, direction, number)
) STRICT;
CREATE TABLE IF NOT EXISTS glass (
    session TEXT PRIMARY KEY, seed TEXT, state TEXT NOT NULL CHECK (state IN ('drafted', 'open', 'closed', 'told')),
    lines INTEGER NOT NULL, last TEXT NOT NULL, at INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS head (one INTEGER PRIMARY KEY CHECK (one = 1), note TEXT NOT NULL) STRICT;
";

/// The journal. One process holds it at a time.
pub struct Journal {
    connection: Mutex<Connection>,
}

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// SQLite says so; a second runner on the same file is told that it is locked.
    #[error("the runner's journal: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// Something in it that was never written by us.
    #[error("the runner's journal holds {0} that cannot be read")]
    Corrupt(&'static str),
    /// A bundled SQLite that can lose data.
    #[error("SQLite {0} can corrupt a write-ahead log; at least {SQLITE_MIN} is needed")]
    Old(i32),
    /// An attempt that is not where it has to be for this.
    #[error("the attempt is not {0} in the runner's journal")]
    State(&'static str),
}

/// Why a checked warrant is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// This attempt is in the journal already.
    #[error("this attempt was seen before")]
    Replayed,
    /// An engine that was replaced.
    #[error("epoch {given} is older than {seen}, which this run has reached")]
    StaleEpoch {
        /// The warrant's.
        given: u64,
        /// The highest that was seen.
        seen: u64,
    },
    /// One approval, one run.
    #[error("its bundle has served `{0}`")]
    OtherRun(String),
    /// No room.
    #[error("the runner's journal is full")]
    Full,
    /// The journal failed: nothing may be done.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// What the journal knows of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It is being worked on.
    UnderWay,
    /// It never was started, and never will be: from now on the journal refuses it.
    Never,
    /// It is over.
    Ended(Report),
    /// It was started by a process that is gone.
    Lost {
        /// Its warrant.
        envelope: String,
    },
    /// It was lost, and this was found.
    Found(Found, Value),
}

impl AcceptError {
    /// The stable word for records and programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Replayed => "replayed",
            Self::StaleEpoch { .. } => "stale_epoch",
            Self::OtherRun(_) => "bundle_used",
            Self::Full => "journal_full",
            Self::Journal(_) => "journal_failed",
        }
    }
}

impl Journal {
    /// Opens or makes the journal, and settles what a crash left: accepted attempts will never be started, started ones are
    /// lost. What has been over for [`KEEP`] is forgotten.
    ///
    /// # Errors
    /// When the file cannot be used, or another process uses it.
    pub fn open(path: &Path, now: Timestamp) -> Result<Self, JournalError> {
        if rusqlite::version_number() < SQLITE_MIN {
            return Err(JournalError::Old(rusqlite::version_number()));
        }
        let connection = Connection::open(path)?;
        connection.busy_timeout(std::time::Duration::from_millis(500))?;
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "trusted_schema", false)?;
        connection.execute_batch(SCHEMA)?;
        let journal = Self { connection: Mutex::new(connection) };
        journal.write(|tx| {
            tx.execute("UPDATE attempt SET state = 'never', envelope = NULL WHERE state = 'accepted'", [])?;
            tx.execute("UPDATE attempt SET state = 'lost' WHERE state = 'started'", [])?;
            let old = (now - KEEP).as_micros();
            tx.execute("DELETE FROM attempt WHERE at < ?1 AND state IN ('ended', 'never', 'found')", [old])?;
            glass::forget(tx, now)?;
            Ok::<_, JournalError>(())
        })?;
        Ok(journal)
    }

    /// Journals a checked warrant, with the head of the ledger that it showed; synced when this returns.
    ///
    /// # Errors
    /// When the attempt was seen before, its epoch is stale, its bundle served another run, or nothing could be written.
    pub fn accept(&self, checked: &Checked, envelope: &str, now: Timestamp) -> Result<(), AcceptError> {
        self.admit(&checked.warrant.attempt, checked.warrant.epoch, (checked.bundle, envelope), Some(&checked.head), now)
    }

    /// Admits an attempt: what it stands on is a digest that serves one run, and a text to look it up by after a crash.
    fn admit(
        &self,
        key: &AttemptKey,
        given: u64,
        (bundle, envelope): (Digest, &str),
        head: Option<&str>,
        now: Timestamp,
    ) -> Result<(), AcceptError> {
        let (bundle, run) = (bundle.to_string(), key.run.to_string());
        self.write(|tx| {
            if state_of(tx, key)?.is_some() {
                return Err(AcceptError::Replayed);
            }
            let seen: Option<i64> = tx.query_row("SELECT max(epoch) FROM attempt WHERE run = ?1", [&run], |row| row.get(0)).map_err(sql)?;
            let seen = seen.map_or(0, i64::unsigned_abs);
            if given < seen {
                return Err(AcceptError::StaleEpoch { given, seen });
            }
            let other = tx.query_row("SELECT run FROM attempt WHERE bundle = ?1 AND run <> ?2 LIMIT 1", [&bundle, &run], |row| row.get(0));
            if let Some(other) = other.optional().map_err(sql)? {
                return Err(AcceptError::OtherRun(other));
            }
            let count: u32 = tx.query_row("SELECT count(*) FROM attempt", [], |row| row.get(0)).map_err(sql)?;
            if count >= ATTEMPTS_MAX {
                return Err(AcceptError::Full);
            }
            let epoch = i64::try_from(given).unwrap_or(i64::MAX);
            let digest = Digest::of(envelope.as_bytes()).to_string();
            insert(tx, key, "accepted", epoch, now)?;
            tx.execute(
                "UPDATE attempt SET bundle = ?5, digest = ?6, envelope = ?7
                 WHERE run = ?1 AND step = ?2 AND direction = ?3 AND number = ?4",
                params![run, key.step.as_str(), word(key.direction), key.number, bundle, digest, envelope],
            )
            .map_err(sql)?;
            if let Some(head) = head {
                tx.execute("INSERT OR REPLACE INTO head (one, note) VALUES (1, ?1)", [head]).map_err(sql)?;
            }
            Ok(())
        })
    }

    /// Says that the attempt begins now. Only what was accepted can begin, and only once; synced when this returns.
    ///
    /// # Errors
    /// When it is not accepted, or nothing could be written.
    pub fn start(&self, key: &AttemptKey, now: Timestamp) -> Result<(), JournalError> {
        self.advance(key, "accepted", "started", None, now)
    }

    /// Says how an attempt ended; synced when this returns. The envelope is dropped, its digest stays.
    ///
    /// # Errors
    /// When it is neither accepted nor started, or nothing could be written.
    pub fn end(&self, key: &AttemptKey, report: &Report, now: Timestamp) -> Result<(), JournalError> {
        let text = serde_json::to_string(report).map_err(|_| JournalError::Corrupt("a report"))?;
        let from = if self.state(key)?.as_deref() == Some("accepted") { "accepted" } else { "started" };
        self.advance(key, from, "ended", Some(&text), now)
    }

    /// The last reports of attempts of which nobody has said that they arrived: some of them, oldest run first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn untold(&self) -> Result<Vec<(AttemptKey, Report)>, JournalError> {
        let connection = self.lock();
        let mut query = connection.prepare("SELECT report FROM untold ORDER BY run, step, direction, number LIMIT ?1")?;
        let rows = query.query_map([UNTOLD_AT_ONCE], |row| row.get::<_, String>(0))?;
        let mut untold = Vec::new();
        for text in rows {
            let report: Report = serde_json::from_str(&text?).map_err(|_| JournalError::Corrupt("a report"))?;
            let key = match &report {
                Report::Accepted { attempt }
                | Report::Started { attempt }
                | Report::Succeeded { attempt, .. }
                | Report::Failed { attempt, .. } => Some(attempt.clone()),
                Report::Refused { attempt, .. } => attempt.clone(),
            };
            untold.extend(key.map(|key| (key, report)));
        }
        Ok(untold)
    }

    /// Says that the last report of an attempt has arrived.
    ///
    /// # Errors
    /// When nothing could be written.
    pub fn told(&self, key: &AttemptKey) -> Result<(), JournalError> {
        self.lock().execute(
            "DELETE FROM untold WHERE run = ?1 AND step = ?2 AND direction = ?3 AND number = ?4",
            params![key.run.to_string(), key.step.as_str(), word(key.direction), key.number],
        )?;
        Ok(())
    }

    /// Says that the process lost track of a started attempt, because the task that ran it died.
    ///
    /// # Errors
    /// When it is not started, or nothing could be written.
    pub fn lose(&self, key: &AttemptKey, now: Timestamp) -> Result<(), JournalError> {
        self.advance(key, "started", "lost", None, now)
    }

    /// Keeps the refusal of an attempt that was never seen; whether it was never seen.
    ///
    /// # Errors
    /// When nothing could be written.
    pub fn refuse(&self, key: &AttemptKey, report: &Report, now: Timestamp) -> Result<bool, JournalError> {
        let text = serde_json::to_string(report).map_err(|_| JournalError::Corrupt("a report"))?;
        self.write(|tx| {
            if state_of(tx, key)?.is_some() {
                return Ok(false);
            }
            insert(tx, key, "ended", 0, now)?;
            owe(tx, key, &text)?;
            tx.execute(
                "UPDATE attempt SET report = ?5 WHERE run = ?1 AND step = ?2 AND direction = ?3 AND number = ?4",
                params![key.run.to_string(), key.step.as_str(), word(key.direction), key.number, text],
            )?;
            Ok(true)
        })
    }

    /// What is known of an attempt. One that was never seen is refused from now on: a late warrant for it is worth nothing.
    ///
    /// # Errors
    /// When the journal cannot be read or written.
    pub fn ask(&self, key: &AttemptKey, now: Timestamp) -> Result<Standing, JournalError> {
        self.write(|tx| {
            let row = tx
                .query_row(
                    "SELECT state, envelope, report FROM attempt WHERE run = ?1 AND step = ?2 AND direction = ?3 AND number = ?4",
                    params![key.run.to_string(), key.step.as_str(), word(key.direction), key.number],
                    |row: &Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?, row.get::<_, Option<String>>(2)?)),
                )
                .optional()?;
            let Some((state, envelope, report)) = row else {
                insert(tx, key, "never", 0, now)?;
                return Ok(Standing::Never);
            };
            match (state.as_str(), envelope, report) {
                ("accepted" | "started", _, _) => Ok(Standing::UnderWay),
                ("never", _, _) => Ok(Standing::Never),
                ("ended", _, Some(report)) => {
                    serde_json::from_str(&report).map(Standing::Ended).map_err(|_| JournalError::Corrupt("a report"))
                }
                ("lost", Some(envelope), _) => Ok(Standing::Lost { envelope }),
                ("found", _, Some(found)) => {
                    let (found, output) = serde_json::from_str(&found).map_err(|_| JournalError::Corrupt("a finding"))?;
                    Ok(Standing::Found(found, output))
                }
                _ => Err(JournalError::Corrupt("an attempt")),
            }
        })
    }

    /// Keeps what was found out about a lost attempt.
    ///
    /// # Errors
    /// When it is not lost, or nothing could be written.
    pub fn found(&self, key: &AttemptKey, found: Found, output: &Value, now: Timestamp) -> Result<(), JournalError> {
        let text = serde_json::to_string(&(found, output)).map_err(|_| JournalError::Corrupt("a finding"))?;
        self.advance(key, "lost", "found", Some(&text), now)
    }

    /// The signed head of the ledger that was seen last.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn head(&self) -> Result<Option<String>, JournalError> {
        Ok(self.lock().query_row("SELECT note FROM head", [], |row| row.get(0)).optional()?)
    }

    fn state(&self, key: &AttemptKey) -> Result<Option<String>, JournalError> {
        self.write(|tx| state_of(tx, key))
    }

    fn advance(&self, key: &AttemptKey, from: &'static str, to: &str, report: Option<&str>, now: Timestamp) -> Result<(), JournalError> {
        let changed = self.write(|tx| {
            let over = to == "ended" || to == "found";
            if let (Some(report), "ended") = (report, to) {
                owe(tx, key, report)?;
            }
            Ok::<_, JournalError>(tx.execute(
                "UPDATE attempt SET state = ?6, report = coalesce(?7, report), at = ?8, envelope = iif(?9, NULL, envelope)
                 WHERE run = ?1 AND step = ?2 AND direction = ?3 AND number = ?4 AND state = ?5",
                params![key.run.to_string(), key.step.as_str(), word(key.direction), key.number, from, to, report, now.as_micros(), over],
            )?)
        })?;
        if changed == 1 { Ok(()) } else { Err(JournalError::State(from)) }
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        // A transaction that a panic interrupted was rolled back when it was dropped.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write<T, E: From<JournalError>>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T, E>) -> Result<T, E> {
        let mut connection = self.lock();
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(sql)?;
        let value = work(&tx)?;
        tx.commit().map_err(sql)?;
        Ok(value)
    }
}

const fn sql(error: rusqlite::Error) -> JournalError {
    JournalError::Sqlite(error)
}

const fn word(direction: Direction) -> &'static str {
    match direction {
        Direction::Do => "do",
        Direction::Undo => "undo",
    }
}

fn state_of(tx: &Transaction<'_>, key: &AttemptKey) -> Result<Option<String>, JournalError> {
    let found = tx.query_row(
        "SELECT state FROM attempt WHERE run = ?1 AND step = ?2 AND direction = ?3 AND number = ?4",
        params![key.run.to_string(), key.step.as_str(), word(key.direction), key.number],
        |row| row.get(0),
    );
    Ok(found.optional()?)
}

/// Keeps a report until somebody says that it has arrived.
fn owe(tx: &Transaction<'_>, key: &AttemptKey, report: &str) -> Result<(), JournalError> {
    tx.execute(
        "INSERT OR REPLACE INTO untold (run, step, direction, number, report) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![key.run.to_string(), key.step.as_str(), word(key.direction), key.number, report],
    )?;
    Ok(())
}

fn insert(tx: &Transaction<'_>, key: &AttemptKey, state: &str, epoch: i64, now: Timestamp) -> Result<(), JournalError> {
    tx.execute(
        "INSERT INTO attempt (run, step, direction, number, state, epoch, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![key.run.to_string(), key.step.as_str(), word(key.direction), key.number, state, epoch, now.as_micros()],
    )?;
    Ok(())
}

#[cfg(test)]
mod tests;
