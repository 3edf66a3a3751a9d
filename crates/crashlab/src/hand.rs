//! A runner's process: the product's runner with its own journal file and its own `http` tool, on a link with failpoints.
//!
//! The journal is written inside the runner, where no wrapper reaches. But the runner reads its clock right before each of its writes, and
//! the lab's clock is a failpoint: dying at a reading is dying before that write, and dying at the next reading, or at the message that
//! follows, is dying after it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lineclear_core::RunnerId;
use lineclear_core::run::{AttemptKey, Direction, Found};
use lineclear_runner::{BoxFuture, Config, Link, LinkError, Runner};
use lineclear_warrant::{Answer, Knowledge, Poll, Report, Work};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::attempt;
use crate::clock::SharedClock;
use crate::failpoint::Failpoints;
use crate::scenario;
use crate::sink::effects;
use crate::weather::Weather;
use crate::wire::{self, Reply, Request};

/// The pause between two tries to reach a plane that is down.
const RETRY: Duration = Duration::from_millis(1);

/// What differs from runner to runner.
#[derive(Debug, Clone)]
pub struct HandOptions {
    /// Its number, from 1.
    pub number: usize,
    /// Which of its lives this is.
    pub life: u32,
    /// Without a fence: it says what it sees the moment it is asked, whatever may still be on its way.
    pub unfenced: bool,
    /// Its reports are this late.
    pub lag: Duration,
    /// Its messages are repeated, delayed and reordered, by this seed.
    pub weather: Option<u64>,
}

/// What the runner is at: the work that came last, how often the clock was read since, and the attempts in hand.
#[derive(Default)]
struct At {
    work: String,
    readings: u32,
    holding: BTreeSet<AttemptKey>,
}

struct LabLink {
    world: PathBuf,
    runner: RunnerId,
    points: Arc<Failpoints>,
    at: Arc<Mutex<At>>,
    there: watch::Receiver<bool>,
    options: HandOptions,
    weather: Option<Weather>,
}

/// The journal of a runner.
pub fn journal(world: &Path, number: usize) -> PathBuf {
    world.join(format!("runner{number}.journal"))
}

/// The file of a runner.
pub fn file(world: &Path, number: usize) -> PathBuf {
    world.join(format!("runner{number}.toml"))
}

/// Runs a runner until it dies.
pub async fn serve(world: &Path, options: HandOptions) {
    let points = Arc::new(Failpoints::of(world, &format!("runner{}", options.number), options.life));
    let text = std::fs::read_to_string(file(world, options.number)).expect("the runner has a file");
    let config = Config::parse(&text).expect("the runner's file is in order");
    let at = Arc::new(Mutex::new(At { work: "start".into(), ..At::default() }));
    let (watched, clock, journal) = (Arc::clone(&at), SharedClock::open(world), journal(world, options.number));
    let reading = Arc::clone(&points);
    let read = move || {
        let what = {
            let mut at = lock(&watched);
            at.readings += 1;
            format!("clock {} after {}", at.readings, at.work)
        };
        reading.pass(&what);
        clock.read()
    };
    let runner = Runner::open(config, &journal, read).expect("the runner opens what a crash left");
    let (tell, there) = watch::channel(false);
    let id = scenario::runner(options.number);
    tokio::spawn(stay(world.to_owned(), id, Arc::clone(&at), tell));
    let weather = options.weather.map(|seed| Weather::new(seed + u64::from(options.life)));
    let link = LabLink { world: world.to_owned(), runner: id, points, at, there, options, weather };
    runner.serve(Arc::new(link), CancellationToken::new()).await;
}

fn lock(at: &Mutex<At>) -> MutexGuard<'_, At> {
    at.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps a connection open, so that the plane sees at once when this process dies.
async fn stay(world: PathBuf, runner: RunnerId, at: Arc<Mutex<At>>, tell: watch::Sender<bool>) {
    loop {
        if let Ok(mut stream) = UnixStream::connect(wire::socket(&world)).await {
            let holding = lock(&at).holding.iter().cloned().collect();
            if wire::write(&mut stream, &Request::Here { runner, holding }).await.is_ok() {
                let mut stream = BufReader::new(stream);
                if wire::read::<Reply>(&mut stream).await.is_ok() {
                    tell.send_replace(true);
                    let mut rest = [0; 1];
                    let _ = stream.read(&mut rest).await;
                    tell.send_replace(false);
                }
            }
        }
        tokio::time::sleep(RETRY).await;
    }
}

impl LabLink {
    async fn ready(&self) {
        let mut there = self.there.clone();
        // The other end lives as long as this process.
        let _ = there.wait_for(|there| *there).await;
    }

    async fn work(&self, poll: Poll) -> Result<Work, LinkError> {
        self.ready().await;
        let before = lock(&self.at).work.clone();
        self.points.pass(&format!("poll after {before}"));
        let work = match wire::call(&self.world, &Request::Poll(poll)).await {
            Ok(Reply::Work(work)) => work,
            Ok(Reply::Failed(why)) => return Err(LinkError::new(why)),
            // The plane died over it: there is no work, and the next poll finds the next plane.
            Ok(_) | Err(_) => return Ok(Work::Nothing),
        };
        let what = attempt::work(&work);
        {
            let mut at = lock(&self.at);
            at.work.clone_from(&what);
            at.readings = 0;
            if let Work::Act { envelope } = &work {
                at.holding.extend(attempt::of_envelope(envelope));
            }
        }
        if !matches!(work, Work::Nothing) {
            self.points.pass(&format!("got {what}"));
        }
        Ok(work)
    }

    /// Sends until it has arrived, as the product's own runner does, only faster.
    async fn send(&self, request: &Request) -> Result<(), LinkError> {
        loop {
            self.ready().await;
            match wire::call(&self.world, request).await {
                Ok(Reply::Done) => return Ok(()),
                Ok(Reply::Failed(why)) => return Err(LinkError::new(why)),
                Ok(_) | Err(_) => tokio::time::sleep(RETRY).await,
            }
        }
    }

    /// The lie of a runner without a fence: it looks at once and says what it sees, though something of a lost attempt may still be on its
    /// way.
    async fn blurt(&self, question: u64, key: AttemptKey) -> Result<(), LinkError> {
        let spelled = format!("{}/{}/{}/{}", key.run, key.step, attempt::direction(key.direction), key.number);
        let applied = effects(&self.world).iter().any(|effect| effect.key == spelled);
        let found = match (applied, key.direction) {
            (true, Direction::Do | Direction::Undo) => Found::Applied,
            (false, Direction::Do | Direction::Undo) => Found::NotApplied,
        };
        let answer = Answer::Known { question, known: Knowledge::Found { found, output: json!({}) } };
        self.send(&Request::Answer { runner: self.runner, answer }).await
    }
}

impl Link for LabLink {
    fn poll(&self, poll: Poll) -> BoxFuture<'_, Result<Work, LinkError>> {
        Box::pin(async move {
            loop {
                let work = self.work(poll.clone()).await?;
                match &work {
                    Work::Ask { question, attempt, .. } if self.options.unfenced && !lock(&self.at).holding.contains(attempt) => {
                        self.blurt(*question, attempt.clone()).await?;
                    }
                    Work::Nothing | Work::Preview { .. } | Work::Act { .. } | Work::Ask { .. } => {
                        return Ok(match &self.weather {
                            Some(weather) => weather.on_work(work),
                            None => work,
                        });
                    }
                }
            }
        })
    }

    /// In the lab a runner that dies is there again at once, so nobody counts its heartbeats.
    fn beat(&self, _: lineclear_warrant::Beat) -> BoxFuture<'_, Result<(), LinkError>> {
        Box::pin(async { Ok(()) })
    }

    fn report(&self, report: Report) -> BoxFuture<'_, Result<(), LinkError>> {
        Box::pin(async move {
            let what = attempt::report(&report);
            self.points.pass(&format!("report {what} before"));
            tokio::time::sleep(self.options.lag).await;
            let request = Request::Report { runner: self.runner, report: report.clone() };
            let sent = match &self.weather {
                Some(weather) => weather.on_report(&self.world, request).await,
                None => self.send(&request).await,
            };
            sent?;
            if let Some(key) = attempt::reported(&report).filter(|_| attempt::last(&report)) {
                lock(&self.at).holding.remove(key);
            }
            self.points.pass(&format!("report {what} after"));
            Ok(())
        })
    }

    fn answer(&self, answer: Answer) -> BoxFuture<'_, Result<(), LinkError>> {
        Box::pin(async move {
            let what = attempt::answer(&answer);
            self.points.pass(&format!("answer {what} before"));
            let request = Request::Answer { runner: self.runner, answer };
            // A lost answer is asked for again; nothing here is repeated but by the weather.
            let sent = match &self.weather {
                Some(weather) => weather.on_answer(&self.world, request).await,
                None => wire::call(&self.world, &request).await.map(drop).map_err(|error| LinkError::new(error.to_string())),
            };
            self.points.pass(&format!("answer {what} after"));
            sent
        })
    }
}
