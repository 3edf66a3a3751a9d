//! Taking proposals: parsed at the edge of the engine, recorded before anything else happens, misfits included.

use std::collections::{BTreeMap, BTreeSet};

use lineclear_core::catalogue::{InputValue, Inputs};
use lineclear_core::change::{self, Change, Command};
use lineclear_core::dossier::Misfit;
use lineclear_core::estate::Estate;
use lineclear_core::measure::Confidence;
use lineclear_core::name::{ActionName, InputName, NAME_MAX};
use lineclear_core::proposal::{Citation, Links, Model, Proposal};
use lineclear_core::record::Stream;
use lineclear_core::situation::Actor;
use lineclear_core::topology::EntityRef;
use lineclear_core::{ChangeId, Digest, IncidentId, SignalId};
use lineclear_store::{Once, StoreError};
use serde::{Deserialize, Serialize};

use crate::history::Draft;
use crate::{Caller, Engine, EngineError};

/// Longest idempotency key that a caller may give.
pub const KEY_MAX: usize = 100;

/// What a caller asks for, as every face takes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// The action of the catalogue.
    pub action: String,
    /// Kind and name of the target: `zone/example.test`.
    pub target: String,
    /// The action's inputs.
    #[serde(default)]
    pub inputs: BTreeMap<String, InputValue>,
    /// How sure the caller is, in basis points (0 to 10000).
    pub confidence_bp: u32,
    /// Why, in the caller's words.
    pub reason: String,
    /// Which model spoke.
    #[serde(default)]
    pub model: Option<Model>,
    /// What it cites: facts of the estate's vocabulary, which are fetched again, and claims, which are only shown.
    #[serde(default)]
    pub evidence: Vec<Citation>,
    /// What else was considered.
    #[serde(default)]
    pub alternatives: Vec<String>,
    /// The incident it serves.
    #[serde(default)]
    pub incident: Option<IncidentId>,
    /// The signals that triggered it.
    #[serde(default)]
    pub signals: Vec<SignalId>,
    /// Tickets and deployments.
    #[serde(default)]
    pub links: Links,
}

/// What became of a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proposed {
    /// The change.
    pub change: ChangeId,
    /// Whether the same command had been carried out before.
    pub repeated: bool,
}

fn malformed(pointer: &str, message: &dyn ToString) -> EngineError {
    EngineError::Malformed { pointer: pointer.into(), message: message.to_string() }
}

impl Ask {
    pub(crate) fn parse(self, by: Actor) -> Result<Proposal, EngineError> {
        let action: ActionName = self.action.parse().map_err(|e| malformed("/action", &e))?;
        let target: EntityRef = self.target.parse().map_err(|e| malformed("/target", &e))?;
        let proposal = Proposal {
            by,
            action,
            target,
            inputs: parse_inputs(self.inputs)?,
            confidence: Confidence::try_from(self.confidence_bp).map_err(|e| malformed("/confidence_bp", &e))?,
            reason: self.reason,
            model: self.model,
            evidence: self.evidence.into_iter().collect(),
            alternatives: self.alternatives,
            incident: self.incident,
            signals: self.signals.into_iter().collect::<BTreeSet<_>>(),
            links: self.links,
            again: None,
        };
        proposal.check_bounds().map_err(|e| malformed("", &e))?;
        Ok(proposal)
    }
}

/// Reads inputs by name.
///
/// # Errors
/// The first name that is none, or text that no input may hold.
pub(crate) fn parse_inputs(given: BTreeMap<String, InputValue>) -> Result<Inputs, EngineError> {
    let one = |(name, value): (String, InputValue)| {
        let key: InputName = name.parse().map_err(|e| malformed("/inputs", &e))?;
        match &value {
            InputValue::Text(text) if text.len() > 4_096 => Err(malformed(&format!("/inputs/{key}"), &"at most 4096 bytes are read")),
            InputValue::Names(names) if names.len() > 64 || names.iter().any(|name| name.len() > NAME_MAX) => {
                Err(malformed(&format!("/inputs/{key}"), &"at most 64 names are read"))
            }
            InputValue::Text(_) | InputValue::Integer(_) | InputValue::Names(_) => Ok((key, value)),
        }
    };
    given.into_iter().take(65).map(one).collect()
}

impl Engine {
    /// Records a proposal. Gate 1 looks at it in its own time; [`Engine::settled`] waits for that.
    ///
    /// # Errors
    /// A malformed proposal leaves no record. One that fits nothing in the estate is recorded, and then refused.
    pub async fn propose(&self, caller: &Caller, ask: Ask, key: Option<String>) -> Result<Proposed, EngineError> {
        let inner = &self.inner;
        let by = self.known(caller)?;
        if key.as_ref().is_some_and(|key| key.is_empty() || key.len() > KEY_MAX) {
            return Err(malformed("", &format!("an idempotency key has 1 to {KEY_MAX} bytes")));
        }
        let digest = Digest::of_json(&ask)?;
        let proposal = ask.parse(by)?;
        let misfit = misfit(&self.estate(), &proposal);
        let now = inner.now();
        let id = ChangeId::new(inner.ids.number());
        let stream = Stream::Change(id);
        let mut events = vec![change::Event::Proposed { id, proposal: Box::new(proposal), at: now }];
        if let Some(misfit) = &misfit {
            let change: Option<Change> = lineclear_core::machine::fold(&events).map_err(|source| EngineError::Broken { stream, source })?;
            if let Some(change) = change {
                events.extend(change.decide(Command::Misfit(misfit.clone()), now)?);
            }
        }
        let mut draft = Draft::new(&*inner.ids, by, now);
        draft.begin::<Change>(stream, events)?;
        if let Some(key) = key {
            draft.once(Once { key: format!("{by} {key}"), digest, stream });
        }
        match (inner.commit(draft).await, misfit) {
            (Ok(_), None) => Ok(Proposed { change: id, repeated: false }),
            (Ok(_), Some(misfit)) => Err(EngineError::Misfit { change: id, misfit }),
            (Err(StoreError::Repeated { stream: Stream::Change(change) }), _) => self.repeated(change).await,
            (Err(error), _) => Err(error.into()),
        }
    }

    async fn repeated(&self, change: ChangeId) -> Result<Proposed, EngineError> {
        let loaded = self.inner.need::<Change>(Stream::Change(change)).await?;
        match loaded.machine.outcome() {
            Some(change::Outcome::Misfit { misfit }) => Err(EngineError::Misfit { change, misfit: misfit.clone() }),
            Some(_) | None => Ok(Proposed { change, repeated: true }),
        }
    }

    /// The caller as records name them, when the directory knows them.
    ///
    /// # Errors
    /// When it does not.
    pub fn known(&self, caller: &Caller) -> Result<Actor, EngineError> {
        let estate = self.estate();
        let directory = &estate.directory;
        let known = match caller {
            Caller::Agent(id) => directory.agents.contains_key(id),
            Caller::Operator(id) => directory.operators.contains_key(id),
        };
        if known { Ok(caller.actor()) } else { Err(EngineError::Stranger) }
    }
}

/// Why a proposal cannot become a plan in this estate.
pub(crate) fn misfit(estate: &Estate, proposal: &Proposal) -> Option<Misfit> {
    let Some(action) = estate.catalogue.actions.get(&proposal.action) else {
        return Some(Misfit::UnknownAction(proposal.action.to_string()));
    };
    if estate.topology.get(&proposal.target).is_none() {
        return Some(Misfit::UnknownTarget(proposal.target.to_string()));
    }
    if action.resource != proposal.target.kind {
        return Some(Misfit::WrongKind {
            action: action.name.to_string(),
            wanted: action.resource.as_str().into(),
            target: proposal.target.to_string(),
        });
    }
    action.check_inputs(&proposal.inputs).err().map(Misfit::Inputs)
}
