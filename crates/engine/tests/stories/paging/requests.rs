//! A request that nobody answers is not forgotten.

use lineclear_core::statement::Decision;
use lineclear_engine::EngineError;
use lineclear_testkit::{Northwind, World, minutes, seconds};

use super::house;
use crate::rename;

#[tokio::test]
async fn an_unanswered_request_is_reminded_of_and_climbs_in_order_and_on_time() {
    let world = World::of(&house()).await;
    let change = rename(&world).await;
    let asked = world.engine().request(change).await.unwrap().request.asked;
    world.passes(minutes(4)).await;
    assert_eq!(world.pager("bob").rang_after(asked).await, [0, 30]);
    assert_eq!(world.pager("alice").rang_after(asked).await, [60, 120]);
    assert_eq!(world.pager("frank").rang_after(asked).await, [180], "the last resort");
    let record = serde_json::to_value(world.engine().decision_record(change).await.unwrap()).unwrap();
    let kinds: Vec<&str> = record["pages"][0]["moments"].as_array().unwrap().iter().filter_map(|moment| moment["kind"].as_str()).collect();
    assert_eq!(kinds, ["page.opened/1", "page.told/1", "page.reminded/1", "page.told/1", "page.reminded/1", "page.told/1"]);
}

#[tokio::test]
async fn where_there_is_little_time_every_tier_has_its_share_of_it() {
    let short = house().changed("authority.yaml", "approval_ttl: 15m", "approval_ttl: 2m");
    let world = World::of(&short).await;
    let change = rename(&world).await;
    let asked = world.engine().request(change).await.unwrap().request.asked;
    world.passes(seconds(119)).await;
    // Three quarters of two minutes, one to two, as the path has it.
    assert_eq!(world.pager("bob").rang_after(asked).await, [0, 15]);
    assert_eq!(world.pager("alice").rang_after(asked).await, [30, 60]);
    assert_eq!(world.pager("frank").rang_after(asked).await[0], 90);
}

#[tokio::test]
async fn whoever_may_not_approve_is_not_asked_and_cannot_silence_it() {
    // carol answers for the agent that asks.
    let tiers = "  - { title: carol, people: [carol], within: 1m }\n  - { title: alice, people: [alice], within: 2m }\n";
    let world = World::of(&super::path(tiers)).await;
    let change = rename(&world).await;
    world.passes(seconds(1)).await;
    world.pager("carol").expect_silence().await;
    assert_eq!(world.pager("frank").rang().await.len(), 1, "the last resort, in her place");
    let page = world.pager("frank").expect_page().await;
    let silenced = world.engine().acknowledge_page(&world.pager("carol").caller(), page).await;
    assert!(matches!(silenced, Err(EngineError::Page(_))), "{silenced:?}");
    assert_eq!(world.word(change).await, "awaiting_approval");
}

#[tokio::test]
async fn whoever_has_voted_is_not_asked_again_and_the_second_vote_ends_the_search() {
    let world = World::of(&house()).await;
    let change = rename(&world).await;
    world.person("alice").approves(change).await;
    world.passes(seconds(90)).await;
    world.pager("alice").expect_silence().await;
    let page = world.pager("bob").expect_page().await;
    let (request, text) = world.person("bob").statement(change, Decision::Approve, "").await;
    world.person("bob").casts(request, text.clone(), lineclear_testkit::sign("bob", &text)).await.unwrap();
    world.settle().await;
    assert_eq!(world.page_word(page).await, "over");
    assert!(world.page_tale(page).await.contains("people have decided"));
}

#[tokio::test]
async fn what_lapsed_unanswered_can_be_asked_again_on_fresh_facts_and_once() {
    let world = World::of(&house()).await;
    let change = rename(&world).await;
    let early = world.engine().ask_again(&world.pager("dave").caller(), change).await;
    assert!(matches!(early, Err(EngineError::Change(_))), "{early:?}");
    world.passes(minutes(15)).await;
    assert_eq!(world.word(change).await, "lapsed");
    let lapsed = world.pages().await[0];
    assert_eq!(world.page_word(lapsed).await, "over");
    assert!(world.page_tale(lapsed).await.contains("silence is neither yes nor no"));

    let dave = world.pager("dave").caller();
    let again = world.engine().ask_again(&dave, change).await.unwrap();
    let twice = world.engine().ask_again(&dave, change).await.unwrap();
    assert_eq!((twice.change, twice.repeated), (again.change, true));
    world.settle().await;
    assert_eq!(world.word(again.change).await, "awaiting_approval");
    let view = world.view(again.change).await;
    assert_eq!((view.change.proposal.again, view.timeline[0].by), (Some(change), world.pager("dave").actor()));
    assert_eq!(view.change.proposal.by, world.view(change).await.change.proposal.by, "the agent asks, and its owner may not approve");
    assert_eq!(world.pages().await.len(), 2);
}

#[tokio::test]
async fn an_estate_that_is_proposed_looks_for_people_too() {
    let world = World::of(&house()).await;
    let revision = world.person("frank").proposes_estate(&Northwind::default().with("notes.md", "x")).await;
    world.settle().await;
    let page = world.pager("bob").expect_page().await;
    let view = world.engine().page(page).await.unwrap();
    let lineclear_core::page::About::Request { subject, .. } = view.page.about else { panic!("it is about a request") };
    assert_eq!(subject.id(), revision.to_string());
}
