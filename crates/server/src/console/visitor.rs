//! Who reads a page, and what they see when it cannot be made.

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::request::Parts;
use lineclear_core::OperatorId;
use lineclear_core::emergency::Emergency;
use lineclear_core::situation::Actor;
use lineclear_engine::{Caller, EngineError};
use lineclear_store::StoreError;
use maud::{Markup, html};

use super::frame::{Alarm, Frame, bare};
use super::shown::Shown;
use crate::{App, Code, Nonce, Problem};

/// A signed-in person with the frame of their page.
pub(super) struct Visitor {
    /// Who.
    pub id: OperatorId,
    /// What stands around the page.
    pub frame: Frame,
}

impl Visitor {
    /// As the engine takes callers.
    pub const fn caller(&self) -> Caller {
        Caller::Operator(self.id)
    }
}

impl FromRequestParts<App> for Visitor {
    type Rejection = Failure;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let Caller::Operator(id) = app.caller(&parts.headers)? else { return Err(Problem::new(Code::PeopleOnly).into()) };
        let standing = app.engine.installation().await?;
        let emergencies: Vec<Alarm> = app.engine.emergencies_in_force().await?.iter().map(|it| alarm(app, it)).collect();
        let nonce = parts.extensions.get::<Nonce>().map(|Nonce(nonce)| nonce.clone()).unwrap_or_default();
        let frame = Frame {
            nonce,
            now: app.engine.now(),
            person: app.engine.name(Actor::Operator(id)),
            estate: app.engine.estate().title.clone(),
            posture: standing.posture,
            simulated: app.settings.simulated,
            reviews: standing.reviews.len().saturating_sub(emergencies.len()),
            emergencies,
        };
        Ok(Self { id, frame })
    }
}

fn alarm(app: &App, it: &Emergency) -> Alarm {
    Alarm {
        path: super::emergency::path(it.id),
        scope: it.scope().map(ToString::to_string).unwrap_or_default(),
        by: app.engine.name(Actor::Operator(it.by)),
        until: it.until,
    }
}

/// Why a page could not be made; shown as a page.
pub(super) struct Failure(pub Problem);

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        Self(error.into())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let page = failure(&self.0);
        // The problem's own response brings its headers; only the body is for people.
        let mut response = self.0.into_response();
        *response.body_mut() = page.into_string().into();
        response.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static("text/html; charset=utf-8"));
        response
    }
}

/// The page of a failure: what is wrong and what to do.
pub(super) fn failure(problem: &Problem) -> Markup {
    if problem.code() == Code::Unauthenticated {
        return bare(
            "Please sign in",
            &html! {
                p { "Nobody is signed in here, or the session is over." }
                p { "Ask for a link that signs you in once:" }
                pre { code { "lineclear sign-in LOGIN --data DIR" } }
                p.soft { "It prints a link. Open it in this browser." }
            },
        );
    }
    bare(
        &sentence(problem.code().title()),
        &html! {
            (said(problem))
            p { a href="/" { "To the inbox" } }
        },
    )
}

/// What is wrong and what to do, in two calm sentences.
pub(super) fn said(problem: &Problem) -> Markup {
    html! {
        @if problem.detail() != problem.code().title() { p { (Shown(&sentence(problem.detail()))) } }
        p { (Shown(&sentence(help(problem.code())))) }
    }
}

/// What to do next, for somebody at a page, where a code's own help speaks to programs.
const HELP: [(Code, &str); 7] = [
    (Code::Malformed, "fill in what the form asks for, and send it again"),
    (Code::BadParameter, "open the page from the list that it belongs to"),
    (Code::Mismatch, "the page below shows what is asked now: read what has changed, and decide on that"),
    (Code::NotOpen, "the page below shows how it stands now"),
    (Code::ApprovalEnded, "the page below shows how it stands now"),
    (Code::Unreasoned, "say why; it is recorded"),
    (Code::TooWeak, "sign it with a key of your own: the bar below shows how"),
];

fn help(code: Code) -> &'static str {
    HELP.iter().find(|(known, _)| *known == code).map_or(code.help(), |(_, help)| help)
}

/// What kind of problem it is, for somebody at a page.
pub(super) fn heading(problem: &Problem) -> String {
    if problem.code() == Code::Malformed { "The form is not complete.".into() } else { sentence(problem.code().title()) }
}

/// A fragment as a sentence: a capital first and a full stop last.
pub(super) fn sentence(fragment: &str) -> String {
    let mut rest = fragment.chars();
    let first: String = rest.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    let stop = if fragment.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{stop}", rest.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fragments_become_sentences() {
        assert_eq!(sentence("this link is dead"), "This link is dead.");
        assert_eq!(sentence("sign it with `lineclear approve`"), "Sign it with `lineclear approve`.");
        assert_eq!(sentence("Done."), "Done.");
        assert_eq!(sentence(""), ".");
    }
}
