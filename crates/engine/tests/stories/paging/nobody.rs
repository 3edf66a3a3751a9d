//! Nobody is on call.

use lineclear_core::page::Event;
use lineclear_core::record::{Event as Recorded, Stream};
use lineclear_testkit::{World, seconds};

use super::{desk, the_mail_goes_down};

#[tokio::test]
async fn the_last_resort_is_told_in_their_place_and_the_record_says_so() {
    // It is Sunday night, and the desk is there on weekdays.
    let rotation = "zone: UTC\nturns: { every: 1d, from: \"2026-11-01 00:00:00\", people: [bob] }\nhours: { days: [mon, tue, wed, thu, fri], from: \"08:00\", until: \"18:00\" }\n";
    let world = World::of(&desk(rotation)).await;
    the_mail_goes_down(&world).await;
    let told = world.now();
    assert_eq!(world.pager("frank").rang_after(told).await, [0]);
    world.pager("bob").expect_silence().await;
    let page = world.pager("frank").expect_page().await;
    assert!(world.page_tale(page).await.contains("told frank, because nobody else is on call"), "{}", world.page_tale(page).await);
    let events = world.events(Stream::Page(page)).await;
    let leaf = events.iter().find(|stored| matches!(stored.happened.event, Recorded::Page(Event::Told { .. }))).unwrap().happened.leaf();
    assert_eq!(leaf.body["instead"], true);
    world.passes(seconds(60)).await;
    assert_eq!(world.pager("alice").rang_after(told).await, [60], "and then it climbs as ever");
}
