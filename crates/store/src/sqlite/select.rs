//! Reading events, entries, payloads, keys and the head.

use lineclear_core::Timestamp;
use lineclear_core::record::Stream;
use lineclear_ledger::{Hash, SaltedPayload};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::number::{column, counted};
use crate::opened::Kept;
use crate::query::{ENTRIES_PAGE_MAX, EVENTS_PAGE_MAX};
use crate::{Head, Once, StoreError, Stored};

const EVENTS: &str = "SELECT entry.seq, entry.idx, entry.leaf, entry.body, payload.salt, payload.bytes
    FROM entry LEFT JOIN payload ON payload.idx = entry.idx
    WHERE entry.stream = ?1 AND entry.seq >= ?2 ORDER BY entry.seq LIMIT ?3";

pub(super) fn events(connection: &Connection, stream: Stream, from: u64) -> Result<Vec<Stored>, StoreError> {
    let mut statement = connection.prepare_cached(EVENTS).map_err(failed)?;
    let mut rows = statement.query(params![stream.to_string(), column(from), EVENTS_PAGE_MAX]).map_err(failed)?;
    let mut events = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        let (seq, kept) = kept(row).map_err(failed)?;
        let seq = counted(seq, "entry")?;
        // A stream without a gap: what is missing here was taken out.
        let due = from.saturating_add(u64::try_from(events.len()).unwrap_or(u64::MAX));
        if seq != due {
            return Err(StoreError::Corrupt { table: "entry", id: stream.to_string(), why: format!("number {due} is missing") });
        }
        events.push(kept.open(stream, seq)?);
    }
    Ok(events)
}

fn kept(row: &Row<'_>) -> rusqlite::Result<(i64, Kept)> {
    let payload = match (row.get::<_, Option<[u8; 32]>>(4)?, row.get(5)?) {
        (Some(salt), Some(bytes)) => Some((salt, bytes)),
        (_, None) | (None, _) => None,
    };
    let index = u64::try_from(row.get::<_, i64>(1)?).unwrap_or(u64::MAX);
    Ok((row.get(0)?, Kept { index, leaf: Hash::from_bytes(row.get(2)?), entry: row.get(3)?, payload }))
}

pub(super) fn entries(connection: &Connection, from: u64, count: u32) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
    let sql = "SELECT idx, body FROM entry WHERE idx >= ?1 ORDER BY idx LIMIT ?2";
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    let rows = statement.query_map(params![column(from), count.min(ENTRIES_PAGE_MAX)], |row| Ok((row.get(0)?, row.get(1)?)));
    rows.map_err(failed)?.map(|row| row.map_err(failed).and_then(|(index, body)| Ok((counted(index, "entry")?, body)))).collect()
}

pub(super) fn payload(connection: &Connection, commitment: &str) -> Result<Option<SaltedPayload>, StoreError> {
    let Ok(hash) = Hash::from_base64url(commitment) else { return Ok(None) };
    let mut statement = connection.prepare_cached("SELECT salt, bytes FROM payload WHERE hash = ?1").map_err(failed)?;
    statement.query_row([hash.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?))).optional().map_err(failed)
}

pub(super) fn once(connection: &Connection, key: &str) -> Result<Option<Once>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT digest, stream FROM once WHERE key = ?1").map_err(failed)?;
    let found: Option<(String, String)> = statement.query_row([key], |row| Ok((row.get(0)?, row.get(1)?))).optional().map_err(failed)?;
    let Some((digest, stream)) = found else { return Ok(None) };
    let corrupt = |why: String| StoreError::Corrupt { table: "once", id: key.to_owned(), why };
    let digest = digest.parse().map_err(|error| corrupt(format!("{error}")))?;
    let stream = stream.parse().map_err(|error| corrupt(format!("{error}")))?;
    Ok(Some(Once { key: key.to_owned(), digest, stream }))
}

/// The time of the newest entry; the beginning of time when there is none.
pub(super) fn last_time(connection: &Connection) -> Result<Timestamp, StoreError> {
    let sql = "SELECT idx, body FROM entry ORDER BY idx DESC LIMIT 1";
    let newest: Option<(i64, Vec<u8>)> = connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).optional().map_err(failed)?;
    let Some((index, body)) = newest else { return Ok(Timestamp::from_micros(0)) };
    let spoilt = |why: String| StoreError::Corrupt { table: "entry", id: index.to_string(), why };
    let entry = lineclear_ledger::Entry::parse(&body).map_err(|error| spoilt(error.to_string()))?;
    entry.time().parse().map_err(|error| spoilt(format!("{error}")))
}

pub(super) fn head(connection: &Connection) -> Result<Head, StoreError> {
    let mut statement = connection.prepare_cached("SELECT size, root, note FROM head").map_err(failed)?;
    let found: Option<(i64, [u8; 32], String)> =
        statement.query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional().map_err(failed)?;
    let missing = || StoreError::Corrupt { table: "head", id: "1".into(), why: "there is none".into() };
    let (size, root, note) = found.ok_or_else(missing)?;
    Ok(Head { size: counted(size, "head")?, root: Hash::from_bytes(root), note })
}

#[expect(clippy::needless_pass_by_value, reason = "stands in `map_err`")]
pub(super) fn failed(error: rusqlite::Error) -> StoreError {
    StoreError::Database(error.to_string())
}
