//! The body of a proposal, as the engine's [`Ask`] with a published shape.

use std::collections::BTreeMap;

use lineclear_core::catalogue::InputValue;
use lineclear_core::proposal::{Citation, Links, Model};
use lineclear_core::{IncidentId, SignalId};
use lineclear_engine::Ask;
use serde::Deserialize;
use utoipa::ToSchema;

/// What a caller asks for.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProposalBody {
    /// An action of the catalogue.
    #[schema(example = "dns.update")]
    action: String,
    /// Kind and name of the target.
    #[schema(example = "zone/example.test")]
    target: String,
    /// Exactly the action's inputs: texts and whole numbers.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, InputShape>)]
    inputs: BTreeMap<String, InputValue>,
    /// How sure the caller is, in basis points.
    #[schema(maximum = 10_000)]
    confidence_bp: u32,
    /// Why, in the caller's words.
    #[schema(max_length = 4_000)]
    reason: String,
    /// Which model spoke.
    #[serde(default)]
    #[schema(value_type = Option<ModelShape>)]
    model: Option<Model>,
    /// What it cites.
    #[serde(default)]
    #[schema(value_type = Vec<CitationShape>, max_items = 32)]
    evidence: Vec<Citation>,
    /// What else was considered.
    #[serde(default)]
    #[schema(max_items = 32)]
    alternatives: Vec<String>,
    /// The incident it serves.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    incident: Option<IncidentId>,
    /// The signals that triggered it.
    #[serde(default)]
    #[schema(value_type = Vec<String>, max_items = 32)]
    signals: Vec<SignalId>,
    /// Tickets and deployments elsewhere.
    #[serde(default)]
    #[schema(value_type = LinksShape)]
    links: Links,
}

impl From<ProposalBody> for Ask {
    fn from(body: ProposalBody) -> Self {
        Self {
            action: body.action,
            target: body.target,
            inputs: body.inputs,
            confidence_bp: body.confidence_bp,
            reason: body.reason,
            model: body.model,
            evidence: body.evidence,
            alternatives: body.alternatives,
            incident: body.incident,
            signals: body.signals,
            links: body.links,
        }
    }
}

/// The value of an input.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "it only describes the shape of `InputValue`")]
pub(crate) enum InputShape {
    /// A whole number.
    Integer(i64),
    /// Everything else.
    Text(String),
}

/// Which model spoke, as its agent states it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it only describes the shape of `Model`")]
pub(crate) struct ModelShape {
    /// Its name.
    name: String,
    /// Its version.
    version: String,
}

/// Something a proposal cites.
#[derive(ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[expect(dead_code, reason = "it only describes the shape of `Citation`")]
pub(crate) enum CitationShape {
    /// A fact of the estate's vocabulary, which is fetched again.
    Fact {
        /// Which.
        name: String,
    },
    /// Words that cannot be confirmed, shown as claimed.
    Claim {
        /// The agent's words.
        text: String,
    },
}

/// Tickets and deployments elsewhere.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it only describes the shape of `Links`")]
pub(crate) struct LinksShape {
    /// A deployment.
    deployment: Option<String>,
    /// A ticket.
    ticket: Option<String>,
}
