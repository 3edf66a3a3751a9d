//! The effect sink: the outside world of every lab world, in a process of its own that never dies. It writes down every effect that
//! reaches it, with run, step, attempt and time, and protects nobody: what comes twice is counted twice. That file is the ground truth.
//!
//! It is also where a runner can be made to die around its effect: before it, after it, and *late*: the runner dies first, and the
//! request that it had sent takes effect half a minute later, while the attempt's own time still runs.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{Path as Parts, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use axum::{Json, Router};
use lineclear_core::Span;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clock::SharedClock;
use crate::failpoint::Failpoints;
use crate::scenario::{FAILING, REFUSED, RETRIED, TURNED};

/// The file of effects in a world's folder.
const EFFECTS: &str = "effects";
/// How much later a late effect comes, by the world's clock: while the attempt's own time still runs.
const LATE: Span = Span::from_secs(30);
/// How often the clock is looked at meanwhile.
const LOOK: Duration = Duration::from_millis(1);
/// How long a world may stand still before a late effect comes all the same.
const LOOKS_MAX: u32 = 20_000;

/// One effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// The attempt's key, as the request carried it: `run_…/shift/do/1`.
    pub key: String,
    /// What was set: `turned0/shift`.
    pub target: String,
    /// To what.
    pub value: String,
    /// By the world's clock, in microseconds.
    pub at: i64,
}

struct Sink {
    worlds: PathBuf,
    points: Mutex<BTreeMap<String, Arc<Failpoints>>>,
    values: Mutex<BTreeMap<(String, String), String>>,
}

/// Every effect that reached a world.
pub fn effects(world: &Path) -> Vec<Effect> {
    let text = std::fs::read_to_string(world.join(EFFECTS)).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).expect("the sink writes effects")).collect()
}

/// Serves until the process ends; says on its first line of output where.
pub async fn serve(worlds: &Path) {
    let sink = Sink { worlds: worlds.to_owned(), points: Mutex::default(), values: Mutex::default() };
    let router = Router::new().route("/{world}/{runner}/t/{target}/{step}", get(look).put(set)).with_state(Arc::new(sink));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let mut out = std::io::stdout();
    writeln!(out, "http://{address}").and_then(|()| out.flush()).expect("somebody listens");
    axum::serve(listener, router).await.expect("the sink serves");
}

type Place = Parts<(String, String, String, String)>;

async fn look(State(sink): State<Arc<Sink>>, Parts((world, _, target, step)): Place) -> Json<Value> {
    let values = sink.values.lock().unwrap_or_else(PoisonError::into_inner);
    let value = values.get(&(world, format!("{target}/{step}"))).map_or("off", String::as_str);
    Json(json!({ "value": value }))
}

async fn set(
    State(sink): State<Arc<Sink>>,
    Parts((world, runner, target, step)): Place,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> (StatusCode, Json<Value>) {
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok()).unwrap_or_default().to_owned();
    let attempt = key.split_once('/').map_or("", |(_, attempt)| attempt).replace('/', " ");
    let refused = attempt == format!("{RETRIED} do 1") || step == REFUSED || (step == FAILING && target.starts_with(TURNED));
    if refused {
        return (StatusCode::CONFLICT, Json(json!({ "refused": true })));
    }
    let value = body.get("value").and_then(Value::as_str).unwrap_or_default().to_owned();
    let points = sink.points(&world);
    if points.kill(&format!("effect {attempt} before"), &runner) {
        return (StatusCode::SERVICE_UNAVAILABLE, Json(Value::Null));
    }
    let effect = Effect { key, target: format!("{target}/{step}"), value, at: 0 };
    if points.kill(&format!("effect {attempt} late"), &runner) {
        // The connection is gone with the runner; the request is not.
        tokio::spawn(async move { sink.later(&world, effect).await });
        return (StatusCode::SERVICE_UNAVAILABLE, Json(Value::Null));
    }
    sink.apply(&world, &SharedClock::open(&sink.worlds.join(&world)), effect);
    points.kill(&format!("effect {attempt} after"), &runner);
    (StatusCode::OK, Json(json!({ "value": body.get("value") })))
}

impl Sink {
    fn points(&self, world: &str) -> Arc<Failpoints> {
        let mut points = self.points.lock().unwrap_or_else(PoisonError::into_inner);
        let made = || Arc::new(Failpoints::of(&self.worlds.join(world), "sink", 1));
        Arc::clone(points.entry(world.to_owned()).or_insert_with(made))
    }

    async fn later(&self, world: &str, effect: Effect) {
        // A world that is over is taken away at any moment; this one is held open meanwhile.
        let clock = SharedClock::open(&self.worlds.join(world));
        let due = clock.read() + LATE;
        for _ in 0..LOOKS_MAX {
            if clock.read() >= due {
                break;
            }
            tokio::time::sleep(LOOK).await;
        }
        self.apply(world, &clock, effect);
    }

    fn apply(&self, world: &str, clock: &SharedClock, effect: Effect) {
        // Held while the line is written, so that a look finds the value only once it is in the file.
        let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        let effect = Effect { at: clock.read().as_micros(), ..effect };
        let mut line = serde_json::to_vec(&effect).expect("an effect has a text");
        line.push(b'\n');
        let file = OpenOptions::new().append(true).create(true).open(self.worlds.join(world).join(EFFECTS));
        match file {
            Ok(mut file) => file.write_all(&line).expect("the effect can be written down"),
            // The world is over, and nobody looks at it any more.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => panic!("the effect cannot be written down: {error}"),
        }
        values.insert((world.to_owned(), effect.target), effect.value);
    }
}
