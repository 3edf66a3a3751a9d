//! Everything a runner checks before it acts. The order is fixed, so that the same warrant is always refused for the same
//! reason: who made it out, for whom, when, whether it was recorded, whether it is allowed here, whether it is what people
//! saw, and whether enough of them signed.

use lineclear_core::authority::Grade;
use lineclear_core::bundle::{BUNDLE_FORMAT, BoundStep, Bundle};
use lineclear_core::digest::Digest;
use lineclear_core::plan::ToolCall;
use lineclear_core::run::Direction;
use lineclear_core::sandbox::Sandbox;
use lineclear_core::{OperatorId, RunnerId, Timestamp};
use lineclear_ledger::{Checkpoint, Entry, Hash, PROOF_MAX_HASHES, Ticket, verify_consistency};
use serde_json::json;
use subtle::ConstantTimeEq as _;

use crate::envelope::{EnvelopeError, open};
use crate::people::check_people;
use crate::trust::{Rule, Trust};
use crate::warrant::Warrant;

/// The kind of the record that journals an attempt.
const INTENDED: &str = "run.intended/1";

/// A warrant that may be acted on, once, and the head of the ledger that it showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The warrant.
    pub warrant: Warrant,
    /// The digest of its bundle: what one approval pays for, so one bundle serves one run.
    pub bundle: Digest,
    /// The head: from now on the least that the ledger may show.
    pub checkpoint: Checkpoint,
    /// The head as the log signed it, for the next poll.
    pub head: String,
    /// How far a program that is started must be boxed in, at least; only the runner knows how far it is.
    pub sandbox: Option<Sandbox>,
}

/// Why a runner does not act. [`Refusal::code`] is the stable word.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not made out by the pinned key, or no warrant at all.
    #[error(transparent)]
    BadEnvelope(#[from] EnvelopeError),
    /// For another installation.
    #[error("a warrant of `{0}`")]
    WrongAudience(String),
    /// For another runner.
    #[error("a warrant for `{0}`")]
    WrongRunner(RunnerId),
    /// Not the answer to this poll: replayed, or kept back.
    #[error("the nonce is not the one that was drawn for this poll")]
    StaleNonce,
    /// Too late.
    #[error("worth nothing since {0}")]
    Expired(Timestamp),
    /// The attempt was not recorded, or something else was.
    #[error("no record of this attempt: {0}")]
    NoRecord(String),
    /// The record is not proven to be in the log.
    #[error("the record is not proven: {0}")]
    NoProof(String),
    /// The log does not continue the head that was seen last.
    #[error("the ledger is not the one that was seen before: {0}")]
    Forked(String),
    /// Not allowed by the runner's own file.
    #[error("not allowed here: {0}")]
    NotAllowed(String),
    /// What would be done is not what was approved or cleared.
    #[error("not what the bundle binds: {0}")]
    WrongBundle(String),
    /// What would be called is not among what the approved bundle says that the steps can get.
    #[error("not among the permissions of the bundle: {0}")]
    NotPermitted(String),
    /// Too few people have signed.
    #[error("{humans} people of grade `{grade}` are needed, {counted} have signed")]
    Unsigned {
        /// How many are needed.
        humans: u8,
        /// The weakest grade that counts.
        grade: Grade,
        /// How many count.
        counted: usize,
    },
    /// A vote that is not what it claims to be: reason enough to stop.
    #[error("a vote{} counts for nothing: {why}", .by.map(|by| format!(" of `{by}`")).unwrap_or_default())]
    BadVote {
        /// Whose.
        by: Option<OperatorId>,
        /// Why.
        why: String,
    },
}

impl Refusal {
    /// The stable word for records and programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::BadEnvelope(_) => "bad_envelope",
            Self::WrongAudience(_) => "wrong_audience",
            Self::WrongRunner(_) => "wrong_runner",
            Self::StaleNonce => "stale_nonce",
            Self::Expired(_) => "expired",
            Self::NoRecord(_) => "no_record",
            Self::NoProof(_) => "no_proof",
            Self::Forked(_) => "forked",
            Self::NotAllowed(_) => "not_allowed",
            Self::WrongBundle(_) => "wrong_bundle",
            Self::NotPermitted(_) => "not_permitted",
            Self::Unsigned { .. } => "unsigned",
            Self::BadVote { .. } => "bad_vote",
        }
    }
}

/// Checks a warrant against what this runner trusts. `seen` is the head that the runner named in its poll, `nonce` the one that it
/// drew for it, `now` its own clock.
///
/// What is left to the caller is what needs memory: that the attempt was never started, that its epoch is not older than one
/// seen, and that its bundle served no other run.
///
/// # Errors
/// The first check that fails.
pub fn check(envelope: &str, trust: &Trust, seen: Option<&Checkpoint>, nonce: &str, now: Timestamp) -> Result<Checked, Refusal> {
    let warrant = open(envelope, &trust.warrants)?;
    if warrant.audience != trust.audience {
        return Err(Refusal::WrongAudience(warrant.audience.chars().take(80).collect()));
    }
    if warrant.runner != trust.runner {
        return Err(Refusal::WrongRunner(warrant.runner));
    }
    if nonce.is_empty() || !bool::from(warrant.nonce.as_bytes().ct_eq(nonce.as_bytes())) {
        return Err(Refusal::StaleNonce);
    }
    if now >= warrant.deadline {
        return Err(Refusal::Expired(warrant.deadline));
    }
    let digest = Digest::of(warrant.bundle.as_bytes());
    let call = warrant.call.digest().map_err(|error| Refusal::WrongBundle(error.to_string()))?;
    let entry = check_record(&warrant, digest, call)?;
    let ticket = Ticket::parse(&warrant.ticket).map_err(|error| Refusal::NoProof(error.to_string()))?;
    let checkpoint = ticket.verify(entry.leaf(), &trust.log).map_err(|error| Refusal::NoProof(error.to_string()))?;
    if let Some(seen) = seen {
        check_consistency(seen, &checkpoint, &warrant.consistency)?;
    }
    let rule = check_rule(&warrant, trust)?;
    let bundle = check_bundle(&warrant, rule, call)?;
    check_people(&warrant, &bundle, digest, rule, trust, now)?;
    Ok(Checked { warrant, bundle: digest, checkpoint, head: ticket.checkpoint, sandbox: bundle.sandbox })
}

/// The record must say of the attempt exactly what the warrant says.
fn check_record(warrant: &Warrant, bundle: Digest, call: Digest) -> Result<Entry, Refusal> {
    let no = |why: &str| Refusal::NoRecord(why.into());
    let entry = Entry::parse(warrant.entry.as_bytes()).map_err(|error| Refusal::NoRecord(error.to_string()))?;
    if entry.log() != warrant.audience {
        return Err(no("it is from another log"));
    }
    if entry.kind() != INTENDED {
        return Err(no("it records something else"));
    }
    if entry.stream() != warrant.attempt.run.to_string() {
        return Err(no("it belongs to another run"));
    }
    let key = &warrant.attempt;
    let expected = json!({
        "change": warrant.change, "bundle": bundle, "run": key.run, "step": key.step, "direction": key.direction, "attempt": key.number,
        "warrant": warrant.id, "epoch": warrant.epoch, "call": call, "deadline": warrant.deadline,
    });
    if *entry.body() == expected { Ok(entry) } else { Err(no("it says something else than the warrant")) }
}

fn check_consistency(seen: &Checkpoint, now: &Checkpoint, proof: &[String]) -> Result<(), Refusal> {
    let forked = |why: String| Refusal::Forked(why);
    if proof.len() > PROOF_MAX_HASHES {
        return Err(forked("the proof is too long".into()));
    }
    let proof: Vec<Hash> =
        proof.iter().map(|hash| Hash::from_base64(hash)).collect::<Result<_, _>>().map_err(|error| forked(error.to_string()))?;
    if seen.origin != now.origin {
        return Err(forked(format!("it was `{}`", seen.origin)));
    }
    verify_consistency(seen.size, seen.root, now.size, now.root, &proof).map_err(|error| forked(error.to_string()))
}

fn check_rule<'a>(warrant: &Warrant, trust: &'a Trust) -> Result<&'a Rule, Refusal> {
    let no = |what: String| Refusal::NotAllowed(what);
    let rule = trust.rule(&warrant.action).ok_or_else(|| no(format!("the action `{}`", warrant.action)))?;
    let calls = [Some(&warrant.call), warrant.verify.as_ref()].into_iter().flatten();
    rule.allows(&warrant.action, &warrant.target, calls).map_err(no)?;
    Ok(rule)
}

fn check_bundle(warrant: &Warrant, rule: &Rule, call: Digest) -> Result<Bundle, Refusal> {
    let no = |why: &str| Refusal::WrongBundle(why.into());
    let bundle: Bundle = serde_json::from_str(&warrant.bundle).map_err(|error| Refusal::WrongBundle(error.to_string()))?;
    // One spelling only: a repeated member cannot hide in bytes that people signed.
    if !bundle.bytes().is_ok_and(|bytes| bytes == warrant.bundle.as_bytes()) {
        return Err(no("it is not written canonically"));
    }
    let checks = [
        (bundle.format == BUNDLE_FORMAT, "its format is unknown"),
        (bundle.audience == warrant.audience, "it is for another installation"),
        (bundle.change == warrant.change, "it is for another change"),
        (bundle.action == warrant.action, "it is for another action"),
        (bundle.target == warrant.target, "it is for another target"),
        (bundle.proposer == warrant.proposer, "it names another proposer"),
        (bundle.risk == warrant.risk, "it names another risk"),
        (bundle.risk >= rule.risk, "it was decided on as something of less risk than it has here"),
    ];
    if let Some((_, why)) = checks.into_iter().find(|(holds, _)| !holds) {
        return Err(no(why));
    }
    let mut steps = bundle.steps.iter().filter(|step| step.step == warrant.attempt.step);
    let (Some(step), None) = (steps.next(), steps.next()) else { return Err(no("it has no such step, or two")) };
    check_step(warrant, step, call).map_err(no)?;
    check_permissions(warrant, &bundle)?;
    Ok(bundle)
}

fn check_step(warrant: &Warrant, step: &BoundStep, call: Digest) -> Result<(), &'static str> {
    let Ok(verify) = warrant.verify.as_ref().map(ToolCall::digest).transpose() else { return Err("its check has no canonical form") };
    let (bound, checked) = match warrant.attempt.direction {
        Direction::Do => (Some(step.call), step.verify),
        // An undo has no check of its own.
        Direction::Undo => (step.undo, None),
    };
    if bound != Some(call) || (warrant.attempt.direction == Direction::Do && step.tool != warrant.call.tool) {
        return Err("the step calls something else");
    }
    if checked != verify {
        return Err("the step is checked in another way");
    }
    if step.effect == warrant.effect { Ok(()) } else { Err("the step has another effect class") }
}

/// What a call may get was shown to people beside the call itself, and is read here without asking anybody: a runbook that grows, or a
/// control plane that lies about one, gets nothing more.
fn check_permissions(warrant: &Warrant, bundle: &Bundle) -> Result<(), Refusal> {
    let Some(permissions) = &bundle.permissions else { return Err(Refusal::NotPermitted("it names none".into())) };
    let calls = [Some(&warrant.call), warrant.verify.as_ref()];
    match calls.into_iter().flatten().find_map(|call| permissions.lack(call)) {
        Some(lack) => Err(Refusal::NotPermitted(lack.to_string())),
        None => Ok(()),
    }
}

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;
