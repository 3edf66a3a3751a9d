//! Stories, one noun a file, each to be read aloud: what happens to a change, and what never does.
#![cfg(test)]

mod activation;
mod alone;
mod approvals;
mod budget;
mod crashes;
mod crowds;
mod drift;
mod emergencies;
mod facts;
mod flow;
mod incidents;
mod incidents_grouped;
mod lapses;
mod notices;
mod overrides;
mod owned;
mod pages;
mod paging;
mod posture;
mod proposals;
mod races;
mod records;
mod routine;
mod runners;
mod turns;
mod undo;
mod unwritten;
mod vanishing;
mod verification;
mod warrants;

use lineclear_core::ChangeId;
use lineclear_testkit::World;

/// The change of record `www` to another address; high risk, two people sign it.
const RENAME: &[(&str, &str)] = &[("name", "www.example.test"), ("from", "192.0.2.10"), ("to", "192.0.2.11")];

/// An agent asks to take the broken web server out of rotation.
async fn drain(world: &World) -> ChangeId {
    world.agent().proposes("pool.drain_host", "host/web-1", &[]).await
}

/// An agent asks for the other address, and everything is looked at.
async fn rename(world: &World) -> ChangeId {
    let change = world.agent().proposes("dns.update", "zone/example.test", RENAME).await;
    world.settle().await;
    assert_eq!(world.word(change).await, "awaiting_approval");
    change
}

/// Two people sign it; it is cleared, and nothing has started yet.
async fn renamed_and_signed(world: &World) -> ChangeId {
    let change = rename(world).await;
    world.person("alice").approves(change).await;
    world.person("bob").approves(change).await;
    assert_eq!(world.word(change).await, "cleared");
    change
}

/// Why its run is stuck.
async fn stuck_because(world: &World, change: ChangeId) -> String {
    let run = world.view(change).await.run.unwrap();
    let lineclear_core::run::State::Stuck { why, .. } = run.state else { panic!("it is not stuck: {:?}", run.state) };
    why
}
