//! The tables, one migration after the other. A migration that has shipped never changes: its digest is kept in the database.

use lineclear_core::Digest;
use lineclear_ledger::{Checkpoint, LogKey, empty_root};
use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use crate::StoreError;

/// What marks a file as ours: `LCLR`.
const APPLICATION: i64 = 0x4c43_4c52;

/// Every migration, oldest first.
const MIGRATIONS: &[&str] = &[FIRST];

/// Numbers count from 0, time is microseconds since 1970 UTC, hashes are 32 bytes, ids and states are text.
const FIRST: &str = "
-- The newest head; the only row of the log that is ever updated.
CREATE TABLE head (
    only   INTEGER PRIMARY KEY CHECK (only = 1),
    origin TEXT NOT NULL,
    size   INTEGER NOT NULL CHECK (size >= 0),
    root   BLOB NOT NULL CHECK (length(root) = 32),
    note   TEXT NOT NULL
) STRICT;
CREATE TABLE entry (
    idx    INTEGER PRIMARY KEY CHECK (idx >= 0),
    leaf   BLOB NOT NULL CHECK (length(leaf) = 32),
    id     TEXT NOT NULL UNIQUE,
    stream TEXT NOT NULL,
    seq    INTEGER NOT NULL CHECK (seq >= 0),
    body   BLOB NOT NULL,
    UNIQUE (stream, seq)
) STRICT;
-- Full tiles only; derived from the entries.
CREATE TABLE tile (
    level  INTEGER NOT NULL,
    n      INTEGER NOT NULL,
    root   BLOB NOT NULL CHECK (length(root) = 32),
    hashes BLOB NOT NULL CHECK (length(hashes) = 8192),
    PRIMARY KEY (level, n)
) STRICT;
-- What the entries commit to. A row may go; its entry stays.
CREATE TABLE payload (
    idx   INTEGER PRIMARY KEY REFERENCES entry (idx),
    hash  BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
    salt  BLOB NOT NULL CHECK (length(salt) = 32),
    bytes BLOB NOT NULL
) STRICT;
-- What lists need to know of a machine; derived from its events, never decided on.
CREATE TABLE machine (
    stream TEXT PRIMARY KEY,
    kind   TEXT NOT NULL,
    word   TEXT NOT NULL,
    open   INTEGER NOT NULL CHECK (open IN (0, 1)),
    due    INTEGER,
    key    TEXT NOT NULL,
    title  TEXT NOT NULL,
    begun  INTEGER NOT NULL
) STRICT;
CREATE INDEX machine_begun ON machine (begun, stream);
CREATE INDEX machine_kind ON machine (kind, word, begun, stream);
CREATE INDEX machine_kind_begun ON machine (kind, begun, stream);
CREATE INDEX machine_key ON machine (key, begun, stream);
CREATE INDEX machine_due ON machine (due, stream) WHERE open = 1 AND due IS NOT NULL;
CREATE TABLE once (
    key    TEXT PRIMARY KEY,
    digest TEXT NOT NULL,
    stream TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE epoch (
    only  INTEGER PRIMARY KEY CHECK (only = 1),
    taken INTEGER NOT NULL CHECK (taken >= 0)
) STRICT;
INSERT INTO epoch VALUES (1, 0);
";

/// Brings the schema up to date, or refuses a database that is newer, changed, or somebody else's.
pub(super) fn migrate(connection: &mut Connection, key: &LogKey) -> Result<(), StoreError> {
    let open = |error: rusqlite::Error| StoreError::Open(error.to_string());
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(open)?;
    let application: i64 = transaction.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(open)?;
    let tables: i64 = transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(open)?;
    match (application, tables) {
        (APPLICATION, _) => {}
        (0, 0) => begin(&transaction).map_err(open)?,
        _ => return Err(StoreError::Open("it is the database of another program".into())),
    }
    let done = applied(&transaction).map_err(open)?;
    if done.len() > MIGRATIONS.len() {
        return Err(StoreError::Open(format!("its schema is version {}, this program knows {}", done.len(), MIGRATIONS.len())));
    }
    for (version, sql) in (1_i64..).zip(MIGRATIONS) {
        let digest = Digest::of(sql.as_bytes()).to_string();
        match usize::try_from(version - 1).ok().and_then(|at| done.get(at)) {
            Some((number, kept)) if *number == version && *kept == digest => {}
            Some(_) => return Err(StoreError::Open(format!("its schema version {version} is not the one that this program knows"))),
            None => {
                transaction.execute_batch(sql).map_err(open)?;
                transaction.execute("INSERT INTO migration VALUES (?1, ?2)", params![version, digest]).map_err(open)?;
            }
        }
    }
    if done.is_empty() {
        first_head(&transaction, key).map_err(open)?;
    }
    transaction.commit().map_err(open)
}

fn begin(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.execute_batch("CREATE TABLE migration (version INTEGER PRIMARY KEY, digest TEXT NOT NULL) STRICT")
}

fn applied(transaction: &Transaction<'_>) -> rusqlite::Result<Vec<(i64, String)>> {
    let mut statement = transaction.prepare("SELECT version, digest FROM migration ORDER BY version")?;
    statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

fn first_head(transaction: &Transaction<'_>, key: &LogKey) -> rusqlite::Result<()> {
    let root = empty_root();
    let note = key.sign_checkpoint(&Checkpoint { origin: key.name().to_owned(), size: 0, root });
    transaction.execute("INSERT INTO head VALUES (1, ?1, 0, ?2, ?3)", params![key.name(), root.as_bytes(), note]).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> LogKey {
        LogKey::from_seed("ledger.example/e1", &[7; 32]).unwrap()
    }

    fn refused(change: &str) -> String {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, &key()).unwrap();
        migrate(&mut connection, &key()).unwrap();
        connection.execute_batch(change).unwrap();
        migrate(&mut connection, &key()).unwrap_err().to_string()
    }

    #[test]
    fn a_schema_from_elsewhere_is_refused() {
        let check = |change, expected: &str| assert_eq!(refused(change), format!("the database cannot be opened: {expected}"));
        check("INSERT INTO migration VALUES (2, '')", "its schema is version 2, this program knows 1");
        check("UPDATE migration SET digest = ''", "its schema version 1 is not the one that this program knows");
        check("PRAGMA application_id = 1", "it is the database of another program");
    }
}
