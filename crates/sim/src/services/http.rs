//! The control interfaces as plain JSON over HTTP. A change may carry `If-Match` with the `ETag` it was planned on (412
//! when that is another one by now); an effect may carry `Idempotency-Key` (a repeated one has no second effect).

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::json;

use super::{Health, REPLICAS_MAX, Status, Versioned, WafMode};
use crate::answer::{answer, json as reply};
use crate::clock;
use crate::world::{Shared, World};

/// No request of these interfaces is longer.
const BODY_BYTES_MAX: usize = 4_096;
/// The longest text on the status page, in bytes.
const TEXT_BYTES_MAX: usize = 1_000;
/// The longest idempotency key, in bytes.
const KEY_BYTES_MAX: usize = 255;

/// The scaler.
pub(crate) fn scaler(world: Shared) -> Router {
    finish(Router::new().route("/services/{name}/replicas", get(replicas).put(scale)), world)
}

/// The caches.
pub(crate) fn cache(world: Shared) -> Router {
    finish(Router::new().route("/caches/{name}", get(show_cache)).route("/purge/{name}", post(purge)), world)
}

/// The firewall.
pub(crate) fn waf(world: Shared) -> Router {
    finish(Router::new().route("/waf/{service}/rules/{rule}", get(rule).put(set_rule)), world)
}

/// The certificates.
pub(crate) fn certificates(world: Shared) -> Router {
    let router = Router::new().route("/certificates/{host}", get(certificate)).route("/certificates/{host}/renew", post(renew));
    finish(router, world)
}

/// The status page.
pub(crate) fn status(world: Shared) -> Router {
    finish(Router::new().route("/", get(page)).route("/status/{service}", get(show_status).put(set_status)), world)
}

fn finish(router: Router<Shared>, world: Shared) -> Router {
    router
        .fallback(|| async { refuse(StatusCode::NOT_FOUND, "no such path") })
        .method_not_allowed_fallback(|| async { refuse(StatusCode::METHOD_NOT_ALLOWED, "not with this method") })
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(world)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scale {
    replicas: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    mode: WafMode,
}

async fn replicas(State(world): State<Shared>, Path(name): Path<String>) -> Response {
    world.with(|world| world.services.replicas.get(&name).map_or_else(|| unknown("service", &name), |count| show_replicas(&name, count)))
}

async fn scale(State(world): State<Shared>, Path(name): Path<String>, headers: HeaderMap, body: Bytes) -> Response {
    let Ok(wanted) = serde_json::from_slice::<Scale>(&body) else { return unreadable("{\"replicas\": NUMBER}") };
    if wanted.replicas > REPLICAS_MAX {
        return refuse(StatusCode::UNPROCESSABLE_ENTITY, &format!("`{}` replicas are more than {REPLICAS_MAX}", wanted.replicas));
    }
    world.with(|World { services, effects, .. }| {
        let Some(count) = services.replicas.get_mut(&name) else { return unknown("service", &name) };
        if !matches(&headers, count) {
            return moved();
        }
        effects.scale_changes += u64::from(count.set(wanted.replicas));
        show_replicas(&name, count)
    })
}

fn show_replicas(name: &str, count: &Versioned<u32>) -> Response {
    tagged(count, &json!({ "service": name, "replicas": count.value, "simulated": true }))
}

async fn show_cache(State(world): State<Shared>, Path(name): Path<String>) -> Response {
    world.with(|world| describe_cache(world, &name, false))
}

async fn purge(State(world): State<Shared>, Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Ok(key) = key(&headers, &format!("purge/{name}")) else {
        return refuse(StatusCode::BAD_REQUEST, "the idempotency key is too long");
    };
    world.with(|world| {
        if !world.services.caches.contains_key(&name) {
            return unknown("cache", &name);
        }
        let repeated = key.is_some_and(|key| world.services.seen(key));
        if !repeated && world.services.purge(&name, clock::now()) {
            world.effects.purges += 1;
        }
        describe_cache(world, &name, repeated)
    })
}

fn describe_cache(world: &World, name: &str, repeated: bool) -> Response {
    let Some(cache) = world.services.caches.get(name) else { return unknown("cache", name) };
    let ratio = cache.hit_ratio(clock::now());
    reply(StatusCode::OK, &json!({ "cache": name, "hit_ratio": ratio, "purges": cache.purges, "repeated": repeated, "simulated": true }))
}

async fn rule(State(world): State<Shared>, Path(key): Path<(String, String)>) -> Response {
    world.with(|world| world.services.rules.get(&key).map_or_else(|| unknown("rule", &key.1), |mode| show_rule(&key, mode)))
}

async fn set_rule(State(world): State<Shared>, Path(key): Path<(String, String)>, headers: HeaderMap, body: Bytes) -> Response {
    let Ok(wanted) = serde_json::from_slice::<Rule>(&body) else { return unreadable("{\"mode\": \"block\" | \"detect\" | \"off\"}") };
    world.with(|World { services, effects, .. }| {
        let Some(mode) = services.rules.get_mut(&key) else { return unknown("rule", &key.1) };
        if !matches(&headers, mode) {
            return moved();
        }
        effects.waf_changes += u64::from(mode.set(wanted.mode));
        show_rule(&key, mode)
    })
}

fn show_rule((service, rule): &(String, String), mode: &Versioned<WafMode>) -> Response {
    tagged(mode, &json!({ "service": service, "rule": rule, "mode": mode.value, "simulated": true }))
}

async fn certificate(State(world): State<Shared>, Path(host): Path<String>) -> Response {
    world.with(|world| describe_certificate(world, &host, false))
}

async fn renew(State(world): State<Shared>, Path(host): Path<String>, headers: HeaderMap) -> Response {
    let Ok(key) = key(&headers, &format!("renew/{host}")) else {
        return refuse(StatusCode::BAD_REQUEST, "the idempotency key is too long");
    };
    world.with(|world| {
        if !world.services.certificates.contains_key(&host) {
            return unknown("host", &host);
        }
        let repeated = key.is_some_and(|key| world.services.seen(key));
        if !repeated && world.services.renew(&host, clock::now()) {
            world.effects.renewals += 1;
        }
        describe_certificate(world, &host, repeated)
    })
}

fn describe_certificate(world: &World, host: &str, repeated: bool) -> Response {
    let Some(certificate) = world.services.certificates.get(host) else { return unknown("host", host) };
    let body = json!({
        "host": host,
        "not_after": certificate.not_after.to_string(),
        "days_left": certificate.days_left(clock::now()),
        "serial": certificate.serial,
        "repeated": repeated,
        "simulated": true,
    });
    reply(StatusCode::OK, &body)
}

async fn show_status(State(world): State<Shared>, Path(service): Path<String>) -> Response {
    world.with(|world| {
        world.services.statuses.get(&service).map_or_else(|| unknown("service", &service), |status| describe_status(&service, status))
    })
}

async fn set_status(State(world): State<Shared>, Path(service): Path<String>, headers: HeaderMap, body: Bytes) -> Response {
    let wanted = "{\"state\": \"operational\" | \"degraded\" | \"outage\", \"text\": STRING}";
    let Ok(new) = serde_json::from_slice::<Status>(&body) else { return unreadable(wanted) };
    if new.text.len() > TEXT_BYTES_MAX {
        return refuse(StatusCode::UNPROCESSABLE_ENTITY, "the text is too long");
    }
    world.with(|World { services, effects, .. }| {
        let Some(status) = services.statuses.get_mut(&service) else { return unknown("service", &service) };
        if !matches(&headers, status) {
            return moved();
        }
        effects.status_changes += u64::from(status.set(new));
        describe_status(&service, status)
    })
}

fn describe_status(service: &str, status: &Versioned<Status>) -> Response {
    tagged(status, &json!({ "service": service, "state": status.value.state, "text": status.value.text, "simulated": true }))
}

async fn page(State(world): State<Shared>) -> Response {
    let line = |(service, status): (&String, &Versioned<Status>)| {
        let state = match status.value.state {
            Health::Operational => "operational",
            Health::Degraded => "degraded",
            Health::Outage => "outage",
        };
        format!("{service}: {state} {}\n", status.value.text)
    };
    let lines: String = world.with(|world| world.services.statuses.iter().map(line).collect());
    answer(StatusCode::OK, "text/plain; charset=utf-8", format!("Status of a simulated hosting estate\n\n{lines}"))
}

/// The key of an effect, apart from the keys of other effects.
fn key(headers: &HeaderMap, effect: &str) -> Result<Option<String>, ()> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let value = value.to_str().map_err(|_| ())?;
    if value.len() > KEY_BYTES_MAX { Err(()) } else { Ok(Some(format!("{effect} {value}"))) }
}

/// RFC 9110 §13.1.1, for one strong tag or `*`.
fn matches<T: PartialEq>(headers: &HeaderMap, current: &Versioned<T>) -> bool {
    headers.get(header::IF_MATCH).is_none_or(|wanted| wanted == "*" || wanted.as_bytes() == current.etag().as_bytes())
}

fn tagged<T: PartialEq>(current: &Versioned<T>, body: &serde_json::Value) -> Response {
    let mut response = reply(StatusCode::OK, body);
    if let Ok(tag) = HeaderValue::from_str(&current.etag()) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

fn moved() -> Response {
    refuse(StatusCode::PRECONDITION_FAILED, "it has changed since")
}

fn unknown(kind: &str, name: &str) -> Response {
    refuse(StatusCode::NOT_FOUND, &format!("no {kind} `{name}`"))
}

fn unreadable(wanted: &str) -> Response {
    refuse(StatusCode::BAD_REQUEST, &format!("the body is not {wanted}"))
}

fn refuse(status: StatusCode, why: &str) -> Response {
    reply(status, &json!({ "error": why, "simulated": true }))
}
