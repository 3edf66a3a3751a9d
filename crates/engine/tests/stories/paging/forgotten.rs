//! Answered, and then forgotten.

use lineclear_core::incident::Severity;
use lineclear_testkit::{World, minutes, seconds};

use super::{house, the_mail_goes_down};

#[tokio::test]
async fn whoever_has_answered_and_does_nothing_is_passed_by() {
    let world = World::of(&house()).await;
    the_mail_goes_down(&world).await;
    world.passes(seconds(20)).await;
    world.pager("bob").answers().await;
    let answered = world.now();
    world.passes(minutes(5)).await;
    assert_eq!(world.pager("alice").rang_after(answered).await, [300]);
    let page = world.pager("bob").expect_page().await;
    assert!(world.page_tale(page).await.contains("bob answered and did nothing about it in time"));
}

#[tokio::test]
async fn whoever_does_something_has_their_time_again_from_then_on() {
    let world = World::of(&house()).await;
    let incident = the_mail_goes_down(&world).await;
    let bob = world.pager("bob");
    bob.answers().await;
    let answered = world.now();
    world.passes(minutes(3)).await;
    world.engine().grade(&bob.caller(), incident, Severity::try_from(3).unwrap()).await.unwrap();
    world.passes(seconds(299)).await;
    world.pager("alice").expect_silence().await;
    world.passes(seconds(1)).await;
    assert_eq!(world.pager("alice").rang_after(answered).await, [480]);
}

#[tokio::test]
async fn saying_that_one_is_still_at_it_counts_too() {
    let world = World::of(&house()).await;
    the_mail_goes_down(&world).await;
    world.pager("bob").answers().await;
    world.passes(minutes(4)).await;
    world.pager("bob").answers().await;
    world.passes(minutes(4)).await;
    world.pager("alice").expect_silence().await;
}
