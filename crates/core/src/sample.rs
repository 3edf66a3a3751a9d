//! Samples of everything that machines are made of, for tests: every prose field holds [`MARK`], so that a test can ask
//! where prose ends up.

mod change;
mod run;
mod table;

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

pub(crate) use change::{assessment, change_events, change_states};
pub(crate) use run::{Step, order, run_events, run_states};
pub(crate) use table::{table, words};

use crate::approval::{self, Approval, Request, VoteRefusal, Withdrawal};
use crate::authority::Grade;
use crate::bundle::Needs;
use crate::digest::Digest;
use crate::id::{AgentId, ApprovalId, ChangeId, IncidentId, OperatorId, RunId, SignalId};
use crate::incident::{self, Incident, Severity};
use crate::installation::{self, Installation};
use crate::machine::{Machine, fold};
use crate::posture::Posture;
use crate::record;
use crate::signal::{Signal, SignalState};
use crate::situation::Actor;
use crate::statement::{Decision, Signature, Vote};
use crate::time::Timestamp;

/// What stands in every prose field of a sample.
pub const MARK: &str = "Alice wrote this, call 555-0199";

pub(crate) fn second(second: i64) -> Timestamp {
    Timestamp::from_micros(1_795_000_000_000_000 + second * 1_000_000)
}

pub(crate) fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

pub(crate) fn person(number: u128) -> OperatorId {
    OperatorId::new(id(number))
}

pub(crate) fn agent() -> Actor {
    Actor::Agent(AgentId::new(id(70)))
}

pub(crate) fn digest(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

/// A machine after these events.
pub(crate) fn after<M: Machine>(events: &[M::Event]) -> M {
    fold(events).unwrap().unwrap()
}

pub(crate) fn needs(humans: u8, grade: Grade) -> Needs {
    Needs { rung: "one-operator".parse().unwrap(), humans, roles: BTreeSet::new(), owner: false, grade }
}

/// A request that lapses at second 1000; person 9 owns the proposing agent.
pub(crate) fn request(needs: Needs, single_operator: bool) -> Request {
    Request {
        id: ApprovalId::new(id(20)),
        change: ChangeId::new(id(1)),
        bundle: MARK.into(),
        digest: digest(MARK),
        policy: digest("policy"),
        evidence: digest("evidence"),
        audience: "lineclear.example.test".into(),
        needs,
        recused: BTreeSet::from([person(9)]),
        single_operator,
        asked: second(0),
        until: second(1_000),
    }
}

pub(crate) fn vote(by: u128, decision: Decision) -> Vote {
    let signature = Signature::Ssh { armored: MARK.into() };
    Vote { by: person(by), decision, statement: MARK.into(), signature, roles: BTreeSet::new(), owner: false, at: second(5) }
}

pub(crate) fn approval_events() -> Vec<(&'static str, approval::Event)> {
    use approval::Event as E;
    vec![
        ("asked", E::Asked { request: Box::new(request(needs(1, Grade::Ssh), false)) }),
        ("voted", E::Voted { vote: vote(1, Decision::Approve) }),
        ("vote_refused", E::VoteRefused { by: person(2), why: VoteRefusal::BadSignature }),
        ("granted", E::Granted { at: second(5) }),
        ("rejected", E::Rejected { vote: vote(2, Decision::Reject) }),
        ("lapsed", E::Lapsed),
        ("withdrawn", E::Withdrawn { why: Withdrawal::Drifted }),
        ("consumed", E::Consumed { run: RunId::new(id(30)) }),
    ]
}

pub(crate) fn approval_states() -> Vec<(&'static str, Approval)> {
    let all: BTreeMap<_, _> = approval_events().into_iter().collect();
    let of = |path: &[&'static str]| {
        let events: Vec<_> = path.iter().map(|word| all[word].clone()).collect();
        (*path.last().unwrap(), after::<Approval>(&events))
    };
    let labelled = |label, path: &[&'static str]| (label, of(path).1);
    vec![
        labelled("open", &["asked"]),
        labelled("open, one vote", &["asked", "voted"]),
        of(&["asked", "voted", "granted"]),
        of(&["asked", "rejected"]),
        of(&["asked", "lapsed"]),
        of(&["asked", "withdrawn"]),
        of(&["asked", "voted", "granted", "consumed"]),
    ]
}

pub(crate) fn signal(fingerprint: &str, state: SignalState) -> Signal {
    Signal {
        source: "alertmanager".into(),
        fingerprint: fingerprint.into(),
        group: MARK.into(),
        state,
        title: MARK.into(),
        stated_severity: MARK.into(),
        starts: second(0),
        labels: BTreeMap::from([(MARK.into(), MARK.into())]),
        annotations: BTreeMap::from([("summary".into(), MARK.into())]),
    }
}

pub(crate) fn incident_events() -> Vec<(&'static str, incident::Event)> {
    use incident::Event as E;
    let (severity, at, by) = (Severity::stated("warning"), second(1), person(1));
    let signalled = |state| E::Signalled { signal_id: SignalId::new(id(51)), signal: signal("a", state), at };
    let first = signal("a", SignalState::Firing);
    vec![
        ("opened", E::Opened { id: IncidentId::new(id(40)), signal_id: SignalId::new(id(51)), signal: first, severity, at }),
        ("signalled firing", signalled(SignalState::Firing)),
        ("signalled resolved", signalled(SignalState::Resolved)),
        ("graded", E::Graded { severity: Severity::WORST, by: agent(), at }),
        ("acknowledged", E::Acknowledged { by, at }),
        ("resolved", E::Resolved { at }),
        ("closed", E::Closed { by, reason: MARK.into(), at }),
    ]
}

pub(crate) fn incident_states() -> Vec<(&'static str, Incident)> {
    let all: BTreeMap<_, _> = incident_events().into_iter().collect();
    let of = |label, path: &[&'static str]| {
        let events: Vec<_> = path.iter().map(|word| all[word].clone()).collect();
        (label, after::<Incident>(&events))
    };
    vec![
        of("open", &["opened"]),
        of("acknowledged", &["opened", "acknowledged"]),
        of("resolved", &["opened", "signalled resolved", "resolved"]),
        of("resolved, taken", &["opened", "acknowledged", "signalled resolved", "resolved"]),
        of("closed", &["opened", "closed"]),
    ]
}

pub(crate) fn installation_events() -> Vec<(&'static str, installation::Event)> {
    use installation::Event as E;
    let at = second(0);
    let started = |epoch| E::Started { epoch, estate: digest("estate"), posture: Posture::Full, version: "0.1.0".into(), at };
    vec![
        ("started 1", started(1)),
        ("started 2", started(2)),
        ("posture_set", E::PostureSet { posture: Posture::Stopped, by: Actor::Operator(person(1)), reason: MARK.into(), at }),
    ]
}

pub(crate) fn installation_states() -> Vec<(&'static str, Installation)> {
    let events: Vec<_> = installation_events().into_iter().map(|(_, event)| event).collect();
    vec![("running, epoch 1", after::<Installation>(&events[..1])), ("running, epoch 2", after::<Installation>(&events[..2]))]
}

/// Every event of every machine.
pub(crate) fn all_events() -> Vec<record::Event> {
    let mut all = Vec::new();
    all.extend(installation_events().into_iter().map(|(_, event)| record::Event::Installation(event)));
    all.extend(approval_events().into_iter().map(|(_, event)| record::Event::Approval(event)));
    all.extend(change_events().into_iter().map(|(_, event)| record::Event::Change(event)));
    all.extend(incident_events().into_iter().map(|(_, event)| record::Event::Incident(event)));
    all.extend(run_events().into_iter().map(|(_, event)| record::Event::Run(event)));
    all
}
