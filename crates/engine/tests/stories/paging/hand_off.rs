//! One person's turn ends at a minute, and another's begins.

use lineclear_testkit::{World, seconds};

use super::{desk, the_mail_goes_down};

#[tokio::test]
async fn whoever_is_on_call_at_that_very_moment_is_told() {
    // It is a quarter past two; the next hand-off is at three.
    let rotation = "zone: UTC\nturns: { every: 1h, from: \"2026-11-22 02:00:00\", people: [bob, dave] }\n";
    let world = World::of(&desk(rotation)).await;
    let three = "2026-11-22T03:00:00Z".parse::<lineclear_core::Timestamp>().unwrap();
    world.sleeps((three - seconds(11)).since(world.now()));
    let incident = the_mail_goes_down(&world).await;
    assert_eq!(world.now(), three - seconds(1));
    assert_eq!(world.pager("bob").rang_after(three - seconds(1)).await, [0]);
    world.pager("dave").expect_silence().await;

    world.engine().close_incident(&world.pager("carol").caller(), incident, "it is well".into()).await.unwrap();
    the_mail_goes_down(&world).await;
    assert_eq!(world.pager("dave").rang_after(three).await, [9], "whose turn has begun");
    let now = world.engine().on_call(three);
    let desk = now.iter().find(|rotation| rotation.rotation.as_str() == "desk").unwrap();
    assert_eq!((desk.people.as_slice(), desk.next.as_slice()), (&["dave".to_owned()][..], &["bob".to_owned()][..]));
}
