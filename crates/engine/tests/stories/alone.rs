//! What runs without a person, and what it takes.

use lineclear_testkit::{World, seconds};

use crate::drain;

#[tokio::test]
async fn a_medium_change_on_good_evidence_runs_alone_and_closes_when_the_world_got_better() {
    let world = World::new().await;
    let change = drain(&world).await;
    world.settle().await;

    assert_eq!(world.production().get("shop/web-1"), "drain");
    assert_eq!(world.word(change).await, "verifying");

    world.fact_reads("host_drained", "1");
    world.fact_reads("shop_errors_low", "0.001");
    world.passes(seconds(7)).await;

    assert_eq!(world.word(change).await, "succeeded");
    assert_eq!(world.production().effects().len(), 1);
    assert!(world.view(change).await.approval.is_none(), "nobody was asked");
    insta::assert_snapshot!(world.tale(change).await);
}

#[tokio::test]
async fn an_agent_that_is_not_sure_needs_a_person_and_being_sure_alone_opens_nothing() {
    let world = World::new().await;
    let unsure = world.agent().sure(7_999).proposes("pool.drain_host", "host/web-1", &[]).await;
    world.settle().await;
    assert_eq!(world.word(unsure).await, "awaiting_approval");

    let world = World::new().await;
    world.fact_reads("backend_down", "1");
    let sure = world.agent().sure(10_000).claiming("I am certain").proposes("pool.drain_host", "host/web-1", &[]).await;
    world.settle().await;
    assert_eq!(world.word(sure).await, "awaiting_approval");
    assert_eq!(world.production().effects(), []);
}

#[tokio::test]
async fn advice_is_recorded_and_carried_out_by_nobody() {
    let world = World::new().await;
    let change = world.agent().proposes("status.draft", "service/shop", &[("text", "We are looking into it")]).await;
    world.settle().await;
    assert_eq!(world.word(change).await, "advised");
    assert!(world.view(change).await.run.is_none());
}
