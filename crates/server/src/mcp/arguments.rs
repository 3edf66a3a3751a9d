//! What each tool takes: published as JSON Schema, and read strictly.

use std::collections::BTreeMap;
use std::time::Duration;

use lineclear_core::catalogue::InputValue;
use lineclear_core::proposal::{Citation, Links, Model};
use lineclear_core::{ChangeId, IncidentId, SignalId};
use lineclear_engine::{Ask, KEY_MAX, WAIT_MAX};
use rmcp::model::JsonObject;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::json::read;
use crate::{Code, Problem};

/// Longest reason for a withdrawal, in characters: what a proposal's own prose may have.
const REASON_MAX: usize = 4_000;

/// A proposal.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProposalArguments {
    /// An action's name from `list_actions`, such as `dns.update`.
    action: String,
    /// What it acts on, as kind and name from `list_actions`, such as `zone/example.test`.
    target: String,
    /// Exactly the inputs that `list_actions` names for the action, by name.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, InputShape>")]
    inputs: BTreeMap<String, InputValue>,
    /// How sure you are that this is right, in basis points: 9300 is 93 %. More buys nothing where a person must answer.
    #[schemars(range(max = 10_000))]
    confidence_bp: u32,
    /// Why, for the person who decides: what you saw, and why this helps.
    #[schemars(length(max = 4_000))]
    reason: String,
    /// Which model you are, if you know.
    #[serde(default)]
    #[schemars(with = "Option<ModelShape>")]
    model: Option<Model>,
    /// What you rely on. Facts of the estate are measured again by Lineclear; claims are shown as your words.
    #[serde(default)]
    #[schemars(with = "Vec<CitationShape>", length(max = 32))]
    evidence: Vec<Citation>,
    /// What else you considered, and why not.
    #[serde(default)]
    #[schemars(length(max = 32))]
    alternatives: Vec<String>,
    /// The incident that this serves: `incident_…`.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    incident: Option<IncidentId>,
    /// The signals that made you propose this: `signal_…`.
    #[serde(default)]
    #[schemars(with = "Vec<String>", length(max = 32))]
    signals: Vec<SignalId>,
    /// Tickets and deployments elsewhere.
    #[serde(default)]
    #[schemars(with = "LinksShape")]
    links: Links,
    /// Your own word for this very proposal: the same call with the same word answers with the change recorded first.
    #[serde(default)]
    #[schemars(length(min = 1, max = 100))]
    idempotency_key: Option<String>,
}

/// One change.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangeArguments {
    /// The change, as `propose_change` named it: `change_…`.
    #[schemars(with = "String")]
    pub change: ChangeId,
}

/// One change, and how long to wait for it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WaitArguments {
    /// The change, as `propose_change` named it: `change_…`.
    #[schemars(with = "String")]
    pub change: ChangeId,
    /// How many seconds to wait at most; 50 when nothing is said.
    #[serde(default)]
    #[schemars(range(max = 50))]
    seconds: Option<u64>,
    /// `decided` (the default): until policy or people have answered. `finished`: until the change is over or needs a person.
    #[serde(default)]
    pub until: Until,
}

/// What to wait for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Until {
    /// Gate 1 has looked; no caller may ask for it.
    #[serde(skip)]
    Settled,
    /// Policy or people have answered.
    #[default]
    Decided,
    /// It is over or needs a person.
    Finished,
}

/// One change, and why it is taken back.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WithdrawArguments {
    /// Your change, as `propose_change` named it: `change_…`.
    #[schemars(with = "String")]
    pub change: ChangeId,
    /// Why; it is recorded.
    #[schemars(length(min = 1, max = 4_000))]
    reason: String,
}

/// A runbook, drafted for people to review.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DraftArguments {
    /// The whole YAML file, its `tests` included, at most 64 KiB.
    #[schemars(length(min = 1, max = 65_536))]
    pub text: String,
    /// What it is for, for the people who review it.
    #[schemars(length(min = 1, max = 2_000))]
    pub note: String,
    /// The incident that it is for: `incident_…`.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub incident: Option<IncidentId>,
}

/// Nothing.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NoArguments {}

/// Reads a tool's arguments.
///
/// # Errors
/// The first fault, with its place.
pub(super) fn arguments<T: DeserializeOwned>(given: Option<JsonObject>) -> Result<T, Problem> {
    let bytes = serde_json::to_vec(&given.unwrap_or_default()).map_err(|error| Problem::with(Code::NotJson, error.to_string()))?;
    read(&bytes)
}

impl ProposalArguments {
    /// The engine's question, and the key that makes it the same one when it comes again.
    ///
    /// # Errors
    /// When the key is none.
    pub fn split(self) -> Result<(Ask, Option<String>), Problem> {
        let key = self.idempotency_key;
        let fits = |key: &String| (1..=KEY_MAX).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
        if key.as_ref().is_some_and(|key| !fits(key)) {
            let why = format!("a key has 1 to {KEY_MAX} visible ASCII characters");
            return Err(Problem::with(Code::Malformed, why).at("/idempotency_key"));
        }
        let ask = Ask {
            action: self.action,
            target: self.target,
            inputs: self.inputs,
            confidence_bp: self.confidence_bp,
            reason: self.reason,
            model: self.model,
            evidence: self.evidence,
            alternatives: self.alternatives,
            incident: self.incident,
            signals: self.signals,
            links: self.links,
        };
        Ok((ask, key))
    }
}

impl WaitArguments {
    /// How long to wait.
    ///
    /// # Errors
    /// When it is longer than clients wait for an answer.
    pub fn wait(&self) -> Result<Duration, Problem> {
        let wait = self.seconds.map_or(WAIT_MAX, Duration::from_secs);
        if wait > WAIT_MAX {
            let why = format!("at most {} seconds; call again to wait longer", WAIT_MAX.as_secs());
            return Err(Problem::with(Code::Malformed, why).at("/seconds"));
        }
        Ok(wait)
    }
}

impl WithdrawArguments {
    /// Why it is taken back.
    ///
    /// # Errors
    /// When nothing is said, or too much.
    pub fn reason(self) -> Result<String, Problem> {
        if self.reason.trim().is_empty() {
            return Err(Problem::new(Code::Unreasoned).at("/reason"));
        }
        if self.reason.chars().count() > REASON_MAX {
            return Err(Problem::with(Code::Malformed, format!("at most {REASON_MAX} characters are read")).at("/reason"));
        }
        Ok(self.reason)
    }
}

/// The value of an input.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "it only describes the shape of `InputValue`")]
enum InputShape {
    /// A whole number.
    Integer(i64),
    /// Everything else that is one value.
    Text(String),
    /// Several names, where the action asks for a list.
    Names(Vec<String>),
}

/// Which model spoke.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "it only describes the shape of `Model`")]
struct ModelShape {
    /// Its name.
    name: String,
    /// Its version.
    version: String,
}

/// Something a proposal cites.
#[derive(JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[expect(dead_code, reason = "it only describes the shape of `Citation`")]
enum CitationShape {
    /// A fact of the estate, which Lineclear measures again.
    Fact {
        /// Its name, as `list_actions` gives it.
        name: String,
    },
    /// Your words, which are shown as claimed.
    Claim {
        /// What you claim.
        #[schemars(length(max = 4_000))]
        text: String,
    },
}

/// Tickets and deployments elsewhere.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "it only describes the shape of `Links`")]
struct LinksShape {
    /// A deployment.
    deployment: Option<String>,
    /// A ticket.
    ticket: Option<String>,
}
