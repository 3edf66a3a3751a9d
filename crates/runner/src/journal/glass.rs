//! What the runner's own journal keeps of broken glasses: the secret of each session's key until its last line is written, and how
//! far its file goes, so that a file that was cut is noticed although every line that is left is whole.

use lineclear_core::run::AttemptKey;
use lineclear_core::{Digest, Span, Timestamp};
use rusqlite::{OptionalExtension as _, Row, Transaction, params};

use super::{AcceptError, Journal, JournalError};

/// How long a statement that was drafted and never signed is kept.
const DRAFT_KEEP: Span = Span::from_secs(24 * 3_600);
/// Most sessions that are kept: each waits for the control plane to come back.
const SESSIONS_MAX: u32 = 1_000;

/// How far a session has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionState {
    /// Its statement was drafted, and nobody has signed it here yet.
    Drafted,
    /// Its file is being written.
    Open,
    /// Its last line is written.
    Closed,
    /// The control plane has it.
    Told,
}

/// What is kept of one session.
#[derive(Clone, PartialEq, Eq)]
pub struct Session {
    /// The public key, in base64: its name.
    pub session: String,
    /// The secret key, in hexadecimal, until the last line is written.
    pub(crate) seed: Option<String>,
    /// How far it has come.
    pub state: SessionState,
    /// How many lines its file has at least.
    pub lines: u32,
    /// The digest of the last of them.
    pub last: Digest,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("session", &self.session)
            .field("state", &self.state)
            .field("lines", &self.lines)
            .finish_non_exhaustive()
    }
}

impl SessionState {
    const fn word(self) -> &'static str {
        match self {
            Self::Drafted => "drafted",
            Self::Open => "open",
            Self::Closed => "closed",
            Self::Told => "told",
        }
    }
}

/// Drops drafts that nobody signed.
pub(super) fn forget(tx: &Transaction<'_>, now: Timestamp) -> Result<(), JournalError> {
    tx.execute("DELETE FROM glass WHERE state = 'drafted' AND at < ?1", [(now - DRAFT_KEEP).as_micros()])?;
    Ok(())
}

fn session(row: &Row<'_>) -> Result<(String, Option<String>, String, u32, String), rusqlite::Error> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
}

fn read((session, seed, state, lines, last): (String, Option<String>, String, u32, String)) -> Result<Session, JournalError> {
    let all = [SessionState::Drafted, SessionState::Open, SessionState::Closed, SessionState::Told];
    let state = all.into_iter().find(|known| known.word() == state).ok_or(JournalError::Corrupt("a session"))?;
    let last = last.parse().map_err(|_| JournalError::Corrupt("a session"))?;
    Ok(Session { session, seed, state, lines, last })
}

impl Journal {
    /// Keeps a drafted session with the secret of its key.
    ///
    /// # Errors
    /// When there are too many, or nothing could be written.
    pub(crate) fn draft_session(&self, name: &str, seed: &str, now: Timestamp) -> Result<(), JournalError> {
        self.write(|tx| {
            let count: u32 = tx.query_row("SELECT count(*) FROM glass WHERE state <> 'told'", [], |row| row.get(0))?;
            if count >= SESSIONS_MAX {
                return Err(JournalError::State("to be had: too many sessions wait to be told"));
            }
            tx.execute(
                "INSERT INTO glass (session, seed, state, lines, last, at) VALUES (?1, ?2, 'drafted', 0, ?3, ?4)",
                params![name, seed, Digest::of(b"").to_string(), now.as_micros()],
            )?;
            Ok(())
        })
    }

    /// Opens a drafted session: each can be opened once, so a statement is good for one run.
    ///
    /// # Errors
    /// When it is not drafted, or nothing could be written.
    pub(crate) fn open_session(&self, name: &str, now: Timestamp) -> Result<(), JournalError> {
        self.move_session(name, "drafted", "UPDATE glass SET state = 'open', at = ?2 WHERE session = ?1 AND state = 'drafted'", now)
    }

    /// Says that a line is on the disk.
    ///
    /// # Errors
    /// When the session is not open, or nothing could be written.
    pub(crate) fn wrote_line(&self, name: &str, lines: u32, last: Digest) -> Result<(), JournalError> {
        let changed = self.write(|tx| {
            let sql = "UPDATE glass SET lines = ?2, last = ?3 WHERE session = ?1 AND state = 'open' AND lines <= ?2";
            Ok::<_, JournalError>(tx.execute(sql, params![name, lines, last.to_string()])?)
        })?;
        if changed == 1 { Ok(()) } else { Err(JournalError::State("open")) }
    }

    /// The last line is written: from now on nobody can add another.
    ///
    /// # Errors
    /// When it is not open, or nothing could be written.
    pub(crate) fn close_session(&self, name: &str, now: Timestamp) -> Result<(), JournalError> {
        self.move_session(
            name,
            "open",
            "UPDATE glass SET state = 'closed', seed = NULL, at = ?2 WHERE session = ?1 AND state = 'open'",
            now,
        )
    }

    /// The control plane has it.
    ///
    /// # Errors
    /// When nothing could be written.
    pub fn told_session(&self, name: &str, now: Timestamp) -> Result<(), JournalError> {
        let sql = "UPDATE glass SET state = 'told', at = ?2 WHERE session = ?1 AND state IN ('closed', 'told')";
        self.move_session(name, "closed", sql, now)
    }

    fn move_session(&self, name: &str, from: &'static str, sql: &str, now: Timestamp) -> Result<(), JournalError> {
        let changed = self.write(|tx| Ok::<_, JournalError>(tx.execute(sql, params![name, now.as_micros()])?))?;
        if changed == 1 { Ok(()) } else { Err(JournalError::State(from)) }
    }

    /// One session; none that was never drafted here.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn session(&self, name: &str) -> Result<Option<Session>, JournalError> {
        let sql = "SELECT session, seed, state, lines, last FROM glass WHERE session = ?1";
        let row = self.lock().query_row(sql, [name], session).optional()?;
        row.map(read).transpose()
    }

    /// Every session that was opened, oldest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn sessions(&self) -> Result<Vec<Session>, JournalError> {
        let connection = self.lock();
        let mut found =
            connection.prepare("SELECT session, seed, state, lines, last FROM glass WHERE state <> 'drafted' ORDER BY rowid")?;
        let rows = found.query_map([], session)?.collect::<Result<Vec<_>, _>>()?;
        rows.into_iter().map(read).collect()
    }

    /// Journals an attempt that a broken glass stands behind; synced when this returns.
    ///
    /// # Errors
    /// When it was seen before, its statement served another run, or nothing could be written.
    pub(crate) fn accept_glass(&self, key: &AttemptKey, statement: Digest, now: Timestamp) -> Result<(), AcceptError> {
        self.admit(key, 0, (statement, "glass"), None, now)
    }
}
