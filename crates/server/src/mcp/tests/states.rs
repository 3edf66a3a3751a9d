//! Every state a change can be in, as an agent is told about it; and that no answer grows without end.

use lineclear_core::change::{Gate, Outcome, Sample, State};
use lineclear_core::dossier::{Dossier, Fault};
use lineclear_core::{RunId, Timestamp};
use lineclear_engine::{ChangeView, Moment};
use serde_json::{Value, json};

use super::super::answer::Answer;
use super::super::finding::{LIST_MAX, TEXT_MAX};
use super::pending;
use crate::rig::{Rig, agent, dns, operator};

/// A real change at gate 2, and what an agent is told once it stands elsewhere.
async fn told(login: &str, change: impl FnOnce(ChangeView, Gate) -> ChangeView) -> Value {
    let rig = Rig::busy().await;
    let id = pending(&rig, &dns()).await.parse().unwrap();
    let view = rig.app.engine.view(id).await.unwrap();
    let gate = view.change.gate().unwrap().clone();
    let view = change(view, gate);
    serde_json::to_value(Answer::of(&view, agent(login), &rig.app.engine, "here".into()).with_timeline(&view.timeline)).unwrap()
}

fn until() -> Timestamp {
    Timestamp::from_micros(0)
}

fn run() -> RunId {
    "run_0193f0c4a1007a3e8b11d2c3b4a60001".parse().unwrap()
}

fn blocked(gate: Gate, faults: Vec<Fault>) -> State {
    State::Blocked { dossier: Box::new(Dossier { verdict: None, faults, ..gate.dossier }), until: until() }
}

fn running(gate: Gate) -> State {
    let before = Sample { at: until(), goals: [].into(), neighbours: [].into() };
    State::Running { gate: Box::new(gate), approval: None, run: run(), before }
}

fn closed(gate: Gate, outcome: Outcome) -> State {
    State::Closed { outcome, gate: Some(Box::new(gate)), dossier: None, approval: None, run: None, judgement: None }
}

async fn check(login: &str, word: Option<&'static str>, state: impl FnOnce(Gate) -> State, expected: &str, next: &str) {
    let answer = told(login, |mut view, gate| {
        view.change.state = state(gate);
        view.word = word.unwrap_or(lineclear_core::machine::Machine::word(&view.change));
        view
    })
    .await;
    assert_eq!(answer["status"], expected, "{answer}");
    assert!(answer["next"].as_str().unwrap().contains(next), "{next}: {}", answer["next"]);
    assert!(answer.get("asked").is_none(), "nobody is asked any more");
}

#[tokio::test]
async fn each_state_says_what_to_do_now() {
    let (me, other) = ("triage-agent", "capacity-agent");
    check(me, None, |_| State::Proposed, "being_checked", "wait_for_decision").await;
    check(me, None, |gate| blocked(gate, vec![]), "blocked", "Do not propose it again").await;
    check(other, None, |gate| blocked(gate, vec![]), "blocked", "another's proposal").await;
    let cleared = |gate| State::Cleared { gate: Box::new(gate), approval: None, until: until(), behind: None };
    check(me, None, cleared, "in_progress", "finished").await;
    check(me, None, running, "in_progress", "do nothing to the target yourself").await;
    check(me, Some("undoing"), running, "in_progress", "finished").await;
    check(me, Some("stuck"), running, "needs_person", "A named person").await;
    let escalated = |gate| State::Escalated { gate: Box::new(gate), approval: None, run: run(), judgement: None };
    check(me, None, escalated, "needs_person", "A named person").await;
    let by = operator("alice");
    for (outcome, next) in [
        (Outcome::Denied, "verdict.reasons"),
        (Outcome::Rejected { by }, "said no"),
        (Outcome::Lapsed, "neither yes nor no"),
        (Outcome::Succeeded { by: None }, "found good"),
        (Outcome::Undone, "get_change"),
        (Outcome::Failed { by }, "declared that it failed"),
    ] {
        check(me, None, |gate| closed(gate, outcome), "finished", next).await;
    }
}

#[tokio::test]
async fn what_is_missing_is_told_in_words() {
    let faults = vec![
        Fault::MissingFact { fact: "dns_watched".parse().unwrap(), why: "no series".into(), query: "q".into() },
        Fault::StaleFact { fact: "dns_right".parse().unwrap(), age_s: 90, limit_s: 30 },
        Fault::NoPlan { why: "no runner answered in time".into() },
    ];
    let answer = told("triage-agent", |mut view, gate| {
        view.change.state = blocked(gate, faults);
        view
    })
    .await;
    let expected = [
        "fact `dns_watched` is missing: no series",
        "fact `dns_right` is 90 s old, and counts for 30 s",
        "the live system could not be read: no runner answered in time",
    ];
    assert_eq!((&answer["faults"], &answer["verdict"]["word"]), (&json!(expected), &json!("not_asked")));
}

#[tokio::test]
async fn an_answer_does_not_grow_without_end() {
    let answer = told("triage-agent", |mut view, gate| {
        let faults = vec![Fault::NoPlan { why: "é".repeat(50_000) }; 1_000];
        view.change.state = blocked(gate, faults);
        let moment = Moment { says: "é".repeat(50_000), ..view.timeline[0].clone() };
        view.timeline = vec![moment; 150];
        view
    })
    .await;
    let faults = answer["faults"].as_array().unwrap();
    assert_eq!((faults.len(), faults[0].as_str().unwrap().chars().count()), (LIST_MAX, TEXT_MAX));
    assert!(faults[0].as_str().unwrap().ends_with('…'));
    assert_eq!((answer["timeline"].as_array().unwrap().len(), &answer["earlier_moments_left_out"]), (100, &json!(50)));
    assert!(answer.to_string().len() < 200_000);
}
