//! The database file and the claim on it: two servers on one file would each sign a history of their own.

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::StoreError;

/// Only the server's own account reads the database: payloads are not encrypted in it.
const MODE: u32 = 0o600;

/// An exclusive claim on a database file; given up when it is dropped or its process ends.
#[derive(Debug)]
pub(super) struct Claim {
    database: PathBuf,
    // The lock lasts as long as this handle. The file stays behind: removing it would let two claims through.
    _lock: File,
}

impl Claim {
    /// Creates the file if it is missing and locks `<file>.lock` beside the real one, whatever links led there.
    pub(super) fn take(path: &Path) -> Result<Self, StoreError> {
        let failed = |error: io::Error| StoreError::Open(format!("`{}`: {error}", path.display()));
        open_or_create(path).map_err(failed)?;
        let database = fs::canonicalize(path).map_err(failed)?;
        let mut beside = database.clone().into_os_string();
        beside.push(".lock");
        let lock = open_or_create(Path::new(&beside)).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::Open(format!("another server has `{}` open", database.display())));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        fs::set_permissions(&database, Permissions::from_mode(MODE)).map_err(failed)?;
        if let Some(folder) = database.parent() {
            sync(folder)?;
        }
        Ok(Self { database, _lock: lock })
    }

    /// Where the database really lies.
    pub(super) fn database(&self) -> &Path {
        &self.database
    }
}

fn open_or_create(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(MODE).open(path)
}

/// An empty file that was not there before, for the server's own account only.
pub(super) fn create_new(path: &Path) -> Result<(), StoreError> {
    match OpenOptions::new().write(true).create_new(true).mode(MODE).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            Err(StoreError::Database(format!("`{}` exists; a backup goes to a new file", path.display())))
        }
        Err(error) => Err(StoreError::Database(format!("`{}`: {error}", path.display()))),
    }
}

/// Makes a file, or the names in a folder, survive a power failure.
pub(super) fn sync(path: &Path) -> Result<(), StoreError> {
    let synced = File::open(path).and_then(|file| file.sync_all());
    synced.map_err(|error| StoreError::Database(format!("`{}` could not be synced: {error}", path.display())))
}
