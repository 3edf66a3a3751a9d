//! A person is found: who is told, in which order and when, and what becomes of whoever answers.

mod climbing;
mod clocks;
mod commander;
mod crashes;
mod forgotten;
mod hand_off;
mod handed_over;
mod joined;
mod late;
mod mandatory;
mod nobody;
mod quiet;
mod requests;
mod standing_in;
mod storm;
mod told;

use std::collections::BTreeMap;

use lineclear_core::IncidentId;
use lineclear_core::signal::{Signal, SignalState};
use lineclear_testkit::{Northwind, World, seconds};

/// An estate in which bob is told first, alice after a minute, and frank when nobody has answered; twice around.
fn house() -> Northwind {
    path("  - { title: bob, people: [bob], within: 1m }\n  - { title: alice, people: [alice], within: 2m }\n")
}

/// An estate with these tiers for everything.
fn path(tiers: &str) -> Northwind {
    let text = format!(
        "path: everything\ntitle: Everything\notherwise: true\ntiers:\n{tiers}repeat: 1\nact_within: 5m\nlast_resort: {{ people: [frank] }}\n"
    );
    Northwind::default().with("escalation/everything.yaml", &text)
}

/// An estate in which whoever is on call here is told, and alice after them.
fn desk(rotation: &str) -> Northwind {
    let tiers = "  - { title: the desk, on_call: [desk], within: 1m }\n  - { title: alice, people: [alice], within: 1m }\n";
    path(tiers).with("rotations/desk.yaml", &format!("rotation: desk\ntitle: The desk\n{rotation}"))
}

fn signal(world: &World, service: &str, fingerprint: &str, severity: &str) -> Signal {
    Signal {
        source: "alertmanager".into(),
        fingerprint: fingerprint.into(),
        group: fingerprint.into(),
        state: SignalState::Firing,
        title: format!("{service} is in trouble"),
        stated_severity: severity.into(),
        severity: None,
        service: None,
        starts: world.now(),
        labels: BTreeMap::from([("service".into(), service.into())]),
        annotations: BTreeMap::new(),
    }
}

/// Something goes wrong with a service, and it is heard of.
async fn goes_wrong(world: &World, service: &str, severity: &str) -> IncidentId {
    let fingerprint = format!("{service} {}", world.now());
    world.engine().receive(vec![signal(world, service, &fingerprint, severity)]).await.unwrap().incidents[0]
}

/// The mail goes down; ten seconds later, when everything that belongs to it has been gathered, somebody is told.
async fn the_mail_goes_down(world: &World) -> IncidentId {
    let incident = goes_wrong(world, "mail", "critical").await;
    world.passes(seconds(10)).await;
    incident
}
