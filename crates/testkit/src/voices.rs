//! What agents and people say, as verbs. A verb that fails stops the story; its `tries_to` form hands the refusal back.

use std::collections::BTreeMap;

use lineclear_core::catalogue::InputValue;
use lineclear_core::posture::Posture;
use lineclear_core::proposal::{Citation, Links, Model};
use lineclear_core::run::{Override, Resolution};
use lineclear_core::statement::{Decision, Signature};
use lineclear_core::{ApprovalId, ChangeId, IncidentId, RevisionId};
use lineclear_engine::{Ask, Caller, Cast, Engine, EngineError, Proposed};

use crate::northwind::Northwind;
use crate::people::sign;

/// Inputs by name; what reads as a whole number is one.
pub fn inputs(given: &[(&str, &str)]) -> BTreeMap<String, InputValue> {
    let value = |text: &str| text.parse().map_or_else(|_| InputValue::Text(text.into()), InputValue::Integer);
    given.iter().map(|(name, text)| ((*name).to_owned(), value(text))).collect()
}

/// An agent.
pub struct AgentVoice<'w> {
    pub(crate) engine: &'w Engine,
    pub(crate) caller: Caller,
    pub(crate) confidence_bp: u32,
    pub(crate) evidence: Vec<Citation>,
    pub(crate) incident: Option<IncidentId>,
    pub(crate) key: Option<String>,
}

impl AgentVoice<'_> {
    /// As the engine takes callers.
    pub const fn as_caller(&self) -> Caller {
        self.caller
    }

    /// As sure as this, in basis points.
    #[must_use]
    pub const fn sure(mut self, confidence_bp: u32) -> Self {
        self.confidence_bp = confidence_bp;
        self
    }

    /// With words that nobody can confirm.
    #[must_use]
    pub fn claiming(mut self, text: &str) -> Self {
        self.evidence.push(Citation::Claim { text: text.into() });
        self
    }

    /// For an incident.
    #[must_use]
    pub const fn serving(mut self, incident: IncidentId) -> Self {
        self.incident = Some(incident);
        self
    }

    /// Under an idempotency key.
    #[must_use]
    pub fn once(mut self, key: &str) -> Self {
        self.key = Some(key.into());
        self
    }

    /// What it would ask.
    pub fn ask(&self, action: &str, target: &str, given: &[(&str, &str)]) -> Ask {
        Ask {
            action: action.into(),
            target: target.into(),
            inputs: inputs(given),
            confidence_bp: self.confidence_bp,
            reason: "the numbers say so".into(),
            model: Some(Model { name: "example-model".into(), version: "7".into() }),
            evidence: self.evidence.clone(),
            alternatives: vec!["wait and see".into()],
            incident: self.incident,
            signals: Vec::new(),
            links: Links { deployment: None, ticket: Some("OPS-42".into()) },
        }
    }

    /// Proposes, and hands back what became of it.
    ///
    /// # Errors
    /// Why it was refused.
    pub async fn tries_to_propose(&self, action: &str, target: &str, given: &[(&str, &str)]) -> Result<Proposed, EngineError> {
        self.engine.propose(&self.caller, self.ask(action, target, given), self.key.clone()).await
    }

    /// Proposes.
    pub async fn proposes(&self, action: &str, target: &str, given: &[(&str, &str)]) -> ChangeId {
        match self.tries_to_propose(action, target, given).await {
            Ok(proposed) => proposed.change,
            Err(error) => panic!("the proposal was refused: {error}"),
        }
    }

    /// Changes the inputs of what it proposed.
    ///
    /// # Errors
    /// Why it may not.
    pub async fn tries_to_amend(&self, change: ChangeId, given: &[(&str, &str)]) -> Result<(), EngineError> {
        self.engine.amend(&self.caller, change, inputs(given)).await
    }

    /// Takes its proposal back.
    ///
    /// # Errors
    /// Why it may not.
    pub async fn tries_to_withdraw(&self, change: ChangeId) -> Result<(), EngineError> {
        self.engine.withdraw(&self.caller, change, "it is no longer needed".into()).await
    }

    /// Proposes another estate.
    ///
    /// # Errors
    /// Why it may not, which is always.
    pub async fn tries_to_propose_estate(&self, northwind: &Northwind) -> Result<RevisionId, EngineError> {
        self.engine.propose_estate(&self.caller, northwind.files(), "let me".into()).await
    }

    /// Brings another estate into force.
    ///
    /// # Errors
    /// Why it may not, which is always.
    pub async fn tries_to_activate(&self, revision: RevisionId) -> Result<(), EngineError> {
        self.engine.activate_estate(&self.caller, revision).await
    }

    /// Takes a proposed estate back.
    ///
    /// # Errors
    /// Why it may not, which is always.
    pub async fn tries_to_withdraw_estate(&self, revision: RevisionId) -> Result<(), EngineError> {
        self.engine.withdraw_estate(&self.caller, revision, "not this one".into()).await
    }

    /// Sets the posture.
    ///
    /// # Errors
    /// Why it may not.
    pub async fn tries_to_set_posture(&self, posture: Posture) -> Result<(), EngineError> {
        self.engine.set_posture(&self.caller, posture, "it looks bad").await
    }
}

/// A named person.
pub struct PersonVoice<'w> {
    pub(crate) engine: &'w Engine,
    pub(crate) caller: Caller,
    pub(crate) login: String,
}

impl PersonVoice<'_> {
    /// As the engine takes callers.
    pub const fn as_caller(&self) -> Caller {
        self.caller
    }

    /// The text of a decision on the open request of a change, and which request that is.
    pub async fn statement(&self, change: ChangeId, decision: Decision, reason: &str) -> (ApprovalId, String) {
        let request = self.engine.request(change).await.expect("people are asked about this change").request.id;
        let text = self.engine.statement(&self.caller, request, decision, reason.into()).await.expect("a person gets a statement");
        (request, text)
    }

    /// Signs and sends an approval, and hands back what became of it.
    ///
    /// # Errors
    /// Why it counts for nothing.
    pub async fn tries_to_approve(&self, change: ChangeId) -> Result<Cast, EngineError> {
        let (request, text) = self.statement(change, Decision::Approve, "I looked at it").await;
        let signature = sign(&self.login, &text);
        self.casts(request, text, signature).await
    }

    /// Signs and sends an approval.
    pub async fn approves(&self, change: ChangeId) -> Cast {
        match self.tries_to_approve(change).await {
            Ok(cast) => cast,
            Err(error) => panic!("the approval was refused: {error}"),
        }
    }

    /// Approves without a signature.
    ///
    /// # Errors
    /// Why it counts for nothing.
    pub async fn approves_in_session(&self, change: ChangeId) -> Result<Cast, EngineError> {
        let (request, text) = self.statement(change, Decision::Approve, "").await;
        self.casts(request, text, Signature::Session).await
    }

    /// Signs and sends a rejection.
    ///
    /// # Errors
    /// Why it counts for nothing.
    pub async fn rejects(&self, change: ChangeId, reason: &str) -> Result<Cast, EngineError> {
        let (request, text) = self.statement(change, Decision::Reject, reason).await;
        let signature = sign(&self.login, &text);
        self.casts(request, text, signature).await
    }

    /// Sends a statement with what binds it, whatever both are.
    ///
    /// # Errors
    /// Why it counts for nothing.
    pub async fn casts(&self, request: ApprovalId, text: String, signature: Signature) -> Result<Cast, EngineError> {
        self.engine.vote(&self.caller, request, text, signature).await
    }

    /// Proposes another estate.
    ///
    /// # Errors
    /// Why it is not taken.
    pub async fn tries_to_propose_estate(&self, northwind: &Northwind) -> Result<RevisionId, EngineError> {
        self.engine.propose_estate(&self.caller, northwind.files(), "we talked about it on Monday".into()).await
    }

    /// Proposes another estate.
    pub async fn proposes_estate(&self, northwind: &Northwind) -> RevisionId {
        match self.tries_to_propose_estate(northwind).await {
            Ok(revision) => revision,
            Err(error) => panic!("the estate was not taken: {error}"),
        }
    }

    /// The text of a decision on a proposed estate, and which request that is.
    pub async fn estate_statement(&self, revision: RevisionId, decision: Decision, reason: &str) -> (ApprovalId, String) {
        let request = self.engine.estate_request(revision).await.expect("people are asked about this estate").request.id;
        let text = self.engine.statement(&self.caller, request, decision, reason.into()).await.expect("a person gets a statement");
        (request, text)
    }

    /// Signs and sends an approval of a proposed estate, and hands back what became of it.
    ///
    /// # Errors
    /// Why it counts for nothing.
    pub async fn tries_to_approve_estate(&self, revision: RevisionId) -> Result<Cast, EngineError> {
        let (request, text) = self.estate_statement(revision, Decision::Approve, "I read what it opens").await;
        let signature = sign(&self.login, &text);
        self.casts(request, text, signature).await
    }

    /// Signs and sends an approval of a proposed estate.
    pub async fn approves_estate(&self, revision: RevisionId) -> Cast {
        match self.tries_to_approve_estate(revision).await {
            Ok(cast) => cast,
            Err(error) => panic!("the approval was refused: {error}"),
        }
    }

    /// Brings a granted estate into force.
    ///
    /// # Errors
    /// Why it cannot.
    pub async fn activates(&self, revision: RevisionId) -> Result<(), EngineError> {
        self.engine.activate_estate(&self.caller, revision).await
    }

    /// Takes a proposed estate back.
    ///
    /// # Errors
    /// Why it cannot.
    pub async fn withdraws_estate(&self, revision: RevisionId) -> Result<(), EngineError> {
        self.engine.withdraw_estate(&self.caller, revision, "it needs another look".into()).await
    }

    /// Proposes something in person.
    pub async fn proposes(&self, action: &str, target: &str, given: &[(&str, &str)]) -> ChangeId {
        let ask = Ask {
            action: action.into(),
            target: target.into(),
            inputs: inputs(given),
            confidence_bp: 10_000,
            reason: "I know".into(),
            model: None,
            evidence: Vec::new(),
            alternatives: Vec::new(),
            incident: None,
            signals: Vec::new(),
            links: Links::default(),
        };
        match self.engine.propose(&self.caller, ask, None).await {
            Ok(proposed) => proposed.change,
            Err(error) => panic!("the proposal was refused: {error}"),
        }
    }

    /// Changes the inputs of a change.
    pub async fn amends(&self, change: ChangeId, given: &[(&str, &str)]) {
        self.engine.amend(&self.caller, change, inputs(given)).await.expect("a person may amend before the run");
    }

    /// Declares how a change ended.
    ///
    /// # Errors
    /// Why there is nothing to declare.
    pub async fn declares(&self, change: ChangeId, success: bool) -> Result<(), EngineError> {
        self.engine.declare(&self.caller, change, success, "I have seen it".into()).await
    }

    /// Takes back what a run did.
    ///
    /// # Errors
    /// Why there is nothing to take back.
    pub async fn takes_back(&self, change: ChangeId) -> Result<(), EngineError> {
        self.engine.take_back(&self.caller, change, "it did not help".into()).await
    }

    /// Decides about a stuck run.
    ///
    /// # Errors
    /// Why there is nothing to decide.
    pub async fn resolves(&self, change: ChangeId, resolution: Resolution) -> Result<(), EngineError> {
        let ruling = Override::new(resolution, "I looked at the target");
        let seen = resolution == Resolution::MarkApplied;
        self.overrides(change, if seen { ruling.seen("it answers as it should") } else { ruling }).await
    }

    /// Decides about a stuck run, with everything that is said to it.
    ///
    /// # Errors
    /// Why that is not decided.
    pub async fn overrides(&self, change: ChangeId, ruling: Override) -> Result<(), EngineError> {
        self.engine.resolve(&self.caller, change, ruling).await
    }

    /// Sets the posture.
    pub async fn sets_posture(&self, posture: Posture) {
        self.engine.set_posture(&self.caller, posture, "I decided so").await.expect("a person may set any posture");
    }
}
