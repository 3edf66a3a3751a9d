//! The harness can see what it is there to see: without the fence, and without the runner's journal, the same schedules make doubles.

use std::time::Duration;

use lineclear_crashlab::checker::Findings;
use lineclear_crashlab::explorer::{Plan, schedule};
use lineclear_crashlab::world::{Lab, Lie, Phase};

use super::lab;

/// Reports come so late that an effect is there before the plane hears of its beginning.
const LAG: Duration = Duration::from_millis(60);

fn plan(lie: Lie) -> Plan {
    Plan { target: "whole0".into(), phase: Phase::Run, lie, lag: LAG, pairs: None }
}

/// The points around every effect of the scenario.
async fn points(lab: &Lab, word: &str) -> Vec<String> {
    let calm = schedule(lab, &plan(Lie::None), Vec::new()).await;
    assert_eq!(calm.faults, Vec::<String>::new());
    let all = calm.trace.into_iter().map(|passed| passed.point);
    let points: Vec<String> = all.filter(|point| point.starts_with("sink1 effect") && point.ends_with(word)).collect();
    assert_eq!(points.len(), 3, "{points:?}");
    points
}

/// Plays the same schedules honestly and with a lie, and hands back what the lie led to.
async fn compared(lie: Lie, word: &str) -> Vec<Findings> {
    let lab = lab().await;
    let mut led_to = Vec::new();
    for point in points(&lab, word).await {
        let honest = schedule(&lab, &plan(Lie::None), vec![point.clone()]).await;
        assert_eq!((honest.faults, honest.doubles, honest.reached), (Vec::new(), 0, true), "{point}");
        led_to.push(schedule(&lab, &plan(lie), vec![point]).await);
    }
    led_to
}

fn seen(found: &[Findings]) -> usize {
    assert!(found.iter().all(|findings| findings.reached));
    assert!(found.iter().all(|findings| findings.doubles == 0 || !findings.faults.is_empty()), "a double without a word about it");
    found.iter().map(|findings| findings.doubles).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_fence_the_harness_finds_doubles() {
    let doubles = seen(&compared(Lie::NoFence, " late").await);
    assert!(doubles >= 2, "{doubles} doubles");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_runners_journal_the_harness_finds_doubles() {
    let doubles = seen(&compared(Lie::NoJournal, " after").await);
    assert!(doubles >= 2, "{doubles} doubles");
}
