//! The file of one session: one signed line after the other, each on the disk before the call returns, held by one process.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use lineclear_core::digest::Digest;
use lineclear_core::glass::{LINES_MAX, Line, Said};
use lineclear_core::{OperatorId, Timestamp};
use lineclear_warrant::glass::{JOURNAL_MAX, digest_of, nothing};
use lineclear_warrant::{GlassJournal, SessionKey, read_journal};

use super::GlassRefusal;
use crate::journal::{Journal, Session};

/// Lines that are left free for the end: what was found out, and that it is the end.
const LINES_KEPT: usize = 8;

/// The file of one session, open for writing.
pub(crate) struct Pages<'j> {
    file: File,
    key: SessionKey,
    journal: &'j Journal,
    session: String,
    number: u32,
    prev: Digest,
    bytes: usize,
    at: Timestamp,
}

fn failed(what: &str) -> impl Fn(std::io::Error) -> GlassRefusal {
    let what = what.to_owned();
    move |error| GlassRefusal::NoRecord(format!("{what}: {error}"))
}

/// Where a session's file is: named by its key, so that nobody else's file is taken for it.
fn path_of(folder: &Path, session: &str) -> PathBuf {
    let name: String = lineclear_ledger::Hash::from_bytes(*Digest::of(session.as_bytes()).as_bytes()).to_string();
    folder.join(format!("{}.jsonl", name.chars().take(32).collect::<String>()))
}

/// Whether a session has a file.
pub(crate) fn written(folder: &Path, session: &str) -> bool {
    path_of(folder, session).exists()
}

impl<'j> Pages<'j> {
    /// A new file for a session that was just opened.
    pub fn create(folder: &Path, session: &str, key: SessionKey, journal: &'j Journal, now: Timestamp) -> Result<Self, GlassRefusal> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed("its folder cannot be made"))?;
        let path = path_of(folder, session);
        let file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(&path).map_err(failed("its file cannot be made"))?;
        locked(&file)?;
        // A file whose name is not on the disk is gone after a power cut.
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed("its folder cannot be synced"))?;
        Ok(Self { file, key, journal, session: session.into(), number: 0, prev: nothing(), bytes: 0, at: now })
    }

    /// The file of a session whose process ended before its last line. What was being written then is cut off, and kept beside it.
    pub fn reopen<'k>(
        folder: &Path,
        session: &Session,
        key: SessionKey,
        journal: &'j Journal,
        keys_of: impl Fn(&OperatorId) -> Option<&'k [String]>,
    ) -> Result<(Self, Option<GlassJournal>), GlassRefusal> {
        let path = path_of(folder, &session.session);
        let mut file = OpenOptions::new().read(true).append(true).open(&path).map_err(failed("its file cannot be opened"))?;
        locked(&file)?;
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(failed("its file cannot be read"))?;
        let whole = text.rfind('\n').map_or(0, |at| at + 1);
        let (whole, rest) = text.split_at_checked(whole).unwrap_or((&text, ""));
        let lines = whole.matches('\n').count();
        check_length(session, lines)?;
        if !rest.is_empty() {
            fs::write(path.with_extension("torn"), rest).map_err(failed("what was being written cannot be kept"))?;
            file.set_len(u64::try_from(whole.len()).unwrap_or(u64::MAX)).map_err(failed("its file cannot be mended"))?;
            file.sync_all().map_err(failed("its file cannot be synced"))?;
        }
        file.seek(SeekFrom::End(0)).map_err(failed("its file cannot be read"))?;
        let read = if whole.is_empty() { None } else { Some(read(session, whole, keys_of)?) };
        let prev = read.as_ref().map_or_else(nothing, GlassJournal::last);
        let at = read.as_ref().and_then(|read| read.lines.last()).map_or(Timestamp::from_micros(0), |(_, line, _)| line.at);
        let number = u32::try_from(lines).unwrap_or(u32::MAX);
        let session = session.session.clone();
        Ok((Self { file, key, journal, session, number, prev, bytes: whole.len(), at }, read))
    }

    /// Writes a line; it is on the disk, and remembered beside it, when this returns.
    ///
    /// # Errors
    /// When it could not be written: then nothing may follow from it.
    pub fn write(&mut self, said: Said, now: Timestamp) -> Result<(), GlassRefusal> {
        // A clock that was set back must not make a journal that nobody believes.
        let at = now.max(self.at);
        let last = matches!(said, Said::Closed { .. });
        let sealed = self.key.seal(&Line { number: self.number, prev: self.prev, at, said });
        let kept = if last { 0 } else { LINES_KEPT };
        let lines = usize::try_from(self.number).unwrap_or(usize::MAX);
        if lines.saturating_add(1 + kept) > LINES_MAX || self.bytes + sealed.len() > JOURNAL_MAX - kept * 1_024 {
            return Err(GlassRefusal::NoRecord("the journal is full".into()));
        }
        self.file.write_all(sealed.as_bytes()).map_err(failed("a line cannot be written"))?;
        self.file.sync_all().map_err(failed("a line cannot be synced"))?;
        self.prev = digest_of(&sealed);
        (self.number, self.bytes, self.at) = (self.number + 1, self.bytes + sealed.len(), at);
        self.journal.wrote_line(&self.session, self.number, self.prev)?;
        if last {
            self.journal.close_session(&self.session, now)?;
        }
        Ok(())
    }

    /// How many lines there are.
    pub const fn lines(&self) -> u32 {
        self.number
    }

    /// The digest of the last line.
    pub const fn last(&self) -> Digest {
        self.prev
    }
}

/// The text of a session that is closed, once it is whole and as long as this runner remembers it.
pub(crate) fn told<'k>(
    folder: &Path,
    session: &Session,
    keys_of: impl Fn(&OperatorId) -> Option<&'k [String]>,
) -> Result<(String, GlassJournal), GlassRefusal> {
    let text = fs::read_to_string(path_of(folder, &session.session)).map_err(failed("its file cannot be read"))?;
    check_length(session, text.matches('\n').count())?;
    let journal = read(session, &text, keys_of)?;
    if journal.last() != session.last {
        return Err(GlassRefusal::Broken { session: session.session.clone(), fault: lineclear_warrant::JournalFault::Truncated });
    }
    Ok((text, journal))
}

/// At most one line is on the disk that is not remembered yet; every other difference is somebody's doing.
fn check_length(session: &Session, found: usize) -> Result<(), GlassRefusal> {
    let known = session.lines;
    let short = u32::try_from(found).is_ok_and(|found| found < known);
    if short { Err(GlassRefusal::Cut { session: session.session.clone(), found, known }) } else { Ok(()) }
}

fn read<'k>(session: &Session, text: &str, keys_of: impl Fn(&OperatorId) -> Option<&'k [String]>) -> Result<GlassJournal, GlassRefusal> {
    read_journal(text, keys_of).map_err(|fault| GlassRefusal::Broken { session: session.session.clone(), fault })
}

fn locked(file: &File) -> Result<(), GlassRefusal> {
    file.try_lock().map_err(|error| GlassRefusal::NoRecord(format!("another process holds its file: {error}")))
}
