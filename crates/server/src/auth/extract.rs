//! Extractors: a handler that takes one of these is not reached by anybody else.

use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::request::Parts;
use lineclear_core::{AgentId, OperatorId};
use lineclear_engine::Caller;

use super::{bearer, cookie};
use crate::{App, Code, Problem};

/// A named person, by session or by bearer token. Machines are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Person(pub OperatorId);

/// Anybody who is known: an agent by its token, a person by session or token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asking(pub Caller);

/// An agent, by its token. People are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Machine(pub AgentId);

impl App {
    /// Who speaks: somebody with a token or session that counts, whom the estate's directory knows now.
    ///
    /// # Errors
    /// When nobody does.
    pub fn caller(&self, headers: &HeaderMap) -> Result<Caller, Problem> {
        let caller = self.proved(headers).ok_or_else(|| Problem::new(Code::Unauthenticated))?;
        self.engine.known(&caller)?;
        Ok(caller)
    }

    /// A bearer token wins over a cookie, so that what needs no proof of origin never rests on one.
    fn proved(&self, headers: &HeaderMap) -> Option<Caller> {
        let now = self.engine.now();
        if headers.contains_key(http::header::AUTHORIZATION) {
            let token = bearer(headers)?;
            let agent = self.auth.agent(token, now).map(Caller::Agent);
            return agent.or_else(|| self.auth.operator(token, now).map(Caller::Operator));
        }
        let session = self.auth.session(cookie(headers, self.settings.cookie())?, now)?;
        Some(Caller::Operator(session.operator))
    }
}

impl Person {
    /// As the engine takes callers.
    pub const fn caller(self) -> Caller {
        Caller::Operator(self.0)
    }
}

impl FromRequestParts<App> for Asking {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        app.caller(&parts.headers).map(Self)
    }
}

impl FromRequestParts<App> for Person {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        match app.caller(&parts.headers)? {
            Caller::Operator(id) => Ok(Self(id)),
            Caller::Agent(_) => Err(Problem::new(Code::PeopleOnly)),
        }
    }
}

impl FromRequestParts<App> for Machine {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        match app.caller(&parts.headers)? {
            Caller::Agent(id) => Ok(Self(id)),
            Caller::Operator(_) => Err(Problem::new(Code::AgentsOnly)),
        }
    }
}
