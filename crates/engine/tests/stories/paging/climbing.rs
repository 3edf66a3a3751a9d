//! Silence climbs.

use lineclear_testkit::{World, minutes, seconds};

use super::{house, the_mail_goes_down};

#[tokio::test]
async fn an_unanswered_page_climbs_tier_by_tier_comes_round_again_and_ends_at_the_last_resort() {
    let world = World::of(&house()).await;
    the_mail_goes_down(&world).await;
    let told = world.now();
    world.passes(seconds(361)).await;
    assert_eq!(world.pager("bob").rang_after(told).await, [0, 180]);
    assert_eq!(world.pager("alice").rang_after(told).await, [60, 240]);
    assert_eq!(world.pager("frank").rang_after(told).await, [360]);
    for other in ["carol", "dave", "erin"] {
        world.pager(other).expect_silence().await;
    }
    insta::assert_snapshot!(world.page_tale(world.pager("frank").expect_page().await).await);
}

#[tokio::test]
async fn whoever_answers_ends_the_climb_and_is_seen_in_the_incident_room() {
    let world = World::of(&house()).await;
    let incident = the_mail_goes_down(&world).await;
    world.passes(seconds(30)).await;
    world.pager("bob").answers().await;
    world.passes(minutes(4)).await;
    world.pager("alice").expect_silence().await;
    let room = world.engine().room(incident).await.unwrap();
    assert_eq!(room.page.unwrap().holder.as_deref(), Some("bob"));
}

#[tokio::test]
async fn nobody_is_told_of_what_is_over() {
    let world = World::of(&house()).await;
    let incident = the_mail_goes_down(&world).await;
    let bob = world.pager("bob");
    world.engine().close_incident(&bob.caller(), incident, "it was the test".into()).await.unwrap();
    world.passes(minutes(5)).await;
    world.pager("alice").expect_silence().await;
    assert_eq!(world.page_word(bob.expect_page().await).await, "over");
}

#[tokio::test]
async fn no_machine_answers_for_a_person() {
    let world = World::of(&house()).await;
    the_mail_goes_down(&world).await;
    let page = world.pager("bob").expect_page().await;
    let agent = lineclear_engine::Caller::Agent(*world.engine().estate().directory.agents.keys().next().unwrap());
    let answered = world.engine().acknowledge_page(&agent, page).await;
    assert!(matches!(answered, Err(lineclear_engine::EngineError::PeopleOnly)), "{answered:?}");
}
