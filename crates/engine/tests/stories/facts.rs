//! P4 and T17: a missing or stale fact stops the line, before the decision and again before the deed.

use lineclear_core::approval::State;
use lineclear_core::dossier::Fault;
use lineclear_testkit::{World, seconds};

use crate::{drain, renamed_and_signed};

#[tokio::test]
async fn a_missing_fact_blocks_and_a_fresh_one_unblocks() {
    let world = World::new().await;
    world.fact_is_absent("backend_down", "no series");
    let change = drain(&world).await;
    world.settle().await;
    assert_eq!(world.word(change).await, "blocked");

    let view = world.view(change).await;
    let dossier = view.change.dossier().unwrap();
    assert!(dossier.verdict.is_none(), "policy is not asked while a fact is missing");
    assert!(matches!(&dossier.faults[..], [Fault::MissingFact { fact, why, .. }] if fact.as_str() == "backend_down" && why == "no series"));

    world.fact_reads("backend_down", "0");
    world.passes(seconds(16)).await;
    assert_eq!(world.word(change).await, "verifying");
    assert_eq!(world.production().effects().len(), 1);
}

#[tokio::test]
async fn a_fact_at_its_limit_counts_and_one_second_older_does_not() {
    for (age, expected) in [(30, "verifying"), (31, "blocked")] {
        let world = World::new().await;
        world.fact_reads_since("healthy_peers", "0.75", seconds(age));
        let change = drain(&world).await;
        world.settle().await;
        assert_eq!(world.word(change).await, expected, "{age} s");
    }
}

#[tokio::test]
async fn a_change_that_stays_blocked_lapses_and_a_person_can_take_it_back_before() {
    let world = World::new().await;
    world.fact_is_absent("backend_down", "source unreachable");
    let (left, taken) = (drain(&world).await, drain(&world).await);
    world.settle().await;
    world.agent().tries_to_withdraw(taken).await.unwrap();
    world.sleeps(seconds(3_600));
    world.settle().await;
    assert_eq!(world.word(left).await, "lapsed");
    assert_eq!(world.word(taken).await, "withdrawn");
    assert_eq!(world.production().effects(), []);
}

#[tokio::test]
async fn a_fact_that_went_missing_or_stale_before_the_start_blocks_it_and_the_approval_is_withdrawn() {
    for missing in [true, false] {
        let world = World::new().await;
        let change = renamed_and_signed(&world).await;
        let request = world.engine().request(change).await.unwrap().request.id;
        if missing {
            world.fact_is_absent("dns_watched", "no series");
        } else {
            world.fact_reads_since("dns_watched", "0", seconds(31));
        }
        world.settle().await;

        assert_eq!(world.word(change).await, "blocked");
        let kinds = world.kinds(change).await;
        assert!(kinds.contains(&"approval.withdrawn/1".to_owned()), "{kinds:?}");
        assert!(world.engine().request(change).await.is_err(), "nothing is asked any more");
        assert_eq!(world.production().effects(), []);

        world.fact_reads("dns_watched", "0");
        world.passes(seconds(16)).await;
        let again = world.engine().request(change).await.unwrap();
        assert_ne!(again.request.id, request, "people are asked anew");
        assert!(matches!(again.state, State::Open { ref votes } if votes.is_empty()));
    }
}

#[tokio::test]
async fn while_the_live_system_cannot_be_read_there_is_no_plan_and_nothing_runs() {
    let world = World::new().await;
    world.runner().goes_away();
    let change = drain(&world).await;
    world.settle().await;
    assert_eq!(world.word(change).await, "blocked");
    world.runner().comes_back();
    world.passes(seconds(16)).await;
    assert_eq!(world.word(change).await, "verifying");
}
