//! Who may speak at this face: agents by bearer token, and nobody else. What passes on is the name, never the token.

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{AUTHORIZATION, COOKIE};
use lineclear_engine::Caller;
use serde::de::IgnoredAny;

use crate::json::read;
use crate::server::BODY_MAX;
use crate::{App, Code, Machine, Problem};

/// Lets an agent's request pass, with a [`Machine`] among its extensions.
///
/// # Errors
/// For strangers, for people, for agents the directory no longer knows, and for bodies that two readers may read
/// differently.
pub(super) async fn admit(State(app): State<App>, machine: Machine, request: Request, next: Next) -> Result<Response, Problem> {
    app.engine.known(&Caller::Agent(machine.0))?;
    let (mut parts, body) = request.into_parts();
    let body = to_bytes(body, BODY_MAX).await.map_err(|_| Problem::new(Code::TooLarge))?;
    unambiguous(&body)?;
    parts.headers.remove(AUTHORIZATION);
    parts.headers.remove(COOKIE);
    parts.extensions.insert(machine);
    Ok(next.run(Request::from_parts(parts, Body::from(body))).await)
}

/// Refuses members given twice and nesting without end; whatever else is wrong, the protocol itself refuses.
fn unambiguous(body: &[u8]) -> Result<(), Problem> {
    match read::<IgnoredAny>(body) {
        Err(problem) if matches!(problem.code(), Code::DuplicateMember | Code::TooDeep) => Err(problem),
        Ok(_) | Err(_) => Ok(()),
    }
}
