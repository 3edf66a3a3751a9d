use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use lineclear_core::plan::EffectClass;
use lineclear_core::run::{Applied, Found};
use lineclear_core::sandbox::Sandbox;
use lineclear_warrant::{Answer, Knowledge};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::Notify;

use super::*;
use crate::config::{Service, ShellConfig, Tools};
use crate::control::{Control, NOW, Step, call, key};
use crate::link::{BoxFuture, LinkError};

/// Makes work out of a poll.
type Order = Box<dyn FnOnce(&Poll) -> Work + Send>;

/// A fake control plane: orders in, everything heard out.
#[derive(Default)]
struct Desk {
    orders: Mutex<VecDeque<Order>>,
    polls: Mutex<Vec<Poll>>,
    heard: Mutex<Vec<Value>>,
    changed: Notify,
    /// Reports that are lost before one arrives.
    deaf: AtomicU32,
    /// Whether the runner has said that it stops.
    stopping: AtomicBool,
}

impl Desk {
    fn order(&self, order: impl FnOnce(&Poll) -> Work + Send + 'static) {
        self.orders.lock().unwrap().push_back(Box::new(order));
        self.changed.notify_waiters();
    }

    fn hear(&self, what: Value) {
        self.heard.lock().unwrap().push(what);
        self.changed.notify_waiters();
    }

    /// Waits until this many things were heard.
    async fn heard(&self, count: usize) -> Vec<Value> {
        let wait = async {
            loop {
                let changed = self.changed.notified();
                let heard = self.heard.lock().unwrap().clone();
                if heard.len() >= count {
                    return heard;
                }
                changed.await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), wait).await.unwrap_or_else(|_| panic!("heard only {:?}", self.heard.lock().unwrap()))
    }
}

impl Link for Desk {
    fn poll(&self, poll: Poll) -> BoxFuture<'_, Result<Work, LinkError>> {
        Box::pin(async move {
            loop {
                let changed = self.changed.notified();
                if self.stopping.load(Ordering::SeqCst) {
                    return Ok(Work::Nothing);
                }
                let order = self.orders.lock().unwrap().pop_front();
                if let Some(order) = order {
                    let work = order(&poll);
                    self.polls.lock().unwrap().push(poll);
                    return Ok(work);
                }
                changed.await;
            }
        })
    }

    fn beat(&self, beat: Beat) -> BoxFuture<'_, Result<(), LinkError>> {
        Box::pin(async move {
            self.stopping.store(beat.stopping, Ordering::SeqCst);
            self.changed.notify_waiters();
            Ok(())
        })
    }

    fn report(&self, report: Report) -> BoxFuture<'_, Result<(), LinkError>> {
        Box::pin(async move {
            if self.deaf.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
                return Err(LinkError::new("lost"));
            }
            self.hear(serde_json::to_value(report).unwrap());
            Ok(())
        })
    }

    fn answer(&self, answer: Answer) -> BoxFuture<'_, Result<(), LinkError>> {
        Box::pin(async move {
            self.hear(serde_json::to_value(answer).unwrap());
            Ok(())
        })
    }
}

/// A fake light that can be switched on, and may be slow or deaf.
#[derive(Default)]
struct Light {
    switched: AtomicU32,
    /// Whether it obeys.
    broken: AtomicBool,
    /// Whether it answers.
    silent: AtomicBool,
}

struct Bench {
    folder: TempDir,
    desk: Arc<Desk>,
    light: Arc<Light>,
    control: Arc<Mutex<Control>>,
    url: String,
    stop: CancellationToken,
    /// Seconds past [`NOW`] that the runner's clock shows.
    later: Arc<AtomicU32>,
    serving: Option<tokio::task::JoinHandle<()>>,
}

impl Bench {
    async fn new() -> Self {
        async fn switch(State(light): State<Arc<Light>>) -> &'static str {
            if !light.broken.load(Ordering::SeqCst) {
                light.switched.fetch_add(1, Ordering::SeqCst);
            }
            if light.silent.load(Ordering::SeqCst) {
                std::future::pending::<()>().await;
            }
            "{}"
        }
        async fn look(State(light): State<Arc<Light>>) -> String {
            json!({"on": light.switched.load(Ordering::SeqCst) > 0}).to_string()
        }
        let light = Arc::new(Light::default());
        let router = Router::new().route("/light", get(look).put(switch)).with_state(Arc::clone(&light));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let mut bench = Self {
            folder: TempDir::new().unwrap(),
            desk: Arc::default(),
            light,
            control: Arc::new(Mutex::new(Control::new())),
            url,
            stop: CancellationToken::new(),
            later: Arc::default(),
            serving: None,
        };
        bench.begin();
        bench
    }

    fn runner(&self) -> Runner {
        let service = |url: &str| Service { url: url.into(), bearer: None };
        let services = [("light".to_owned(), service(&self.url)), ("gone".to_owned(), service("http://127.0.0.1:1"))];
        let shell = ShellConfig { commands: ["/bin/sh".into()].into(), workdir: self.folder.path().to_owned(), ..ShellConfig::default() };
        let tools = Tools { services: services.into(), shell: Some(shell), ..Tools::default() };
        let config = Config { trust: Control::trust(), tools, glass: None };
        let later = Arc::clone(&self.later);
        let clock = move || NOW + lineclear_core::Span::from_secs(later.load(Ordering::SeqCst).into());
        Runner::open(config, &self.folder.path().join("journal.db"), clock).unwrap()
    }

    fn begin(&mut self) {
        let (runner, link, stop) = (self.runner(), Arc::clone(&self.desk), self.stop.clone());
        self.serving = Some(tokio::spawn(async move { runner.serve(link, stop).await }));
    }

    /// Ends the runner as a crash does: nothing that it still had to do is done.
    async fn crash(&mut self) {
        let serving = self.serving.take().unwrap();
        serving.abort();
        let _ = serving.await;
    }

    fn act(&self, attempt: AttemptKey, step: Step) {
        let control = Arc::clone(&self.control);
        self.desk.order(move |poll| Work::Act { envelope: control.lock().unwrap().make_out(poll, &attempt, &step).1 });
    }

    fn ask(&self, attempt: AttemptKey) {
        self.desk.order(move |_| Work::Ask { question: 7, attempt, warrant: crate::control::id("warrant", 1) });
    }

    fn switched(&self) -> u32 {
        self.light.switched.load(Ordering::SeqCst)
    }
}

fn switch(service: &str) -> Step {
    let put = json!({"service": service, "method": "PUT", "path": "/light", "effect": "converge"});
    let look = json!({"service": "light", "method": "GET", "path": "/light", "expect_json": {"/on": true}});
    Step { call: call("http", put), verify: Some(call("http", look)), effect: EffectClass::Converge, sandbox: None }
}

fn words(heard: &[Value]) -> Vec<&str> {
    heard.iter().map(|one| one.get("report").or_else(|| one.get("answer")).and_then(Value::as_str).unwrap()).collect()
}

#[tokio::test]
async fn a_warrant_is_checked_journalled_done_checked_and_reported() {
    let bench = Bench::new().await;
    bench.desk.deaf.store(2, Ordering::SeqCst);
    bench.act(key(1, 1), switch("light"));
    let heard = bench.desk.heard(3).await;
    assert_eq!(words(&heard), ["accepted", "started", "succeeded"]);
    assert_eq!(heard[2]["output"]["check"]["body"], json!({"on": true}));
    assert_eq!(bench.switched(), 1);
    bench.ask(key(1, 1));
    let heard = bench.desk.heard(4).await;
    assert_eq!((&heard[3]["known"]["known"], &heard[3]["known"]["report"]), (&json!("reported"), &heard[2]));
    // The next poll names the head that the warrant showed, and its own nonce.
    let polls = bench.desk.polls.lock().unwrap();
    assert!(polls[0].head.is_none() && polls[1].head.is_some());
    assert_ne!(polls[0].nonce, polls[1].nonce);
}

#[tokio::test]
async fn a_program_is_not_started_in_less_of_a_box_than_the_bundle_demands() {
    let bench = Bench::new().await;
    let program = |sandbox| Step {
        call: call("shell", json!({"argv": ["/bin/sh", "-c", "true"]})),
        verify: None,
        effect: EffectClass::Once,
        sandbox,
    };
    bench.act(key(1, 1), program(Some(Sandbox::Limited)));
    let heard = bench.desk.heard(1).await;
    assert_eq!((&heard[0]["report"], &heard[0]["code"]), (&json!("refused"), &json!("sandbox")));
    assert!(heard[0]["why"].as_str().unwrap().ends_with("and this runner has: none"), "{}", heard[0]["why"]);
    // Without a demand it runs, and what starts no program meets every demand.
    bench.act(key(2, 1), program(None));
    assert_eq!(words(&bench.desk.heard(4).await), ["refused", "accepted", "started", "succeeded"]);
    bench.act(key(3, 1), Step { sandbox: Some(Sandbox::Whole), ..switch("light") });
    assert_eq!(words(&bench.desk.heard(7).await)[4..], ["accepted", "started", "succeeded"]);
}

#[tokio::test]
async fn the_same_attempt_is_never_started_twice() {
    let bench = Bench::new().await;
    bench.act(key(1, 1), switch("light"));
    bench.desk.heard(3).await;
    // A new warrant for the same attempt, whole and fresh.
    bench.act(key(1, 1), switch("light"));
    let heard = bench.desk.heard(4).await;
    assert_eq!((&heard[3]["report"], &heard[3]["code"], &heard[3]["attempt"]), (&json!("refused"), &json!("replayed"), &Value::Null));
    // The old envelope, word for word.
    let envelope = Arc::new(Mutex::new(String::new()));
    let (kept, control) = (Arc::clone(&envelope), Arc::clone(&bench.control));
    bench.desk.order(move |poll| {
        *kept.lock().unwrap() = control.lock().unwrap().make_out(poll, &key(2, 1), &switch("light")).1;
        Work::Act { envelope: kept.lock().unwrap().clone() }
    });
    bench.desk.heard(7).await;
    let envelope = envelope.lock().unwrap().clone();
    bench.desk.order(move |_| Work::Act { envelope });
    let heard = bench.desk.heard(8).await;
    assert_eq!((&heard[7]["code"], &heard[7]["attempt"]), (&json!("stale_nonce"), &Value::Null));
    assert_eq!(bench.switched(), 2);
}

#[tokio::test]
async fn what_was_asked_about_before_it_came_never_starts() {
    let bench = Bench::new().await;
    bench.ask(key(1, 1));
    let heard = bench.desk.heard(1).await;
    assert_eq!((&heard[0]["known"]["known"], &heard[0]["known"]["found"]), (&json!("found"), &json!("never_started")));
    bench.act(key(1, 1), switch("light"));
    let heard = bench.desk.heard(2).await;
    assert_eq!(heard[1]["code"], "replayed");
    assert_eq!(bench.switched(), 0);
}

#[tokio::test]
async fn what_a_refused_warrant_was_for_is_refused_for_good() {
    let bench = Bench::new().await;
    let control = Arc::clone(&bench.control);
    bench.desk.order(move |poll| {
        let poll = Poll { runner: crate::control::id("runner", 2), ..poll.clone() };
        Work::Act { envelope: control.lock().unwrap().make_out(&poll, &key(1, 1), &switch("light")).1 }
    });
    bench.ask(key(1, 1));
    bench.desk.order(|_| Work::Act { envelope: "{}".into() });
    let mut heard = bench.desk.heard(3).await;
    heard.sort_by_key(|one| one["code"].as_str().unwrap_or_default().to_owned());
    assert_eq!(heard[0]["known"]["report"]["code"], "wrong_runner");
    assert_eq!((&heard[1]["code"], &heard[1]["attempt"]), (&json!("bad_envelope"), &Value::Null));
    assert_eq!((&heard[2]["code"], &heard[2]["attempt"]["number"]), (&json!("wrong_runner"), &json!(1)));
    assert_eq!(bench.switched(), 0);
}

#[tokio::test]
async fn how_it_failed_says_whether_anything_may_have_changed() {
    let bench = Bench::new().await;
    bench.control.lock().unwrap().budget = lineclear_core::Span::from_millis(300);
    let mut at = 0;
    let mut outcome = async |number: u32, service: &str, broken: bool, silent: bool| {
        bench.light.switched.store(0, Ordering::SeqCst);
        bench.light.broken.store(broken, Ordering::SeqCst);
        bench.light.silent.store(silent, Ordering::SeqCst);
        bench.act(key(number, 1), switch(service));
        at += 3;
        let last = bench.desk.heard(at).await[at - 1].clone();
        (last["report"].as_str().unwrap().to_owned(), last["applied"].as_str().unwrap_or("-").to_owned())
    };
    let failed = |applied: Applied| ("failed".to_owned(), serde_json::to_value(applied).unwrap().as_str().unwrap().to_owned());
    assert_eq!(outcome(1, "gone", false, false).await, failed(Applied::No));
    // It says yes, and does nothing: the check sees that.
    assert_eq!(outcome(2, "light", true, false).await, failed(Applied::Partly));
    // It does it, and never answers: the check sees that too.
    assert_eq!(outcome(3, "light", false, true).await, ("succeeded".to_owned(), "-".to_owned()));
    // It never answers, and nothing is seen: it may still come.
    assert_eq!(outcome(4, "light", true, true).await, failed(Applied::Partly));
}

#[tokio::test]
async fn after_a_crash_what_was_started_is_looked_at_and_never_started_again() {
    for (does, expected) in [(true, Found::Applied), (false, Found::NotApplied)] {
        let mut bench = Bench::new().await;
        bench.light.silent.store(true, Ordering::SeqCst);
        bench.light.broken.store(!does, Ordering::SeqCst);
        bench.act(key(1, 1), switch("light"));
        assert_eq!(words(&bench.desk.heard(2).await), ["accepted", "started"]);
        while does && bench.switched() == 0 {
            tokio::task::yield_now().await;
        }
        bench.ask(key(1, 1));
        assert_eq!(bench.desk.heard(3).await[2]["known"]["known"], "under_way");
        bench.crash().await;
        // Whatever still held the journal lets go of it when its task is gone.
        wait_until(|| Journal::open(&bench.folder.path().join("journal.db"), NOW).is_ok()).await;
        bench.begin();
        if !does {
            // It may have left before the crash and still be on its way: until its time is over nothing is told.
            for later in [0, 59] {
                bench.later.store(later, Ordering::SeqCst);
                let count = bench.desk.heard.lock().unwrap().len();
                bench.ask(key(1, 1));
                assert_eq!(bench.desk.heard(count + 1).await[count]["known"]["known"], "under_way", "{later} s");
            }
        }
        bench.later.store(60, Ordering::SeqCst);
        for _ in 0..2 {
            let count = bench.desk.heard.lock().unwrap().len();
            bench.ask(key(1, 1));
            let known = bench.desk.heard(count + 1).await[count]["known"].clone();
            let known: Knowledge = serde_json::from_value(known).unwrap();
            assert!(matches!(known, Knowledge::Found { found, .. } if found == expected), "{known:?}");
        }
        assert_eq!(bench.switched(), u32::from(does));
    }
}

async fn wait_until(holds: impl Fn() -> bool) {
    for _ in 0..500 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it never came true");
}

#[tokio::test]
async fn an_orphan_of_a_crashed_runner_is_killed_before_anybody_looks() {
    let bench = Bench::new().await;
    let late = bench.folder.path().join("late");
    let script = format!("sleep 3; echo x > {}", late.display());
    // A process as a crashed runner leaves it: nobody waits for it, and it is about to act.
    let attempt = key(1, 1);
    let mut orphan = std::process::Command::new("/bin/sh")
        .args(["-c", &script])
        .env("LINECLEAR_ATTEMPT", crate::tools::spelled(&attempt))
        .spawn()
        .unwrap();
    // The orphan is our child here, so somebody has to take note of its end.
    let reaper = std::thread::spawn(move || orphan.wait().unwrap());
    assert!(crate::tools::fence(&attempt).await);
    assert!(!reaper.join().unwrap().success(), "it was killed");
    assert!(!late.exists());
}

#[tokio::test]
async fn a_preview_is_answered_and_changes_nothing() {
    let bench = Bench::new().await;
    let step = switch("light");
    bench.desk.order(move |_| Work::Preview { question: 9, call: step.call, undo: None });
    bench.desk.order(move |_| Work::Preview { question: 10, call: call("dns_update", json!({})), undo: None });
    let mut heard = bench.desk.heard(2).await;
    heard.sort_by_key(|one| one["question"].as_u64());
    assert_eq!(heard[0]["result"]["Ok"][0], "converge");
    assert_eq!(heard[0]["result"]["Ok"][1]["before"], json!({"on": false}));
    assert!(heard[1]["result"]["Err"].as_str().unwrap().contains("no section for the tool `dns_update`"));
    assert_eq!(bench.switched(), 0);
}

#[tokio::test]
async fn a_stopped_runner_finishes_what_it_began() {
    let mut bench = Bench::new().await;
    bench.act(key(1, 1), switch("light"));
    bench.desk.heard(2).await;
    bench.stop.cancel();
    bench.serving.take().unwrap().await.unwrap();
    assert_eq!(words(&bench.desk.heard(3).await), ["accepted", "started", "succeeded"]);
}

#[tokio::test]
async fn what_nobody_heard_is_told_again_from_the_journal_after_a_crash() {
    let mut bench = Bench::new().await;
    let journal = bench.folder.path().join("journal.db");
    bench.crash().await;
    wait_until(|| Journal::open(&journal, NOW).is_ok()).await;
    bench.desk.deaf.store(u32::MAX, Ordering::SeqCst);
    let (runner, link, stop) = (bench.runner(), Arc::clone(&bench.desk), bench.stop.clone());
    let inner = Arc::clone(&runner.inner);
    bench.serving = Some(tokio::spawn(async move { runner.serve(link, stop).await }));
    bench.act(key(1, 1), switch("light"));
    wait_until(|| !inner.journal.untold().unwrap().is_empty()).await;
    drop(inner);
    bench.crash().await;
    wait_until(|| Journal::open(&journal, NOW).is_ok()).await;
    bench.desk.deaf.store(0, Ordering::SeqCst);
    bench.begin();
    let heard = bench.desk.heard(1).await;
    assert_eq!((words(&heard), bench.switched()), (vec!["succeeded"], 1));
    bench.crash().await;
    wait_until(|| Journal::open(&journal, NOW).is_ok()).await;
    assert_eq!(Journal::open(&journal, NOW).unwrap().untold().unwrap(), [], "what has arrived is not told again");
}

#[tokio::test]
async fn a_runner_that_drains_takes_nothing_new_and_ends_when_what_it_has_is_over_and_told() {
    let mut bench = Bench::new().await;
    bench.light.silent.store(true, Ordering::SeqCst);
    bench.act(key(1, 1), switch("light"));
    wait_until(|| bench.switched() == 1).await;
    bench.stop.cancel();
    wait_until(|| bench.desk.stopping.load(Ordering::SeqCst)).await;
    bench.act(key(2, 1), switch("light"));
    assert!(!bench.serving.as_ref().unwrap().is_finished(), "it left something behind");
    bench.serving.take().unwrap().await.unwrap();
    let heard = bench.desk.heard(3).await;
    assert_eq!((words(&heard), bench.switched()), (vec!["accepted", "started", "succeeded"], 1));
    assert_eq!(bench.desk.orders.lock().unwrap().len(), 1, "it took something new");
}
