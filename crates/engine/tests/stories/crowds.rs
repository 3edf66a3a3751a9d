//! Many at once: nobody hides a change under many others, and nobody keeps a run waiting by asking much.

use lineclear_core::record::{Happened, Row, Stream};
use lineclear_core::{ChangeId, Span};
use lineclear_engine::{Caller, EngineError};
use lineclear_store::{Append, Batch, RowQuery, Store as _};
use lineclear_testkit::{World, seconds};

use crate::drain;

/// How many ask what policy would say, all at once.
const FLOOD: usize = 100;

/// This many more changes of one target stand there as cleared; only their rows matter to whoever counts them, so their
/// histories are that of one real proposal.
async fn stand_there(world: &World, target: &str, from: usize, count: usize) {
    let model = world.agent().proposes("pool.drain_host", target, &[]).await;
    let first = world.events(Stream::Change(model)).await.remove(0).happened;
    let appends: Vec<Append> = (from..from + count).map(|number| standing(world, &first, target, number)).collect();
    for appends in appends.chunks(8) {
        let batch = Batch { appends: appends.to_vec(), ..Batch::default() };
        world.disk().append(batch).await.unwrap();
    }
    world.agent().tries_to_withdraw(model).await.unwrap();
}

fn standing(world: &World, first: &Happened, target: &str, number: usize) -> Append {
    let id: ChangeId = format!("change_{:032x}", 0x0190_0000_0000_7000_8000_0000_0000_0000_u128 + number as u128).parse().unwrap();
    let event = format!("event_{:032x}", 0x0190_0000_0000_7000_9000_0000_0000_0000_u128 + number as u128).parse().unwrap();
    let stream = Stream::Change(id);
    // Seven begin at the same moment each time, so that a page also ends between two of one moment.
    let begun = world.now() - Span::from_secs(number as u64 / 7);
    let word = ["cleared", "running", "verifying"][number % 3].to_owned();
    let key = format!("pool.drain_host {target}");
    let row = Row { stream, word, open: true, due: None, key: key.clone(), title: key, begun };
    let mut salt = [0xc0; 32];
    salt[..8].copy_from_slice(&number.to_be_bytes());
    Append { stream, expect: 0, events: vec![Happened { id: event, salt, ..first.clone() }], row }
}

/// How many changes in flight gate 1 sees beside a drain of the web server.
async fn seen(world: &World) -> Result<usize, EngineError> {
    let (agent, engine) = (world.agent(), world.engine());
    let caller = Caller::Agent(engine.estate().directory.agent(&"triage-agent".parse().unwrap()).unwrap().id);
    let check = engine.check(&caller, agent.ask("pool.drain_host", "host/web-1", &[]));
    let dossier = world.with_runner(check).await?.dossier;
    assert_eq!(dossier.situation.in_flight as usize, dossier.in_flight.len());
    Ok(dossier.in_flight.len())
}

#[tokio::test]
async fn whatever_is_in_flight_on_the_same_target_is_counted_beyond_the_first_page() {
    let world = World::new().await;
    assert_eq!(seen(&world).await.unwrap(), 0);
    stand_there(&world, "host/web-1", 0, 1_100).await;
    let query = RowQuery { kind: "change".into(), limit: 500, ..RowQuery::default() };
    assert!(world.disk().rows(query).await.unwrap().more, "one page does not hold them");
    assert_eq!(seen(&world).await.unwrap(), 1_100);
}

#[tokio::test]
async fn a_change_is_found_under_pages_of_changes_elsewhere() {
    let world = World::new().await;
    // The one that matters begins before all others, in the middle of them, and after them.
    for (from, host, count) in [(0, "host/web-1", 1), (1, "host/web-3", 600), (601, "host/web-1", 1), (602, "host/web-3", 600)] {
        stand_there(&world, host, from, count).await;
    }
    stand_there(&world, "host/web-1", 1_202, 1).await;
    assert_eq!(seen(&world).await.unwrap(), 3);
}

/// Asks this many times what policy would say, and lets each come as far as it can without a runner.
async fn flood(world: &World) -> Vec<tokio::task::JoinHandle<Result<lineclear_engine::Checked, EngineError>>> {
    let caller = Caller::Agent(world.engine().estate().directory.agent(&"capacity-agent".parse().unwrap()).unwrap().id);
    let ask = world.agent().ask("pool.drain_host", "host/web-2", &[]);
    let asks = (0..FLOOD).map(|_| {
        let (engine, ask) = (world.engine().clone(), ask.clone());
        tokio::spawn(async move { engine.check(&caller, ask).await })
    });
    let asks = asks.collect();
    for _ in 0..FLOOD {
        tokio::task::yield_now().await;
    }
    asks
}

#[tokio::test]
async fn a_run_is_offered_before_anybodys_questions_are_answered() {
    let world = World::new().await;
    let change = drain(&world).await;
    // Cleared and begun, and its first attempt is journalled; it is not on the desk yet.
    while world.view(change).await.run.is_none_or(|run| run.attempt().is_none()) {
        world.beat().await.unwrap();
    }
    let asks = flood(&world).await;
    world.engine().beat_once().await.unwrap();
    assert_eq!(world.production().effects(), []);
    world.one_turn().await;
    assert_eq!(world.production().touched("shop/web-1"), 1, "the first paper that the runner got was the attempt");
    assert!(asks.iter().all(|ask| !ask.is_finished()), "nobody has been answered yet");
    world.passes(seconds(10)).await;
    assert_eq!(world.word(change).await, "verifying");
    for ask in asks {
        assert!(ask.await.unwrap().is_ok(), "everybody is answered in the end");
    }
}

#[tokio::test]
async fn a_flood_of_questions_does_not_keep_a_change_from_being_looked_at_and_carried_out() {
    let world = World::new().await;
    let change = drain(&world).await;
    let asks = flood(&world).await;
    while world.production().effects().is_empty() {
        world.beat().await.unwrap();
        world.one_turn().await;
        for _ in 0..FLOOD {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(world.word(change).await, "running");
    // It was looked at twice, and each time its questions stood behind those of the few who had their turn.
    let answered = asks.iter().filter(|ask| ask.is_finished()).count();
    assert!(answered < FLOOD / 2, "{answered} were answered first");
    world.settle().await;
    for ask in asks {
        assert!(ask.await.unwrap().is_ok(), "everybody is answered in the end");
    }
}
