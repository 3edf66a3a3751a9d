//! Signing in by a one-time link: opening it shows a button, and only the button uses it up, so that scanners and
//! prefetching browsers do not.

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use http::header::{HeaderMap, HeaderValue, SET_COOKIE};
use maud::{Markup, html};

use crate::auth::cookie;
use crate::session::SESSION_TTL;
use crate::{App, Code, Problem, console};

/// The routes.
pub(crate) fn router() -> Router<App> {
    Router::new().route("/sign-in/{token}", get(show).post(redeem)).route("/sign-out", post(sign_out))
}

/// Says nothing about whether the link still works: whoever guesses learns nothing by looking.
async fn show(State(app): State<App>) -> Markup {
    let page = html! {
        @if app.settings.simulated { p { "This estate is " strong { "simulated" } "." } }
        p { "This link signs you in once." }
        form method="post" { button type="submit" { "Sign in" } }
    };
    console::bare("Sign in", &page)
}

async fn redeem(State(app): State<App>, Path(token): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let now = app.engine.now();
    let value = app.auth.redeem(&token, now, app.engine.random()).ok_or_else(|| Problem::new(Code::DeadLink))?;
    if let Some(before) = cookie(&headers, app.settings.cookie()) {
        app.auth.end(before, now);
    }
    Ok(with_cookie(&app, &value, SESSION_TTL.as_secs()))
}

async fn sign_out(State(app): State<App>, headers: HeaderMap) -> Response {
    if let Some(value) = cookie(&headers, app.settings.cookie()) {
        app.auth.end(value, app.engine.now());
    }
    with_cookie(&app, "", 0)
}

/// Back to the start with the session's cookie: not for scripts, not for other sites, not for other paths.
fn with_cookie(app: &App, value: &str, seconds: u64) -> Response {
    let secure = if app.settings.secure() { "; Secure" } else { "" };
    let text = format!("{}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}", app.settings.cookie());
    let mut response = Redirect::to("/").into_response();
    // Hexadecimal digits and fixed text: always a header value.
    if let Ok(mut text) = HeaderValue::from_str(&text) {
        text.set_sensitive(true);
        response.headers_mut().insert(SET_COOKIE, text);
    }
    response
}
