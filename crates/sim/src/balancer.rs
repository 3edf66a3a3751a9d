//! The simulated load balancer: a small HTTP reverse proxy over the web servers. It makes no health checks of its
//! own, as an HAProxy without `check`: a dead server keeps its share of the requests until somebody takes it out.

pub(crate) mod command;
pub(crate) mod pool;
pub(crate) mod socket;

use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::Response;

use crate::answer::answer;
use crate::clock;
use crate::exchange::{self, Request};
use crate::world::Shared;

/// As `timeout server` of a short-tempered HAProxy.
const SERVER_TIMEOUT: Duration = Duration::from_secs(2);

/// The proxy's routes: all of them.
pub(crate) fn router(world: Shared) -> Router {
    Router::new().fallback(proxy).with_state(world)
}

async fn proxy(State(world): State<Shared>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let Some((server, address)) = world.with(|world| world.pool.choose()) else {
        world.with(|world| world.traffic.record(clock::now(), true));
        return unavailable();
    };
    let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("text/plain");
    let request = Request {
        method: method.as_str(),
        path: uri.path_and_query().map_or("/", |path| path.as_str()),
        headers: &[("content-type", media), ("x-forwarded-for", "127.0.0.1")],
        body: &body,
    };
    let reply = exchange::send(&address.to_string(), &request, SERVER_TIMEOUT).await;
    let failed = reply.as_ref().map_or(true, |reply| reply.status >= 500);
    world.with(|world| {
        world.pool.finish(&server, failed);
        world.traffic.record(clock::now(), failed);
    });
    let Ok(reply) = reply else { return unavailable() };
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::BAD_GATEWAY);
    let mut response = answer(status, "text/plain; charset=utf-8", reply.body);
    if let Some(media) = reply.content_type.and_then(|media| HeaderValue::from_str(&media).ok()) {
        response.headers_mut().insert(header::CONTENT_TYPE, media);
    }
    if let Ok(name) = HeaderValue::from_str(&server) {
        response.headers_mut().insert("x-served-by", name);
    }
    response
}

/// The page HAProxy shows when no server can answer.
fn unavailable() -> Response {
    let page = "<html><body><h1>503 Service Unavailable</h1>\n\
                No server is available to handle this request (simulated).\n</body></html>\n";
    answer(StatusCode::SERVICE_UNAVAILABLE, "text/html", page)
}
