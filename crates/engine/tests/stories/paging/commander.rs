//! Whoever commands leaves.

use lineclear_core::incident::{Role, State};
use lineclear_core::page::About;
use lineclear_engine::EngineError;
use lineclear_testkit::{World, minutes, seconds};

use super::{house, the_mail_goes_down};

#[tokio::test]
async fn a_commander_who_leaves_leaves_a_gap_that_everybody_sees_and_somebody_is_called() {
    let world = World::of(&house()).await;
    let incident = the_mail_goes_down(&world).await;
    let (dave, engine) = (world.pager("dave"), world.engine());
    engine.acknowledge(&dave.caller(), incident).await.unwrap();
    world.passes(minutes(3)).await;
    world.pager("alice").expect_silence().await;

    engine.leave_role(&dave.caller(), incident, Role::Commander).await.unwrap();
    let left = world.now();
    world.settle().await;
    let seen = engine.incident(incident).await.unwrap();
    assert_eq!((seen.state, seen.commander, seen.gap), (State::Open, None, Some(left)));
    let page = About::Incident { incident }.page();
    assert!(world.page_tale(page).await.contains("Nobody commands it any more"), "{}", world.page_tale(page).await);
    assert!(world.pager("bob").rang().await.contains(&(page, left)), "the path is walked from its beginning");

    engine.take_role(&world.pager("bob").caller(), incident, Role::Commander, "").await.unwrap();
    assert_eq!(engine.incident(incident).await.unwrap().gap, None);
}

#[tokio::test]
async fn roles_are_taken_handed_over_and_left_in_so_many_words_and_never_by_a_machine() {
    let world = World::of(&house()).await;
    let incident = the_mail_goes_down(&world).await;
    let engine = world.engine();
    let (alice, bob) = (world.pager("alice").caller(), world.pager("bob").caller());
    engine.take_role(&alice, incident, Role::Scribe, "").await.unwrap();
    let held = engine.take_role(&bob, incident, Role::Scribe, "").await;
    assert!(matches!(held, Err(EngineError::Incident(_))), "{held:?}");
    engine.take_role(&bob, incident, Role::Scribe, "alice went to bed").await.unwrap();
    let not_hers = engine.hand_over_role(&alice, incident, Role::Scribe, &"carol".parse().unwrap()).await;
    assert!(matches!(not_hers, Err(EngineError::Incident(_))), "{not_hers:?}");
    engine.hand_over_role(&bob, incident, Role::Scribe, &"carol".parse().unwrap()).await.unwrap();
    world.passes(seconds(1)).await;
    let room = engine.room(incident).await.unwrap();
    assert_eq!(room.roles.get(&Role::Scribe).map(String::as_str), Some("carol"));
    let agent = lineclear_engine::Caller::Agent(*engine.estate().directory.agents.keys().next().unwrap());
    assert!(matches!(engine.take_role(&agent, incident, Role::Commander, "I know best").await, Err(EngineError::PeopleOnly)));
    let told: Vec<&str> = room.timeline.iter().filter(|moment| moment.kind.contains("role")).map(|moment| moment.says.as_str()).collect();
    insta::assert_snapshot!(told.join("\n"));
}
