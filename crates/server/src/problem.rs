//! The only place that turns errors into HTTP status and stable code: RFC 9457 problem documents, each with a next step.

mod code;
mod engine;
#[cfg(test)]
mod tests;

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use lineclear_core::subject::Subject;
use lineclear_core::{ApprovalId, ChangeId, RevisionId};
use serde::Serialize;

pub use code::Code;

/// Where the codes are explained.
const TYPE: &str = "https://lineclear.dev/problems/";
/// Longest detail, in characters: input is part of it, and input comes from outside.
const DETAIL_MAX: usize = 500;
/// The media type of problem documents (RFC 9457 §3).
pub(crate) const MEDIA: &str = "application/problem+json";

/// Why a request led to nothing, or to a recorded refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    code: Code,
    detail: String,
    pointer: Option<String>,
    change: Option<ChangeId>,
    revision: Option<RevisionId>,
    approval: Option<ApprovalId>,
}

/// A problem document (RFC 9457) as it is sent.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Problem)]
pub(crate) struct Document {
    /// A URL that ends with the code.
    #[serde(rename = "type")]
    kind: String,
    /// What kind of problem it is, in words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What is wrong with this request.
    detail: String,
    /// The stable word that programs look at.
    code: &'static str,
    /// What to do next.
    help: &'static str,
    /// Where the recorded refusal can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<String>,
    /// JSON pointer (RFC 6901) to the member that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<String>,
    /// The change on which the refusal is recorded.
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    change: Option<ChangeId>,
    /// The proposed version of the estate on which the refusal is recorded.
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<RevisionId>,
    /// The request for approval on which the refusal is recorded.
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    approval: Option<ApprovalId>,
}

impl Problem {
    /// A problem that its title describes well enough.
    pub fn new(code: Code) -> Self {
        Self::with(code, code.title())
    }

    /// A problem with words of its own; at most 500 characters of them are sent.
    #[expect(clippy::needless_pass_by_value, reason = "callers hand over errors and texts that they are done with")]
    pub fn with(code: Code, detail: impl ToString) -> Self {
        let detail = detail.to_string().chars().take(DETAIL_MAX).collect();
        Self { code, detail, pointer: None, change: None, revision: None, approval: None }
    }

    /// Points at the member that is wrong (RFC 6901).
    #[must_use]
    pub fn at(self, pointer: impl Into<String>) -> Self {
        Self { pointer: Some(pointer.into()).filter(|pointer| !pointer.is_empty()), ..self }
    }

    /// Names the change on which the refusal is recorded.
    #[must_use]
    pub fn on(self, change: ChangeId) -> Self {
        Self { change: Some(change), ..self }
    }

    /// Names the change or the proposed version of the estate on which the refusal is recorded.
    #[must_use]
    pub fn about(self, about: Subject) -> Self {
        Self { change: about.change(), revision: about.revision(), ..self }
    }

    /// The stable code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// What is wrong, in words.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The change on which the refusal is recorded.
    pub fn change(&self) -> Option<ChangeId> {
        self.change
    }

    /// Where the member stands that is wrong (RFC 6901).
    pub fn pointer(&self) -> Option<&str> {
        self.pointer.as_deref()
    }

    fn document(self) -> Document {
        let code = self.code;
        let revision = self.revision.map(|revision| format!("/api/v1/estate/revisions/{revision}"));
        Document {
            kind: format!("{TYPE}{}", code.word()),
            title: code.title(),
            status: code.status().as_u16(),
            detail: self.detail,
            code: code.word(),
            help: code.help(),
            instance: self.change.map(|change| format!("/api/v1/changes/{change}")).or(revision),
            pointer: self.pointer,
            change: self.change,
            revision: self.revision,
            approval: self.approval,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let code = self.code;
        // Strings and numbers only: this always has a JSON form.
        let body = serde_json::to_vec(&self.document()).unwrap_or_default();
        let mut response = (code.status(), body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA));
        if code == Code::Unauthenticated {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"lineclear\""));
        }
        if code.may_repeat() {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
