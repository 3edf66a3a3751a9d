//! People answer: what is asked, the statement to sign, and the vote. No machine comes past the extractor.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header::{ACCEPT, HeaderMap};
use lineclear_core::statement::{Assertion, Decision, SSH_NAMESPACE, Signature};
use lineclear_core::{ApprovalId, ChangeId, Digest, RevisionId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::parameter::Named;
use crate::json::Strict;
use crate::{App, Asking, Person, Problem};

/// What a person wants to say.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Intention {
    /// `approve` or `reject`.
    #[schema(value_type = String)]
    decision: Decision,
    /// Why; a rejection needs one.
    #[serde(default)]
    #[schema(max_length = 2_000)]
    reason: String,
}

/// The exact text to sign.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ToSign {
    /// The exact text: sign and send these bytes, never a copy that was parsed and written again.
    statement: String,
    /// Its digest.
    #[schema(value_type = String)]
    digest: Digest,
    /// The namespace of an SSH signature over it.
    namespace: &'static str,
}

/// A vote.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct VoteBody {
    /// The statement's exact text.
    #[schema(max_length = 16_384)]
    statement: String,
    /// What binds it to the person.
    signature: SignatureBody,
}

/// What binds a vote to its person.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(tag = "grade", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum SignatureBody {
    /// Nothing but being signed in.
    Session {},
    /// An armoured SSHSIG over the statement's bytes.
    Ssh {
        /// `-----BEGIN SSH SIGNATURE-----` and so on.
        armored: String,
    },
    /// A passkey's assertion (WebAuthn Level 3, §5.2.2) whose challenge is SHA-256 over `lineclear-approval-v1`, a zero byte, the
    /// length of the statement in eight bytes, and the statement.
    Passkey {
        /// The credential's id, in base64url.
        credential: String,
        /// The authenticator data, in base64url.
        authenticator_data: String,
        /// `clientDataJSON`, as text.
        client_data: String,
        /// The signature, in base64url.
        signature: String,
    },
}

/// What a vote led to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Counted {
    /// The change, when it was asked about one.
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    change: Option<ChangeId>,
    /// The proposed version of the estate, when it was asked about one.
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<RevisionId>,
    /// Where the request stands now.
    state: &'static str,
    /// Distinct people so far.
    people: u8,
    /// Distinct people asked for.
    needed: u8,
}

/// What people are asked about a change.
#[utoipa::path(get, path = "/api/v1/changes/{id}/request", tag = "approvals", params(("id" = String, Path, description = "The change")),
    responses((status = 200, description = "The request for approval, the bundle's exact text included", body = Object)))]
pub(super) async fn request(State(app): State<App>, _: Asking, Named(id): Named<ChangeId>) -> Result<Response, Problem> {
    Ok(Json(app.engine.request(id).await?).into_response())
}

/// The exact text that this person would sign. People only. Nothing is recorded yet.
#[utoipa::path(post, path = "/api/v1/approvals/{id}/statement", tag = "approvals", params(("id" = String, Path, description = "The request for approval")),
    request_body = Intention,
    responses((status = 200, description = "The text; bare when `Accept` asks for `text/plain`", content((ToSign = "application/json"), (String = "text/plain")))))]
pub(super) async fn statement(
    State(app): State<App>,
    person: Person,
    Named(id): Named<ApprovalId>,
    headers: HeaderMap,
    Strict(body): Strict<Intention>,
) -> Result<Response, Problem> {
    let statement = app.engine.statement(&person.caller(), id, body.decision, body.reason).await?;
    let plain =
        headers.get(ACCEPT).and_then(|value| value.to_str().ok()).is_some_and(|accept| accept.trim_start().starts_with("text/plain"));
    if plain {
        return Ok(statement.into_response());
    }
    let digest = Digest::of(statement.as_bytes());
    Ok(Json(ToSign { statement, digest, namespace: SSH_NAMESPACE }).into_response())
}

/// Casts a vote. People only. A vote that counts for nothing is recorded, and then refused.
#[utoipa::path(post, path = "/api/v1/approvals/{id}/votes", tag = "approvals", params(("id" = String, Path, description = "The request for approval")),
    request_body = VoteBody, responses((status = 200, description = "It counts", body = Counted)))]
pub(super) async fn vote(
    State(app): State<App>,
    person: Person,
    Named(id): Named<ApprovalId>,
    Strict(body): Strict<VoteBody>,
) -> Result<Json<Counted>, Problem> {
    let signature = match body.signature {
        SignatureBody::Session {} => Signature::Session,
        SignatureBody::Ssh { armored } => Signature::Ssh { armored },
        SignatureBody::Passkey { credential, authenticator_data, client_data, signature } => {
            Signature::Passkey(Assertion { credential, authenticator_data, client_data, signature })
        }
    };
    let cast = app.engine.vote(&person.caller(), id, body.statement, signature).await?;
    let (change, revision) = (cast.about.change(), cast.about.revision());
    Ok(Json(Counted { change, revision, state: cast.state, people: cast.people, needed: cast.needed }))
}
