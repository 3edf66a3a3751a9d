//! People are told: those who can answer, once each, however the process ends; what cannot arrive lies before people, and what is
//! decided is edited.

use std::collections::BTreeSet;

use lineclear_core::delivery::{How, Why};
use lineclear_core::machine::Machine as _;
use lineclear_core::notice::{Kind, Notice};
use lineclear_core::posture::Posture;
use lineclear_core::record::{Row, Stream};
use lineclear_core::statement::Decision;
use lineclear_core::{ChangeId, DeliveryId};
use lineclear_engine::{Caller, EngineError};
use lineclear_store::RowQuery;
use lineclear_testkit::{Break, Northwind, Said, World, minutes, seconds};

use crate::{RENAME, rename};

/// alice and bob in chat, bob and erin by mail, and a room that hears what is asked.
const CHANNELS: &str = "
[notices.channels.chat]
kind = \"slack\"
secret_file = \"slack.token\"
room = \"C0ROOM\"
kinds = [\"asked\"]

[notices.channels.mail]
kind = \"mail\"
server = \"smtps://mail.example.test:465\"
from = \"lineclear@example.test\"

[notices.people.alice]
chat = \"U0ALICE\"

[notices.people.bob]
chat = \"U0BOB\"
mail = \"bob@example.test\"

[notices.people.carol]
chat = \"U0CAROL\"

[notices.people.erin]
mail = \"erin@example.test\"
";

fn with_channels() -> Northwind {
    let files = Northwind::default();
    let settings = String::from_utf8(files.files()["lineclear.toml"].clone()).unwrap();
    files.with("lineclear.toml", &(settings + CHANNELS))
}

async fn world() -> World {
    World::of(&with_channels()).await
}

fn places(said: &[Said], kind: Kind) -> Vec<String> {
    let mut places: Vec<String> =
        said.iter().filter(|said| said.notice.kind == kind && said.edited.is_none()).map(|said| said.place.clone()).collect();
    places.sort();
    places
}

async fn rows(world: &World) -> Vec<Row> {
    world.engine().list(RowQuery { kind: "delivery".into(), limit: 500, ..RowQuery::default() }).await.unwrap().rows
}

async fn words(world: &World) -> BTreeSet<String> {
    rows(world).await.into_iter().map(|row| row.word).collect()
}

/// How often each message was edited to say this.
fn edits(said: &[Said], how: How) -> usize {
    said.iter().filter(|said| said.edited == Some(how)).count()
}

#[tokio::test]
async fn those_who_can_answer_are_told_with_the_facts_and_the_check_words_and_who_proposes_is_not() {
    let world = world().await;
    let change = rename(&world).await;
    let said = world.channels().heard();
    assert_eq!(places(&said, Kind::Asked), ["C0ROOM", "U0ALICE", "U0BOB", "bob@example.test", "erin@example.test"]);
    let notice = &said[0].notice;
    let request = world.engine().request(change).await.unwrap().request;
    assert_eq!(notice.about, Stream::Approval(request.id));
    assert_eq!(notice.check_words.as_deref(), Some(request.digest.check_words().as_str()));
    assert_eq!((notice.path.as_str(), notice.until), (format!("/changes/{change}").as_str(), Some(request.until)));
    assert_eq!(notice.answer, None, "a high risk is not answered in a chat");
    assert_eq!(notice.title, "Approve? dns.update on zone/example.test");
    let labels: Vec<&str> = notice.lines.iter().map(|line| line.label.as_str()).collect();
    assert_eq!(labels, ["What", "Proposed by", "Risk", "Worst case", "Evidence", "Needs", "Until"]);
    let says = |label: &str| notice.lines.iter().find(|line| line.label == label).unwrap().text.clone();
    assert_eq!((says("Proposed by").as_str(), says("Until")), ("triage-agent", request.until.to_string()));
    assert!(says("Risk").starts_with("high, ") && says("Needs").starts_with("2 people of rung `two-signed`, grade ssh"), "{notice:?}");
    assert!(says("Evidence").contains(" facts confirm, ") && !says("Worst case").is_empty(), "{notice:?}");
    assert_eq!(words(&world).await, BTreeSet::from(["sent".into()]));
}

#[tokio::test]
async fn without_a_channel_nothing_is_recorded_and_nothing_waits() {
    let world = World::new().await;
    rename(&world).await;
    assert_eq!((world.channels().heard(), rows(&world).await), (vec![], vec![]));
}

#[tokio::test]
async fn what_is_decided_is_edited_and_nobody_is_told_twice() {
    let world = world().await;
    let change = rename(&world).await;
    let told = world.channels().heard().len();
    world.person("alice").approves(change).await;
    world.person("bob").approves(change).await;
    world.settle().await;
    let said = world.channels().heard();
    assert_eq!((edits(&said, How::Granted), told), (5, 5));
    assert_eq!(words(&world).await, BTreeSet::from(["closed".into()]));
    assert_eq!(places(&said, Kind::Reminder), [""; 0]);
}

#[tokio::test]
async fn a_request_that_nobody_answers_is_recalled_once_and_then_lapses_in_so_many_words() {
    let world = world().await;
    let change = rename(&world).await;
    world.passes(minutes(8)).await;
    let said = world.channels().heard();
    assert_eq!(places(&said, Kind::Reminder), ["U0ALICE", "U0BOB", "bob@example.test", "erin@example.test"]);
    world.passes(minutes(8)).await;
    assert_eq!(world.word(change).await, "lapsed");
    let said = world.channels().heard();
    assert_eq!(places(&said, Kind::Reminder).len(), 4, "once");
    assert_eq!(edits(&said, How::Lapsed), 9, "what was asked, and what was recalled");
    assert!(places(&said, Kind::Lapsed).contains(&"U0CAROL".to_owned()), "everybody with a place hears that nobody answered");
}

#[tokio::test]
async fn a_channel_that_is_away_delays_nothing_that_decides_and_is_tried_again() {
    let world = world().await;
    world.channels().fails("chat", Some(Why::Unreachable));
    let change = rename(&world).await;
    assert_eq!(places(&world.channels().heard(), Kind::Asked), ["bob@example.test", "erin@example.test"]);
    assert!(words(&world).await.contains("failed"));
    world.channels().fails("chat", None);
    world.passes(seconds(15)).await;
    assert_eq!(places(&world.channels().heard(), Kind::Asked).len(), 5);
    world.channels().fails("mail", Some(Why::Unreachable));
    world.person("alice").approves(change).await;
    world.person("bob").approves(change).await;
    world.settle().await;
    assert_eq!(world.production().effects().len(), 1, "it runs, whatever becomes of the mail");
}

#[tokio::test]
async fn what_was_decided_before_it_could_be_sent_is_never_sent() {
    let world = world().await;
    for channel in ["chat", "mail"] {
        world.channels().fails(channel, Some(Why::Busy));
    }
    let change = rename(&world).await;
    world.person("alice").approves(change).await;
    world.person("bob").approves(change).await;
    for channel in ["chat", "mail"] {
        world.channels().fails(channel, None);
    }
    world.passes(minutes(5)).await;
    assert_eq!(places(&world.channels().heard(), Kind::Asked), [""; 0]);
    assert_eq!(
        rows(&world).await.iter().filter(|row| row.title.starts_with("asked")).map(|row| row.word.as_str()).collect::<BTreeSet<_>>(),
        BTreeSet::from(["closed"])
    );
}

async fn dead(world: &World) -> DeliveryId {
    let row = rows(world).await.into_iter().find(|row| row.word == "dead").unwrap();
    let Stream::Delivery(id) = row.stream else { panic!("{row:?}") };
    id
}

fn person(world: &World, login: &str) -> Caller {
    Caller::Operator(world.engine().estate().directory.operator(&login.parse().unwrap()).unwrap().id)
}

fn machine(world: &World) -> Caller {
    Caller::Agent(world.engine().estate().directory.agent(&"triage-agent".parse().unwrap()).unwrap().id)
}

#[tokio::test]
async fn a_dead_letter_lies_before_people_and_only_they_retry_or_dismiss_it() {
    let world = world().await;
    world.channels().fails("mail", Some(Why::Refused));
    rename(&world).await;
    let id = dead(&world).await;
    let engine = world.engine();
    assert!(matches!(engine.retry_delivery(&machine(&world), id).await, Err(EngineError::PeopleOnly)));
    assert!(matches!(engine.dismiss_delivery(&person(&world, "alice"), id, " ".into()).await, Err(EngineError::Delivery(_))));
    world.channels().fails("mail", None);
    engine.retry_delivery(&person(&world, "alice"), id).await.unwrap();
    world.settle().await;
    let view = engine.delivery(id).await.unwrap();
    assert_eq!(view.word, "sent");
    assert!(matches!(engine.retry_delivery(&person(&world, "alice"), id).await, Err(EngineError::Delivery(_))));
    let kinds: Vec<&str> = view.timeline.iter().map(|moment| moment.kind.as_str()).collect();
    assert_eq!(kinds, ["delivery.queued/1", "delivery.buried/1", "delivery.retried/1", "delivery.sent/1"]);
    let other = dead(&world).await;
    engine.dismiss_delivery(&person(&world, "bob"), other, "told in person".into()).await.unwrap();
    assert_eq!(engine.delivery(other).await.unwrap().word, "dismissed");
}

#[tokio::test]
async fn a_notice_that_is_handed_over_twice_is_one_and_says_who_is_reached_in_the_console_only() {
    let world = world().await;
    let about = Stream::Installation;
    let notice = Notice::new(Kind::Test, about, "the one occasion", "look at this", "/notices").line("Why", "because");
    let directory = &world.engine().estate().directory.clone();
    let to: BTreeSet<_> = ["alice", "dave"].iter().map(|login| directory.operator(&login.parse().unwrap()).unwrap().id).collect();
    let first = world.engine().hand_over(&notice, &to).await.unwrap();
    let again = world.engine().hand_over(&notice, &to).await.unwrap();
    assert_eq!((first.deliveries, &first), (1, &again));
    assert_eq!(first.in_console_only.into_iter().collect::<Vec<_>>(), [directory.operator(&"dave".parse().unwrap()).unwrap().id]);
    world.settle().await;
    assert_eq!(places(&world.channels().heard(), Kind::Test), ["U0ALICE"]);
}

#[tokio::test]
async fn a_stop_is_news_to_everybody_with_a_place() {
    let world = world().await;
    world.person("dave").sets_posture(Posture::Stopped).await;
    world.settle().await;
    assert_eq!(places(&world.channels().heard(), Kind::Posture), ["U0ALICE", "U0BOB", "U0CAROL", "bob@example.test", "erin@example.test"]);
}

#[tokio::test]
async fn another_estate_that_awaits_people_is_asked_about_too() {
    let world = world().await;
    world.person("frank").proposes_estate(&with_channels().changed("lineclear.toml", "Northwind", "Southwind")).await;
    world.settle().await;
    let said = world.channels().heard();
    assert!(
        said.iter().any(|said| said.notice.title.starts_with("Approve? Estate ") && said.notice.path.starts_with("/estate/revisions/")),
        "{said:?}"
    );
}

#[tokio::test]
async fn a_person_tries_a_channel_and_no_machine_does() {
    let world = world().await;
    let engine = world.engine();
    assert!(matches!(engine.try_channel(&machine(&world), &"chat".parse().unwrap()).await, Err(EngineError::PeopleOnly)));
    assert!(matches!(engine.try_channel(&person(&world, "alice"), &"pager".parse().unwrap()).await, Err(EngineError::NotFound(_))));
    let id = engine.try_channel(&person(&world, "alice"), &"chat".parse().unwrap()).await.unwrap();
    let room = engine.try_channel(&person(&world, "dave"), &"chat".parse().unwrap()).await.unwrap();
    world.settle().await;
    let said = world.channels().heard();
    assert_eq!(
        said.iter().map(|said| (said.id.clone(), said.place.as_str())).collect::<BTreeSet<_>>(),
        BTreeSet::from([(id.to_string(), "U0ALICE"), (room.to_string(), "C0ROOM")])
    );
}

/// The store breaks at every write of a story, before it or after it, and the process ends: everybody is told at least once, a
/// repetition has the key of the first, and what was told is edited in the end.
#[tokio::test]
async fn nobody_is_forgotten_wherever_the_process_ends_and_a_repetition_is_known_as_one() {
    let mut schedules = 0;
    for how in [Break::BeforeCommit, Break::AfterCommit] {
        for at in 1.. {
            if !schedule(at, how).await {
                break;
            }
            schedules += 1;
        }
    }
    assert!(schedules > 20, "{schedules}");
}

async fn schedule(at: u64, how: Break) -> bool {
    let mut world = world().await;
    world.disk().breaks_at(at, how);
    let (mut change, mut broke): (Option<ChangeId>, bool) = (None, false);
    for _ in 0..20 {
        if change.is_none() {
            change =
                world.agent().once("the one").tries_to_propose("dns.update", "zone/example.test", RENAME).await.ok().map(|it| it.change);
        }
        broke |= revived(&mut world).await;
        while world.try_settle().await.is_err() || world.disk().broken() {
            broke |= revived(&mut world).await;
        }
        if let Some(change) = change
            && let Ok(request) = world.engine().request(change).await
            && request.open()
        {
            let (id, text) = world.person("erin").statement(change, Decision::Reject, "not today").await;
            let _ = world.person("erin").casts(id, text.clone(), lineclear_testkit::sign("erin", &text)).await;
        }
        world.sleeps(minutes(1));
    }
    let said = world.channels().heard();
    let told: BTreeSet<(String, String)> = said
        .iter()
        .filter(|said| said.notice.kind == Kind::Asked && said.edited.is_none())
        .map(|said| (said.id.clone(), said.place.clone()))
        .collect();
    assert_eq!(told.len(), 5, "break {how:?} at {at}: everybody once, under one key: {told:?}");
    let edited: BTreeSet<&String> = said.iter().filter(|said| said.edited == Some(How::Rejected)).map(|said| &said.id).collect();
    assert_eq!(edited.len(), 5, "break {how:?} at {at}");
    assert!(rows(&world).await.iter().all(|row| row.word == "closed"), "break {how:?} at {at}");
    broke
}

async fn revived(world: &mut World) -> bool {
    let broken = world.disk().broken();
    if broken {
        world.engine_restarts().await;
    }
    broken
}
