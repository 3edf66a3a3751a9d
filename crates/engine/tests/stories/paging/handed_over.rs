//! A page is handed to somebody else, who has to answer it.

use lineclear_engine::EngineError;
use lineclear_testkit::{World, minutes, seconds};

use super::{house, the_mail_goes_down};

#[tokio::test]
async fn what_was_handed_over_and_not_answered_climbs_on() {
    let world = World::of(&house()).await;
    the_mail_goes_down(&world).await;
    let bob = world.pager("bob");
    bob.answers().await;
    world.passes(minutes(2)).await;
    let page = bob.expect_page().await;
    let carol = "carol".parse().unwrap();
    let unsaid = world.engine().hand_over_page(&bob.caller(), page, &carol, "").await;
    assert!(matches!(unsaid, Err(EngineError::Page(_))), "{unsaid:?}");
    let stranger = world.engine().hand_over_page(&bob.caller(), page, &"mallory".parse().unwrap(), "bed").await;
    assert!(matches!(stranger, Err(EngineError::Malformed { .. })), "{stranger:?}");
    world.engine().hand_over_page(&bob.caller(), page, &carol, "my shift is over").await.unwrap();
    let handed = world.now();
    assert_eq!(world.pager("carol").rang_after(handed).await, [0]);
    world.passes(seconds(60)).await;
    assert_eq!(world.pager("alice").rang_after(handed).await, [60]);
}

#[tokio::test]
async fn whoever_gets_it_and_answers_has_it() {
    let world = World::of(&house()).await;
    the_mail_goes_down(&world).await;
    let (bob, carol) = (world.pager("bob"), world.pager("carol"));
    let page = bob.expect_page().await;
    world.engine().hand_over_page(&bob.caller(), page, &"carol".parse().unwrap(), "she is at her desk").await.unwrap();
    world.passes(seconds(10)).await;
    carol.answers().await;
    world.passes(minutes(3)).await;
    world.pager("alice").expect_silence().await;
    assert_eq!(world.engine().page(page).await.unwrap().holder.as_deref(), Some("carol"));
}
