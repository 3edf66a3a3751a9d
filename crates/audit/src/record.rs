//! What the log says of verdicts and runs: entries in, cases with their recorded verdicts out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lineclear_core::name::{ActionName, FactName};
use lineclear_core::situation::{Actor, Case, Situation};
use lineclear_core::topology::EntityRef;
use lineclear_core::{ChangeId, Digest};
use lineclear_ledger::{Commitment, Entry};
use serde::Deserialize;
use serde_json::value::RawValue;

/// The payload that holds the whole event.
const EVENT: &str = "event";

/// Most subjects that are shared: about 10 MiB. More than that many parties, actions and things together is no ordinary estate.
const SUBJECTS_MAX: usize = 65_536;

/// Who asked for what on what: what a verdict is about beside its facts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Subject {
    pub principal: Actor,
    pub action: ActionName,
    pub target: EntityRef,
}

/// How a fact was judged then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Threshold {
    /// The age above which it was stale, in microseconds.
    pub limit: u64,
    /// What its value had to satisfy, as recorded.
    pub holds: String,
}

/// A verdict with all that it was made from.
#[derive(Debug)]
pub(crate) struct Recorded {
    pub change: ChangeId,
    pub policy: Digest,
    pub case: Case,
    /// The verdict's exact bytes.
    pub verdict: Box<str>,
    pub thresholds: BTreeMap<FactName, Threshold>,
}

/// A run that really began.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Begun {
    pub change: ChangeId,
    pub policy: Digest,
    pub action: ActionName,
    pub runbook: Digest,
}

/// What an entry comes to.
#[derive(Debug)]
pub(crate) enum Found {
    Verdict(Box<Recorded>),
    /// A verdict whose payload is gone.
    Erased,
    Nothing,
}

/// Why an entry cannot be audited; each is an alarm.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error, serde::Serialize)]
#[serde(rename_all = "snake_case", tag = "fault")]
pub enum RecordFault {
    /// The salt and payload beside it are not those that the entry names.
    #[error("the payload does not open its commitment")]
    Commitment,
    /// The payload or the leaf is not what its kind says.
    #[error("it does not read as an event of its kind")]
    Shape,
    /// The change was never proposed in this log.
    #[error("its change was never proposed in this log")]
    Orphan,
    /// The bundle names another proposer, action or target than the proposal.
    #[error("its bundle names other parties than its proposal")]
    Parties,
}

/// Follows changes from their proposal to their run. Holds one small row for each change that is open.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    open: BTreeMap<ChangeId, Open>,
    /// Who has asked for what on what: the same few again and again, so that an open change costs some fifty bytes.
    subjects: BTreeSet<Arc<Subject>>,
}

#[derive(Debug)]
struct Open {
    subject: Arc<Subject>,
    run: Option<Box<Halves>>,
}

/// A run is known when both of its entries are, whichever comes first.
#[derive(Debug, Default)]
struct Halves {
    started: Option<Digest>,
    begun: Option<Digest>,
}

impl Open {
    fn run(&mut self) -> &mut Halves {
        self.run.get_or_insert_default()
    }
}

#[derive(Deserialize)]
struct Payload<'a> {
    #[serde(borrow)]
    event: Judged<'a>,
}

#[derive(Deserialize)]
struct Judged<'a> {
    #[serde(borrow)]
    dossier: Gathered<'a>,
    bundle: Option<Bound>,
}

/// The members of a dossier that matter here.
#[derive(Deserialize)]
struct Gathered<'a> {
    policy: Digest,
    situation: Situation,
    #[serde(borrow)]
    verdict: Option<&'a RawValue>,
    #[serde(borrow)]
    facts: BTreeMap<FactName, Measured<'a>>,
}

#[derive(Deserialize)]
struct Measured<'a> {
    limit: u64,
    #[serde(borrow)]
    holds: &'a RawValue,
}

#[derive(Deserialize)]
struct Bound {
    proposer: Actor,
    action: ActionName,
    target: EntityRef,
}

/// Which of several workers takes a record, so that all of one change go to the same one, in order; none when it has nothing to audit.
/// Pure over the bytes, and far cheaper than reading the record.
pub fn shard(record: &[u8]) -> Option<u64> {
    // In a record these members stand after the body, so the last of each name is the record's own.
    let kind = after_last(record, b"\"kind\":\"")?;
    let change = if kind.starts_with(b"run.begun/") {
        after_last(record, b"\"links\":{\"change\":\"")?
    } else if kind.starts_with(b"change.") {
        after_last(record, b"\"stream\":\"")?
    } else {
        return None;
    };
    let digits = change.iter().take_while(|byte| **byte != b'"');
    // FNV-1a: any even spread will do.
    Some(digits.fold(0xcbf2_9ce4_8422_2325, |sum: u64, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)))
}

fn after_last<'a>(bytes: &'a [u8], word: &[u8]) -> Option<&'a [u8]> {
    let at = (0..=bytes.len().checked_sub(word.len())?).rev().find(|at| bytes.get(*at..).is_some_and(|rest| rest.starts_with(word)))?;
    bytes.get(at + word.len()..)
}

/// The payload that has to be at hand for an entry, if it needs one.
pub fn wanted(entry: &Entry) -> Option<&Commitment> {
    matches!(entry.kind(), "change.asked/1" | "change.cleared/1" | "change.denied/1" | "change.started/1")
        .then(|| entry.commit().get(EVENT))
        .flatten()
}

impl Reader {
    /// Reads one entry; `payload` has been checked against its commitment.
    pub fn read(&mut self, entry: &Entry, payload: Option<&[u8]>) -> Result<Found, RecordFault> {
        match entry.kind() {
            "change.proposed/1" => self.proposed(entry).map(|()| Found::Nothing).ok_or(RecordFault::Shape),
            "change.asked/1" | "change.cleared/1" | "change.denied/1" | "change.started/1" => self.judged(entry, payload),
            "run.begun/1" => self.begun(entry),
            // However it ends, no further verdict follows.
            "change.misfit/1" | "change.rejected/1" | "change.lapsed/1" | "change.withdrawn/1" | "change.advised/1" => {
                if let Ok(change) = entry.stream().parse() {
                    self.open.remove(&change);
                }
                Ok(Found::Nothing)
            }
            _ => Ok(Found::Nothing),
        }
    }

    fn proposed(&mut self, entry: &Entry) -> Option<()> {
        let change: ChangeId = entry.stream().parse().ok()?;
        let word = |name: &str| entry.body().get(name)?.as_str();
        let principal = match entry.by_kind() {
            "agent" => Actor::Agent(entry.by_id().parse().ok()?),
            "operator" => Actor::Operator(entry.by_id().parse().ok()?),
            _ => Actor::Engine,
        };
        let subject = Subject { principal, action: word("action")?.parse().ok()?, target: word("target")?.parse().ok()? };
        let subject = self.shared(subject);
        self.open.insert(change, Open { subject, run: None });
        Some(())
    }

    /// The one that is there already, if there is one.
    fn shared(&mut self, subject: Subject) -> Arc<Subject> {
        if let Some(known) = self.subjects.get(&subject) {
            return Arc::clone(known);
        }
        if self.subjects.len() >= SUBJECTS_MAX {
            self.subjects.clear();
        }
        let fresh = Arc::new(subject);
        self.subjects.insert(Arc::clone(&fresh));
        fresh
    }

    fn judged(&mut self, entry: &Entry, payload: Option<&[u8]>) -> Result<Found, RecordFault> {
        let change: ChangeId = entry.stream().parse().map_err(|_| RecordFault::Shape)?;
        let open = self.open.get_mut(&change).ok_or(RecordFault::Orphan)?;
        let subject = Arc::clone(&open.subject);
        if entry.kind() == "change.started/1" {
            let policy = entry.body().get("policy").and_then(serde_json::Value::as_str);
            open.run().started = Some(policy.and_then(|text| text.parse().ok()).ok_or(RecordFault::Shape)?);
        }
        if entry.kind() == "change.denied/1" {
            self.open.remove(&change);
        }
        let Some(payload) = payload else { return Ok(Found::Erased) };
        let Payload { event: Judged { dossier, bundle } } = serde_json::from_slice(payload).map_err(|_| RecordFault::Shape)?;
        if bundle.is_some_and(|b| (b.proposer, &b.action, &b.target) != (subject.principal, &subject.action, &subject.target)) {
            return Err(RecordFault::Parties);
        }
        let verdict = dossier.verdict.ok_or(RecordFault::Shape)?;
        let case = Case {
            principal: subject.principal,
            action: subject.action.clone(),
            target: subject.target.clone(),
            situation: dossier.situation,
        };
        let thresholds =
            dossier.facts.into_iter().map(|(name, fact)| (name, Threshold { limit: fact.limit, holds: fact.holds.get().into() })).collect();
        Ok(Found::Verdict(Box::new(Recorded { change, policy: dossier.policy, case, verdict: verdict.get().into(), thresholds })))
    }

    fn begun(&mut self, entry: &Entry) -> Result<Found, RecordFault> {
        let change: ChangeId = entry.links().get("change").and_then(|id| id.parse().ok()).ok_or(RecordFault::Shape)?;
        let runbook = entry.body().get("runbook").and_then(serde_json::Value::as_str);
        let runbook: Digest = runbook.and_then(|text| text.parse().ok()).ok_or(RecordFault::Shape)?;
        self.open.get_mut(&change).ok_or(RecordFault::Orphan)?.run().begun = Some(runbook);
        Ok(Found::Nothing)
    }

    /// The run of the change that this entry belongs to, once both its start and its beginning are known, in whichever order.
    pub fn run_of(&mut self, entry: &Entry) -> Option<Begun> {
        if !matches!(entry.kind(), "change.started/1" | "run.begun/1") {
            return None;
        }
        let id = if entry.kind() == "run.begun/1" { entry.links().get("change")?.as_str() } else { entry.stream() };
        let change: ChangeId = id.parse().ok()?;
        let open = self.open.get(&change)?;
        let run = open.run.as_deref()?;
        let (policy, runbook) = (run.started?, run.begun?);
        let action = open.subject.action.clone();
        self.open.remove(&change);
        Some(Begun { change, policy, action, runbook })
    }
}
