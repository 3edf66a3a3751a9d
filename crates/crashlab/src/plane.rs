//! The plane's process: the product's engine over the product's SQLite store, with a wire to the runners and to whoever plays the world.
//! Nothing in it is a stand-in but the clock and the wire.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use lineclear_core::record::Stream;
use lineclear_core::statement::Decision;
use lineclear_core::{ApprovalId, ChangeId, OperatorId};
use lineclear_engine::{Ask, Caller, Engine, Estates as _, Parts, SystemIds};
use lineclear_store::{RowQuery, Sqlite};
use lineclear_testkit::{FakeChannels, FakeEstates, FakeTelemetry};
use lineclear_warrant::{Poll, Work};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;

use crate::attempt;
use crate::clock::SharedClock;
use crate::cut::Cut;
use crate::failpoint::Failpoints;
use crate::scenario;
use crate::switchboard::Switchboard;
use crate::wire::{self, Reply, Request};

/// How many caches of each kind there are in a storm; otherwise one.
pub const STORM_CACHES: usize = 4;
/// The word of a run that waits for a person.
const STUCK: &str = "stuck";
/// How long nothing may happen before time moves on.
const IDLE: Duration = Duration::from_millis(1);
/// How far it moves then: ten seconds.
const STEP: i64 = 10_000_000;
/// How far it moves while a runner has something in hand: a runner that hangs must not stop the world.
const CRAWL: i64 = 50_000;
/// How far it moves every millisecond where time passes whatever the runners do: an attempt's time is over after half a second.
const RESTLESS: i64 = 200_000;

/// What differs from world to world.
#[derive(Debug, Clone)]
pub struct PlaneOptions {
    /// Which life of the plane this is.
    pub life: u32,
    /// How many runners are enrolled.
    pub runners: usize,
    /// Time passes whatever the runners do: for worlds in which they are made to pause.
    pub restless: bool,
}

struct Plane {
    engine: Engine,
    board: Switchboard,
    points: Arc<Failpoints>,
}

/// Runs the plane of a world until it dies.
pub async fn serve(world: &Path, options: &PlaneOptions) {
    let points = Arc::new(Failpoints::of(world, "plane", options.life));
    let clock = Arc::new(SharedClock::open(world));
    let files = scenario::estate(if options.restless { STORM_CACHES } else { 1 });
    let loaded = lineclear_estate::load_files(&files).unwrap_or_else(|error| panic!("the estate of the lab is wrong: {error}"));
    let estates = FakeEstates::default();
    estates.keep(&files).await.expect("memory keeps anything");
    let store = Sqlite::open(&database(world), scenario::log_key()).expect("the database can be opened");
    let parts = Parts {
        store: Arc::new(Cut::new(store, Arc::clone(&points))),
        estate: loaded.estate,
        policies: Arc::new(loaded.policies),
        estates: Arc::new(estates),
        telemetry: Arc::new(FakeTelemetry::default()),
        tell: Arc::new(FakeChannels::default()),
        clock: Arc::clone(&clock) as _,
        ids: Arc::new(SystemIds),
        warrant_key: scenario::warrant_key(),
        log: scenario::log_key().verifier(),
        runners: (1..=options.runners).map(scenario::runner).collect(),
        version: "0.0.0-crashlab".into(),
    };
    let engine = Engine::start(parts).await.expect("the engine starts on what a crash left");
    let _ = std::fs::remove_file(wire::socket(world));
    let listener = UnixListener::bind(wire::socket(world)).expect("the world's folder takes a socket");
    let board = Switchboard::new(engine.clone(), options.restless);
    let plane = Arc::new(Plane { engine, board, points });
    tokio::spawn(Arc::clone(&plane).listen(listener));
    if options.restless { plane.rush(&clock).await } else { plane.beat(&clock).await }
}

/// Where a world's database lies.
pub fn database(world: &Path) -> PathBuf {
    world.join("plane.db")
}

impl Plane {
    /// The pulse, and the passing of time when there is nothing to do.
    async fn beat(&self, clock: &SharedClock) {
        loop {
            if self.engine.beat_once().await.is_ok_and(|moved| moved > 0) {
                continue;
            }
            tokio::select! {
                () = self.board.activity() => {}
                () = tokio::time::sleep(IDLE) => {
                    if !self.board.somebody_is_there() {
                        continue;
                    }
                    clock.advance(if self.board.somebody_is_busy() { CRAWL } else { STEP });
                }
            }
        }
    }

    /// The product's own pulse, beside a time that waits for nobody.
    async fn rush(&self, clock: &SharedClock) {
        let engine = self.engine.clone();
        tokio::spawn(async move { engine.run(CancellationToken::new()).await });
        loop {
            tokio::time::sleep(IDLE).await;
            clock.advance(RESTLESS);
        }
    }

    async fn listen(self: Arc<Self>, listener: UnixListener) {
        while let Ok((stream, _)) = listener.accept().await {
            let plane = Arc::clone(&self);
            tokio::spawn(async move {
                // Whoever asked may have died; then nobody waits for the answer.
                let _ = plane.answer(stream).await;
            });
        }
    }

    async fn answer(&self, stream: UnixStream) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        let request: Request = wire::read(&mut stream).await?;
        match request {
            Request::Here { runner, holding } => {
                let line = self.board.comes(runner, holding);
                wire::write(stream.get_mut(), &Reply::Done).await?;
                gone(&mut stream).await;
                self.board.goes(runner, line);
            }
            Request::Poll(poll) => self.hand_out(stream, poll).await?,
            Request::Report { runner, report } => {
                let what = attempt::report(&report);
                self.points.pass(&format!("hear {what} before"));
                let heard = self.engine.report(runner, report.clone()).await;
                self.board.reported(runner, &report);
                self.points.pass(&format!("hear {what} after"));
                wire::write(stream.get_mut(), &done(heard)).await?;
            }
            Request::Answer { runner, answer } => {
                let what = attempt::answer(&answer);
                self.points.pass(&format!("hear answer {what} before"));
                self.board.answered(runner, attempt::question(&answer));
                let _ = self.engine.answer(runner, answer);
                self.points.pass(&format!("hear answer {what} after"));
                wire::write(stream.get_mut(), &Reply::Done).await?;
            }
            Request::Propose { target } => wire::write(stream.get_mut(), &self.propose(&target).await).await?,
            Request::Await { change, words } => {
                tokio::select! {
                    word = self.stands(change, &words) => wire::write(stream.get_mut(), &Reply::Word(word)).await?,
                    () = gone(&mut stream) => {}
                }
            }
            Request::Statement { change } => {
                let asked = self.statement(change).await;
                let reply = asked.map_or_else(Reply::Failed, |(approval, text)| Reply::Statement { approval, text });
                wire::write(stream.get_mut(), &reply).await?;
            }
            Request::Vote { approval, text, signature } => {
                let cast = self.engine.vote(&Caller::Operator(scenario::approver()), approval, text, signature).await;
                wire::write(stream.get_mut(), &done(cast.map(drop))).await?;
            }
        }
        self.board.stir();
        Ok(())
    }

    /// Hands out work, unless whoever asked for it is gone by then.
    async fn hand_out(&self, mut stream: BufReader<UnixStream>, poll: Poll) -> std::io::Result<()> {
        let runner = poll.runner;
        let work = tokio::select! {
            work = self.engine.poll(poll) => work,
            () = gone(&mut stream) => return Ok(()),
        };
        let work = match work {
            Ok(work) => work,
            Err(error) => return wire::write(stream.get_mut(), &Reply::Failed(error.to_string())).await,
        };
        let what = attempt::work(&work);
        self.board.handed(runner, &work);
        if !matches!(work, Work::Nothing) {
            self.points.pass(&format!("send {what} before"));
        }
        wire::write(stream.get_mut(), &Reply::Work(work)).await?;
        if what != "nothing" {
            self.points.pass(&format!("send {what} after"));
        }
        Ok(())
    }

    async fn propose(&self, target: &str) -> Reply {
        let ask = json!({"action": "cache.switch", "target": format!("cache/{target}"), "confidence_bp": 9000, "reason": "it is time"});
        let ask: Ask = serde_json::from_value(ask).expect("a proposal");
        let proposed = self.engine.propose(&Caller::Agent(scenario::agent()), ask, Some(format!("switch {target}"))).await;
        proposed.map_or_else(|error| Reply::Failed(error.to_string()), |proposed| Reply::Change(proposed.change))
    }

    async fn stands(&self, change: ChangeId, words: &[String]) -> String {
        loop {
            let mut notices = self.engine.notices();
            if let Some(word) = self.word(change).await.filter(|word| words.contains(word)) {
                return word;
            }
            let _ = notices.recv().await;
        }
    }

    /// Where a change stands; `stuck` when its run waits for a person.
    async fn word(&self, change: ChangeId) -> Option<String> {
        let store = self.engine.store();
        let word = store.row(Stream::Change(change)).await.ok()??.word;
        if word != "running" {
            return Some(word);
        }
        let stuck =
            RowQuery { kind: "run".into(), words: vec![STUCK.into()], key: Some(change.to_string()), limit: 1, ..RowQuery::default() };
        let page = store.rows(stuck).await.ok()?;
        Some(page.rows.first().map_or(word, |_| STUCK.into()))
    }

    async fn statement(&self, change: ChangeId) -> Result<(ApprovalId, String), String> {
        let person: OperatorId = scenario::approver();
        let asked = self.engine.request(change).await.map_err(|error| error.to_string())?;
        let caller = Caller::Operator(person);
        let text = self.engine.statement(&caller, asked.request.id, Decision::Approve, "I looked at it".into()).await;
        Ok((asked.request.id, text.map_err(|error| error.to_string())?))
    }
}

fn done(heard: Result<(), lineclear_engine::EngineError>) -> Reply {
    heard.map_or_else(|error| Reply::Failed(error.to_string()), |()| Reply::Done)
}

/// Waits until the other side has closed its end.
async fn gone(stream: &mut BufReader<UnixStream>) {
    let mut rest = [0; 1];
    // Nobody says a second thing on a connection.
    let _ = stream.read(&mut rest).await;
}
