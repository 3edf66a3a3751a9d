//! Emergencies relax what the estate says they relax, for a while, on a person's word; everything under them says so, and somebody
//! else looks at it afterwards.

use lineclear_core::emergency::{Declaration, Refusal, Scope};
use lineclear_core::machine::Machine as _;
use lineclear_core::posture::Posture;
use lineclear_core::record::{Event, Stream};
use lineclear_core::{ChangeId, EmergencyId, IncidentId, run};
use lineclear_engine::{Caller, EngineError};
use lineclear_testkit::{Northwind, World, broken_glass, minutes, seconds};

use crate::incidents::{person, signal};

const FREEZE: &str = "freezes:\n  - { title: big sale, from: \"2026-11-01T00:00:00Z\", until: \"2026-12-30T00:00:00Z\" }\n";

/// Everything is frozen, and the shop is in trouble.
async fn frozen() -> (World, IncidentId) {
    let world = World::of(&Northwind::default().with("freezes.yaml", FREEZE)).await;
    let firing = signal(&world, "a", lineclear_core::signal::SignalState::Firing, "critical");
    let incident = world.engine().receive(vec![firing]).await.unwrap().incidents[0];
    world.settle().await;
    (world, incident)
}

fn declaration(scope: Scope, lasts: u64) -> Declaration {
    Declaration {
        justification: "the shop answers nobody and the freeze holds the repair".into(),
        scope,
        lasts: minutes(lasts),
        incident: None,
    }
}

fn shop() -> Scope {
    Scope::Services { services: ["service/shop".parse().unwrap()].into() }
}

async fn declares(world: &World, login: &str, scope: Scope) -> EmergencyId {
    world.engine().declare_emergency(&person(world, login), declaration(scope, 30)).await.unwrap()
}

/// An agent asks to drain the broken server, for the incident.
async fn drain(world: &World, incident: IncidentId) -> ChangeId {
    let change = world.agent().serving(incident).proposes("pool.drain_host", "host/web-1", &[]).await;
    world.settle().await;
    change
}

async fn drained_by_two(world: &World, incident: IncidentId) -> ChangeId {
    let change = drain(world, incident).await;
    assert_eq!(world.word(change).await, "awaiting_approval");
    world.person("alice").approves(change).await;
    world.person("frank").approves(change).await;
    world.settle().await;
    change
}

#[tokio::test]
async fn it_opens_a_freeze_for_two_people_and_for_nothing_less() {
    let (world, incident) = frozen().await;
    let before = drain(&world, incident).await;
    assert_eq!(world.word(before).await, "denied", "a freeze is a freeze");

    let emergency = declares(&world, "dave", Scope::Estate).await;
    let change = drain(&world, incident).await;
    assert_eq!(world.word(change).await, "awaiting_approval", "no evidence lets an agent act alone in it");
    world.person("alice").approves(change).await;
    world.settle().await;
    assert_eq!((world.word(change).await, world.production().effects().len()), ("awaiting_approval", 0), "one person is not two");
    world.person("frank").approves(change).await;
    world.settle().await;
    assert_eq!(world.word(change).await, "verifying");
    let acts = world.engine().emergency(emergency).await.unwrap().emergency.acts;
    assert_eq!(acts.iter().map(|act| act.change).collect::<Vec<_>>(), [change]);

    // What the policies do not relax stays as it is.
    world.person("dave").sets_posture(Posture::Stopped).await;
    let stopped = drain(&world, incident).await;
    assert_eq!(world.word(stopped).await, "denied");
}

#[tokio::test]
async fn without_an_incident_or_outside_its_scope_it_relaxes_nothing() {
    let (world, incident) = frozen().await;
    declares(&world, "dave", Scope::Services { services: ["service/billing".parse().unwrap()].into() }).await;
    let other = drain(&world, incident).await;
    assert_eq!(world.word(other).await, "denied", "the shop was not said to be in trouble");
    declares(&world, "dave", Scope::Estate).await;
    let nameless = world.agent().proposes("pool.drain_host", "host/web-1", &[]).await;
    world.settle().await;
    assert_eq!(world.word(nameless).await, "denied");
}

#[tokio::test]
async fn everything_under_it_carries_its_flag_in_events_leaves_and_record() {
    let (world, incident) = frozen().await;
    let emergency = declares(&world, "dave", Scope::Estate).await;
    let change = drained_by_two(&world, incident).await;
    let view = world.view(change).await;
    let run = view.run.unwrap();
    assert_eq!(run.order.emergency, Some(emergency));
    let gate = view.change.gate().unwrap();
    assert!(gate.dossier.situation.emergency && gate.dossier.emergency == Some(emergency));
    let mut flagged = 0;
    for stored in world.events(Stream::Run(run.order.id)).await {
        let leaf = stored.happened.leaf();
        if let Event::Run(run::Event::Begun { .. } | run::Event::Intended { .. }) = &stored.happened.event {
            assert_eq!(leaf.links.get("emergency"), Some(&emergency.to_string()), "{leaf:?}");
            flagged += 1;
        }
    }
    assert!(flagged >= 2);
    let started = world.events(Stream::Change(change)).await.into_iter().find(|stored| stored.happened.event.kind() == "change.started/1");
    assert_eq!(started.unwrap().happened.leaf().body["emergency"], serde_json::json!(emergency));
    let record = serde_json::to_value(world.engine().decision_record(change).await.unwrap()).unwrap();
    assert_eq!(record["emergency"]["id"], serde_json::json!(emergency), "{}", record["emergency"]);
    assert_eq!(record["emergency"]["counts_as_routine"], false);

    let plain = World::new().await;
    let plainly = crate::drain(&plain).await;
    plain.settle().await;
    let record = serde_json::to_value(plain.engine().decision_record(plainly).await.unwrap()).unwrap();
    assert_eq!(record["emergency"]["absent"], "no emergency was in force for it");
}

#[tokio::test]
async fn its_time_is_over_by_the_clock_written_down_or_not() {
    let (world, incident) = frozen().await;
    let emergency = declares(&world, "dave", Scope::Estate).await;
    let change = drain(&world, incident).await;
    world.person("alice").approves(change).await;
    // Nobody beats while the half hour passes: what is asked next is decided by the clock alone.
    world.sleeps(minutes(30));
    let late = drain(&world, incident).await;
    assert_eq!(world.word(late).await, "denied");
    assert_ne!(world.word(change).await, "running");
    assert_eq!(world.production().effects(), []);
    let view = world.engine().emergency(emergency).await.unwrap();
    assert_eq!(view.word, "in_review");
    let kinds: Vec<String> = view.timeline.iter().map(|moment| moment.kind.clone()).collect();
    assert_eq!(kinds, ["emergency.declared/1", "emergency.expired/1"]);
    assert!(world.engine().installation().await.unwrap().emergencies.is_empty());
}

#[tokio::test]
async fn what_was_approved_in_it_is_asked_again_once_it_is_over() {
    let (world, incident) = frozen().await;
    let emergency = declares(&world, "dave", Scope::Estate).await;
    let change = drain(&world, incident).await;
    world.person("alice").approves(change).await;
    world.person("frank").approves(change).await;
    assert_eq!(world.word(change).await, "cleared");
    world.engine().end_emergency(&person(&world, "erin"), emergency, "the shop answers again".into()).await.unwrap();
    world.settle().await;
    assert_eq!((world.word(change).await, world.production().effects().len()), ("denied", 0), "the freeze holds again at dispatch");
}

#[tokio::test]
async fn agents_neither_declare_nor_end_nor_review_one() {
    let (world, _) = frozen().await;
    let agent = Caller::Agent(*world.engine().estate().directory.agents.keys().next().unwrap());
    let refused = world.engine().declare_emergency(&agent, declaration(Scope::Estate, 30)).await;
    assert!(matches!(refused, Err(EngineError::PeopleOnly)), "{refused:?}");
    let emergency = declares(&world, "dave", Scope::Estate).await;
    let ended = world.engine().end_emergency(&agent, emergency, "it is over, trust me".into()).await;
    assert!(matches!(ended, Err(EngineError::PeopleOnly)), "{ended:?}");
    let reviewed = world.engine().review_emergency(&agent, emergency, "nothing to see here".into()).await;
    assert!(matches!(reviewed, Err(EngineError::PeopleOnly)), "{reviewed:?}");
    let stranger = world
        .engine()
        .declare_emergency(
            &person(&world, "alice"),
            declaration(Scope::Services { services: ["service/nope".parse().unwrap()].into() }, 30),
        )
        .await;
    assert!(matches!(stranger, Err(EngineError::Malformed { .. })), "{stranger:?}");
}

#[tokio::test]
async fn a_review_stays_open_until_somebody_else_closes_it_and_open_ones_block_another() {
    let northwind = Northwind::default().changed("authority.yaml", "open_reviews: 3", "open_reviews: 2");
    let world = World::of(&northwind).await;
    let first = declares(&world, "dave", shop()).await;
    let second = declares(&world, "dave", shop()).await;
    let third = world.engine().declare_emergency(&person(&world, "alice"), declaration(Scope::Estate, 30)).await;
    assert!(matches!(third, Err(EngineError::Emergency(Refusal::Unreviewed { open: 2, bound: 2 }))), "{third:?}");
    world.passes(seconds(1)).await;
    world.sleeps(minutes(31));
    world.settle().await;
    let findings = || "two people drained web-1; the repair was right".to_owned();
    let own = world.engine().review_emergency(&person(&world, "dave"), first, findings()).await;
    assert!(matches!(own, Err(EngineError::Emergency(Refusal::OwnReview(_)))), "{own:?}");
    let third = world.engine().declare_emergency(&person(&world, "alice"), declaration(Scope::Estate, 30)).await;
    assert!(matches!(third, Err(EngineError::Emergency(Refusal::Unreviewed { .. }))), "an expired one still waits: {third:?}");
    world.engine().review_emergency(&person(&world, "erin"), first, findings()).await.unwrap();
    let again = world.engine().review_emergency(&person(&world, "erin"), first, findings()).await;
    assert!(matches!(again, Err(EngineError::Emergency(Refusal::WrongState { .. }))), "{again:?}");
    declares(&world, "alice", Scope::Estate).await;
    assert!(world.engine().emergency(second).await.unwrap().emergency.open());
}

#[tokio::test]
async fn an_emergency_outlives_the_engine_and_one_that_the_estate_does_not_list_is_not_declared() {
    let (mut world, incident) = frozen().await;
    declares(&world, "dave", Scope::Estate).await;
    world.engine_restarts_under(&Northwind::default().with("freezes.yaml", FREEZE)).await;
    drained_by_two(&world, incident).await;

    let without = Northwind::default().changed(
        "authority.yaml",
        "emergencies: { longest: 4h, open_reviews: 3, roles: [operator, incident-commander] }",
        "",
    );
    let world = World::of(&without).await;
    let refused = world.engine().declare_emergency(&person(&world, "dave"), declaration(Scope::Estate, 30)).await;
    assert!(matches!(refused, Err(EngineError::Emergency(Refusal::NotHere))), "{refused:?}");
}

#[tokio::test]
async fn two_who_declare_at_the_same_time_do_not_slip_past_the_bound() {
    let northwind = Northwind::default().changed("authority.yaml", "open_reviews: 3", "open_reviews: 1");
    let world = World::of(&northwind).await;
    let (alice, dave) = (person(&world, "alice"), person(&world, "dave"));
    let one = world.engine().declare_emergency(&alice, declaration(Scope::Estate, 30));
    let two = world.engine().declare_emergency(&dave, declaration(Scope::Estate, 30));
    let (one, two) = futures_util::join!(one, two);
    assert_eq!([one.is_ok(), two.is_ok()].iter().filter(|won| **won).count(), 1, "{one:?} {two:?}");
}

#[tokio::test]
async fn a_broken_glass_is_told_once_and_its_review_is_open_and_counts() {
    let world = World::of(&Northwind::default().changed("authority.yaml", "open_reviews: 3", "open_reviews: 1")).await;
    let journal = broken_glass(&world, "dave", "pool.drain_host", "host/web-1", 1);
    let told = world.engine().tell_glass(&journal).await.unwrap();
    assert_eq!((told.new, told.lines), (true, 4));
    let size = world.engine().store().head().await.unwrap().size;
    let again = world.engine().tell_glass(&journal).await.unwrap();
    assert_eq!((again.new, again.emergency), (false, told.emergency));
    assert_eq!(world.engine().store().head().await.unwrap().size, size, "told again, it changes nothing");

    let view = world.engine().emergency(told.emergency).await.unwrap();
    assert_eq!((view.word, view.name.as_str(), view.emergency.lines.len()), ("in_review", "dave", 4));
    assert!(world.engine().emergencies_in_force().await.unwrap().is_empty(), "it relaxes nothing");
    let another = world.engine().declare_emergency(&person(&world, "alice"), declaration(Scope::Estate, 30)).await;
    assert!(matches!(another, Err(EngineError::Emergency(Refusal::Unreviewed { open: 1, bound: 1 }))), "{another:?}");
    let findings = || "the drain was right, and the plane was back an hour later".to_owned();
    let own = world.engine().review_emergency(&person(&world, "dave"), told.emergency, findings()).await;
    assert!(matches!(own, Err(EngineError::Emergency(Refusal::OwnReview(_)))), "{own:?}");
    world.engine().review_emergency(&person(&world, "erin"), told.emergency, findings()).await.unwrap();
    declares(&world, "alice", Scope::Estate).await;
}

#[tokio::test]
async fn a_journal_of_somebody_who_does_not_count_or_of_another_ledger_is_refused_and_nothing_is_recorded() {
    let world = World::new().await;
    let size = world.engine().store().head().await.unwrap().size;
    let whole = broken_glass(&world, "dave", "pool.drain_host", "host/web-1", 1);
    let cut = whole.lines().take(3).collect::<Vec<_>>().join("\n") + "\n";
    let elsewhere = World::of(&Northwind::default().changed("lineclear.toml", "origin = \"", "origin = \"other-")).await;
    let foreign = broken_glass(&elsewhere, "dave", "pool.drain_host", "host/web-1", 1);
    for journal in [cut, whole.replace("shop answered nobody", "shop answered all"), foreign, String::new()] {
        let refused = world.engine().tell_glass(&journal).await;
        assert!(matches!(refused, Err(EngineError::Journal(_))), "{refused:?}");
    }
    assert_eq!(world.engine().store().head().await.unwrap().size, size);
    assert!(world.engine().installation().await.unwrap().reviews.is_empty());
}
