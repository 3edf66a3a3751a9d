//! T8: two people approve at the same moment, again and again, and each time it is done once.

use lineclear_core::statement::Decision;
use lineclear_engine::Caller;
use lineclear_testkit::{World, seconds, sign};

/// How many races: enough to see both orders, and conflicts.
const RACES: usize = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_approvers_race_and_it_is_done_once_each_time() {
    let world = World::new().await;
    for race in 1..=RACES {
        let change = world.agent().proposes("cache.purge", "cache/edge", &[]).await;
        world.settle().await;
        assert_eq!(world.word(change).await, "awaiting_approval", "race {race}");
        let mut votes = Vec::new();
        for login in ["bob", "dave"] {
            let (request, text) = world.person(login).statement(change, Decision::Approve, "").await;
            let (engine, signature) = (world.engine().clone(), sign(login, &text));
            let caller = Caller::Operator(engine.estate().directory.operator(&login.parse().unwrap()).unwrap().id);
            votes.push(tokio::spawn(async move { engine.vote(&caller, request, text, signature).await.is_ok() }));
        }
        let mut counted = 0;
        for vote in votes {
            counted += usize::from(vote.await.unwrap());
        }
        assert_eq!(counted, 1, "race {race}: one person was needed, and the other was too late");
        world.settle().await;
        assert_eq!(world.production().touched("/purge/edge"), race);
        world.passes(seconds(7)).await;
        assert_eq!(world.word(change).await, "succeeded", "race {race}");
    }
}
