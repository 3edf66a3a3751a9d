//! The work of one group, inside its one transaction: each job under a savepoint, so that a refusal takes back only itself.

use lineclear_core::Timestamp;
use lineclear_core::record::{Row, Stream};
use lineclear_ledger::{Hash, leaf_hash};
use rusqlite::{Connection, ErrorCode, OptionalExtension as _, params};

use super::number::column;
use super::select;
use super::writer::Task;
use crate::prepared::{Prepared, PreparedAppend, PreparedEvent, check_length};
use crate::{Once, StoreError, Stored};

/// Why something did not happen.
#[derive(Debug)]
pub(super) enum Fault {
    /// This job is refused; the others go on.
    Refused(StoreError),
    /// The transaction is lost, with every job in it.
    Failed(StoreError),
    /// The transaction is lost and nobody knows what the disk holds.
    Poisoned(StoreError),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        let lost = [ErrorCode::SystemIoFailure, ErrorCode::DatabaseCorrupt, ErrorCode::NotADatabase];
        let poisoned = error.sqlite_error_code().is_some_and(|code| lost.contains(&code));
        let error = StoreError::Database(error.to_string());
        if poisoned { Self::Poisoned(error) } else { Self::Failed(error) }
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        // A row that fits no state is in the way of the one job that needs it.
        if matches!(error, StoreError::Database(_)) { Self::Failed(error) } else { Self::Refused(error) }
    }
}

/// What a job did, not yet committed.
#[derive(Debug, Default)]
pub(super) struct Made {
    pub(super) events: Vec<Stored>,
    pub(super) epoch: u64,
}

/// The jobs of one transaction.
pub(super) struct Group<'a> {
    connection: &'a Connection,
    origin: &'a str,
    /// The index of the next entry.
    next: u64,
    /// The time of the newest entry.
    last: Timestamp,
}

impl<'a> Group<'a> {
    /// In the transaction that is open on `connection`, for the log of that name and size.
    pub(super) const fn new(connection: &'a Connection, origin: &'a str, size: u64, last: Timestamp) -> Self {
        Self { connection, origin, next: size, last }
    }

    /// The time of the newest entry; it never falls.
    pub(super) const fn last_time(&self) -> Timestamp {
        self.last
    }

    /// Entries in the log now.
    pub(super) const fn size(&self) -> u64 {
        self.next
    }

    /// Does one job; the inner error is its own, the outer one takes the whole group.
    pub(super) fn run(&mut self, task: &Task) -> Result<Result<Made, StoreError>, Fault> {
        let before = self.next;
        self.execute("SAVEPOINT job", [])?;
        let made = match task {
            Task::Append(batch) => self.append(batch),
            Task::Postpone(stream, due) => {
                let due = due.map(Timestamp::as_micros);
                self.execute("UPDATE machine SET due = ?2 WHERE stream = ?1", params![stream.to_string(), due]).map(|_| Made::default())
            }
            Task::Epoch => self.take_epoch(),
        };
        let made = match made {
            Ok(made) => Ok(made),
            Err(Fault::Refused(refusal)) => {
                self.execute("ROLLBACK TO job", [])?;
                self.next = before;
                Err(refusal)
            }
            Err(fault @ (Fault::Failed(_) | Fault::Poisoned(_))) => return Err(fault),
        };
        self.execute("RELEASE job", [])?;
        Ok(made)
    }

    fn execute(&self, sql: &str, values: impl rusqlite::Params) -> Result<usize, Fault> {
        Ok(self.connection.prepare_cached(sql)?.execute(values)?)
    }

    fn take_epoch(&self) -> Result<Made, Fault> {
        let mut statement = self.connection.prepare_cached("UPDATE epoch SET taken = taken + 1 RETURNING taken")?;
        let taken: i64 = statement.query_row([], |row| row.get(0))?;
        Ok(Made { epoch: super::number::counted(taken, "epoch")?, ..Made::default() })
    }

    fn append(&mut self, batch: &Prepared) -> Result<Made, Fault> {
        if let Some(once) = &batch.once {
            batch.check_once(select::once(self.connection, &once.key)?.as_ref())?;
        }
        for guard in &batch.guards {
            check_length(guard.stream, guard.expect, self.last(guard.stream)?.map_or(0, |(seq, _)| seq + 1))?;
        }
        let mut events = Vec::new();
        for append in &batch.appends {
            self.append_one(append, &mut events)?;
        }
        batch.once.as_ref().map_or(Ok(0), |once| self.keep_once(once))?;
        Ok(Made { events, epoch: 0 })
    }

    fn append_one(&mut self, append: &PreparedAppend, events: &mut Vec<Stored>) -> Result<(), Fault> {
        let last = self.last(append.stream)?;
        check_length(append.stream, append.expect, last.map_or(0, |(seq, _)| seq + 1))?;
        let mut prev = last.map(|(_, leaf)| leaf);
        for (seq, event) in (append.expect..).zip(&append.events) {
            let at = event.at(self.last);
            let leaf = self.keep_event(append.stream, seq, prev, event, at)?;
            events.push(event.stored(append.stream, seq, self.next, leaf, at));
            self.last = at;
            prev = Some(leaf);
            self.next += 1;
        }
        self.keep_row(&append.row)
    }

    /// Number and leaf hash of a stream's newest entry.
    fn last(&self, stream: Stream) -> Result<Option<(u64, Hash)>, Fault> {
        let sql = "SELECT seq, leaf FROM entry WHERE stream = ?1 ORDER BY seq DESC LIMIT 1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let last: Option<(i64, [u8; 32])> = statement.query_row([stream.to_string()], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        last.map(|(seq, leaf)| Ok((super::number::counted(seq, "entry")?, Hash::from_bytes(leaf)))).transpose()
    }

    fn exists(&self, sql: &str, value: impl rusqlite::ToSql) -> Result<bool, Fault> {
        Ok(self.connection.prepare_cached(sql)?.exists([value])?)
    }

    fn keep_event(&self, stream: Stream, seq: u64, prev: Option<Hash>, event: &PreparedEvent, at: Timestamp) -> Result<Hash, Fault> {
        let entry = event.seal(self.origin, stream, seq, prev, at)?;
        if self.exists("SELECT 1 FROM entry WHERE id = ?1", entry.id())? {
            return Err(Fault::Refused(event.id_taken()));
        }
        if self.exists("SELECT 1 FROM payload WHERE hash = ?1", event.hash.as_bytes())? {
            return Err(Fault::Refused(event.salt_taken()));
        }
        let (index, leaf) = (column(self.next), entry.leaf());
        let values = params![index, leaf.as_bytes(), entry.id(), entry.stream(), column(seq), entry.bytes()];
        self.execute("INSERT INTO entry (idx, leaf, id, stream, seq, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)", values)?;
        let values = params![index, event.hash.as_bytes(), event.happened.salt, event.payload];
        self.execute("INSERT INTO payload (idx, hash, salt, bytes) VALUES (?1, ?2, ?3, ?4)", values)?;
        Ok(leaf)
    }

    fn keep_row(&self, row: &Row) -> Result<(), Fault> {
        let sql = "INSERT INTO machine (stream, kind, word, open, due, key, title, begun) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
            ON CONFLICT (stream) DO UPDATE SET word = ?3, open = ?4, due = ?5, key = ?6, title = ?7, begun = ?8";
        let (due, begun) = (row.due.map(Timestamp::as_micros), row.begun.as_micros());
        let stream = row.stream.to_string();
        self.execute(sql, params![stream, row.stream.kind(), row.word, row.open, due, row.key, row.title, begun]).map(|_| ())
    }

    fn keep_once(&self, once: &Once) -> Result<usize, Fault> {
        let values = params![once.key, once.digest.to_string(), once.stream.to_string()];
        self.execute("INSERT INTO once (key, digest, stream) VALUES (?1, ?2, ?3)", values)
    }

    /// The leaf hashes from `from` on, hashed from what is stored now: a bit that flipped on the way must not be signed.
    pub(super) fn read_back(&self, from: u64) -> Result<Vec<Hash>, Fault> {
        let mut statement = self.connection.prepare_cached("SELECT idx, leaf, body FROM entry WHERE idx >= ?1 ORDER BY idx")?;
        let mut rows = statement.query([column(from)])?;
        let mut leaves = Vec::new();
        for index in from..self.next {
            let Some(row) = rows.next()? else { break };
            let leaf = leaf_hash(row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?);
            if row.get::<_, i64>(0)? == column(index) && row.get::<_, [u8; 32]>(1)? == *leaf.as_bytes() {
                leaves.push(leaf);
            }
        }
        if u64::try_from(leaves.len()) == Ok(self.next - from) && rows.next()?.is_none() {
            return Ok(leaves);
        }
        let id = from.to_string();
        Err(Fault::Failed(StoreError::Corrupt { table: "entry", id, why: "what was stored is not what was sealed".into() }))
    }
}
