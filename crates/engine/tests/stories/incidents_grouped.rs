//! One incident and not a storm: what belongs together, what asks for a person, and what need not.

use std::collections::BTreeMap;

use lineclear_core::IncidentId;
use lineclear_core::deployment::{Kind, Progress, Report};
use lineclear_core::incident;
use lineclear_core::incident::{Attention, GATHER, Incident, Quiet, State, WINDOW};
use lineclear_core::record::{Event, Stream};
use lineclear_core::signal::{Signal, SignalState};
use lineclear_engine::Caller;
use lineclear_testkit::{Northwind, World, minutes, seconds};

fn about(world: &World, label: &str, thing: &str, fingerprint: &str, severity: &str) -> Signal {
    Signal {
        source: "alertmanager".into(),
        fingerprint: fingerprint.into(),
        group: fingerprint.into(),
        state: SignalState::Firing,
        title: format!("{thing} is in trouble"),
        stated_severity: severity.into(),
        severity: None,
        service: None,
        starts: world.now(),
        labels: BTreeMap::from([(label.into(), thing.into())]),
        annotations: BTreeMap::new(),
    }
}

fn over(signal: &Signal) -> Signal {
    Signal { state: SignalState::Resolved, ..signal.clone() }
}

fn person(world: &World, login: &str) -> Caller {
    Caller::Operator(world.engine().estate().directory.operator(&login.parse().unwrap()).unwrap().id)
}

async fn hear(world: &World, signals: Vec<Signal>) -> Vec<IncidentId> {
    world.engine().receive(signals).await.unwrap().incidents
}

async fn see(world: &World, id: IncidentId) -> Incident {
    world.engine().incident(id).await.unwrap()
}

/// How often an incident has asked for a person.
async fn pages(world: &World, id: IncidentId) -> usize {
    let events = world.events(Stream::Incident(id)).await;
    events.iter().filter(|stored| matches!(stored.happened.event, Event::Incident(incident::Event::Paged { .. }))).count()
}

async fn open(world: &World) -> Vec<IncidentId> {
    let query = lineclear_store::RowQuery { kind: "incident".into(), open: Some(true), limit: 100, ..Default::default() };
    let rows = world.engine().list(query).await.unwrap().rows;
    rows.iter().filter_map(|row| if let Stream::Incident(id) = row.stream { Some(id) } else { None }).collect()
}

#[tokio::test]
async fn a_cascade_of_two_hundred_alerts_is_one_incident_that_asks_once() {
    let world = World::new().await;
    // The services see it first, and the database that explains it comes last.
    let mut storm = Vec::new();
    for number in 0..70 {
        storm.push(about(&world, "service", "www", &format!("www-{number}"), "warning"));
        storm.push(about(&world, "service", "shop", &format!("shop-{number}"), "critical"));
        storm.push(about(&world, "host", "web-2.eu.example.test:9100", &format!("web-{number}"), "warning"));
    }
    for signal in storm {
        hear(&world, vec![signal]).await;
    }
    hear(&world, vec![about(&world, "database", "shop-db", "db", "critical")]).await;
    let all = open(&world).await;
    assert_eq!(all.len(), 1);
    assert_eq!(see(&world, all[0]).await.signals.len(), 211);
    world.passes(seconds(30)).await;
    assert_eq!(pages(&world, all[0]).await, 1);
    assert_eq!(world.engine().room(all[0]).await.unwrap().path.unwrap().as_str(), "money", "the path of the shop");
}

#[tokio::test]
async fn two_that_turn_out_to_be_one_are_joined_before_they_ask() {
    let world = World::new().await;
    let shop = hear(&world, vec![about(&world, "database", "shop-db", "a", "critical")]).await[0];
    let mail = hear(&world, vec![about(&world, "service", "mail", "b", "critical")]).await[0];
    assert_ne!(shop, mail, "they share nothing");
    let www = hear(&world, vec![about(&world, "service", "www", "c", "critical")]).await[0];
    assert_eq!(www, shop, "the site needs the shop, and the shop its database");
    world.passes(seconds(20)).await;
    assert_eq!([pages(&world, shop).await, pages(&world, mail).await], [1, 1]);
}

#[tokio::test]
async fn a_signal_that_belongs_to_two_makes_them_one_and_the_older_one_stays() {
    let world = World::new().await;
    let billing = hear(&world, vec![about(&world, "database", "billing-db", "a", "warning")]).await[0];
    let pages_cache = hear(&world, vec![about(&world, "cache", "pages", "b", "warning")]).await[0];
    let both = hear(&world, vec![about(&world, "service", "shop", "c", "warning")]).await;
    let one = see(&world, billing).await;
    assert_eq!((both, one.signals.len()), (vec![billing], 3), "{one:?}");
    let part = see(&world, pages_cache).await;
    assert_eq!((part.state, part.merged), (State::Merged, Some(billing)));
}

#[tokio::test]
async fn what_was_over_before_it_had_gathered_asks_nobody() {
    let world = World::new().await;
    let signal = about(&world, "service", "shop", "a", "critical");
    let id = hear(&world, vec![signal.clone()]).await[0];
    world.passes(seconds(5)).await;
    hear(&world, vec![over(&signal)]).await;
    world.passes(seconds(GATHER.as_secs() + 60)).await;
    assert_eq!((see(&world, id).await.state, pages(&world, id).await), (State::Resolved, 0));
}

#[tokio::test]
async fn what_needs_nobody_is_kept_and_asks_nobody() {
    let world = World::new().await;
    let informational = about(&world, "service", "shop", "a", "info");
    let staging = about(&world, "database", "shop-staging-db", "b", "critical");
    let mut declared = about(&world, "service", "mail", "c", "critical");
    declared.labels.insert("actionable".into(), "false".into());
    let mut all = Vec::new();
    for signal in [informational, staging, declared] {
        all.extend(hear(&world, vec![signal]).await);
    }
    world.passes(minutes(2)).await;
    let mut why = Vec::new();
    for id in &all {
        assert_eq!(pages(&world, *id).await, 0);
        let Attention::Quiet { why: quiet } = see(&world, *id).await.attention else { panic!("{id} is not quiet") };
        why.push(quiet);
    }
    assert_eq!(why, [Quiet::Informational, Quiet::OutsideProduction, Quiet::Declared]);
    hear(&world, vec![about(&world, "service", "shop", "d", "critical")]).await;
    world.passes(seconds(2)).await;
    assert_eq!(pages(&world, all[0]).await, 1, "it is no longer only information");
}

#[tokio::test]
async fn a_maintenance_window_hushes_what_it_covers_until_it_ends() {
    let window = "windows:\n  - { title: disks are replaced, by: dave, from: \"2020-01-01T00:00:00Z\", until: \"2020-01-02T00:00:00Z\", targets: [service/shop] }\n";
    let now = World::new().await.now();
    let text = window
        .replace("2020-01-01T00:00:00Z", &(now - minutes(1)).to_string())
        .replace("2020-01-02T00:00:00Z", &(now + minutes(10)).to_string());
    let world = World::of(&Northwind::default().with("maintenance.yaml", &text)).await;
    let id = hear(&world, vec![about(&world, "host", "web-1", "a", "critical")]).await[0];
    world.passes(minutes(2)).await;
    assert_eq!(pages(&world, id).await, 0, "the host is part of the shop");
    world.passes(minutes(9)).await;
    assert_eq!(pages(&world, id).await, 1, "the window is over, and it still holds");
}

#[tokio::test]
async fn a_signal_that_goes_back_and_forth_does_not_fill_the_record() {
    let world = World::new().await;
    let signal = about(&world, "service", "shop", "a", "warning");
    let id = hear(&world, vec![signal.clone()]).await[0];
    for turn in 0..60 {
        world.sleeps(seconds(3));
        let word = if turn % 2 == 0 { over(&signal) } else { signal.clone() };
        hear(&world, vec![word]).await;
    }
    hear(&world, vec![over(&signal)]).await;
    let it = see(&world, id).await;
    assert!(it.signals.values().next().unwrap().flapping && it.heard < 12, "{it:?}");
    assert_eq!(it.state, State::Open);
    world.passes(minutes(12)).await;
    assert_eq!(see(&world, id).await.state, State::Resolved, "it has been steady, and over, for long enough");
}

#[tokio::test]
async fn what_comes_without_a_time_is_no_news_when_it_comes_again() {
    let world = World::new().await;
    let signal = Signal { starts: Signal::UNSTATED, ..about(&world, "service", "shop", "a", "warning") };
    let id = hear(&world, vec![signal.clone()]).await[0];
    let began = see(&world, id).await.signals.values().next().unwrap().signal.starts;
    assert_eq!(began, world.now());
    world.sleeps(seconds(60));
    let again = world.engine().receive(vec![signal.clone()]).await.unwrap();
    assert_eq!((again.new, again.known), (0, 1));
    let worse = world.engine().receive(vec![Signal { stated_severity: "critical".into(), ..signal }]).await.unwrap();
    assert_eq!(worse.new, 1, "its sender says that it is worse");
    assert_eq!(see(&world, id).await.severity.number(), 2);
}

#[tokio::test]
async fn severity_follows_the_table_while_it_lasts_and_a_person_has_the_last_word() {
    let narrow = Northwind::default().changed("severity.yaml", "{ customers: 1000, regions: 2 }", "{ customers: 1000, regions: 9 }");
    let world = World::of(&narrow).await;
    let id = hear(&world, vec![about(&world, "service", "www", "a", "high")]).await[0];
    assert_eq!(see(&world, id).await.severity.number(), 3);
    world.passes(minutes(7)).await;
    let it = see(&world, id).await;
    assert_eq!((it.severity.number(), it.impact.unwrap().customers), (2, 2_500), "many customers for more than five minutes");
    world.engine().grade(&person(&world, "dave"), id, incident::Severity::MILDEST).await.unwrap();
    world.passes(minutes(5)).await;
    assert_eq!(see(&world, id).await.severity, incident::Severity::MILDEST);
}

#[tokio::test]
async fn one_host_of_three_is_a_third_of_the_customers_and_money_that_stops_asks_at_once() {
    let world = World::new().await;
    let host = hear(&world, vec![about(&world, "host", "web-1", "a", "high")]).await[0];
    let room = world.engine().room(host).await.unwrap();
    assert_eq!((room.impact.customers, room.impact.regions), (400, 1));
    let world = World::new().await;
    let billing = hear(&world, vec![about(&world, "service", "billing", "b", "critical")]).await[0];
    assert_eq!(pages(&world, billing).await, 1, "a rule of the estate does not wait");
}

#[tokio::test]
async fn a_person_splits_what_was_thrown_together_and_it_stays_apart() {
    let world = World::new().await;
    let (db, shop) = (about(&world, "database", "shop-db", "a", "critical"), about(&world, "service", "shop", "b", "critical"));
    let id = hear(&world, vec![db, shop.clone()]).await[0];
    let signal = see(&world, id).await.signals["alertmanager/b"].id;
    let apart = world.engine().split_incident(&person(&world, "frank"), id, [signal].into(), "a bad release".into()).await.unwrap();
    hear(&world, vec![about(&world, "service", "www", "c", "critical")]).await;
    assert_eq!(open(&world).await.len(), 2);
    hear(&world, vec![over(&shop)]).await;
    assert_eq!(see(&world, apart).await.state, State::Resolved, "the signal is known where it went");
    world.engine().merge_incidents(&person(&world, "frank"), apart, id, "it was the database after all".into()).await.unwrap();
    assert_eq!(open(&world).await, [id]);
}

#[tokio::test]
async fn what_comes_after_the_window_is_something_new() {
    let world = World::new().await;
    let first = hear(&world, vec![about(&world, "service", "shop", "a", "warning")]).await[0];
    world.sleeps(WINDOW);
    let later = hear(&world, vec![about(&world, "service", "shop", "b", "warning")]).await[0];
    assert_ne!(first, later);
}

#[tokio::test]
async fn after_a_restart_the_book_is_read_again_and_nothing_is_lost() {
    let mut world = World::new().await;
    let id = hear(&world, (0..80).map(|number| about(&world, "service", "shop", &format!("s{number}"), "warning")).collect()).await[0];
    world.engine_restarts().await;
    let again = hear(&world, vec![about(&world, "database", "shop-db", "db", "critical")]).await[0];
    assert_eq!((again, see(&world, id).await.signals.len()), (id, 81));
    world.passes(seconds(15)).await;
    assert_eq!(pages(&world, id).await, 1);
}

#[tokio::test]
async fn what_others_changed_lately_stands_beside_the_incident_and_the_change() {
    let world = World::new().await;
    let report = |progress| Report {
        source: "github".into(),
        fingerprint: "deployment/9".into(),
        kind: Kind::Deployment,
        title: "shop: 4.2".into(),
        service: Some("shop".into()),
        environment: None,
        revision: Some("abc".into()),
        author: Some("carol".into()),
        link: None,
        progress,
        at: world.now(),
    };
    let elsewhere = Report { fingerprint: "deployment/8".into(), service: Some("mail".into()), ..report(Progress::Succeeded) };
    assert_eq!(world.engine().take_reports(vec![report(Progress::Started), report(Progress::Started), elsewhere]).await.unwrap(), 2);
    world.sleeps(minutes(1));
    assert_eq!(world.engine().take_reports(vec![report(Progress::Failed)]).await.unwrap(), 1);
    let id = hear(&world, vec![about(&world, "host", "web-1", "a", "critical")]).await[0];
    let recent = world.engine().room(id).await.unwrap().recent;
    assert_eq!(recent.iter().map(|one| (one.title.as_str(), one.word.as_str())).collect::<Vec<_>>(), [("shop: 4.2", "failed")]);
    let change = world.agent().serving(id).proposes("pool.drain_host", "host/web-1", &[]).await;
    let beside = world.engine().recent_beside(&world.view(change).await.change).await.unwrap();
    assert_eq!(beside.len(), 1, "and the change itself is left out");
}
