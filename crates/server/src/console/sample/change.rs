//! Pages of changes, in samples.

use std::collections::BTreeMap;

use lineclear_core::approval::{Approval, Request, State as Asked};
use lineclear_core::authority::{Grade, Rung};
use lineclear_core::bundle::Needs;
use lineclear_core::catalogue::{InputValue, Reversibility, Risk};
use lineclear_core::change::{Change, Gate, Judgement, Outcome, Sample, State};
use lineclear_core::dossier::{Difference, Dossier, Fault, PriorChange};
use lineclear_core::incident::Incident;
use lineclear_core::measure::Confidence;
use lineclear_core::proposal::{Citation, Links, Model, Proposal};
use lineclear_core::record::Stream;
use lineclear_core::run::{self, Direction, Order, Resolution, Run, RunEnd, SEMANTICS, State as RunState};
use lineclear_core::situation::Actor;
use lineclear_core::statement::{Decision, Signature, Vote};
use lineclear_core::verdict::{Bearing, Verdict};
use lineclear_core::{OperatorId, Span};
use lineclear_engine::{ChangeView, Moment};
use maud::Markup;

use super::dossier::{digest, dossier, facts, gate, needs, plan, reasons, rung};
use super::{Voice, after, before, elsewhere, frame, id};
use crate::console::change::{self, Notice, Page, Voter};
use crate::console::graph::Node;
use crate::console::ladder::steps;
use crate::{Code, Problem};

fn proposal(voice: Voice) -> Proposal {
    let text = |plain: &str| InputValue::Text(voice.say(plain));
    let input = |name: &str, value| (name.parse().unwrap(), value);
    Proposal {
        by: Actor::Agent(id("agent", 1)),
        action: "dns.update".parse().unwrap(),
        target: "zone/example.test".parse().unwrap(),
        inputs: [input("from", text("192.0.2.10")), input("name", text("www.example.test")), input("to", text("192.0.2.20"))].into(),
        confidence: Confidence::try_from(9_250).unwrap(),
        reason: voice.say("The old address stopped answering at 02:09 and the standby has been healthy for 20 minutes.\nMoving www there restores the site for most customers within the TTL."),
        model: Some(Model { name: voice.say("triage-1"), version: voice.say("2026-10") }),
        evidence: [Citation::Claim { text: voice.say("The provider’s status page says the data centre has lost power.") }].into(),
        alternatives: vec![voice.say("Wait for the provider; their estimate is two hours.")],
        incident: Some(id("incident", 1)),
        signals: [].into(),
        links: Links { deployment: None, ticket: Some(voice.say("OPS-4711")) },
        again: None,
    }
}

fn incident(voice: Voice) -> Incident {
    elsewhere::incident(voice)
}

fn asked(voice: Voice, needs: Needs, votes: Vec<Vote>) -> Approval {
    let request = Request {
        id: id("approval", 1),
        about: id::<lineclear_core::ChangeId>("change", 1).into(),
        bundle: voice.say("{}"),
        digest: digest("bundle"),
        policy: digest("estate"),
        evidence: digest("evidence"),
        audience: "ledger.example/northwind/g1".into(),
        needs,
        recused: [id("operator", 3)].into(),
        single_operator: false,
        asked: before(58),
        until: after(842),
    };
    Approval { request, state: Asked::Open { votes } }
}

fn vote(by: OperatorId) -> Vote {
    Vote {
        by,
        decision: Decision::Approve,
        statement: String::new(),
        signature: Signature::Ssh { armored: String::new() },
        roles: ["operator".parse().unwrap()].into(),
        owner: true,
        at: before(20),
    }
}

fn moments(voice: Voice) -> Vec<Moment> {
    let moment = |ago, by, name: &str, kind: &str, index, says: &str| Moment {
        at: before(ago),
        by,
        name: voice.say(name),
        stream: Stream::Change(id("change", 1)),
        kind: kind.into(),
        index,
        says: voice.say(says),
    };
    vec![
        moment(
            60,
            Actor::Agent(id("agent", 1)),
            "triage-agent",
            "change.proposed/1",
            41,
            "triage-agent proposed dns.update on zone/example.test.",
        ),
        moment(
            58,
            Actor::Engine,
            "lineclear",
            "change.asked/1",
            42,
            "People must answer: `dns-two-signed` permits (A DNS change that facts confirm takes two signatures).",
        ),
        moment(
            58,
            Actor::Engine,
            "lineclear",
            "approval.asked/1",
            43,
            "Asked for `two-signed`: 2 people to answer until 2026-11-22T02:28:09.123456Z.",
        ),
        moment(20, Actor::Operator(id("operator", 5)), "erin", "approval.voted/1", 44, "erin approved with a signature of grade ssh."),
    ]
}

fn voters(voice: Voice) -> Vec<Voter> {
    let voter = |number, name: &str, owner, recused| Voter {
        id: id("operator", number),
        name: voice.say(name),
        roles: vec!["operator".into()],
        owner,
        recused,
        voted: None,
    };
    vec![
        voter(1, "Alice Amsel", true, false),
        voter(2, "Bob Bachmann", false, false),
        voter(3, "Carol Castro", false, true),
        voter(5, "Erin Egede", true, false),
    ]
}

pub(super) fn rungs(voice: Voice) -> Vec<Rung> {
    let rung = |name: &str, title: &str, humans, owner, grade| Rung {
        name: name.parse().unwrap(),
        title: voice.say(title),
        humans,
        roles: if humans == 0 { [].into() } else { ["operator".parse().unwrap()].into() },
        owner,
        grade,
    };
    vec![
        rung("autonomous", "nobody needs to be asked", 0, false, Grade::None),
        rung("one-operator", "one operator", 1, false, Grade::Session),
        rung("owner-signed", "one operator of the owning team, signed", 1, true, Grade::Ssh),
        rung("two-signed", "two people, one of the owning team, both signed", 2, true, Grade::Ssh),
    ]
}

fn reach() -> Vec<Node> {
    let node = |name: &str, from, level, relation, money| Node { reference: name.parse().unwrap(), from, level, relation, money };
    vec![
        node("zone/example.test", None, 0, "", false),
        node("service/shop", Some(0), 1, "depends on it", false),
        node("service/billing", Some(1), 2, "depends on it", true),
        node("service/www", Some(0), 1, "depends on it", false),
    ]
}

/// A page in this state; its word is the change's, unless that of the run says more.
fn page(voice: Voice, state: State, word: &'static str) -> Page {
    let change = Change {
        id: id("change", 1),
        proposal: proposal(voice),
        proposed: before(60),
        rounds: 1,
        state,
        since: before(58),
        amended_by: [].into(),
        assessed: Some(before(11)),
        differences: Vec::new(),
        refusals: 0,
    };
    let needed = match change.dossier().and_then(|dossier| dossier.verdict.as_ref()) {
        Some(Verdict::NeedsApproval { rung, .. }) => Some(rung.clone()),
        Some(Verdict::Clear { .. } | Verdict::Denied { .. }) | None => None,
    };
    let rungs = rungs(voice);
    let at = rungs.iter().position(|rung| Some(&rung.name) == needed.as_ref());
    let enough = |name: &lineclear_core::name::RungName| {
        at.map(|at| rungs.iter().position(|rung| rung.name == *name).is_some_and(|this| this >= at))
    };
    let ladder = steps(&rungs, needed.as_ref(), &enough);
    Page {
        view: ChangeView { change, word, approval: None, run: None, timeline: moments(voice) },
        title: voice.say("Point a DNS record elsewhere"),
        proposer: voice.say("triage-agent"),
        answers: Some(voice.say("carol")),
        incident: Some(incident(voice)),
        voters: voters(voice),
        ladder,
        remedies: if at.is_some_and(|at| at > 0) { vec![voice.say("approval by `two-signed`, then it is clear")] } else { Vec::new() },
        recent: Vec::new(),
        reach: reach(),
        in_force: digest("estate"),
        reader: id("operator", 1),
        passkeys: Vec::new(),
        people: Vec::new(),
        pager: None,
        looking: Vec::new(),
        notice: None,
    }
}

fn awaiting(voice: Voice, dossier: Dossier, wanted: &Needs, votes: Vec<Vote>) -> Page {
    let state = State::Awaiting { gate: gate(dossier, wanted.clone()), approval: id("approval", 1) };
    let mut page = page(voice, state, "awaiting_approval");
    for voter in &mut page.voters {
        voter.voted = votes.iter().find(|vote| vote.by == voter.id).map(|vote| vote.signature.grade());
    }
    page.view.approval = Some(asked(voice, wanted.clone(), votes));
    page
}

/// High risk: two people must sign, one has.
fn signed(voice: Voice) -> Page {
    awaiting(voice, dossier(voice, Risk::High, Some(needs(voice, "two-signed"))), &two(), vec![vote(id("operator", 5))])
}

/// The same for somebody with a passkey for this site.
fn with_passkey(voice: Voice) -> Page {
    Page { passkeys: vec!["Y3JlZGVudGlhbA".into()], ..signed(voice) }
}

fn two() -> Needs {
    rung("two-signed", 2, true, Grade::Ssh)
}

/// Medium risk: one operator who is signed in; nothing has gone wrong.
fn session(voice: Voice, risk: Risk) -> Page {
    let mut found = dossier(voice, risk, Some(needs(voice, "one-operator")));
    found.plan.as_mut().unwrap().steps.truncate(1);
    awaiting(voice, found, &rung("one-operator", 1, false, Grade::Session), Vec::new())
}

/// Asked again, with differences, a freeze, others in flight, an undo that nobody drilled, and facts in doubt.
fn again(voice: Voice) -> Page {
    let mut found = dossier(voice, Risk::High, Some(needs(voice, "two-signed")));
    found.facts = facts(voice, true);
    found.situation.conflicting = true;
    found.drilled = None;
    found.reversibility = Reversibility::Partly;
    found.freeze = Some(voice.say("Quarter end: nothing moves"));
    found.in_flight =
        vec![PriorChange { change: id("change", 7), title: voice.say("cache.purge on cache/www"), outcome: None, at: before(90) }];
    let mut page = awaiting(voice, found, &two(), Vec::new());
    page.view.change.rounds = 2;
    page.view.change.differences = vec![Difference {
        what: voice.say("plan[0].preview.before.address"),
        before: voice.say("\"192.0.2.10\""),
        after: voice.say("\"192.0.2.11\""),
    }];
    page
}

fn blocked(voice: Voice) -> Page {
    let mut found = dossier(voice, Risk::High, None);
    found.facts = facts(voice, true);
    found.plan = None;
    found.faults = vec![
        Fault::MissingFact { fact: "budget_left".parse().unwrap(), why: voice.say("source unreachable"), query: voice.say("up") },
        Fault::StaleFact { fact: "zone_signed".parse().unwrap(), age_s: 84, limit_s: 30 },
        Fault::NoPlan { why: voice.say("step `update`: the name server does not answer") },
    ];
    page(voice, State::Blocked { dossier: Box::new(found), until: after(3_000) }, "blocked")
}

fn closed(voice: Voice, outcome: Outcome, verdict: Option<Verdict>, judgement: Option<Judgement>) -> Page {
    let word = outcome.word();
    let gate = Some(gate(dossier(voice, Risk::Medium, verdict), two()));
    page(voice, State::Closed { outcome, gate, dossier: None, approval: None, run: None, judgement }, word)
}

fn run(voice: Voice, state: RunState, applied: Vec<usize>) -> Run {
    let order = Order {
        id: id("run", 1),
        change: id("change", 1),
        bundle: digest("bundle"),
        plan: plan(voice),
        rules: Vec::new(),
        begun: before(9),
        deadline: after(300),
        semantics: SEMANTICS,
        risk: Risk::Medium,
        emergency: None,
    };
    Run {
        order,
        applied,
        tries: 1,
        starts: 1,
        earlier: 0,
        begun: true,
        touched: true,
        left: false,
        branches: Vec::new(),
        outputs: BTreeMap::new(),
        wait: None,
        decided: false,
        extended: None,
        state,
        since: before(5),
    }
}

fn sample(held: bool) -> Sample {
    let seen = |name: &str, held| BTreeMap::from([(name.parse().unwrap(), held)]);
    Sample { at: before(3), goals: seen("site_answers", Some(held)), neighbours: seen("shop_errors_low", Some(true)) }
}

fn cleared(voice: Voice) -> Box<Gate> {
    gate(dossier(voice, Risk::Medium, Some(needs(voice, "one-operator"))), two())
}

fn stuck(voice: Voice) -> Page {
    let state = State::Running { gate: cleared(voice), approval: None, run: id("run", 1), before: sample(false) };
    let mut page = page(voice, state, "stuck");
    let why = voice.say("the runner was fenced, and the check did not tell whether `announce` took effect");
    let asked =
        run::Asked { by: id("operator", 2), resolution: Resolution::Skip, reason: voice.say("the status page is down, and can wait") };
    let state = RunState::Stuck { step: 1, direction: Direction::Do, why, asked: Some(asked), with: Some(id("operator", 3)) };
    page.view.run = Some(run(voice, state, vec![0]));
    page.people = [(1, "Alice"), (2, "Bob"), (3, "Carol")].map(|(number, name)| (id("operator", number), voice.say(name))).into();
    page
}

fn verifying(voice: Voice) -> Page {
    let state = State::Verifying {
        gate: cleared(voice),
        approval: None,
        run: id("run", 1),
        soak: Span::from_secs(20),
        until: after(45),
        every: Span::from_secs(1),
        before: sample(false),
        samples: vec![sample(true)],
    };
    let mut page = page(voice, state, "verifying");
    page.view.run = Some(run(voice, RunState::Ended { how: RunEnd::Done }, vec![0, 1]));
    page
}

fn escalated(voice: Voice) -> Page {
    let state = State::Escalated { gate: cleared(voice), approval: None, run: id("run", 1), judgement: Some(Judgement::Shifted) };
    let mut page = page(voice, state, "escalated");
    page.view.run = Some(run(voice, RunState::Ended { how: RunEnd::Done }, vec![0, 1]));
    page
}

/// A refused approval: what was typed is still there.
fn refused(voice: Voice) -> Page {
    let mut page = session(voice, Risk::High);
    let problem = Problem::with(Code::Malformed, voice.say("the risk is high: type the target’s name, `zone/example.test`, to approve"));
    page.notice = Some(Notice {
        problem,
        form: "approve",
        reason: if voice.hostile { "</textarea><script>alert(1)</script>".into() } else { "seen it myself".into() },
    });
    page
}

/// Every page of a change, by name.
pub(super) fn pages(voice: Voice) -> Vec<(&'static str, Markup)> {
    let frame = frame(voice);
    let denied = Some(Verdict::Denied { because: reasons(voice, Bearing::Silent) });
    let clear = Some(Verdict::Clear { because: reasons(voice, Bearing::Permits) });
    let mut recused = signed(voice);
    recused.reader = id("operator", 3);
    let all = vec![
        ("change_signed", signed(voice)),
        ("change_with_passkey", with_passkey(voice)),
        ("change_recused", recused),
        ("change_session", session(voice, Risk::Medium)),
        ("change_refused", refused(voice)),
        ("change_again", again(voice)),
        ("change_blocked", blocked(voice)),
        ("change_denied", closed(voice, Outcome::Denied, denied, None)),
        ("change_stuck", stuck(voice)),
        ("change_verifying", verifying(voice)),
        ("change_escalated", escalated(voice)),
        ("change_succeeded", closed(voice, Outcome::Succeeded { by: None }, clear, Some(Judgement::Improved))),
    ];
    all.into_iter().map(|(name, page)| (name, change::render(&frame, &page))).collect()
}
