//! The store on disk beside the one in memory: whatever both are asked, both answer the same, to the byte.

use lineclear_core::record::{Row, Stream};
use lineclear_store::{Batch, Guard, Memory, RowQuery, Sqlite, Store};
use proptest::prelude::*;

use crate::world::{append, approval, batch, change, incident, memory, moment, once, row, run, sqlite};

/// One thing to do. Numbers are small, so that conflicts, repeated keys and repeated ids are common.
#[derive(Debug, Clone)]
enum Step {
    Append { parts: Vec<Part>, guard: Option<(u8, u64)>, key: Option<(u8, u8)> },
    Postpone(u8, Option<u8>),
    Epoch,
    Reopen,
}

#[derive(Debug, Clone)]
struct Part {
    stream: u8,
    /// Added to the true length of the stream: mostly 0.
    off: u8,
    events: u8,
    again: bool,
    word: u8,
    due: Option<u8>,
}

fn part() -> impl Strategy<Value = Part> {
    let off = prop_oneof![9 => Just(0_u8), 1 => 1..3_u8];
    let again = prop_oneof![19 => Just(false), 1 => Just(true)];
    let parts = (0..6_u8, off, 0..4_u8, again, 0..3_u8, proptest::option::of(0..9_u8));
    parts.prop_map(|(stream, off, events, again, word, due)| Part { stream, off, events, again, word, due })
}

fn step() -> impl Strategy<Value = Step> {
    let guard = proptest::option::weighted(0.3, (0..6_u8, 0..4_u64));
    let key = proptest::option::weighted(0.3, (0..4_u8, 0..2_u8));
    let appends = (proptest::collection::vec(part(), 1..4), guard, key);
    prop_oneof![
        12 => appends.prop_map(|(parts, guard, key)| Step::Append { parts, guard, key }),
        2 => (0..6_u8, proptest::option::of(0..9_u8)).prop_map(|(stream, due)| Step::Postpone(stream, due)),
        1 => Just(Step::Epoch),
        1 => Just(Step::Reopen),
    ]
}

fn stream(number: u8) -> Stream {
    match number {
        0 => Stream::Installation,
        1 => approval(1),
        2 => change(1),
        3 => change(2),
        4 => incident(1),
        _ => run(1),
    }
}

fn words(number: u8) -> &'static str {
    ["open", "busy", "closed"][usize::from(number)]
}

struct Pair {
    memory: Memory,
    sqlite: Option<Sqlite>,
    folder: tempfile::TempDir,
    drawn: u128,
}

impl Pair {
    fn disk(&self) -> &Sqlite {
        self.sqlite.as_ref().unwrap()
    }

    async fn step(&mut self, step: Step) {
        match step {
            Step::Append { parts, guard, key } => {
                let made = self.made(parts, guard, key).await;
                assert_eq!(self.disk().append(made.clone()).await, self.memory.append(made).await);
            }
            Step::Postpone(number, due) => {
                let due = due.map(|due| moment(i64::from(due)));
                assert_eq!(self.disk().postpone(stream(number), due).await, self.memory.postpone(stream(number), due).await);
            }
            Step::Epoch => assert_eq!(self.disk().take_epoch().await, self.memory.take_epoch().await),
            Step::Reopen => {
                self.sqlite = None;
                self.sqlite = Some(sqlite(&self.folder.path().join("db")));
            }
        }
    }

    async fn made(&mut self, parts: Vec<Part>, guard: Option<(u8, u64)>, key: Option<(u8, u8)>) -> Batch {
        let mut appends = Vec::new();
        for part in parts {
            let length = u64::try_from(self.memory.events(stream(part.stream), 0).await.unwrap().len()).unwrap();
            let first = if part.again { self.drawn.saturating_sub(1) } else { self.drawn };
            self.drawn = first + u128::from(part.events);
            let mut made = append(stream(part.stream), length + u64::from(part.off), first..self.drawn);
            let due = part.due.map(|due| moment(i64::from(due)));
            made.row = Row { due, open: part.word < 2, begun: moment(i64::from(part.stream / 2)), ..row(made.stream, words(part.word)) };
            appends.push(made);
        }
        let guards = guard.map(|(number, expect)| Guard { stream: stream(number), expect }).into_iter().collect();
        let once = key.map(|(key, asked)| once(&key.to_string(), &asked.to_string(), appends[0].stream));
        Batch { guards, once, ..batch(appends) }
    }

    async fn compare(&self) {
        let (disk, memory) = (self.disk(), &self.memory);
        let head = memory.head().await.unwrap();
        assert_eq!(disk.head().await, Ok(head.clone()));
        assert_eq!(disk.entries(0, 1_024).await, memory.entries(0, 1_024).await);
        for number in 0..6 {
            assert_eq!(disk.events(stream(number), 0).await, memory.events(stream(number), 0).await);
            assert_eq!(disk.row(stream(number)).await, memory.row(stream(number)).await);
            assert_eq!(disk.once(number.to_string()).await, memory.once(number.to_string()).await);
        }
        assert_eq!(disk.counts().await, memory.counts().await);
        assert_eq!(disk.due(moment(5), 3).await, memory.due(moment(5), 3).await);
        for limit in 0..4 {
            let after =
                memory.rows(RowQuery { limit, ..RowQuery::default() }).await.unwrap().rows.last().map(|row| (row.begun, row.stream));
            for open in [None, Some(true), Some(false)] {
                let query = RowQuery { open, after, limit: 2, ..RowQuery::default() };
                assert_eq!(disk.rows(query.clone()).await, memory.rows(query).await);
            }
        }
        if let Some(last) = head.size.checked_sub(1) {
            assert_eq!(disk.inclusion(last / 2, head.size).await, memory.inclusion(last / 2, head.size).await);
            assert_eq!(disk.consistency(last, head.size).await, memory.consistency(last, head.size).await);
        }
    }
}

proptest! {
    // Each case opens a database and syncs every step of it.
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn disk_and_memory_answer_the_same(steps in proptest::collection::vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let disk = sqlite(&folder.path().join("db"));
            let mut pair = Pair { memory: memory(), sqlite: Some(disk), folder, drawn: 0 };
            for step in steps {
                pair.step(step).await;
            }
            pair.compare().await;
        });
    }
}
