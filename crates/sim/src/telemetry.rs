//! The simulated Prometheus: the instant query of its HTTP API, over the world as it is now.
//!
//! A subquery looks at what was kept since the start, and before that at a simulated past in which all was well
//! ([`history`]).
//!
//! One difference is on purpose. Prometheus stamps a result with the time of evaluation; here a plain selector carries
//! the time of its sample, so that an aged metric shows its age to a reader of either. `timestamp()` is right in both.

mod evaluate;
pub(crate) mod history;
mod parse;
mod series;

use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Form, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::answer::{answer, json as reply};
use crate::clock;
use crate::world::Shared;
use evaluate::{Outcome, View, evaluate};
use series::{Series, now_series};

/// A query in a form is no longer than this.
const BODY_BYTES_MAX: usize = 16 * 1024;
/// There is no history: a `time` this far from now cannot be answered.
const SKEW: Duration = Duration::from_secs(5);

/// The query API and the two health pages.
pub(crate) fn router(world: Shared) -> Router {
    let healthy = || async { answer(StatusCode::OK, "text/plain; charset=utf-8", "Prometheus Server is Healthy (simulated).\n") };
    let ready = || async { answer(StatusCode::OK, "text/plain; charset=utf-8", "Prometheus Server is Ready (simulated).\n") };
    let home = || async {
        answer(StatusCode::OK, "text/plain; charset=utf-8", "Simulated Prometheus: /api/v1/query only; before it started, all was well.\n")
    };
    Router::new()
        .route("/", get(home))
        .route("/-/healthy", get(healthy))
        .route("/-/ready", get(ready))
        .route("/api/v1/query", get(by_get).post(by_post))
        .route("/api/v1/status/buildinfo", get(build))
        .fallback(|| async { answer(StatusCode::NOT_FOUND, "text/plain; charset=utf-8", "404 page not found (simulated)\n") })
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(world)
}

/// Other parameters (`timeout`, `limit`, …) mean nothing here and are ignored, as Prometheus ignores what it does not know.
#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    query: String,
    time: Option<String>,
}

async fn by_get(State(world): State<Shared>, Query(asked): Query<Asked>) -> Response {
    respond(&world, &asked, clock::now())
}

async fn by_post(State(world): State<Shared>, Form(asked): Form<Asked>) -> Response {
    respond(&world, &asked, clock::now())
}

async fn build() -> Response {
    let data = json!({ "version": "0.0.0-simulated", "revision": "simulated", "branch": "simulated", "goVersion": "none" });
    reply(StatusCode::OK, &json!({ "status": "success", "data": data }))
}

fn respond(world: &Shared, asked: &Asked, now: Timestamp) -> Response {
    match asked.time.as_deref().map_or(Ok(()), |time| check_time(time, now)).and_then(|()| run(world, &asked.query, now)) {
        Ok(data) => reply(StatusCode::OK, &json!({ "status": "success", "data": data })),
        Err(why) => reply(StatusCode::BAD_REQUEST, &json!({ "status": "error", "errorType": "bad_data", "error": why })),
    }
}

fn run(world: &Shared, query: &str, now: Timestamp) -> Result<Value, String> {
    let expression = parse::parse(query).map_err(|error| format!("invalid parameter \"query\": {error} (simulated Prometheus)"))?;
    let (live, history) = world.with(|world| (now_series(world, now), std::sync::Arc::clone(&world.history)));
    let view = View { live: &live, now, history: &history };
    let outcome =
        evaluate(&expression, &view, now).map_err(|error| format!("invalid parameter \"query\": {error} (simulated Prometheus)"))?;
    Ok(match outcome {
        Outcome::Scalar(value) => json!({ "resultType": "scalar", "result": sample(now, value) }),
        Outcome::Vector(series) => json!({ "resultType": "vector", "result": series.iter().map(show).collect::<Vec<_>>() }),
    })
}

fn show(series: &Series) -> Value {
    json!({ "metric": series.labels, "value": sample(series.at, series.value) })
}

/// A time in seconds with three decimals, and the value as text, as Prometheus prints them.
fn sample(at: Timestamp, value: f64) -> Value {
    let value = if value.is_infinite() { if value > 0.0 { "+Inf".to_owned() } else { "-Inf".to_owned() } } else { value.to_string() };
    json!([seconds(at), value])
}

pub(crate) fn seconds(at: Timestamp) -> f64 {
    at.duration_since(Timestamp::UNIX_EPOCH).as_secs_f64()
}

/// A Unix time or RFC 3339, close to now.
fn check_time(text: &str, now: Timestamp) -> Result<(), String> {
    let at = match text.parse::<f64>() {
        Ok(seconds) => seconds,
        Err(_) => text.parse::<Timestamp>().map(seconds).map_err(|_| "invalid parameter \"time\": cannot parse".to_owned())?,
    };
    if (at - seconds(now)).abs() <= SKEW.as_secs_f64() {
        Ok(())
    } else {
        Err("invalid parameter \"time\": the simulation has no history".to_owned())
    }
}
