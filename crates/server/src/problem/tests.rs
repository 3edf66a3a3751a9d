//! Every code, and every error of the engine, as callers see them.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use axum::body::to_bytes;
use lineclear_core::approval::VoteRefusal;
use lineclear_core::authority::Grade;
use lineclear_core::catalogue::InputFault;
use lineclear_core::digest::DigestError;
use lineclear_core::dossier::Misfit;
use lineclear_core::lane::{Held, Holder};
use lineclear_core::machine::IllegalTransition;
use lineclear_core::posture::Posture;
use lineclear_core::record::Stream;
use lineclear_core::subject::Subject;
use lineclear_core::{ChangeId, Digest, Timestamp, approval, change, delivery, incident, installation, page, revision, run, runner};
use lineclear_engine::EngineError;
use lineclear_store::StoreError;

use super::*;

const NUMBER: &str = "0193f0c4a1007a3e8b11d2c3b4a50009";

fn id<T: std::str::FromStr<Err: std::fmt::Debug>>(kind: &str) -> T {
    format!("{kind}_{NUMBER}").parse().unwrap()
}

#[test]
fn every_code_has_a_status_and_a_next_step() {
    let mut table = String::new();
    for code in Code::ALL {
        let _ = writeln!(table, "{} {}\n    {}\n    {}", code.status().as_u16(), code.word(), code.title(), code.help());
    }
    insta::assert_snapshot!(table);
}

#[test]
fn no_two_codes_share_a_word_and_words_are_plain() {
    let words: BTreeSet<&str> = Code::ALL.iter().map(|code| code.word()).collect();
    assert_eq!(words.len(), Code::ALL.len());
    assert!(words.iter().all(|word| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')));
    assert!(Code::ALL.iter().all(|code| code.status().is_client_error() || code.status().is_server_error()));
}

fn votes() -> Vec<VoteRefusal> {
    vec![
        VoteRefusal::NotOpen { state: "rejected".into() },
        VoteRefusal::Late { until: Timestamp::from_micros(0) },
        VoteRefusal::SelfApproval,
        VoteRefusal::Twice,
        VoteRefusal::Mismatch { field: "bundle_digest".into(), signed: "a".into(), asked: "b".into() },
        VoteRefusal::NotYours { approver: id("operator") },
        VoteRefusal::BadSignature,
        VoteRefusal::TooWeak { wanted: Grade::Ssh, given: Grade::Session },
        VoteRefusal::Full,
        VoteRefusal::Unknown,
    ]
}

fn misfits() -> Vec<Misfit> {
    vec![
        Misfit::UnknownAction("dns.drop".into()),
        Misfit::UnknownTarget("zone/nowhere".into()),
        Misfit::WrongKind { action: "dns.update".into(), wanted: "zone".into(), target: "host/web-1".into() },
        Misfit::Inputs(InputFault::Unknown("colour".parse().unwrap())),
        Misfit::Inputs(InputFault::Missing("name".parse().unwrap())),
        Misfit::Inputs(InputFault::Kind { name: "to".parse().unwrap(), wanted: "an IPv4 address".into() }),
        Misfit::UnknownProposer("agent_x".into()),
    ]
}

fn refusals() -> Vec<EngineError> {
    vec![
        EngineError::Change(change::Refusal::WrongState { change: id("change"), state: "running", command: "withdraw" }),
        EngineError::Change(change::Refusal::NotYours { change: id("change") }),
        EngineError::Change(change::Refusal::Unreasoned),
        EngineError::Approval(approval::Refusal::NotUsable { approval: id("approval"), state: "open" }),
        EngineError::Approval(approval::Refusal::Ended { approval: id("approval"), state: "lapsed" }),
        EngineError::Run(run::Refusal::WrongState { run: id("run"), state: "done", command: "resolve" }),
        EngineError::Run(run::Refusal::OtherAttempt { run: id("run") }),
        EngineError::Run(run::Refusal::Unreasoned),
        EngineError::Run(run::Refusal::Unproven),
        EngineError::Run(run::Refusal::NoTaker),
        EngineError::Run(run::Refusal::NeedsAnother),
        EngineError::Run(run::Refusal::InDoubt),
        EngineError::Run(run::Refusal::NotUnderstood { run: id("run"), version: 3 }),
        EngineError::Held(Held { key: "dns:example.test".into(), holder: Holder { run: id("run"), change: id("change") } }),
        EngineError::Incident(incident::Refusal::LoweredByMachine(id("incident"))),
        EngineError::Incident(incident::Refusal::Closed(id("incident"))),
        EngineError::Incident(incident::Refusal::Unreasoned(id("incident"))),
        EngineError::Incident(incident::Refusal::Held { incident: id("incident"), role: incident::Role::Scribe }),
        EngineError::Incident(incident::Refusal::NotHeld { incident: id("incident"), role: incident::Role::Commander }),
        EngineError::Page(page::Refusal::Over(id("page"))),
        EngineError::Page(page::Refusal::NotYours(id("page"))),
        EngineError::Page(page::Refusal::Recused(id("page"))),
        EngineError::Page(page::Refusal::ToRecused(id("page"))),
        EngineError::Page(page::Refusal::Unreasoned(id("page"))),
        EngineError::Page(page::Refusal::TooMany(id("page"))),
        EngineError::Delivery(delivery::Refusal::NotDead { delivery: id("delivery"), state: "sent" }),
        EngineError::Delivery(delivery::Refusal::NotWaiting { delivery: id("delivery"), state: "closed" }),
        EngineError::Delivery(delivery::Refusal::TooOften(id("delivery"))),
        EngineError::Delivery(delivery::Refusal::Unreasoned),
        EngineError::Posture(installation::Refusal::RaisedByMachine { from: Posture::Stopped, to: Posture::Full }),
        EngineError::Posture(installation::Refusal::Unreasoned),
    ]
}

fn revisions() -> Vec<EngineError> {
    let (revision, digest) = (id("revision"), Digest::of(b"estate"));
    let about = Subject::Revision { revision, estate_digest: digest };
    vec![
        EngineError::VoteRefused { about: Box::new(about), approval: id("approval"), why: VoteRefusal::SelfApproval },
        EngineError::Revision(revision::Refusal::WrongState { revision, state: "unfit", command: "activate" }),
        EngineError::Revision(revision::Refusal::BaseMoved { revision, base: digest, in_force: Digest::of(b"other") }),
        EngineError::Revision(revision::Refusal::Unreasoned),
        EngineError::Estate { digest, why: "its files are not kept here".into() },
        EngineError::OtherEstate { recorded: digest, given: Digest::of(b"other") },
    ]
}

fn others() -> Vec<EngineError> {
    let source = IllegalTransition { machine: "change", from: "proposed", event: "approved" };
    let stream = Stream::Change(id("change"));
    vec![
        EngineError::NotFound(format!("change_{NUMBER}")),
        EngineError::PeopleOnly,
        EngineError::Stranger,
        EngineError::Malformed { pointer: "/target".into(), message: "`shop` names nothing".into() },
        EngineError::Malformed { pointer: String::new(), message: "an idempotency key has 1 to 100 bytes".into() },
        EngineError::Busy(stream),
        EngineError::KeyReused,
        EngineError::Broken { stream, source },
        EngineError::Digest(DigestError::Canonical("secret".into())),
        EngineError::Store(StoreError::Database("secret path".into())),
        EngineError::Store(StoreError::Corrupt { table: "rows", id: "secret".into(), why: "secret".into() }),
        EngineError::Store(StoreError::Closed),
        EngineError::Head("size 7 is not ours".into()),
        EngineError::UnknownRunner(id("runner")),
        EngineError::NotAsked(id("runner")),
        EngineError::NoInvitation,
        EngineError::NameTaken("ber-1".parse().unwrap()),
        EngineError::TooManyRunners,
        EngineError::Runner(runner::Refusal::WrongState { runner: id("runner"), state: "active", command: "enrol" }),
        EngineError::Runner(runner::Refusal::WrongState { runner: id("runner"), state: "revoked", command: "drain" }),
        EngineError::Runner(runner::Refusal::Late { runner: id("runner"), until: Timestamp::from_micros(0) }),
        EngineError::Runner(runner::Refusal::Worn(id("runner"))),
        EngineError::Runner(runner::Refusal::Unreasoned),
        EngineError::Warrant("secret".into()),
    ]
}

#[test]
fn every_error_of_the_engine_becomes_a_problem_with_its_place() {
    let (change, approval) = (id("change"), id("approval"));
    let mut all: Vec<EngineError> = misfits().into_iter().map(|misfit| EngineError::Misfit { change, misfit }).collect();
    all.extend(votes().into_iter().map(|why| EngineError::VoteRefused { about: Box::new(Subject::from(change)), approval, why }));
    all.extend(revisions());
    all.extend(refusals());
    all.extend(others());
    let mut table = String::new();
    for error in all {
        let Problem { code, detail, pointer, change, revision, approval } = Problem::from(error);
        assert!(!detail.contains("secret"), "{detail}");
        let pointer = pointer.map(|pointer| format!(" at {pointer}")).unwrap_or_default();
        let on = [change.map(|_| " on its change"), revision.map(|_| " on its revision"), approval.map(|_| " on its request")]
            .into_iter()
            .flatten()
            .collect::<String>();
        let _ = writeln!(table, "{} {}{pointer}{on}: {detail}", code.status().as_u16(), code.word());
    }
    insta::assert_snapshot!(table);
}

#[tokio::test]
async fn a_problem_is_sent_as_rfc_9457_says() {
    let error = EngineError::VoteRefused {
        about: Box::new(id::<ChangeId>("change").into()),
        approval: id("approval"),
        why: VoteRefusal::SelfApproval,
    };
    let response = Problem::from(error).into_response();
    assert_eq!(response.headers()[CONTENT_TYPE], MEDIA);
    let bytes = to_bytes(response.into_body(), 1 << 16).await.unwrap();
    let body: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&body).unwrap());
}

#[test]
fn nobody_known_is_told_how_to_be_and_who_may_repeat_is_told_when() {
    let header = |code, name| Problem::new(code).into_response().headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    assert_eq!(header(Code::Unauthenticated, WWW_AUTHENTICATE).as_deref(), Some("Bearer realm=\"lineclear\""));
    assert_eq!(header(Code::PeopleOnly, WWW_AUTHENTICATE), None);
    assert_eq!(header(Code::Busy, RETRY_AFTER).as_deref(), Some("1"));
    assert_eq!(header(Code::Fault, RETRY_AFTER), None);
}

#[test]
fn a_detail_is_bounded_whatever_the_input_was() {
    assert_eq!(Problem::with(Code::Malformed, "ä".repeat(DETAIL_MAX + 1)).detail().chars().count(), DETAIL_MAX);
}
