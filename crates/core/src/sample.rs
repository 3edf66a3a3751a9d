//! Samples of everything that machines are made of, for tests: every prose field holds [`MARK`], so that a test can ask
//! where prose ends up.

mod change;
mod delivery;
mod emergency;
mod page;
mod patch;
mod revision;
mod run;
mod runner;
mod table;

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

pub(crate) use change::{assessment, change_events, change_states, situation};
pub(crate) use delivery::{delivery_events, delivery_states};
pub(crate) use emergency::{emergency_events, emergency_states};
pub(crate) use page::{about, asked, opened, page_events, page_states, plan};
pub(crate) use patch::{patch_events, patch_states};
pub(crate) use revision::{report, revision_events, revision_states};
pub(crate) use run::{BRANCHED, Failing, Step, order, run_events, run_states};
pub(crate) use runner::{runner_events, runner_states};
pub(crate) use table::{table, words};

use crate::approval::{self, Approval, Request, VoteRefusal, Withdrawal};
use crate::authority::Grade;
use crate::bundle::Needs;
use crate::deployment::{self, Deployment};
use crate::digest::Digest;
use crate::id::{AgentId, ApprovalId, ChangeId, DeploymentId, EmergencyId, IncidentId, OperatorId, RevisionId, RunId, SignalId};
use crate::incident::{self, Incident, Severity};
use crate::installation::{self, Installation};
use crate::lane;
use crate::machine::{Machine, fold};
use crate::posture::Posture;
use crate::record;
use crate::signal::{Signal, SignalState};
use crate::situation::Actor;
use crate::statement::{Decision, Signature, Vote};
use crate::subject::Use;
use crate::time::{Span, Timestamp};

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
    Needs { rung: "one-operator".parse().unwrap(), humans, roles: BTreeSet::new(), owner: false, grade, reviews: BTreeMap::new() }
}

/// A request that lapses at second 1000; person 9 owns the proposing agent.
pub(crate) fn request(needs: Needs, single_operator: bool) -> Request {
    Request {
        id: ApprovalId::new(id(20)),
        about: ChangeId::new(id(1)).into(),
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
        ("consumed", E::Consumed { by: Use::Run { run: RunId::new(id(30)) } }),
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
        severity: None,
        service: Some(MARK.into()),
        starts: second(0),
        labels: BTreeMap::from([(MARK.into(), MARK.into())]),
        annotations: BTreeMap::from([("summary".into(), MARK.into())]),
    }
}

pub(crate) fn incident_events() -> Vec<(&'static str, incident::Event)> {
    use incident::Event as E;
    let (severity, at, by) = (Severity::stated("warning"), second(1), person(1));
    let subject = Some("service/shop".parse().unwrap());
    let (signal_id, other) = (SignalId::new(id(51)), IncidentId::new(id(41)));
    let signalled = |state| E::Signalled { signal_id, signal: signal("a", state), subject: subject.clone(), at };
    let first = signal("a", SignalState::Firing);
    let kept = incident::Kept {
        id: SignalId::new(id(53)),
        signal: signal("z", SignalState::Firing),
        subject: None,
        at,
        turns: vec![],
        flapping: false,
    };
    let impact = crate::severity::Impact {
        customers: 1_200,
        lasting: Span::from_secs(60),
        regions: 2,
        security: crate::severity::Doubt::None,
        revenue: crate::severity::Loss::Reduced,
    };
    let why = incident::Quiet::Maintenance { title: MARK.into(), until: second(90) };
    vec![
        (
            "opened",
            E::Opened { id: IncidentId::new(id(40)), signal_id, signal: first, subject: subject.clone(), severity, split_from: None, at },
        ),
        ("signalled firing", signalled(SignalState::Firing)),
        ("signalled resolved", signalled(SignalState::Resolved)),
        ("flapping", E::Flapping { signal_id, at }),
        ("overflowed", E::Overflowed { total: 7, at }),
        ("quieted", E::Quieted { why, at }),
        ("paged", E::Paged { why: incident::Why::Actionable, path: Some("money".parse().unwrap()), severity, at }),
        ("graded", E::Graded { severity: Severity::WORST, by: agent(), impact: Some(impact), at }),
        ("acknowledged", E::Acknowledged { by, at }),
        ("role_taken", E::RoleTaken { role: incident::Role::Scribe, by, from: None, reason: MARK.into(), at }),
        ("role_handed_over", E::RoleHandedOver { role: incident::Role::Commander, by, to: person(2), at }),
        ("role_left", E::RoleLeft { role: incident::Role::Commander, by, at }),
        ("resolved", E::Resolved { at }),
        ("merged", E::Merged { into: other, by: Actor::Operator(by), reason: MARK.into(), at }),
        ("absorbed", E::Absorbed { from: other, signals: vec![kept], overflow: 3, paged: true, severity, by: Actor::Engine, at }),
        ("split", E::Split { into: other, signals: [signal_id].into(), by, reason: MARK.into(), at }),
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
        of("open, quiet", &["opened", "quieted"]),
        of("open, paged", &["opened", "paged"]),
        of("acknowledged", &["opened", "acknowledged"]),
        of("resolved", &["opened", "signalled resolved", "resolved"]),
        of("resolved, taken", &["opened", "acknowledged", "signalled resolved", "resolved"]),
        of("merged", &["opened", "merged"]),
        of("closed", &["opened", "closed"]),
    ]
}

pub(crate) fn deployment_events() -> Vec<(&'static str, deployment::Event)> {
    use deployment::{Event as E, Kind, Progress, Report};
    let report = Report {
        source: "github".into(),
        fingerprint: MARK.into(),
        kind: Kind::Deployment,
        title: MARK.into(),
        service: Some(MARK.into()),
        environment: Some(MARK.into()),
        revision: Some(MARK.into()),
        author: Some(MARK.into()),
        link: Some(MARK.into()),
        progress: Progress::Started,
        at: second(0),
    };
    let moved = |progress| E::Moved { progress, said: second(5), at: second(6) };
    let subject = Some("service/shop".parse().unwrap());
    vec![
        ("reported", E::Reported { id: DeploymentId::new(id(60)), report: Box::new(report), subject, at: second(1) }),
        ("moved to success", moved(Progress::Succeeded)),
        ("moved to failure", moved(Progress::Failed)),
    ]
}

pub(crate) fn deployment_states() -> Vec<(&'static str, Deployment)> {
    let all: BTreeMap<_, _> = deployment_events().into_iter().collect();
    let of = |label, path: &[&'static str]| {
        let events: Vec<_> = path.iter().map(|word| all[word].clone()).collect();
        (label, after::<Deployment>(&events))
    };
    vec![of("started", &["reported"]), of("succeeded", &["reported", "moved to success"]), of("failed", &["reported", "moved to failure"])]
}

pub(crate) fn installation_events() -> Vec<(&'static str, installation::Event)> {
    use installation::Event as E;
    let at = second(0);
    let started = |epoch| E::Started { epoch, estate: digest("estate"), posture: Posture::Full, version: "0.1.0".into(), at };
    vec![
        ("started 1", started(1)),
        ("started 2", started(2)),
        ("posture_set", E::PostureSet { posture: Posture::Stopped, by: Actor::Operator(person(1)), reason: MARK.into(), at }),
        ("adopted", E::Adopted { estate: digest("estate"), at }),
        ("activated", E::Activated { estate: digest("new"), revision: RevisionId::new(id(60)), by: person(1), at }),
        (
            "emergency_began",
            E::EmergencyBegan { emergency: EmergencyId::new(id(80)), scope: crate::emergency::Scope::Estate, until: second(60), at },
        ),
        ("emergency_over", E::EmergencyOver { emergency: EmergencyId::new(id(80)), at }),
        ("review_opened", E::ReviewOpened { emergency: EmergencyId::new(id(81)), at }),
        ("review_closed", E::ReviewClosed { emergency: EmergencyId::new(id(80)), by: person(2), at }),
        ("started 3, new", E::Started { epoch: 3, estate: digest("new"), posture: Posture::Full, version: "0.1.0".into(), at }),
    ]
}

pub(crate) fn installation_states() -> Vec<(&'static str, Installation)> {
    let events: Vec<_> = installation_events().into_iter().map(|(_, event)| event).collect();
    let of = |path: &[usize]| after::<Installation>(&path.iter().map(|index| events[*index].clone()).collect::<Vec<_>>());
    vec![
        ("running, epoch 1", of(&[0])),
        ("running, epoch 2", of(&[0, 1])),
        ("governed", of(&[0, 3])),
        ("governed, another", of(&[0, 3, 4])),
        ("in an emergency", of(&[0, 5])),
        ("with a review open", of(&[0, 5, 6])),
    ]
}

fn lane_events() -> [lane::Event; 2] {
    let (run, at) = (RunId::new(id(30)), second(1));
    let taken = lane::Event::Taken { key: MARK.into(), number: 0, run, change: ChangeId::new(id(1)), at };
    [taken, lane::Event::Left { run, at }]
}

/// Every event of every machine.
pub(crate) fn all_events() -> Vec<record::Event> {
    let mut all = Vec::new();
    all.extend(installation_events().into_iter().map(|(_, event)| record::Event::Installation(event)));
    all.extend(approval_events().into_iter().map(|(_, event)| record::Event::Approval(event)));
    all.extend(change_events().into_iter().map(|(_, event)| record::Event::Change(event)));
    all.extend(delivery_events().into_iter().map(|(_, event)| record::Event::Delivery(event)));
    all.extend(deployment_events().into_iter().map(|(_, event)| record::Event::Deployment(event)));
    all.extend(emergency_events().into_iter().map(|(_, event)| record::Event::Emergency(event)));
    all.extend(incident_events().into_iter().map(|(_, event)| record::Event::Incident(event)));
    all.extend(page_events().into_iter().map(|(_, event)| record::Event::Page(event)));
    all.extend(revision_events().into_iter().map(|(_, event)| record::Event::Revision(event)));
    all.extend(patch_events().into_iter().map(|(_, event)| record::Event::Patch(event)));
    all.extend(lane_events().into_iter().map(record::Event::Lane));
    all.extend(run_events().into_iter().map(|(_, event)| record::Event::Run(event)));
    all.extend(runner_events().into_iter().map(|(_, event)| record::Event::Runner(event)));
    all
}
