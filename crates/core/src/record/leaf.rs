//! What of an event goes into its leaf: ids, closed words, numbers and digests. No free text and no personal data: a
//! leaf can never be taken back.

mod page;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Event, Happened};
use crate::digest::Digest;
use crate::dossier::Dossier;
use crate::situation::Actor;
use crate::statement::Vote;
use crate::subject::Use;
use crate::{approval, change, delivery, deployment, emergency, incident, installation, lane, patch, revision, run, runner};

/// The parts of a ledger entry that come from the domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// Kind with major version: `change.asked/1`.
    pub kind: String,
    /// Who caused it: `agent`, `operator` or `engine`.
    pub by_kind: &'static str,
    /// Their id; `engine` for the engine.
    pub by_id: String,
    /// Ids, words, numbers and digests.
    pub body: Value,
    /// Ids of what it belongs to, by kind.
    pub links: BTreeMap<String, String>,
}

impl Happened {
    /// The parts of its ledger entry.
    pub fn leaf(&self) -> Leaf {
        let by_kind = match self.by {
            Actor::Agent(_) => "agent",
            Actor::Operator(_) => "operator",
            Actor::Engine => "engine",
        };
        let (body, links) = match &self.event {
            Event::Installation(event) => installation(event),
            Event::Approval(event) => approval(event),
            Event::Change(event) => change(event),
            Event::Delivery(event) => delivery(event),
            Event::Deployment(event) => (deployment(event), BTreeMap::new()),
            Event::Emergency(event) => emergency(event),
            Event::Incident(event) => incident(event),
            Event::Lane(event) => lane(event),
            Event::Page(event) => page::page(event),
            Event::Patch(event) => patch(event),
            Event::Revision(event) => revision(event),
            Event::Run(event) => run(event),
            Event::Runner(event) => (runner(event), BTreeMap::new()),
        };
        Leaf { kind: self.event.kind(), by_kind, by_id: self.by.to_string(), body, links }
    }
}

/// Longest word that a leaf takes from a message: longer than any code of this product.
const WORD_MAX: usize = 40;

type Parts = (Value, BTreeMap<String, String>);

fn link(kind: &str, id: &dyn ToString) -> BTreeMap<String, String> {
    BTreeMap::from([(kind.into(), id.to_string())])
}

fn digest_of(value: &impl serde::Serialize) -> Value {
    Digest::of_json(value).map_or(Value::Null, |digest| json!(digest))
}

/// A word as it stands, and `other` for anything that could be a sentence: a runner in other hands writes what it likes.
fn word(text: &str) -> &str {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-' | b'.');
    if (1..=WORD_MAX).contains(&text.len()) && text.bytes().all(plain) { text } else { "other" }
}

fn installation(event: &installation::Event) -> Parts {
    let body = match event {
        installation::Event::Started { epoch, estate, posture, version, .. } => {
            json!({"epoch": epoch, "policy": estate, "posture": posture, "version": version})
        }
        installation::Event::PostureSet { posture, .. } => json!({ "posture": posture }),
        installation::Event::Adopted { estate, .. } => json!({ "policy": estate }),
        installation::Event::Activated { estate, revision, by, .. } => json!({"policy": estate, "revision": revision, "by": by}),
        installation::Event::EmergencyBegan { emergency, until, .. } => return (json!({ "until": until }), link("emergency", emergency)),
        installation::Event::EmergencyOver { emergency, .. } | installation::Event::ReviewOpened { emergency, .. } => {
            return (json!({}), link("emergency", emergency));
        }
        installation::Event::ReviewClosed { emergency, by, .. } => return (json!({ "by": by }), link("emergency", emergency)),
    };
    (body, BTreeMap::new())
}

fn vote(vote: &Vote) -> Value {
    json!({"by": vote.by, "decision": vote.decision, "grade": vote.signature.grade(), "statement": Digest::of(vote.statement.as_bytes())})
}

fn approval(event: &approval::Event) -> Parts {
    let body = match event {
        approval::Event::Asked { request } => {
            let body = json!({
                "bundle": request.digest, "policy": request.policy, "evidence": request.evidence, "rung": request.needs.rung,
                "humans": request.needs.humans, "grade": request.needs.grade, "single_operator": request.single_operator,
            });
            return (body, link(request.about.kind(), &request.about.id()));
        }
        approval::Event::Voted { vote: cast } | approval::Event::Rejected { vote: cast } => vote(cast),
        approval::Event::VoteRefused { by, why } => json!({"by": by, "code": why.word()}),
        approval::Event::Granted { .. } | approval::Event::Lapsed => json!({}),
        approval::Event::Withdrawn { why } => json!({ "why": why }),
        approval::Event::Consumed { by: Use::Run { run } } => return (json!({}), link("run", run)),
        approval::Event::Consumed { by: Use::Revision { revision } } => return (json!({}), link("revision", revision)),
    };
    (body, BTreeMap::new())
}

fn judged(dossier: &Dossier) -> Map<String, Value> {
    let mut map = Map::new();
    map.insert("policy".into(), json!(dossier.policy));
    map.insert("risk".into(), json!(dossier.risk));
    map.insert("verdict".into(), json!(dossier.verdict_word()));
    map.insert("faults".into(), json!(dossier.faults.len()));
    map.insert("dossier".into(), digest_of(dossier));
    if let Some(emergency) = dossier.emergency {
        map.insert("emergency".into(), json!(emergency));
    }
    map
}

fn change(event: &change::Event) -> Parts {
    match event {
        change::Event::Proposed { proposal, .. } => {
            let body = json!({
                "action": proposal.action, "target": proposal.target, "proposal": digest_of(proposal),
                "confidence_bp": proposal.confidence.basis_points(),
            });
            (body, proposal.incident.map(|id| link("incident", &id)).unwrap_or_default())
        }
        change::Event::Blocked { dossier, .. } | change::Event::Denied { dossier } => (Value::Object(judged(dossier)), BTreeMap::new()),
        change::Event::Asked { dossier, bundle, approval, differences } => {
            let mut body = judged(dossier);
            body.insert("bundle".into(), digest_of(bundle));
            body.insert("differences".into(), json!(differences.len()));
            (Value::Object(body), link("approval", approval))
        }
        change::Event::Cleared { dossier, bundle, .. } => {
            let mut body = judged(dossier);
            body.insert("bundle".into(), digest_of(bundle));
            (Value::Object(body), BTreeMap::new())
        }
        change::Event::Started { run, dossier, bundle, .. } => {
            let mut body = judged(dossier);
            body.insert("bundle".into(), digest_of(bundle));
            (Value::Object(body), link("run", run))
        }
        change::Event::Misfit { misfit, .. } => {
            let code = serde_json::to_value(misfit).ok().and_then(|v| v.get("fault").cloned()).unwrap_or(Value::Null);
            (json!({ "code": code }), BTreeMap::new())
        }
        change::Event::Rejected { by, .. } | change::Event::TakenBack { by, .. } => (json!({ "by": by }), BTreeMap::new()),
        change::Event::Withdrawn { by, .. } => (json!({ "by": by }), BTreeMap::new()),
        change::Event::Queued { behind, run, .. } => (json!({"behind": behind, "run": run}), BTreeMap::new()),
        change::Event::Amended { by, inputs, .. } => (json!({"by": by, "inputs": digest_of(inputs)}), BTreeMap::new()),
        change::Event::RunEnded { how, .. } => (json!({ "how": how }), BTreeMap::new()),
        change::Event::Sampled { sample } => (json!({"goals": sample.goals, "neighbours": sample.neighbours}), BTreeMap::new()),
        change::Event::Judged { judgement, closes, .. } => (json!({"judgement": judgement, "closes": closes}), BTreeMap::new()),
        change::Event::Declared { by, success, .. } => (json!({"by": by, "success": success}), BTreeMap::new()),
        change::Event::ActRefused { by, act, code, .. } => (json!({"by": by, "act": word(act), "code": word(code)}), BTreeMap::new()),
        change::Event::Approved { .. } | change::Event::Lapsed { .. } | change::Event::Advised { .. } => (json!({}), BTreeMap::new()),
    }
}

fn delivery(event: &delivery::Event) -> Parts {
    let body = match event {
        delivery::Event::Queued { order, .. } => {
            let notice = &order.notice;
            let body = json!({
                "notice": notice.kind, "urgency": notice.urgency, "channel": order.channel, "to": order.to.person(), "content": digest_of(notice),
            });
            return (body, link(notice.about.kind(), &notice.about));
        }
        delivery::Event::Failed { failure, due, .. } => json!({"why": failure.why, "due": due}),
        delivery::Event::Buried { failure, .. } => json!({ "why": failure.why }),
        delivery::Event::Superseded { settlement, .. } => json!({"how": settlement.how, "by": settlement.by}),
        delivery::Event::Retried { by, .. } | delivery::Event::Dismissed { by, .. } => json!({ "by": by }),
        delivery::Event::Sent { .. } | delivery::Event::Edited { .. } => json!({}),
    };
    (body, BTreeMap::new())
}

fn deployment(event: &deployment::Event) -> Value {
    match event {
        deployment::Event::Reported { report, subject, .. } => {
            json!({"what": report.kind, "progress": report.progress, "subject": subject, "content": digest_of(report)})
        }
        deployment::Event::Moved { progress, .. } => json!({ "progress": progress }),
    }
}

fn emergency(event: &emergency::Event) -> Parts {
    let words = |text: &str| json!(Digest::of(text.as_bytes()));
    let body = match event {
        emergency::Event::Declared { by, justification, scope, incident, until, .. } => {
            let body = json!({"by": by, "justification": words(justification), "scope": scope, "until": until});
            return (body, incident.map(|id| link("incident", &id)).unwrap_or_default());
        }
        emergency::Event::GlassBroken { glass, .. } => {
            let said = &glass.statement;
            json!({
                "by": said.person, "runner": said.runner, "action": said.action, "target": said.target, "runbook": said.runbook,
                "justification": words(&said.justification), "statement": words(&glass.text), "issued": said.issued_at, "until": said.expires_at,
            })
        }
        emergency::Event::Told { number, digest, what, .. } => json!({"number": number, "line": digest, "what": word(what)}),
        emergency::Event::Acted { change, run, .. } => return (json!({ "run": run }), link("change", change)),
        emergency::Event::Ended { by, .. } => json!({ "by": by }),
        emergency::Event::Expired { .. } => json!({}),
        emergency::Event::Reviewed { by, findings, .. } => json!({"by": by, "findings": words(findings)}),
    };
    (body, BTreeMap::new())
}

fn incident(event: &incident::Event) -> Parts {
    let body = match event {
        incident::Event::Opened { signal_id, signal, severity, subject, .. } => {
            with_subject(json!({"signal": signal_id, "severity": severity, "content": digest_of(signal)}), subject.as_ref())
        }
        incident::Event::Signalled { signal_id, signal, subject, .. } => {
            with_subject(json!({"signal": signal_id, "state": signal.state, "content": digest_of(signal)}), subject.as_ref())
        }
        incident::Event::Flapping { signal_id, .. } => json!({ "signal": signal_id }),
        incident::Event::Overflowed { total, .. } => json!({ "total": total }),
        incident::Event::Quieted { why, .. } => json!({ "why": why.word() }),
        incident::Event::Paged { why, path, severity, .. } => json!({"why": why.word(), "path": path, "severity": severity}),
        incident::Event::Graded { severity, by, impact, .. } => {
            let mut body = json!({"severity": severity, "by": by});
            if let (Some(members), Some(impact)) = (body.as_object_mut(), impact) {
                members.insert("impact".into(), json!(impact));
            }
            body
        }
        incident::Event::Acknowledged { by, .. } | incident::Event::Closed { by, .. } => json!({ "by": by }),
        incident::Event::RoleTaken { role, by, from, .. } => json!({"role": role, "by": by, "from": from}),
        incident::Event::RoleHandedOver { role, by, to, .. } => json!({"role": role, "by": by, "to": to}),
        incident::Event::RoleLeft { role, by, .. } => json!({"role": role, "by": by}),
        incident::Event::Resolved { .. } => json!({}),
        incident::Event::Merged { into, by, .. } => return (json!({ "by": by }), link("incident", into)),
        incident::Event::Absorbed { from, signals, by, .. } => {
            let ids: Vec<_> = signals.iter().map(|kept| kept.id).collect();
            return (json!({"by": by, "signals": ids}), link("incident", from));
        }
        incident::Event::Split { into, signals, by, .. } => return (json!({"by": by, "signals": signals}), link("incident", into)),
    };
    (body, BTreeMap::new())
}

fn with_subject(mut body: Value, subject: Option<&crate::topology::EntityRef>) -> Value {
    if let (Some(members), Some(subject)) = (body.as_object_mut(), subject) {
        members.insert("subject".into(), json!(subject));
    }
    body
}

fn revision(event: &revision::Event) -> Parts {
    let found = |report: &revision::Report| {
        json!({
            "report": digest_of(report), "obstacles": report.obstacles().len(), "opened": report.opened.len(), "closed": report.closed.len(),
            "beside": report.beside.len(), "proved": report.proved(), "obligations": report.obligations(), "files": report.files.len(),
        })
    };
    let body = match event {
        revision::Event::Proposed { base, estate, by, files, .. } => json!({"base": base, "policy": estate, "by": by, "files": files}),
        revision::Event::Unfit { report, .. } => found(report),
        revision::Event::Asked { report, approval, .. } => return (found(report), link("approval", approval)),
        revision::Event::Superseded { base, .. } => json!({ "base": base }),
        revision::Event::Rejected { by, .. } | revision::Event::Withdrawn { by, .. } | revision::Event::Activated { by, .. } => {
            json!({ "by": by })
        }
        revision::Event::Granted { .. } | revision::Event::Lapsed { .. } => json!({}),
    };
    (body, BTreeMap::new())
}

fn lane(event: &lane::Event) -> Parts {
    match event {
        lane::Event::Taken { run, change, .. } => (json!({ "run": run }), link("change", change)),
        lane::Event::Left { run, .. } => (json!({ "run": run }), BTreeMap::new()),
    }
}

fn patch(event: &patch::Event) -> Parts {
    match event {
        patch::Event::Offered { how, base, text, incident, review, .. } => {
            let body = json!({
                "how": how, "base": base, "text": Digest::of(text.as_bytes()), "digest": review.digest,
                "warnings": review.warnings.len(), "tests": review.tests.len(), "holding": review.holding(),
            });
            (body, incident.map(|id| link("incident", &id)).unwrap_or_default())
        }
        patch::Event::TakenUp { by, revision, .. } => (json!({ "by": by }), link("revision", revision)),
        patch::Event::Declined { by, .. } => (json!({ "by": by }), BTreeMap::new()),
        patch::Event::Lapsed { .. } => (json!({}), BTreeMap::new()),
    }
}

/// The links of what is done under an emergency name it.
fn under(mut links: BTreeMap<String, String>, emergency: Option<crate::id::EmergencyId>) -> BTreeMap<String, String> {
    if let Some(emergency) = emergency {
        links.insert("emergency".into(), emergency.to_string());
    }
    links
}

fn run(event: &run::Event) -> Parts {
    let body = match event {
        run::Event::Begun { order } => {
            let body = json!({"plan": digest_of(&order.plan), "runbook": order.plan.runbook_digest, "steps": order.plan.steps.len(), "semantics": order.semantics});
            return (body, under(link("change", &order.change), order.emergency));
        }
        run::Event::Intended { attempt, .. } => {
            let body = json!({
                "change": attempt.change, "bundle": attempt.bundle, "run": attempt.key.run, "step": attempt.key.step, "direction": attempt.key.direction, "attempt": attempt.key.number,
                "warrant": attempt.warrant, "epoch": attempt.epoch, "call": attempt.call, "deadline": attempt.deadline,
            });
            // A runner compares the body with its warrant, word for word: the flag stands among the links.
            return (body, under(BTreeMap::new(), attempt.emergency));
        }
        run::Event::Dispatched { runner, warrant, .. } => json!({"runner": runner, "warrant": warrant}),
        run::Event::Refused { code, .. } => json!({ "code": word(code) }),
        run::Event::Failed { applied, .. } => json!({ "applied": applied }),
        run::Event::Succeeded { output, .. } => json!({ "output": digest_of(output) }),
        run::Event::Probed { found, output, .. } => json!({"found": found, "output": digest_of(output)}),
        run::Event::Resolved { by, resolution, evidence, to, asked_by, .. } => json!({
            "by": by, "resolution": resolution, "evidence": evidence.as_ref().map(|text| Digest::of(text.as_bytes())), "to": to, "asked_by": asked_by,
        }),
        run::Event::SecondAsked { by, resolution, .. } => json!({"by": by, "resolution": resolution}),
        run::Event::Retried { due, .. } => json!({ "due": due }),
        run::Event::Skipped { step, .. } => json!({ "step": step }),
        run::Event::Branched { to, with_current, .. } => json!({"to": to, "with_current": with_current}),
        run::Event::Ended { how, .. } => json!({ "how": how }),
        run::Event::Turned { with_current, .. } => json!({ "with_current": with_current }),
        run::Event::Accepted { .. } | run::Event::Started { .. } | run::Event::BecameUnknown { .. } | run::Event::GotStuck { .. } => {
            json!({})
        }
    };
    (body, BTreeMap::new())
}

fn runner(event: &runner::Event) -> Value {
    match event {
        runner::Event::Invited { name, labels, token, by, until, .. } => {
            json!({"name": name, "labels": labels, "token": token, "by": by, "until": until})
        }
        runner::Event::Enrolled { key, .. } => json!({ "key": key }),
        runner::Event::Drained { by, .. } | runner::Event::Resumed { by, .. } | runner::Event::Revoked { by, .. } => json!({ "by": by }),
        runner::Event::Lapsed { .. } | runner::Event::TokenShownAgain { .. } => json!({}),
    }
}
