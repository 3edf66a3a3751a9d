//! Journals of broken glasses: whole, and touched in every way.

use std::collections::BTreeMap;

use lineclear_core::glass::{Closing, GLASS_TYPE, GlassStatement, Line, Plane, Said};
use lineclear_core::plan::Plan;
use lineclear_core::run::{Order, RunEnd, SEMANTICS};
use lineclear_core::{Span, Timestamp};

use super::*;
use crate::check::fixture::{NOW, id, person, ssh_line};

fn ssh_sign(seed: u8, namespace: &str, text: &str) -> String {
    let lineclear_core::statement::Signature::Ssh { armored } = crate::check::fixture::ssh_sign(seed, namespace, text) else {
        panic!("an SSH key makes SSH signatures")
    };
    armored
}

fn key() -> SessionKey {
    SessionKey::from_seed([9; 32])
}

fn statement(change: impl FnOnce(&mut GlassStatement)) -> String {
    let mut said = GlassStatement {
        kind: GLASS_TYPE.into(),
        audience: "ledger.example/g1".into(),
        runner: id("runner", 1),
        person: person(1),
        action: "pool.drain_host".parse().unwrap(),
        target: "host/web-1".parse().unwrap(),
        runbook: Digest::of(b"runbook"),
        inputs: BTreeMap::new(),
        justification: "the plane is down and web-1 answers errors".into(),
        plane: Plane::Unreachable { why: "connection refused".into() },
        session_key: key().public(),
        issued_at: NOW,
        expires_at: NOW + Span::from_secs(600),
        nonce: "0".repeat(64),
    };
    change(&mut said);
    said.to_text()
}

fn at(second: u64) -> Timestamp {
    NOW + Span::from_secs(second)
}

fn begun(text: &str) -> run::Event {
    let plan = Plan {
        runbook: "drain-host".parse().unwrap(),
        runbook_digest: Digest::of(b"runbook"),
        steps: Vec::new(),
        left_out: Vec::new(),
        concurrency_key: None,
        permissions: lineclear_core::permission::Permissions::default(),
        runs_on: lineclear_core::label::Labels::default(),
        read: NOW,
    };
    let order = Order {
        id: id("run", 1),
        change: id("change", 1),
        bundle: Digest::of(text.as_bytes()),
        plan,
        rules: Vec::new(),
        begun: NOW,
        deadline: at(600),
        semantics: SEMANTICS,
        risk: lineclear_core::catalogue::Risk::Medium,
        emergency: None,
    };
    run::Event::Begun { order: Box::new(order) }
}

/// The lines of a journal, each signed and linked.
fn sealed(all: Vec<Said>, key: &SessionKey) -> Vec<String> {
    let mut prev = nothing();
    let seal = |(number, said): (usize, Said)| {
        let line = Line { number: u32::try_from(number).unwrap(), prev, at: at(number as u64), said };
        let sealed = key.seal(&line);
        prev = digest_of(&sealed);
        sealed
    };
    all.into_iter().enumerate().map(seal).collect()
}

fn said(text: &str, signature: String) -> Vec<Said> {
    let ran = |event| Said::Ran { event: Box::new(event) };
    vec![
        Said::Opened { text: text.into(), signature },
        ran(begun(text)),
        ran(run::Event::Ended { how: RunEnd::Done, at: at(2) }),
        Said::Closed { how: Closing::Done },
    ]
}

fn lines() -> Vec<String> {
    let text = statement(|_| {});
    sealed(said(&text, ssh_sign(1, GLASS_NAMESPACE, &text)), &key())
}

fn word(text: &str) -> &'static str {
    let keys = vec![ssh_line(1)];
    read_closed(text, |who| (*who == person(1)).then_some(keys.as_slice())).map_or_else(|fault| fault.code(), |_| "whole")
}

#[test]
fn a_journal_that_nobody_touched_is_whole_and_always_becomes_the_same_emergency() {
    let (text, keys) = (lines().concat(), vec![ssh_line(1)]);
    let read = || read_closed(&text, |_| Some(keys.as_slice())).unwrap();
    assert_eq!((read().lines.len(), read().closing), (4, Some(Closing::Done)));
    assert_eq!(read().emergency(), read().emergency());
    assert_eq!(read().run.unwrap().word(), "done");
}

#[test]
fn every_way_to_touch_a_journal_is_refused_with_its_own_word() {
    let whole = lines();
    assert_eq!(word(&whole.concat()), "whole");
    assert_eq!(word(""), "empty");
    assert_eq!(word(&whole[..3].concat()), "truncated");
    assert_eq!(word(whole.concat().trim_end()), "torn");
    let cut = whole.concat();
    assert_eq!(word(cut.trim_end().trim_end_matches('}')), "torn");
    assert_eq!(word(&[&whole[..1], &whole[2..]].concat().concat()), "out_of_order");
    let swapped = [whole[0].clone(), whole[2].clone(), whole[1].clone(), whole[3].clone()];
    assert_eq!(word(&swapped.concat()), "out_of_order");
    let twice = [whole[0].clone(), whole[1].clone(), whole[1].clone(), whole[2].clone(), whole[3].clone()];
    assert_eq!(word(&twice.concat()), "out_of_order");
    let more = [whole.clone(), vec![whole[3].clone()]].concat();
    assert_eq!(word(&more.concat()), "out_of_order");
    let edited = whole.concat().replace("\\\"how\\\":\\\"done\\\"", "\\\"how\\\":\\\"undone\\\"");
    assert_ne!(edited, whole.concat());
    assert_eq!(word(&edited), "tampered");
    assert_eq!(word(&whole.concat().replace("{\"line\"", "{ \"line\"")), "unreadable");
    // Written anew as a whole, with another key that its statement does not name.
    let text = statement(|_| {});
    let anew = sealed(said(&text, ssh_sign(1, GLASS_NAMESPACE, &text)), &SessionKey::from_seed([8; 32]));
    assert_eq!(word(&anew.concat()), "tampered");
}

#[test]
fn a_glass_that_nobody_who_counts_signed_is_not_believed() {
    let by = |text: &str, signature: String| word(&sealed(said(text, signature), &key()).concat());
    let text = statement(|_| {});
    assert_eq!(by(&text, ssh_sign(1, GLASS_NAMESPACE, &text)), "whole");
    assert_eq!(by(&text, ssh_sign(2, GLASS_NAMESPACE, &text)), "bad_glass", "another key");
    assert_eq!(by(&text, ssh_sign(1, "approval@lineclear", &text)), "bad_glass", "an approval is no glass");
    assert_eq!(by(&text, ssh_sign(1, GLASS_NAMESPACE, &statement(|said| said.nonce = "1".repeat(64)))), "bad_glass", "other bytes");
    let stranger = statement(|said| said.person = person(2));
    assert_eq!(by(&stranger, ssh_sign(1, GLASS_NAMESPACE, &stranger)), "bad_glass", "somebody without a key here");
    let reasonless = statement(|said| said.justification = " ".into());
    assert_eq!(by(&reasonless, ssh_sign(1, GLASS_NAMESPACE, &reasonless)), "bad_glass");
    let endless = statement(|said| said.expires_at = NOW + Span::from_secs(9 * 3_600));
    assert_eq!(by(&endless, ssh_sign(1, GLASS_NAMESPACE, &endless)), "bad_glass");
}

#[test]
fn what_cannot_have_happened_so_is_not_believed() {
    let text = statement(|_| {});
    let signature = || ssh_sign(1, GLASS_NAMESPACE, &text);
    let mut other = said(&text, signature());
    other[1] = Said::Ran { event: Box::new(begun("another statement")) };
    assert_eq!(word(&sealed(other, &key()).concat()), "untrue", "a run of something else");
    let mut out = said(&text, signature());
    out.remove(1);
    assert_eq!(word(&sealed(out, &key()).concat()), "untrue", "an end without a beginning");
    let short = statement(|said| said.issued_at = at(100));
    let early = sealed(said(&short, ssh_sign(1, GLASS_NAMESPACE, &short)), &key());
    assert_eq!(word(&early.concat()), "untrue", "written before it was signed");
}
