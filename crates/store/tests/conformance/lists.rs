//! What lists promise.

use std::sync::Arc;

use lineclear_core::record::{Row, Stream};
use lineclear_store::query::{PAGE_MAX, WORDS_MAX};
use lineclear_store::{RowQuery, Store, StoreError};

use crate::world::{append, approval, batch, change, incident, moment, row, run};

async fn keep(store: &Arc<dyn Store>, number: u128, row: Row) {
    let seq = u64::try_from(store.events(row.stream, 0).await.unwrap().len()).unwrap();
    let mut append = append(row.stream, seq, [number]);
    append.row = row;
    store.append(batch([append])).await.unwrap();
}

/// Thirty rows of four kinds; three of each moment.
async fn thirty(store: &Arc<dyn Store>) -> Vec<Row> {
    let mut rows = Vec::new();
    for number in 0..30_u128 {
        let stream = [change(number), run(number), incident(number), approval(number)][usize::try_from(number % 4).unwrap()];
        let row = Row {
            begun: moment(i64::try_from(number / 3).unwrap()),
            key: format!("key {}", number % 2),
            open: number % 5 != 0,
            ..row(stream, ["new", "busy", "done"][usize::try_from(number % 3).unwrap()])
        };
        keep(store, number, row.clone()).await;
        rows.push(row);
    }
    rows.sort_by_key(|row| std::cmp::Reverse((row.begun, row.stream.to_string())));
    rows
}

async fn all(store: &Arc<dyn Store>, query: RowQuery) -> Vec<Row> {
    let (mut rows, mut query) = (Vec::new(), query);
    loop {
        let page = store.rows(query.clone()).await.unwrap();
        assert!(page.rows.len() <= usize::try_from(query.limit).unwrap());
        query.after = page.rows.last().map(|row| (row.begun, row.stream)).or(query.after);
        rows.extend(page.rows);
        assert!(rows.len() <= 30, "a page brings rows a second time");
        if !page.more {
            return rows;
        }
    }
}

pub async fn rows_come_newest_first_and_page_without_gap_or_repetition(store: Arc<dyn Store>) {
    let rows = thirty(&store).await;
    for limit in [1, 2, 3, 7, 29, 30, 31, PAGE_MAX] {
        assert_eq!(all(&store, RowQuery { limit, ..RowQuery::default() }).await, rows, "{limit}");
    }
    let exact = store.rows(RowQuery { limit: 30, ..RowQuery::default() }).await.unwrap();
    assert_eq!((exact.rows.len(), exact.more), (30, false));
    let none = store.rows(RowQuery::default()).await.unwrap();
    assert_eq!((none.rows.len(), none.more), (0, true));
}

type Keeps = fn(&Row) -> bool;

pub async fn every_filter_keeps_what_it_says(store: Arc<dyn Store>) {
    let rows = thirty(&store).await;
    let query = || RowQuery { limit: 4, ..RowQuery::default() };
    let words = || vec!["new".to_owned(), "done".to_owned()];
    let cases: [(RowQuery, Keeps); 9] = [
        (RowQuery { kind: "change".into(), ..query() }, |row| row.stream.kind() == "change"),
        (RowQuery { kind: "chang_".into(), ..query() }, |_| false),
        (RowQuery { words: words(), ..query() }, |row| row.word != "busy"),
        (RowQuery { open: Some(true), ..query() }, |row| row.open),
        (RowQuery { open: Some(false), ..query() }, |row| !row.open),
        (RowQuery { key: Some("key 1".into()), ..query() }, |row| row.key == "key 1"),
        (RowQuery { key: Some("' OR 1 --".into()), ..query() }, |_| false),
        (RowQuery { kind: "run".into(), words: words(), ..query() }, |row| row.stream.kind() == "run" && row.word != "busy"),
        (RowQuery { kind: "run".into(), words: words(), open: Some(true), key: Some("key 1".into()), ..query() }, |row| {
            row.stream.kind() == "run" && row.word != "busy" && row.open && row.key == "key 1"
        }),
    ];
    for (query, keeps) in cases {
        let wanted: Vec<Row> = rows.iter().filter(|row| keeps(row)).cloned().collect();
        assert_eq!(all(&store, query.clone()).await, wanted, "{query:?}");
    }
}

pub async fn a_row_is_what_its_last_append_said(store: Arc<dyn Store>) {
    keep(&store, 1, row(incident(1), "open")).await;
    let last =
        Row { open: false, due: Some(moment(-5)), key: "k".into(), title: "t".into(), begun: moment(9), ..row(incident(1), "closed") };
    keep(&store, 2, last.clone()).await;
    assert_eq!(store.row(incident(1)).await, Ok(Some(last.clone())));
    assert_eq!(all(&store, RowQuery { limit: 9, ..RowQuery::default() }).await, [last]);
}

pub async fn what_is_due_comes_earliest_first(store: Arc<dyn Store>) {
    let at = |stream: Stream, due: Option<i64>, open| Row { due: due.map(moment), open, ..row(stream, "open") };
    let rows = [(3, Some(30), true), (1, Some(10), true), (2, Some(10), true), (4, None, true), (5, Some(5), false), (6, Some(31), true)];
    for (number, due, open) in rows {
        keep(&store, number, at(run(number), due, open)).await;
    }
    let due =
        async |now, limit| -> Vec<Stream> { store.due(moment(now), limit).await.unwrap().into_iter().map(|row| row.stream).collect() };
    assert_eq!(due(9, 9).await, []);
    assert_eq!(due(30, 9).await, [run(1), run(2), run(3)]);
    assert_eq!(due(30, 2).await, [run(1), run(2)]);
    let head = store.head().await.unwrap();
    store.postpone(run(1), Some(moment(29))).await.unwrap();
    store.postpone(run(2), None).await.unwrap();
    assert_eq!(due(30, 9).await, [run(1), run(3)]);
    assert_eq!(store.row(run(1)).await.unwrap().unwrap(), at(run(1), Some(29), true));
    assert_eq!(store.head().await.unwrap(), head);
}

pub async fn words_are_counted_by_kind(store: Arc<dyn Store>) {
    assert_eq!(store.counts().await, Ok(vec![]));
    let words = [(change(1), "open"), (change(2), "open"), (run(1), "open"), (change(3), "closed"), (change(2), "closed")];
    for (number, (stream, word)) in (0..).zip(words) {
        keep(&store, number, row(stream, word)).await;
    }
    let counts = [("change", "closed", 2), ("change", "open", 1), ("run", "open", 1)];
    assert_eq!(store.counts().await.unwrap(), counts.map(|(kind, word, count)| (kind.to_owned(), word.to_owned(), count)));
}

pub async fn a_query_out_of_bounds_is_refused(store: Arc<dyn Store>) {
    let query = RowQuery { words: vec!["open".into(); WORDS_MAX + 1], ..RowQuery::default() };
    assert_eq!(store.rows(query).await, Err(StoreError::Malformed("a query for more than 64 words")));
}
