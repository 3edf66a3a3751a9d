//! The checker: holds what the sink has seen against what the ledger says.
//!
//! 1. Every attempt takes effect at most once, and every step of a run at most once in each direction.
//! 2. An attempt that succeeded has taken effect exactly once; one that is recorded as not applied has not.
//! 3. No effect without an earlier record: approved, consumed, begun, intended and dispatched, in this order.
//! 4. Every approval is consumed at most once, and every run by exactly one.
//! 5. What became of an attempt is unknown only when something died while it was under way.
//! 6. Every run ends whole, undone, or with a named person; and the world outside is as the record says.
//! 7. The exported ledger verifies, against the heads that the runners kept.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::failpoint::{Passed, still_armed, trace};
use crate::ledger::{self, History, Told};
use crate::scenario::STEPS;
use crate::sink::{Effect, effects};
use crate::world::Played;

/// How long a poll may seem to outlive its runner, in microseconds: an attempt that is handed to a runner which has died this moment is lost with
/// it. Two of the steps in which the plane moves its clock.
const LINGER: i64 = 20_000_000;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// Every step was applied.
    Whole,
    /// Everything that was applied was taken back.
    Undone,
    /// A named person has to decide.
    Person,
}

/// What the checker found.
#[derive(Debug, Clone)]
pub struct Findings {
    /// Broken promises.
    pub faults: Vec<String>,
    /// Of these, how many effects came more than once.
    pub doubles: usize,
    /// How the runs ended.
    pub ends: Vec<End>,
    /// What the processes passed.
    pub trace: Vec<Passed>,
    /// Whether every death that was asked for was died.
    pub reached: bool,
}

/// What the ledger says of one attempt.
#[derive(Debug, Default)]
struct Attempt {
    step: String,
    intended: Option<(u64, i64)>,
    dispatched: Option<(u64, i64)>,
    /// Whether it took effect, as recorded; none when nobody knows, or not yet.
    applied: Option<bool>,
    /// When it became a matter of asking.
    unknown: Option<i64>,
}

/// Checks a world that has come to rest.
pub async fn check(played: &Played) -> Findings {
    let history = ledger::read(&played.folder, played.setting.runners.max(1)).await;
    let (effects, trace) = (effects(&played.folder), trace(&played.folder));
    let mut faults = played.faults.clone();
    faults.extend(history.fault.clone());
    let attempts = attempts(&history);
    let doubles = doubled(&effects, &mut faults);
    recorded(&attempts, &effects, &mut faults);
    preceded(&history, &attempts, &effects, &mut faults);
    consumed(&history, &mut faults);
    if played.setting.storm.is_none() {
        unknown_in_a_window(&attempts, &trace, &mut faults);
    }
    let ends = ended(&history, &effects, &mut faults);
    if ends.len() != played.setting.targets.len() {
        faults.push(format!("{} runs for {} changes", ends.len(), played.setting.targets.len()));
    }
    Findings { faults, doubles, ends, reached: still_armed(&played.folder).is_empty(), trace }
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The attempts of all runs by their keys, as the sink spells them.
fn attempts(history: &History) -> BTreeMap<String, Attempt> {
    let mut attempts: BTreeMap<String, Attempt> = BTreeMap::new();
    let mut current: BTreeMap<&str, String> = BTreeMap::new();
    for told in &history.told {
        let place = (told.index, told.at);
        if told.kind == "run.intended" {
            let key = |member: &str| text(&told.event, &format!("/attempt/key/{member}")).to_owned();
            let number = told.event.pointer("/attempt/key/number").and_then(Value::as_u64).unwrap_or(0);
            let step = format!("{}/{}/{}", key("run"), key("step"), key("direction"));
            let spelled = format!("{step}/{number}");
            current.insert(&told.stream, spelled.clone());
            attempts.insert(spelled, Attempt { step, intended: Some(place), ..Attempt::default() });
            continue;
        }
        let Some(attempt) = current.get(told.stream.as_str()).and_then(|key| attempts.get_mut(key)) else { continue };
        match (told.kind.as_str(), text(&told.event, "/applied"), text(&told.event, "/found")) {
            ("run.dispatched", _, _) => attempt.dispatched = Some(place),
            ("run.succeeded", _, _) => attempt.applied = Some(true),
            ("run.failed", "no", _) => attempt.applied = Some(false),
            ("run.became_unknown", _, _) => attempt.unknown = attempt.unknown.or(Some(told.at)),
            ("run.probed", _, found) => {
                attempt.unknown = attempt.unknown.or(Some(told.at));
                attempt.applied = match found {
                    "applied" => Some(true),
                    "not_applied" | "never_started" => Some(false),
                    _ => None,
                };
            }
            _ => {}
        }
    }
    attempts
}

fn doubled(effects: &[Effect], faults: &mut Vec<String>) -> usize {
    let mut by_key: BTreeMap<&str, usize> = BTreeMap::new();
    let mut by_step: BTreeMap<&str, usize> = BTreeMap::new();
    for effect in effects {
        *by_key.entry(&effect.key).or_insert(0) += 1;
        *by_step.entry(effect.key.rsplit_once('/').map_or("", |(step, _)| step)).or_insert(0) += 1;
    }
    let more = |counts: BTreeMap<&str, usize>| -> Vec<(String, usize)> {
        counts.into_iter().filter(|(_, times)| *times > 1).map(|(key, times)| (key.to_owned(), times)).collect()
    };
    let steps = more(by_step);
    faults.extend(more(by_key).into_iter().chain(steps.clone()).map(|(key, times)| format!("`{key}` took effect {times} times")));
    steps.iter().map(|(_, times)| times - 1).sum()
}

fn recorded(attempts: &BTreeMap<String, Attempt>, effects: &[Effect], faults: &mut Vec<String>) {
    for (key, attempt) in attempts {
        let times = effects.iter().filter(|effect| effect.key == *key).count();
        match attempt.applied {
            Some(true) if times != 1 => faults.push(format!("`{key}` is recorded as applied and took effect {times} times")),
            Some(false) if times != 0 => faults.push(format!("`{key}` is recorded as not applied and took effect {times} times")),
            _ => {}
        }
    }
}

fn find<'a>(history: &'a History, kind: &str, holds: impl Fn(&Told) -> bool) -> Option<&'a Told> {
    history.told.iter().find(|told| told.kind == kind && holds(told))
}

fn preceded(history: &History, attempts: &BTreeMap<String, Attempt>, effects: &[Effect], faults: &mut Vec<String>) {
    for effect in effects {
        let Some(attempt) = attempts.get(&effect.key) else {
            faults.push(format!("`{}` took effect and is nowhere in the ledger", effect.key));
            continue;
        };
        let run = attempt.step.split('/').next().unwrap_or_default();
        let begun = find(history, "run.begun", |told| told.stream == run);
        let consumed = find(history, "approval.consumed", |told| text(&told.event, "/run") == run);
        let granted = consumed.and_then(|consumed| find(history, "approval.granted", |told| told.stream == consumed.stream));
        let place = |told: Option<&Told>| told.map(|told| (told.index, told.at));
        let records = [
            ("granted", place(granted)),
            ("consumed", place(consumed)),
            ("begun", place(begun)),
            ("intended", attempt.intended),
            ("dispatched", attempt.dispatched),
        ];
        let mut before = None;
        for (word, record) in records {
            let Some((index, at)) = record else {
                faults.push(format!("`{}` took effect and was never {word}", effect.key));
                continue;
            };
            // Consuming and beginning are one commit; everything else has an order.
            let in_order = before.is_none_or(|before| before < index) || word == "begun" || word == "consumed";
            // The plane's clock never shows it the same time twice, so what it decided after an effect has a later time.
            if at > effect.at || !in_order {
                faults.push(format!("`{}` took effect before it was {word}, or the records stand in another order", effect.key));
            }
            before = before.max(Some(index));
        }
    }
}

fn consumed(history: &History, faults: &mut Vec<String>) {
    let mut by_approval: BTreeMap<&str, usize> = BTreeMap::new();
    let mut by_run: BTreeMap<&str, usize> = BTreeMap::new();
    for told in history.told.iter().filter(|told| told.kind == "approval.consumed") {
        *by_approval.entry(&told.stream).or_insert(0) += 1;
        *by_run.entry(text(&told.event, "/run")).or_insert(0) += 1;
    }
    faults.extend(by_approval.iter().filter(|(_, times)| **times > 1).map(|(id, times)| format!("`{id}` was consumed {times} times")));
    for begun in history.told.iter().filter(|told| told.kind == "run.begun") {
        let times = by_run.get(begun.stream.as_str()).copied().unwrap_or(0);
        if times != 1 {
            faults.push(format!("`{}` stands on {times} consumed approvals", begun.stream));
        }
    }
}

fn unknown_in_a_window(attempts: &BTreeMap<String, Attempt>, trace: &[Passed], faults: &mut Vec<String>) {
    for (key, attempt) in attempts {
        let (Some((_, from)), Some(to)) = (attempt.intended, attempt.unknown) else { continue };
        if !trace.iter().any(|passed| passed.died && (from - LINGER..=to).contains(&passed.at)) {
            faults.push(format!("`{key}` became unknown though nothing had died"));
        }
    }
}

/// How each run ended, and whether the world outside is as the record says.
fn ended(history: &History, effects: &[Effect], faults: &mut Vec<String>) -> Vec<End> {
    let mut ends = Vec::new();
    for begun in history.told.iter().filter(|told| told.kind == "run.begun") {
        let last = history.told.iter().rev().find(|told| told.stream == begun.stream);
        let end = last.and_then(|told| match (told.kind.as_str(), text(&told.event, "/how")) {
            ("run.ended", "done") => Some(End::Whole),
            ("run.ended", "undone") => Some(End::Undone),
            ("run.got_stuck" | "run.probed" | "run.refused", _) => Some(End::Person),
            _ => None,
        });
        let Some(end) = end else {
            faults.push(format!("`{}` is nowhere: its last event is {:?}", begun.stream, last.map(|told| &told.kind)));
            continue;
        };
        ends.push(end);
        for step in STEPS {
            let count = |direction: &str| {
                let prefix = format!("{}/{step}/{direction}/", begun.stream);
                effects.iter().filter(|effect| effect.key.starts_with(&prefix)).count()
            };
            let (done, undone) = (count("do"), count("undo"));
            let wrong = match end {
                End::Whole => (done, undone) != (1, 0),
                End::Undone => done != undone,
                End::Person => done < undone,
            };
            if wrong {
                faults.push(format!("`{}` ended {end:?}, but `{step}` was done {done} times and undone {undone}", begun.stream));
            }
        }
    }
    ends
}
