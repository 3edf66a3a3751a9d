//! T18 and the edge: what fits nothing is refused with a record, what is malformed leaves none, and a repeated command is
//! the same command.

use lineclear_core::change;
use lineclear_core::dossier::Misfit;
use lineclear_core::machine::Machine as _;
use lineclear_core::record::{Event, Stream};
use lineclear_engine::EngineError;
use lineclear_testkit::World;

use crate::RENAME;

async fn size(world: &World) -> u64 {
    world.engine().store().head().await.unwrap().size
}

/// The act that was refused, when that is what happened.
fn refused(event: &Event) -> Option<String> {
    if let Event::Change(change::Event::ActRefused { act, .. }) = event { Some(act.clone()) } else { None }
}

async fn check(action: &str, target: &str, given: &[(&str, &str)], expected: &str) {
    let world = World::new().await;
    let before = size(&world).await;
    let refused = world.agent().tries_to_propose(action, target, given).await;
    let Err(EngineError::Misfit { change, misfit }) = refused else { panic!("{action} on {target}: {refused:?}") };
    let word = match misfit {
        Misfit::UnknownAction(_) => "unknown action",
        Misfit::UnknownTarget(_) => "unknown target",
        Misfit::WrongKind { .. } => "wrong kind",
        Misfit::Inputs(_) => "inputs",
        Misfit::UnknownProposer(_) => "unknown proposer",
    };
    assert_eq!(word, expected, "{action} on {target}");
    assert_eq!(world.word(change).await, "misfit");
    assert_eq!(size(&world).await, before + 2, "proposed, and refused");
    world.settle().await;
    assert_eq!(world.production().effects(), []);
}

#[tokio::test]
async fn what_fits_nothing_in_the_estate_is_refused_and_recorded() {
    check("dns.delete", "zone/example.test", RENAME, "unknown action").await;
    check("dns.update", "zone/nowhere.test", RENAME, "unknown target").await;
    check("dns.update", "host/web-1", RENAME, "wrong kind").await;
    check("dns.update", "zone/example.test", &[], "inputs").await;
    check("dns.update", "zone/example.test", &[("name", "www.example.test"), ("from", "here"), ("to", "there")], "inputs").await;
    check("pool.drain_host", "host/web-1", &[("force", "yes")], "inputs").await;
}

#[tokio::test]
async fn what_is_malformed_leaves_no_record() {
    let world = World::new().await;
    let before = size(&world).await;
    for (action, target) in [("DNS UPDATE", "zone/example.test"), ("dns.update", "example.test"), ("dns.update", "")] {
        let refused = world.agent().tries_to_propose(action, target, RENAME).await;
        assert!(matches!(refused, Err(EngineError::Malformed { .. })), "{action} {target}: {refused:?}");
    }
    let refused = world.agent().sure(10_001).tries_to_propose("dns.update", "zone/example.test", RENAME).await;
    assert!(matches!(refused, Err(EngineError::Malformed { .. })), "{refused:?}");
    let refused = world.agent().claiming(&"x".repeat(4_001)).tries_to_propose("dns.update", "zone/example.test", RENAME).await;
    assert!(matches!(refused, Err(EngineError::Malformed { .. })), "{refused:?}");
    assert_eq!(size(&world).await, before);
}

#[tokio::test]
async fn a_repeated_command_is_the_same_command_and_its_key_is_good_for_nothing_else() {
    let world = World::new().await;
    let first = world.agent().once("k1").proposes("dns.update", "zone/example.test", RENAME).await;
    let again = world.agent().once("k1").tries_to_propose("dns.update", "zone/example.test", RENAME).await.unwrap();
    assert_eq!((again.change, again.repeated), (first, true));

    let other = world.agent().once("k1").tries_to_propose("pool.drain_host", "host/web-1", &[]).await;
    assert!(matches!(other, Err(EngineError::KeyReused)), "{other:?}");

    let elsewhere = world.agent_named("capacity-agent").once("k1").proposes("dns.update", "zone/example.test", RENAME).await;
    assert_ne!(elsewhere, first, "a key is its caller's own");

    let misfit = world.agent().once("k2").tries_to_propose("dns.delete", "zone/example.test", RENAME).await;
    let Err(EngineError::Misfit { change, .. }) = misfit else { panic!("{misfit:?}") };
    let again = world.agent().once("k2").tries_to_propose("dns.delete", "zone/example.test", RENAME).await;
    assert!(matches!(again, Err(EngineError::Misfit { change: same, .. }) if same == change), "{again:?}");
}

#[tokio::test]
async fn asking_what_would_be_said_records_nothing_and_asks_nobody() {
    let world = World::new().await;
    let before = size(&world).await;
    let agent = world.agent();
    let ask = agent.ask("pool.drain_host", "host/web-1", &[]);
    world.runner().goes_away();
    let caller = lineclear_engine::Caller::Agent(*world.engine().estate().directory.agents.keys().next().unwrap());
    let check = world.engine().check(&caller, ask);
    let dossier = world.with_runner(check).await.unwrap().dossier;
    assert_eq!(dossier.faults.len(), 1, "nobody could read the live system");
    assert_eq!(size(&world).await, before);
    let counts = world.engine().store().counts().await.unwrap();
    assert!(counts.iter().all(|(kind, _, _)| kind == "installation"), "{counts:?}");
}

#[tokio::test]
async fn an_agent_touches_only_its_own_proposals_and_a_person_any() {
    let world = World::new().await;
    let change = crate::rename(&world).await;
    let other = world.agent_named("capacity-agent");
    assert!(matches!(other.tries_to_withdraw(change).await, Err(EngineError::Change(_))));
    assert!(matches!(other.tries_to_amend(change, RENAME).await, Err(EngineError::Change(_))));
    let refused: Vec<String> =
        world.events(Stream::Change(change)).await.iter().filter_map(|event| refused(&event.happened.event)).collect();
    assert_eq!(refused, ["withdraw", "amend"], "each attempt is on record");
    world.agent().tries_to_withdraw(change).await.unwrap();
    let view = world.view(change).await;
    assert_eq!(view.word, "withdrawn");
    assert!(!view.approval.unwrap().open(), "nothing is asked any more");
}
