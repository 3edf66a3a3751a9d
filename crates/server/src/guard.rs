//! What every request passes before a handler sees it: the host is ours, a browser's write comes from our own pages, and
//! nothing takes for ever. What every response carries: headers that leave a page nothing but itself.

mod headers;
#[cfg(test)]
mod tests;

use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::header::{AUTHORIZATION, HOST, HeaderMap, ORIGIN};
use http::{HeaderName, Method};

use crate::auth::cookie;
use crate::session::hex;
use crate::{App, Code, Problem};

/// Longest time from the end of a request's head to its answer: the longest wait that a caller may ask for, and some.
pub(crate) const HANDLER_TIME: Duration = Duration::from_mins(1);

/// The number that scripts and htmx attributes of one response must carry; taken from the request's extensions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nonce(pub String);

/// Everything that every request passes.
pub(crate) async fn guard(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let nonce = Nonce(hex(&app.engine.random()));
    let method = request.method().clone();
    // The pattern and not the path: paths of sign-in links are secrets.
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let begun = tokio::time::Instant::now();
    let mut response = match admit(&app, &request) {
        Ok(()) => {
            request.extensions_mut().insert(nonce.clone());
            match tokio::time::timeout(HANDLER_TIME, next.run(request)).await {
                Ok(response) => response,
                Err(_) => Problem::new(Code::TooSlow).into_response(),
            }
        }
        Err(problem) => problem.into_response(),
    };
    headers::secure(response.headers_mut(), &nonce);
    let (status, duration_ms) = (response.status().as_u16(), begun.elapsed().as_millis());
    tracing::debug!(http.method = %method, http.route = route, http.status = status, duration_ms, "a request was answered");
    response
}

fn admit(app: &App, request: &Request) -> Result<(), Problem> {
    let named = request.headers().get(HOST).and_then(|value| value.to_str().ok());
    let host = named.or_else(|| request.uri().authority().map(http::uri::Authority::as_str));
    if !host.is_some_and(|host| app.settings.knows_host(host)) {
        return Err(Problem::new(Code::UnknownHost));
    }
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if safe || !rests_on_a_browser(app, request) || same_origin(app, request.headers()) {
        return Ok(());
    }
    Err(Problem::new(Code::CrossSite))
}

/// Whether the request's power comes from where a browser has been: a cookie, or a page's form. Only `Authorization`,
/// which no page of another site can add unasked, is proof against that.
fn rests_on_a_browser(app: &App, request: &Request) -> bool {
    let headers = request.headers();
    if headers.contains_key(AUTHORIZATION) {
        return false;
    }
    let path = request.uri().path();
    let for_programs = path.starts_with("/api/") || path.starts_with("/hooks/") || path == "/mcp";
    !for_programs || mentions_cookie(headers, app.settings.cookie())
}

/// Whether a cookie of this name is there, even if there are two of them.
fn mentions_cookie(headers: &HeaderMap, name: &str) -> bool {
    cookie(headers, name).is_some()
        || headers.get_all(http::header::COOKIE).iter().any(|value| value.to_str().map_or(true, |text| text.contains(name)))
}

fn same_origin(app: &App, headers: &HeaderMap) -> bool {
    match headers.get(HeaderName::from_static("sec-fetch-site")) {
        Some(site) => site.as_bytes() == b"same-origin",
        None => headers.get(ORIGIN).is_some_and(|origin| origin.as_bytes() == app.settings.public_url().as_bytes()),
    }
}
