//! Two incidents turn out to be one, and so do their pages.

use lineclear_testkit::{World, minutes, seconds};

use super::{goes_wrong, house, the_mail_goes_down};

#[tokio::test]
async fn the_page_of_a_part_goes_on_with_the_whole_and_nobody_is_told_again() {
    let world = World::of(&house()).await;
    let mail = the_mail_goes_down(&world).await;
    world.pager("bob").answers().await;
    // Another one, that asks nobody before it is joined with the first.
    let other = goes_wrong(&world, "shop", "warning").await;
    let dave = world.pager("dave").caller();
    world.engine().merge_incidents(&dave, mail, other, "one cable".into()).await.unwrap();
    world.passes(seconds(20)).await;
    let rang = world.pager("bob").rang().await;
    assert_eq!(rang.len(), 1, "{rang:?}");
    let room = world.engine().room(other).await.unwrap();
    assert_eq!(room.page.unwrap().holder.as_deref(), Some("bob"), "whoever had answered for the part answers for the whole");
    let pages = world.pages().await;
    assert_eq!(pages.len(), 2);
    assert_eq!(world.page_word(pages[0]).await, "over");
    // And it is not believed for ever either.
    world.passes(minutes(5)).await;
    assert_eq!(world.pager("alice").rang().await.len(), 1);
}
