//! A storm is one page.

use lineclear_testkit::{World, minutes, seconds};

use super::{house, signal};

#[tokio::test]
async fn two_hundred_alerts_page_once() {
    let world = World::of(&house()).await;
    for number in 0..200 {
        let severity = if number % 3 == 0 { "critical" } else { "warning" };
        let one = signal(&world, "mail", &format!("f{number}"), severity);
        world.engine().receive(vec![one]).await.unwrap();
        if number % 20 == 0 {
            world.passes(seconds(1)).await;
        }
    }
    world.passes(seconds(10)).await;
    assert_eq!(world.pages().await.len(), 1);
    assert_eq!(world.pager("bob").rang().await.len(), 1);
    world.pager("bob").answers().await;
    for number in 200..260 {
        world.engine().receive(vec![signal(&world, "mail", &format!("f{number}"), "critical")]).await.unwrap();
    }
    world.passes(minutes(3)).await;
    assert_eq!((world.pages().await.len(), world.pager("bob").rang().await.len()), (1, 1));
    world.pager("alice").expect_silence().await;
}
