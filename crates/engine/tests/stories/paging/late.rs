//! Answers that come too late.

use lineclear_engine::Answered;
use lineclear_testkit::World;

use super::{house, the_mail_goes_down};

#[tokio::test]
async fn a_late_answer_is_recorded_and_changes_nothing() {
    let world = World::of(&house()).await;
    let incident = the_mail_goes_down(&world).await;
    let (alice, bob) = (world.pager("alice"), world.pager("bob"));
    let page = bob.expect_page().await;
    assert_eq!(bob.answers().await, Answered::Yours);
    assert_eq!(world.engine().acknowledge_page(&alice.caller(), page).await.unwrap(), Answered::TooLate);
    assert_eq!(world.engine().page(page).await.unwrap().holder.as_deref(), Some("bob"));
    world.engine().close_incident(&bob.caller(), incident, "over".into()).await.unwrap();
    world.settle().await;
    assert_eq!(bob.answers().await, Answered::TooLate);
    assert_eq!(world.page_word(page).await, "over");
    assert!(world.page_tale(page).await.contains("alice: alice answered, too late to change anything."));
}
