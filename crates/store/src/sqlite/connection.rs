//! Connections and what is asked of each. Settings that durability rests on are read back, not believed.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::StoreError;

/// The first version that does not corrupt a database when its write-ahead log starts over (fixed in 3.51.3).
const VERSION_MIN: i32 = 3_051_003;
/// How long a reader waits while the write-ahead log starts over.
const BUSY: Duration = Duration::from_secs(5);
/// The write-ahead log is cut back to this when it starts over: twice what a checkpoint usually finds.
const WAL_BYTES: i64 = 64 << 20;
/// Page cache of the writer in KiB: the upper levels of every index of a few million records.
const WRITER_CACHE_KIB: i64 = 32 << 10;
/// Statements that stay prepared: more than there are.
const STATEMENTS: usize = 64;

/// Refuses a SQLite that loses data.
pub(super) fn check_library() -> Result<(), StoreError> {
    check_version(rusqlite::version_number(), rusqlite::version())
}

fn check_version(number: i32, name: &str) -> Result<(), StoreError> {
    if number >= VERSION_MIN {
        return Ok(());
    }
    Err(StoreError::Open(format!("SQLite {name} can corrupt a write-ahead log; 3.51.3 or newer is needed")))
}

/// The one connection that writes. `pages` bounds the file.
pub(super) fn writer(path: &Path, pages: Option<u32>) -> Result<Connection, StoreError> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let set = || -> rusqlite::Result<()> {
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "full")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "journal_size_limit", WAL_BYTES)?;
        connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
        // The writer checkpoints by itself, after it has answered: SQLite's own would swallow a failed sync.
        connection.pragma_update(None, "wal_autocheckpoint", 0)?;
        pages.map_or(Ok(()), |pages| connection.pragma_update(None, "max_page_count", pages))
    };
    set().map_err(|error| StoreError::Open(error.to_string()))?;
    expect(&connection, "journal_mode", "wal")?;
    expect(&connection, "synchronous", "2")?;
    expect(&connection, "foreign_keys", "1")?;
    expect(&connection, "trusted_schema", "0")?;
    Ok(connection)
}

/// A connection that can only read.
pub(super) fn reader(path: &Path) -> Result<Connection, StoreError> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.pragma_update(None, "query_only", true).map_err(|error| StoreError::Open(error.to_string()))?;
    expect(&connection, "query_only", "1")?;
    Ok(connection)
}

/// A connection to the empty file that a backup goes to.
pub(super) fn copy(path: &Path) -> Result<Connection, StoreError> {
    // Absolute, since SQLite takes a name that begins with `file:` for a URI.
    let path = std::fs::canonicalize(path).map_err(|error| StoreError::Database(format!("`{}`: {error}", path.display())))?;
    open(&path, OpenFlags::SQLITE_OPEN_READ_WRITE)
}

fn open(path: &Path, access: OpenFlags) -> Result<Connection, StoreError> {
    let connect = || -> rusqlite::Result<Connection> {
        let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        connection.busy_timeout(BUSY)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        connection.pragma_update(None, "trusted_schema", false)?;
        Ok(connection)
    };
    connect().map_err(|error| StoreError::Open(format!("`{}`: {error}", path.display())))
}

fn expect(connection: &Connection, pragma: &str, wanted: &str) -> Result<(), StoreError> {
    let value = connection.pragma_query_value(None, pragma, |row| row.get::<_, rusqlite::types::Value>(0));
    let value = match value.map_err(|error| StoreError::Open(error.to_string()))? {
        rusqlite::types::Value::Integer(number) => number.to_string(),
        rusqlite::types::Value::Text(text) => text,
        other @ (rusqlite::types::Value::Null | rusqlite::types::Value::Real(_) | rusqlite::types::Value::Blob(_)) => format!("{other:?}"),
    };
    if value == wanted { Ok(()) } else { Err(StoreError::Open(format!("`{pragma}` is `{value}` and cannot be made `{wanted}`"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_in_this_binary_is_new_enough() {
        assert_eq!(check_library(), Ok(()));
    }

    #[test]
    fn a_library_that_corrupts_its_log_is_refused() {
        let refused = check_version(3_051_002, "3.51.2").unwrap_err().to_string();
        assert_eq!(refused, "the database cannot be opened: SQLite 3.51.2 can corrupt a write-ahead log; 3.51.3 or newer is needed");
        assert_eq!(check_version(3_051_003, "3.51.3"), Ok(()));
    }

    #[test]
    fn a_connection_is_durable_and_the_readers_cannot_write() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        std::fs::write(&path, b"").unwrap();
        let writer = writer(&path, None).unwrap();
        assert_eq!(expect(&writer, "synchronous", "1").unwrap_err().to_string().matches("`2`").count(), 1);
        writer.execute_batch("CREATE TABLE t (a)").unwrap();
        assert!(reader(&path).unwrap().execute_batch("INSERT INTO t VALUES (1)").is_err());
    }
}
