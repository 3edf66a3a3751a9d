//! Some things page at once, whatever else is said of them.

use lineclear_core::signal::Signal;
use lineclear_testkit::{World, seconds};

use super::{goes_wrong, signal};

#[tokio::test]
async fn when_nobody_can_pay_the_first_line_and_a_commander_are_told_at_the_same_moment() {
    let world = World::new().await;
    goes_wrong(&world, "billing", "critical").await;
    let heard = world.now();
    world.settle().await;
    // Money passes through billing. frank has the first line for it and for the shop this week, and dave commands.
    assert_eq!(world.pager("frank").rang_after(heard).await, [0], "without waiting for what else belongs to it");
    assert_eq!(world.pager("dave").rang_after(heard).await, [0]);
    assert_eq!(world.pages().await.len(), 1);
}

#[tokio::test]
async fn a_rule_that_comes_to_hold_later_tells_its_own_people_and_once() {
    let world = World::new().await;
    let minor: Signal = signal(&world, "billing", "slow", "major");
    world.engine().receive(vec![minor]).await.unwrap();
    world.passes(seconds(10)).await;
    world.pager("dave").expect_silence().await;
    assert_eq!(world.pager("carol").rang().await.len(), 1, "the team that owns it");
    world.engine().receive(vec![signal(&world, "billing", "down", "critical")]).await.unwrap();
    world.passes(seconds(2)).await;
    assert_eq!(world.pager("dave").rang().await.len(), 1);
    world.engine().receive(vec![signal(&world, "billing", "down still", "critical")]).await.unwrap();
    world.passes(seconds(2)).await;
    assert_eq!(world.pager("dave").rang().await.len(), 1);
    let page = world.pager("dave").expect_page().await;
    assert_eq!(world.engine().page(page).await.unwrap().page.plan.path.as_str(), "checkout");
}
