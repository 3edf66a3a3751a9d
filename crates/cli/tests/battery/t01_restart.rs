//! T1: killed with pending approvals and approved after the restart; none is lost.

use std::collections::BTreeMap;

use crate::caches::{Counter, each_at_most_once, estate, propose, rules, waiting};
use crate::installation::{Installation, eventually};

async fn survives(count: usize) {
    let counter = Counter::start();
    let mut house = Installation::new(&estate(count), &["alice"], &["purger"], &rules(&counter.url));
    house.start();
    let changes = propose(&house, count).await;
    waiting(&house, count).await;
    house.kill();
    assert_eq!(counter.effects(), BTreeMap::new(), "nobody has approved anything");
    let begun = elapsed(&mut house);
    waiting(&house, count).await;
    eprintln!("T1: {count} pending; it answered {} ms after it was started again", begun.as_millis());
    for change in &changes {
        let (status, answer) = house.approve_in_session("alice", change).await;
        assert_eq!(status, 200, "{answer}");
    }
    eventually("every effect", async || (counter.effects().len() == count).then_some(())).await;
    for change in &changes {
        assert_eq!(house.finished("alice", change).await, "escalated", "{change}");
    }
    each_at_most_once(&counter);
    assert_eq!(counter.effects().len(), count);
}

fn elapsed(house: &mut Installation) -> std::time::Duration {
    let begun = tokio::time::Instant::now();
    house.start();
    begun.elapsed()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_pending_change_survives_being_killed_and_runs_once() {
    survives(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_pending_changes_survive_being_killed_and_each_runs_once() {
    survives(1_000).await;
}
