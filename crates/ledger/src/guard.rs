//! The rollback guard: a memory of the last committed head that a restored database cannot roll back, because it lies elsewhere.
//!
//! Restores and failovers, not thieves, are what usually forks a log: the right key then signs a second history.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::hash::Hash;
use crate::key::Verifier;
use crate::note::NOTE_MAX_BYTES;
use crate::proof::verify_consistency;

/// The last committed checkpoint of one log, in a file outside the database. It must see committed heads only.
#[derive(Debug)]
pub struct Guard {
    path: PathBuf,
    verifier: Verifier,
    remembered: Option<Checkpoint>,
}

/// Why the log must not be served. Each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// The file could not be read or written.
    #[error("`{}` could not be {action}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// `read` or `written`.
        action: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file holds something else than a checkpoint of this log.
    #[error(
        "`{}` is not a checkpoint of this log: put back the file from its own copy; \
         to go on without it, first compare the database with a head that somebody else holds",
        path.display()
    )]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: CheckpointError,
    },
    /// What is to be remembered is no checkpoint of this log.
    #[error("only a checkpoint of this log can be remembered")]
    Checkpoint(#[from] CheckpointError),
    /// The database is older than what was committed: restored or failed over with loss.
    #[error(
        "the database ends at record {found}, but {remembered} records were committed: bring back the newer database, \
         or open a new generation of the log; serving this one would sign a second history"
    )]
    Behind {
        /// Records that were committed.
        remembered: u64,
        /// Records that the database has.
        found: u64,
    },
    /// The database holds another history.
    #[error(
        "the database does not continue the {remembered} records that were committed: it holds another history; \
         find out which database is the right one, or open a new generation of the log"
    )]
    Forked {
        /// Records that were committed.
        remembered: u64,
        /// Records that the database has.
        found: u64,
    },
    /// The memory belongs to another log, or to another generation of this one.
    #[error("this memory is of the log `{remembered}`, the database is of `{found}`: give each generation a memory of its own")]
    Foreign {
        /// Origin in the memory.
        remembered: String,
        /// Origin of the head.
        found: String,
    },
    /// The consistency proof could not be made.
    #[error("the database cannot prove that it continues record {remembered}: {reason}; check its tiles before serving")]
    NoProof {
        /// Records that were committed.
        remembered: u64,
        /// Why not.
        reason: String,
    },
}

impl Guard {
    /// Reads the memory at `path`; no file means no memory, see [`Guard::remembered`].
    pub fn open(path: &Path, verifier: &Verifier) -> Result<Self, GuardError> {
        let guard = |remembered| Self { path: path.to_owned(), verifier: verifier.clone(), remembered };
        let mut file = match File::open(path) {
            Ok(file) => file.take(u64::try_from(NOTE_MAX_BYTES).unwrap_or(u64::MAX).saturating_add(1)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(guard(None)),
            Err(source) => return Err(GuardError::Io { path: path.to_owned(), action: "read", source }),
        };
        let mut note = String::new();
        file.read_to_string(&mut note).map_err(|source| GuardError::Io { path: path.to_owned(), action: "read", source })?;
        let checkpoint = verifier.open_checkpoint(&note).map_err(|source| GuardError::Unreadable { path: path.to_owned(), source })?;
        Ok(guard(Some(checkpoint)))
    }

    /// The last committed head. Nothing means a first start, or a lost file: with records in the database, ask an operator.
    pub const fn remembered(&self) -> Option<&Checkpoint> {
        self.remembered.as_ref()
    }

    /// Whether `head` is the remembered one or continues it. `consistency` proves (old size, new size) from the database.
    ///
    /// Without a memory every head passes: the caller decides what that means.
    pub fn check<E: std::fmt::Display>(
        &self,
        head: &Checkpoint,
        consistency: impl FnOnce(u64, u64) -> Result<Vec<Hash>, E>,
    ) -> Result<(), GuardError> {
        let Some(memory) = &self.remembered else { return Ok(()) };
        no_step_back(memory, head)?;
        let proof = if memory.size == head.size {
            Vec::new()
        } else {
            consistency(memory.size, head.size)
                .map_err(|reason| GuardError::NoProof { remembered: memory.size, reason: reason.to_string() })?
        };
        verify_consistency(memory.size, memory.root, head.size, head.root, &proof)
            .map_err(|_| GuardError::Forked { remembered: memory.size, found: head.size })
    }

    /// Remembers a committed head, durably before it returns: temporary file, sync, rename, sync of the folder.
    ///
    /// Never goes back to a smaller head, nor to another one of the same size. That a larger one continues the memory was shown by
    /// [`Guard::check`] at start, and by appending only since then.
    pub fn remember(&mut self, note: &str) -> Result<(), GuardError> {
        let head = self.verifier.open_checkpoint(note)?;
        if let Some(memory) = &self.remembered {
            no_step_back(memory, &head)?;
            if memory.size == head.size && memory.root != head.root {
                return Err(GuardError::Forked { remembered: memory.size, found: head.size });
            }
        }
        write_durably(&self.path, note).map_err(|source| GuardError::Io { path: self.path.clone(), action: "written", source })?;
        self.remembered = Some(head);
        Ok(())
    }
}

fn no_step_back(memory: &Checkpoint, head: &Checkpoint) -> Result<(), GuardError> {
    if memory.origin != head.origin {
        return Err(GuardError::Foreign { remembered: memory.origin.clone(), found: head.origin.clone() });
    }
    if head.size < memory.size { Err(GuardError::Behind { remembered: memory.size, found: head.size }) } else { Ok(()) }
}

fn write_durably(path: &Path, text: &str) -> io::Result<()> {
    let mut name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
    name.push(".new");
    let fresh = path.with_file_name(name);
    let mut file = File::create(&fresh)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::LogKey;
    use crate::proof::{MemoryHashes, consistency_proof, root_at};
    use crate::tree::leaf_hash;

    fn key() -> LogKey {
        LogKey::from_seed("ledger.example/e1", &[3; 32]).unwrap()
    }

    /// A log whose records from `fork` on are others.
    fn log(fork: u64) -> MemoryHashes {
        MemoryHashes((0..20u64).map(|n| leaf_hash(&[u8::from(n >= fork), u8::try_from(n).unwrap()])).collect())
    }

    fn head(hashes: &MemoryHashes, size: u64) -> Checkpoint {
        Checkpoint { origin: "ledger.example/e1".to_owned(), size, root: root_at(hashes, size).unwrap().root() }
    }

    fn guard(folder: &Path, size: u64) -> Guard {
        let mut guard = Guard::open(&folder.join("head"), &key().verifier()).unwrap();
        guard.remember(&key().sign_checkpoint(&head(&log(99), size))).unwrap();
        Guard::open(&folder.join("head"), &key().verifier()).unwrap()
    }

    fn check(guard: &Guard, hashes: &MemoryHashes, size: u64) -> Result<(), GuardError> {
        guard.check(&head(hashes, size), |old, new| consistency_proof(hashes, old, new))
    }

    #[test]
    fn a_head_that_continues_the_remembered_one_passes() {
        let folder = tempfile::tempdir().unwrap();
        let guard = guard(folder.path(), 7);
        assert_eq!(guard.remembered().unwrap().size, 7);
        for size in 7..=20 {
            check(&guard, &log(99), size).unwrap();
        }
        check(&guard, &log(7), 9).unwrap();
        assert!(!folder.path().join("head.new").exists());
    }

    #[test]
    fn a_restored_database_is_refused_and_told_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let error = check(&guard(folder.path(), 7), &log(99), 6).unwrap_err();
        assert!(matches!(error, GuardError::Behind { remembered: 7, found: 6 }));
        insta::assert_snapshot!(error, @"the database ends at record 6, but 7 records were committed: bring back the newer database, or open a new generation of the log; serving this one would sign a second history");
    }

    #[test]
    fn another_history_is_refused_at_every_size() {
        let folder = tempfile::tempdir().unwrap();
        let guard = guard(folder.path(), 7);
        for size in 7..=20 {
            assert!(matches!(check(&guard, &log(6), size), Err(GuardError::Forked { remembered: 7, .. })), "{size}");
        }
        let unproven = guard.check(&head(&log(99), 9), |_, _| Err("a tile is missing")).unwrap_err();
        assert!(matches!(unproven, GuardError::NoProof { remembered: 7, .. }));
    }

    #[test]
    fn memory_never_goes_back() {
        let folder = tempfile::tempdir().unwrap();
        let mut guard = guard(folder.path(), 7);
        let mut remember = |hashes: &MemoryHashes, size| guard.remember(&key().sign_checkpoint(&head(hashes, size)));
        assert!(matches!(remember(&log(99), 6), Err(GuardError::Behind { .. })));
        assert!(matches!(remember(&log(2), 7), Err(GuardError::Forked { .. })));
        remember(&log(99), 7).unwrap();
        remember(&log(99), 8).unwrap();
        assert!(matches!(guard.remember("nonsense"), Err(GuardError::Checkpoint(_))));
        assert_eq!(Guard::open(&folder.path().join("head"), &key().verifier()).unwrap().remembered().unwrap().size, 8);
    }

    #[test]
    fn a_first_start_has_no_memory() {
        let folder = tempfile::tempdir().unwrap();
        let guard = Guard::open(&folder.path().join("head"), &key().verifier()).unwrap();
        assert_eq!(guard.remembered(), None);
        check(&guard, &log(99), 0).unwrap();
    }

    #[test]
    fn a_spoilt_or_foreign_memory_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("head");
        guard(folder.path(), 7);
        let bytes = fs::read(&path).unwrap();
        for at in 0..bytes.len() {
            let mut spoilt = bytes.clone();
            spoilt[at] ^= 1;
            fs::write(&path, spoilt).unwrap();
            assert!(Guard::open(&path, &key().verifier()).is_err(), "byte {at}");
        }
        fs::write(&path, bytes).unwrap();
        let guard = Guard::open(&path, &key().verifier()).unwrap();
        let next = Checkpoint { origin: "ledger.example/e2".to_owned(), ..head(&log(99), 9) };
        let foreign = guard.check(&next, |_, _| Ok::<_, String>(Vec::new())).unwrap_err();
        assert!(matches!(foreign, GuardError::Foreign { .. }));
    }
}
