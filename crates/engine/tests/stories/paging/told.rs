//! Whoever is told hears of it outside the console, too.

use lineclear_core::delivery::How;
use lineclear_core::notice::Kind;
use lineclear_testkit::{World, seconds};

use super::{house, the_mail_goes_down};
use crate::rename;

const CHANNELS: &str = "
[notices.channels.mail]
kind = \"mail\"
server = \"smtps://mail.example.test:465\"
from = \"lineclear@example.test\"

[notices.people.alice]
mail = \"alice@example.test\"

[notices.people.bob]
mail = \"bob@example.test\"
";

async fn world() -> World {
    let files = house();
    let settings = String::from_utf8(files.files()["lineclear.toml"].clone()).unwrap();
    World::of(&files.with("lineclear.toml", &(settings + CHANNELS))).await
}

/// Where pages were sent to, in order.
fn sent(world: &World) -> Vec<String> {
    let heard = world.channels().heard();
    heard.iter().filter(|said| said.notice.kind == Kind::Page && said.edited.is_none()).map(|said| said.place.clone()).collect()
}

#[tokio::test]
async fn a_page_is_a_message_with_a_link_that_answers_for_nobody_and_it_is_edited_when_somebody_has() {
    let world = world().await;
    the_mail_goes_down(&world).await;
    assert_eq!(sent(&world), ["bob@example.test"]);
    let page = world.pager("bob").expect_page().await;
    let heard = world.channels().heard();
    let notice = &heard.iter().find(|said| said.notice.kind == Kind::Page).unwrap().notice;
    assert_eq!((notice.path.as_str(), notice.answer), (format!("/pages/{page}").as_str(), None));
    assert_eq!(notice.title, "You are needed: mail is in trouble");
    world.passes(seconds(60)).await;
    assert_eq!(sent(&world), ["bob@example.test", "alice@example.test"]);
    world.pager("alice").answers().await;
    world.settle().await;
    assert_eq!(world.channels().heard().iter().filter(|said| said.edited == Some(How::Acknowledged)).count(), 2);
}

#[tokio::test]
async fn a_request_that_climbs_is_a_message_to_whom_it_climbs() {
    let world = world().await;
    rename(&world).await;
    world.settle().await;
    assert_eq!(sent(&world), [""; 0], "everybody who may answer was asked already");
    world.passes(seconds(61)).await;
    assert_eq!(sent(&world), ["bob@example.test", "alice@example.test"], "reminded, and climbed to");
}
