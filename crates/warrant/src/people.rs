//! The people behind a warrant: which votes count, and whether they are enough by the runner's own word and by the bundle's.

use std::collections::{BTreeMap, BTreeSet};

use lineclear_core::authority::Grade;
use lineclear_core::bundle::Bundle;
use lineclear_core::catalogue::Risk;
use lineclear_core::digest::Digest;
use lineclear_core::run::{Direction, PICKUP_MAX};
use lineclear_core::situation::Actor;
use lineclear_core::statement::{Decision, Statement, Vote};
use lineclear_core::{OperatorId, Span, Timestamp};

use crate::check::Refusal;
use crate::signature::check_vote;
use crate::trust::{Rule, Trust};
use crate::warrant::Warrant;

/// Most votes in one warrant; the largest quorum is a fraction of it.
pub const VOTES_MAX: usize = 64;
/// How long a request may wait for people, whatever the control plane wrote into it: the longest that an estate may set.
pub const ASKED_MAX: Span = Span::from_secs(24 * 3_600);
/// How long after its approval lapsed a run may still go forwards: three times the longest deadline of a run (8 h).
pub const FORWARDS_MAX: Span = Span::from_secs(24 * 3_600);
/// How long after that what was done may still be taken back; taking back is part of what people approved.
pub const BACK_MAX: Span = Span::from_secs(90 * 24 * 3_600);

/// Checks every vote, then counts.
///
/// **When a vote has lapsed.** An approval is consumed when the run starts, and a run may outlive it. The first attempt of
/// the first step follows at once, so there the warrant must have been made out within [`PICKUP_MAX`] of the lapse, by the
/// control plane's own word. Everything later is bounded by the runner's own clock: [`FORWARDS_MAX`] after the lapse going forwards,
/// [`BACK_MAX`] going back.
pub(crate) fn check_people(
    warrant: &Warrant,
    bundle: &Bundle,
    digest: Digest,
    rule: &Rule,
    trust: &Trust,
    now: Timestamp,
) -> Result<(), Refusal> {
    if warrant.votes.len() > VOTES_MAX {
        return Err(Refusal::BadVote { by: None, why: format!("more than {VOTES_MAX} votes") });
    }
    let mut seen: BTreeSet<OperatorId> = BTreeSet::new();
    let mut grades: BTreeMap<OperatorId, Grade> = BTreeMap::new();
    for vote in &warrant.votes {
        let bad = |why: String| Refusal::BadVote { by: Some(vote.by), why };
        if !seen.insert(vote.by) {
            return Err(bad("voted twice".into()));
        }
        // Somebody whom this runner does not know can neither help nor harm.
        let Some(keys) = trust.keys_of(&vote.by) else { continue };
        let statement = check_vote(vote, keys).map_err(|fault| bad(fault.to_string()))?;
        check_statement(&statement, vote, warrant, bundle, digest).map_err(|why| bad(why.into()))?;
        check_time(&statement, warrant, bundle, now).map_err(|why| bad(why.into()))?;
        grades.insert(vote.by, vote.signature.grade());
    }
    let count = |least: Grade| grades.values().filter(|grade| **grade >= least).count();
    let enough = |humans: u8, least: Grade| count(least) >= usize::from(humans);
    // A rule of high risk demands a signature anyway; here it is demanded once more, whatever the rule says.
    let signed = rule.risk != Risk::High || enough(1, Grade::Ssh);
    if signed && enough(rule.humans, rule.grade) && enough(bundle.needs.humans, bundle.needs.grade) {
        return Ok(());
    }
    let (humans, grade) = (rule.humans.max(bundle.needs.humans), rule.grade.max(bundle.needs.grade));
    Err(Refusal::Unsigned { humans, grade, counted: count(grade) })
}

fn check_statement(said: &Statement, vote: &Vote, warrant: &Warrant, bundle: &Bundle, digest: Digest) -> Result<(), &'static str> {
    let checks = [
        (said.decision == Decision::Approve, "the statement rejects"),
        (said.audience == warrant.audience, "the statement is for another installation"),
        (said.about.change() == Some(warrant.change), "the statement is for another change"),
        (said.bundle_digest == digest, "the statement is for another bundle"),
        (said.policy_digest == bundle.policy, "the statement was made under other policies"),
        (said.evidence_digest == bundle.evidence, "the statement was made on other evidence"),
        (may_approve(vote.by, bundle), "this person may not approve this change"),
    ];
    checks.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, why)| Err(why))
}

/// Whoever proposes never approves, named in the bundle or not, unless a single-operator posture was declared: then the
/// bundle, and so every statement, says it.
fn may_approve(person: OperatorId, bundle: &Bundle) -> bool {
    bundle.single_operator || !(bundle.recused.contains(&person) || bundle.proposer == Actor::Operator(person))
}

fn check_time(said: &Statement, warrant: &Warrant, bundle: &Bundle, now: Timestamp) -> Result<(), &'static str> {
    if said.issued_at >= said.expires_at || said.issued_at > warrant.issued {
        return Err("the statement was made after it lapsed, or after the warrant");
    }
    if said.expires_at.since(said.issued_at) > ASKED_MAX {
        return Err("the request was open for longer than a day");
    }
    let key = &warrant.attempt;
    let forwards = key.direction == Direction::Do;
    let first = forwards && key.number == 1 && bundle.steps.first().is_some_and(|step| step.step == key.step);
    let allowance = if forwards { FORWARDS_MAX } else { BACK_MAX };
    if (first && warrant.issued > said.expires_at + PICKUP_MAX) || now > said.expires_at + allowance {
        return Err("the approval had lapsed");
    }
    Ok(())
}
