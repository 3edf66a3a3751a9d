use lineclear_core::plan::EffectClass;
use lineclear_core::run::Applied;
use lineclear_warrant::{Poll, check};
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::control::{Control, NOW, Step, call, id, key};

struct Bench {
    folder: TempDir,
    control: Control,
    journal: Option<Journal>,
}

impl Bench {
    fn new() -> Self {
        let mut bench = Self { folder: TempDir::new().unwrap(), control: Control::new(), journal: None };
        bench.reopen(NOW);
        bench
    }

    fn reopen(&mut self, now: Timestamp) {
        self.journal = None;
        self.journal = Some(Journal::open(&self.folder.path().join("journal.db"), now).unwrap());
    }

    fn journal(&self) -> &Journal {
        self.journal.as_ref().unwrap()
    }

    fn checked(&mut self, key: &AttemptKey) -> (Checked, String) {
        let step = Step { call: call("http", json!({"path": "/"})), verify: None, effect: EffectClass::Once, sandbox: None };
        let poll = Poll { runner: id("runner", 1), nonce: "ab".repeat(32), head: self.journal().head().unwrap() };
        let (_, envelope) = self.control.make_out(&poll, key, &step);
        let checked = check(&envelope, &Control::trust(), None, &poll.nonce, NOW).unwrap();
        (checked, envelope)
    }

    fn accept(&mut self, key: &AttemptKey) -> String {
        let (checked, envelope) = self.checked(key);
        self.journal().accept(&checked, &envelope, NOW).map_or_else(|error| error.code().to_owned(), |()| "accepted".to_owned())
    }
}

fn report() -> Report {
    Report::Failed { attempt: key(1, 1), applied: Applied::No, why: "no".into() }
}

#[test]
fn an_attempt_is_started_at_most_once() {
    let mut bench = Bench::new();
    assert!(matches!(bench.journal().start(&key(1, 1), NOW), Err(JournalError::State("accepted"))), "nothing was accepted");
    assert_eq!(bench.accept(&key(1, 1)), "accepted");
    assert_eq!(bench.accept(&key(1, 1)), "replayed");
    bench.journal().start(&key(1, 1), NOW).unwrap();
    assert!(bench.journal().start(&key(1, 1), NOW).is_err(), "it is started already");
    assert_eq!(bench.accept(&key(1, 1)), "replayed");
    bench.journal().end(&key(1, 1), &report(), NOW).unwrap();
    assert!(bench.journal().start(&key(1, 1), NOW).is_err(), "it is over");
    assert!(bench.journal().end(&key(1, 1), &report(), NOW).is_err(), "it is over");
    assert_eq!(bench.accept(&key(1, 1)), "replayed");
}

#[test]
fn what_a_crash_leaves_is_settled_when_the_journal_is_opened() {
    let mut bench = Bench::new();
    for number in 1..=4 {
        assert_eq!(bench.accept(&key(number, 1)), "accepted");
    }
    for number in 2..=4 {
        bench.journal().start(&key(number, 1), NOW).unwrap();
    }
    bench.journal().end(&key(4, 1), &report(), NOW).unwrap();
    assert_eq!(bench.journal().ask(&key(1, 1), NOW).unwrap(), Standing::UnderWay);
    assert_eq!(bench.journal().ask(&key(2, 1), NOW).unwrap(), Standing::UnderWay);
    let head = bench.journal().head().unwrap();
    assert!(head.is_some());
    bench.reopen(NOW);
    assert_eq!(bench.journal().head().unwrap(), head, "the head that was seen survives");
    assert_eq!(bench.journal().ask(&key(1, 1), NOW).unwrap(), Standing::Never);
    assert!(bench.journal().start(&key(1, 1), NOW).is_err(), "what was accepted before a crash never starts");
    assert!(matches!(bench.journal().ask(&key(2, 1), NOW).unwrap(), Standing::Lost { .. }));
    assert!(bench.journal().start(&key(2, 1), NOW).is_err(), "what was lost never starts again");
    assert_eq!(bench.journal().ask(&key(4, 1), NOW).unwrap(), Standing::Ended(report()));
    bench.journal().found(&key(2, 1), Found::Applied, &json!({"seen": 1}), NOW).unwrap();
    bench.reopen(NOW);
    assert_eq!(bench.journal().ask(&key(2, 1), NOW).unwrap(), Standing::Found(Found::Applied, json!({"seen": 1})));
    assert!(matches!(bench.journal().ask(&key(3, 1), NOW).unwrap(), Standing::Lost { .. }), "it stays lost until it is found");
    for number in 1..=4 {
        assert_eq!(bench.accept(&key(number, 1)), "replayed", "{number}");
    }
}

#[test]
fn an_attempt_that_was_asked_about_before_it_came_is_refused_when_it_comes() {
    let mut bench = Bench::new();
    assert_eq!(bench.journal().ask(&key(1, 1), NOW).unwrap(), Standing::Never);
    assert_eq!(bench.accept(&key(1, 1)), "replayed");
    assert_eq!(bench.accept(&key(1, 2)), "accepted");
}

#[test]
fn a_replaced_engine_and_a_second_run_of_one_bundle_are_refused() {
    let mut bench = Bench::new();
    assert_eq!(bench.accept(&key(1, 1)), "accepted");
    bench.control.epoch = 2;
    assert_eq!(bench.accept(&key(1, 2)), "stale_epoch");
    assert_eq!(bench.accept(&key(2, 1)), "accepted", "another run may still be of the older epoch");
    bench.control.epoch = 3;
    let (mut checked, envelope) = bench.checked(&key(1, 3));
    checked.warrant.attempt = key(9, 1);
    let error = bench.journal().accept(&checked, &envelope, NOW).unwrap_err();
    assert_eq!(error.code(), "bundle_used");
    assert_eq!(bench.accept(&key(1, 3)), "accepted");
}

#[test]
fn a_refusal_is_kept_but_never_over_something_that_is_known() {
    let mut bench = Bench::new();
    assert!(bench.journal().refuse(&key(1, 1), &report(), NOW).unwrap());
    assert_eq!(bench.journal().ask(&key(1, 1), NOW).unwrap(), Standing::Ended(report()));
    assert_eq!(bench.accept(&key(2, 1)), "accepted");
    assert!(!bench.journal().refuse(&key(2, 1), &report(), NOW).unwrap());
    assert_eq!(bench.journal().ask(&key(2, 1), NOW).unwrap(), Standing::UnderWay);
}

#[test]
fn a_second_runner_on_the_same_journal_is_turned_away() {
    let bench = Bench::new();
    let again = Journal::open(&bench.folder.path().join("journal.db"), NOW);
    assert!(matches!(again, Err(JournalError::Sqlite(_))));
}

#[test]
fn what_is_long_over_is_forgotten_and_what_is_lost_is_not() {
    let mut bench = Bench::new();
    for number in 1..=2 {
        assert_eq!(bench.accept(&key(number, 1)), "accepted");
        bench.journal().start(&key(number, 1), NOW).unwrap();
    }
    bench.journal().end(&key(1, 1), &report(), NOW).unwrap();
    bench.reopen(NOW + KEEP + Span::from_secs(1));
    assert_eq!(bench.journal().ask(&key(1, 1), NOW).unwrap(), Standing::Never);
    assert!(matches!(bench.journal().ask(&key(2, 1), NOW).unwrap(), Standing::Lost { .. }));
}

#[test]
fn the_bundled_sqlite_does_not_lose_commits() {
    assert!(rusqlite::version_number() >= SQLITE_MIN);
    let bench = Bench::new();
    let mode: i64 = bench.journal().lock().pragma_query_value(None, "synchronous", |row| row.get(0)).unwrap();
    assert_eq!(mode, 2, "FULL");
}
