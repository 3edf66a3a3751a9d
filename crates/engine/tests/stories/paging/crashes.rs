//! The engine comes back, and goes on where the record stands.

use lineclear_testkit::{World, seconds};

use super::{house, the_mail_goes_down};

#[tokio::test]
async fn an_engine_that_comes_back_tells_nobody_twice_and_climbs_when_it_is_time() {
    let mut world = World::of(&house()).await;
    the_mail_goes_down(&world).await;
    let told = world.now();
    world.passes(seconds(30)).await;
    world.engine_restarts().await;
    world.passes(seconds(29)).await;
    assert_eq!(world.pager("bob").rang_after(told).await, [0]);
    world.pager("alice").expect_silence().await;
    world.passes(seconds(1)).await;
    assert_eq!(world.pager("alice").rang_after(told).await, [60]);
}

#[tokio::test]
async fn what_became_due_while_it_was_away_is_told_when_it_is_back_one_tier_at_a_time() {
    let mut world = World::of(&house()).await;
    the_mail_goes_down(&world).await;
    let told = world.now();
    world.sleeps(seconds(1_000));
    world.engine_restarts().await;
    world.settle().await;
    assert_eq!(world.pager("alice").rang_after(told).await, [1_000]);
    world.pager("frank").expect_silence().await;
}
