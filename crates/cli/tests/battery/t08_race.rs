//! T8: two people approve at the same time, a thousand times: each runs once.

use futures_util::future::join;
use futures_util::stream::{self, StreamExt as _};

use super::world::{World, plain};
use crate::caches::{each_at_most_once, waiting};

const RACES: usize = 1_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_double_approvals_are_a_thousand_executions_and_not_one_more() {
    let world = World::new(RACES, 1, plain).await;
    let mut changes = Vec::new();
    for number in 0..RACES {
        let (status, answer) = world.propose("purger", &format!("c{number}"), "race").await;
        assert_eq!(status, 201, "{answer}");
        changes.push(answer["id"].as_str().unwrap().to_owned());
    }
    waiting(&world.house, RACES).await;
    let counted: usize =
        stream::iter(&changes).map(|change| race(&world, change)).buffer_unordered(4).fold(0, async |sum, votes| sum + votes).await;
    assert!(counted >= RACES, "each race has a winner");
    // As long as they keep coming: how fast a loaded machine carries out a thousand is no part of this.
    let mut before = usize::MAX;
    while world.counter.effects().len() != before {
        before = world.counter.effects().len();
        crate::installation::eventually("another effect", async || {
            let now = world.counter.effects().len();
            (now == RACES || now >= before + 20).then_some(())
        })
        .await;
    }
    for change in &changes {
        assert_eq!(world.house.finished("alice", change).await, "succeeded", "{change}");
    }
    each_at_most_once(&world.counter);
    assert_eq!(world.counter.effects().len(), RACES);
}

/// Both send their statements at once; how many votes counted.
async fn race(world: &World, change: &str) -> usize {
    let approval = world.approval(change).await;
    let (one, two) = join(world.statement("alice", &approval), world.statement("carol", &approval)).await;
    let (one, two) = join(world.vote("alice", &approval, &one), world.vote("carol", &approval, &two)).await;
    // Who comes second is told that the request has ended, or that the change runs already.
    let known = |code: &str| matches!(code, "counted" | "not_open" | "wrong_state");
    assert!(known(&one) && known(&two), "{one} {two}");
    usize::from(one == "counted") + usize::from(two == "counted")
}
