//! Somebody stands in for whoever would be on call.

use lineclear_testkit::World;

use super::{desk, the_mail_goes_down};

#[tokio::test]
async fn whoever_stands_in_is_told_and_whoever_they_stand_in_for_sleeps() {
    let rotation = "zone: UTC\nturns: { every: 1d, from: \"2026-11-01 00:00:00\", people: [bob] }\n\
                    overrides:\n  - { person: dave, from: \"2026-11-22T02:00:00Z\", until: \"2026-11-22T06:00:00Z\" }\n";
    let world = World::of(&desk(rotation)).await;
    the_mail_goes_down(&world).await;
    assert_eq!(world.pager("dave").rang().await.len(), 1);
    world.pager("bob").expect_silence().await;
}
