//! Signals become incidents: one for a group, nothing for a repetition, and severity that machines only raise.

use std::collections::BTreeMap;

use lineclear_core::incident::{Severity, State};
use lineclear_core::signal::{Signal, SignalState};
use lineclear_engine::{Caller, EngineError};
use lineclear_testkit::World;

pub fn signal(world: &World, fingerprint: &str, state: SignalState, severity: &str) -> Signal {
    Signal {
        source: "alertmanager".into(),
        fingerprint: fingerprint.into(),
        group: "shop".into(),
        state,
        title: "The shop answers with errors".into(),
        stated_severity: severity.into(),
        severity: None,
        service: Some("shop".into()),
        starts: world.now(),
        labels: BTreeMap::from([("service".into(), "shop".into())]),
        annotations: BTreeMap::new(),
    }
}

fn agent(world: &World) -> Caller {
    Caller::Agent(*world.engine().estate().directory.agents.keys().next().unwrap())
}

pub fn person(world: &World, login: &str) -> Caller {
    Caller::Operator(world.engine().estate().directory.operator(&login.parse().unwrap()).unwrap().id)
}

#[tokio::test]
async fn two_signals_of_one_group_are_one_incident_and_a_repetition_adds_nothing() {
    let world = World::new().await;
    let (a, b) = (signal(&world, "a", SignalState::Firing, "warning"), signal(&world, "b", SignalState::Firing, "warning"));
    let first = world.engine().receive(vec![a.clone(), b.clone()]).await.unwrap();
    assert_eq!((first.new, first.known, first.incidents.len()), (2, 0, 1));

    let size = world.engine().store().head().await.unwrap().size;
    let again = world.engine().receive(vec![a, b]).await.unwrap();
    assert_eq!((again.new, again.known), (0, 2));
    assert_eq!(world.engine().store().head().await.unwrap().size, size);
    assert_eq!(world.engine().incident(first.incidents[0]).await.unwrap().signals.len(), 2);
}

#[tokio::test]
async fn it_is_resolved_when_every_signal_is_and_closed_by_a_person() {
    let world = World::new().await;
    let (a, b) = (signal(&world, "a", SignalState::Firing, "warning"), signal(&world, "b", SignalState::Firing, "warning"));
    let id = world.engine().receive(vec![a.clone(), b.clone()]).await.unwrap().incidents[0];
    let over = |signal: &Signal| Signal { state: SignalState::Resolved, ..signal.clone() };
    world.engine().receive(vec![over(&a)]).await.unwrap();
    assert_eq!(world.engine().incident(id).await.unwrap().state, State::Open);
    world.engine().receive(vec![over(&b)]).await.unwrap();
    assert_eq!(world.engine().incident(id).await.unwrap().state, State::Resolved);
    let unknown = world.engine().receive(vec![over(&signal(&world, "z", SignalState::Firing, ""))]).await.unwrap();
    assert_eq!(unknown.incidents.len(), 1, "the group has an open incident");

    let machine = world.engine().close_incident(&agent(&world), id, "over".into()).await;
    assert!(matches!(machine, Err(EngineError::PeopleOnly)), "{machine:?}");
    world.engine().close_incident(&person(&world, "frank"), id, "the shop is well".into()).await.unwrap();
    let after = world.engine().receive(vec![a]).await.unwrap();
    assert_ne!(after.incidents[0], id, "what fires after the end is something new");
}

#[tokio::test]
async fn a_machine_raises_severity_and_never_lowers_it() {
    let world = World::new().await;
    let id = world.engine().receive(vec![signal(&world, "a", SignalState::Firing, "warning")]).await.unwrap().incidents[0];
    let severity = |number: u8| Severity::try_from(number).unwrap();
    assert_eq!(world.engine().incident(id).await.unwrap().severity, severity(4));

    world.engine().grade(&agent(&world), id, severity(1)).await.unwrap();
    let lowered = world.engine().grade(&agent(&world), id, severity(3)).await;
    assert!(matches!(lowered, Err(EngineError::Incident(_))), "{lowered:?}");
    assert_eq!(world.engine().incident(id).await.unwrap().severity, severity(1));
    world.engine().grade(&person(&world, "dave"), id, severity(5)).await.unwrap();
    world.engine().receive(vec![signal(&world, "b", SignalState::Firing, "critical")]).await.unwrap();
    assert_eq!(world.engine().incident(id).await.unwrap().severity, severity(2), "a worse signal raises it");
}

#[tokio::test]
async fn a_storm_from_many_sides_at_once_is_one_incident() {
    let world = World::new().await;
    let storm = (0..50).map(|number| {
        let (engine, signal) = (world.engine().clone(), signal(&world, &format!("f{number}"), SignalState::Firing, "warning"));
        async move { engine.receive(vec![signal]).await.unwrap().incidents[0] }
    });
    let incidents = futures_util::future::join_all(storm).await;
    assert!(incidents.iter().all(|id| *id == incidents[0]));
    assert_eq!(world.engine().incident(incidents[0]).await.unwrap().signals.len(), 50);
}

#[tokio::test]
async fn a_change_that_serves_an_incident_knows_how_bad_it_is() {
    let world = World::new().await;
    let id = world.engine().receive(vec![signal(&world, "a", SignalState::Firing, "critical")]).await.unwrap().incidents[0];
    let change = world.agent().serving(id).proposes("pool.drain_host", "host/web-1", &[]).await;
    world.settle().await;
    assert_eq!(world.view(change).await.change.dossier().unwrap().situation.severity, 2);
}
