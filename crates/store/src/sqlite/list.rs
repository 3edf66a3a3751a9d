//! Rows of machines: one, a page, those that are due, and how many stand where.

use lineclear_core::Timestamp;
use lineclear_core::record::{Row, Stream};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, params, params_from_iter};

use super::number::counted;
use super::select::failed;
use crate::query::PAGE_MAX;
use crate::{Page, RowQuery, StoreError};

const COLUMNS: &str = "stream, kind, word, open, due, key, title, begun";

/// A row as it lies in the database.
struct Raw {
    stream: String,
    kind: String,
    row: (String, bool, Option<i64>, String, String, i64),
}

impl Raw {
    fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        let rest = (row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?, row.get(7)?);
        Ok(Self { stream: row.get(0)?, kind: row.get(1)?, row: rest })
    }

    fn parse(self) -> Result<Row, StoreError> {
        let corrupt = |why: String| StoreError::Corrupt { table: "machine", id: self.stream.clone(), why };
        let stream: Stream = self.stream.parse().map_err(|error| corrupt(format!("{error}")))?;
        if stream.kind() != self.kind {
            return Err(corrupt(format!("it is no `{}`", self.kind)));
        }
        let (word, open, due, key, title, begun) = self.row;
        let due = due.map(Timestamp::from_micros);
        Ok(Row { stream, word, open, due, key, title, begun: Timestamp::from_micros(begun) })
    }
}

pub(super) fn row(connection: &Connection, stream: Stream) -> Result<Option<Row>, StoreError> {
    let mut statement = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM machine WHERE stream = ?1")).map_err(failed)?;
    statement.query_row([stream.to_string()], Raw::read).optional().map_err(failed)?.map(Raw::parse).transpose()
}

pub(super) fn rows(connection: &Connection, query: &RowQuery) -> Result<Page, StoreError> {
    query.bounded()?;
    let (sql, values) = page(query);
    let mut statement = connection.prepare_cached(&sql).map_err(failed)?;
    let rows = statement.query_map(params_from_iter(values), Raw::read).map_err(failed)?;
    let mut rows: Vec<Row> = rows.map(|row| row.map_err(failed).and_then(Raw::parse)).collect::<Result<_, _>>()?;
    let limit = usize::try_from(query.page()).unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    rows.truncate(limit);
    Ok(Page { rows, more })
}

/// The statement for a query. Only placeholders depend on what was asked, so it is the same few texts again and again.
fn page(query: &RowQuery) -> (String, Vec<Value>) {
    let mut wheres = vec!["1".to_owned()];
    let mut values = Vec::new();
    if !query.kind.is_empty() {
        wheres.push("kind = ?".into());
        values.push(Value::Text(query.kind.clone()));
    }
    if !query.words.is_empty() {
        wheres.push(format!("word IN ({})", vec!["?"; query.words.len()].join(", ")));
        values.extend(query.words.iter().cloned().map(Value::Text));
    }
    if let Some(open) = query.open {
        wheres.push("open = ?".into());
        values.push(Value::Integer(i64::from(open)));
    }
    if let Some(key) = &query.key {
        wheres.push("key = ?".into());
        values.push(Value::Text(key.clone()));
    }
    if let Some((begun, stream)) = &query.after {
        wheres.push("(begun, stream) < (?, ?)".into());
        values.extend([Value::Integer(begun.as_micros()), Value::Text(stream.to_string())]);
    }
    // One more than the page holds tells whether more follow.
    values.push(Value::Integer(i64::from(query.page()) + 1));
    (format!("SELECT {COLUMNS} FROM machine WHERE {} ORDER BY begun DESC, stream DESC LIMIT ?", wheres.join(" AND ")), values)
}

pub(super) fn due(connection: &Connection, now: Timestamp, limit: u32) -> Result<Vec<Row>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM machine WHERE open = 1 AND due IS NOT NULL AND due <= ?1 ORDER BY due, stream LIMIT ?2");
    let mut statement = connection.prepare_cached(&sql).map_err(failed)?;
    let rows = statement.query_map(params![now.as_micros(), limit.min(PAGE_MAX)], Raw::read).map_err(failed)?;
    rows.map(|row| row.map_err(failed).and_then(Raw::parse)).collect()
}

pub(super) fn counts(connection: &Connection) -> Result<Vec<(String, String, u64)>, StoreError> {
    let sql = "SELECT kind, word, count(*) FROM machine GROUP BY kind, word ORDER BY kind, word";
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).map_err(failed)?;
    rows.map(|row| row.map_err(failed).and_then(|(kind, word, count)| Ok((kind, word, counted(count, "machine")?)))).collect()
}

#[cfg(test)]
mod tests {
    use super::super::schema;
    use super::*;

    /// How SQLite goes about a statement.
    fn plan(sql: &str) -> String {
        let mut connection = Connection::open_in_memory().unwrap();
        let key = lineclear_ledger::LogKey::from_seed("ledger.example/e1", &[7; 32]).unwrap();
        schema::migrate(&mut connection, &key).unwrap();
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let unbound = vec![Value::Null; statement.parameter_count()];
        let steps = statement.query_map(params_from_iter(unbound), |row| row.get::<_, String>(3)).unwrap();
        steps.collect::<Result<Vec<_>, _>>().unwrap().join("; ")
    }

    #[test]
    fn no_list_sorts_or_scans_the_whole_table() {
        let after = Some((Timestamp::from_micros(1), Stream::Installation));
        let check = |query: RowQuery, index: &str| {
            let plan = plan(&page(&query).0);
            assert!(plan.contains(index) && !plan.contains("TEMP B-TREE"), "{plan}");
        };
        check(RowQuery { after, ..RowQuery::default() }, "machine_begun");
        check(RowQuery { kind: "run".into(), after, ..RowQuery::default() }, "machine_kind_begun");
        check(RowQuery { kind: "run".into(), words: vec!["stuck".into()], after, ..RowQuery::default() }, "machine_kind (");
        check(RowQuery { key: Some("x".into()), after, ..RowQuery::default() }, "machine_key");
    }

    #[test]
    fn what_is_due_and_what_is_counted_comes_from_an_index() {
        let due = plan("SELECT stream FROM machine WHERE open = 1 AND due IS NOT NULL AND due <= ?1 ORDER BY due, stream LIMIT ?2");
        assert!(due.contains("machine_due") && !due.contains("TEMP B-TREE"), "{due}");
        let counts = plan("SELECT kind, word, count(*) FROM machine GROUP BY kind, word ORDER BY kind, word");
        assert!(counts.contains("COVERING INDEX machine_kind") && !counts.contains("TEMP B-TREE"), "{counts}");
    }
}
