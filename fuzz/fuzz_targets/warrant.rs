//! What a runner believes: warrants, statements, votes and signatures, and the small texts that they are made of.

#![no_main]

use libfuzzer_sys::fuzz_target;
use lineclear_core::statement::{Signature, Statement, Vote};
use lineclear_core::topology::EntityRef;
use lineclear_core::{Digest, Timestamp, id, measure::Measure, name};
use lineclear_fuzz::{World, json_again, pick, text, text_again, text_exactly};
use lineclear_warrant::{Answer, Poll, Report, TargetRule, Warrant, WarrantVerifier, Work, check_vote, genuine};

fuzz_target!(|data: &[u8]| {
    let Some((which, rest)) = pick(data, 7) else { return };
    let given = text(rest);
    match which {
        0 => World::get().envelope_is_no_forgery(given),
        1 => {
            if let Some(warrant) = json_again::<Warrant>(rest) {
                World::get().theft_gains_nothing(&warrant);
            }
        }
        2 => {
            if let Ok(statement) = Statement::parse(given) {
                assert_eq!(Statement::parse(&statement.to_text()), Ok(statement), "signed as another statement");
            }
        }
        3 => vote(rest),
        4 => signature(given),
        5 => texts(given),
        _ => {
            json_again::<Poll>(rest);
            json_again::<Work>(rest);
            json_again::<Report>(rest);
            json_again::<Answer>(rest);
        }
    }
});

fn vote(bytes: &[u8]) {
    let Some(vote) = json_again::<Vote>(bytes) else { return };
    let believed = check_vote(&vote, &World::get().keys());
    if let (Ok(statement), Signature::Ssh { .. }) = (&believed, &vote.signature) {
        assert_eq!(vote.statement, World::STATEMENT, "a forged vote");
        assert_eq!(statement.approver, vote.by);
    }
}

/// A text, and an armoured signature after it.
fn signature(given: &str) {
    let (signed, armored) = given.split_at(given.find("-----BEGIN").unwrap_or(given.len()));
    if genuine(signed, &Signature::Ssh { armored: armored.into() }, &World::get().keys()) {
        assert_eq!(signed, World::STATEMENT, "a forged signature");
    }
}

fn texts(given: &str) {
    text_exactly::<id::AgentId>(given);
    text_exactly::<id::ApprovalId>(given);
    text_exactly::<id::ChangeId>(given);
    text_exactly::<id::OperatorId>(given);
    text_exactly::<id::WarrantId>(given);
    text_exactly::<name::ActionName>(given);
    text_exactly::<name::PolicyName>(given);
    text_exactly::<EntityRef>(given);
    text_exactly::<lineclear_core::record::Stream>(given);
    text_exactly::<TargetRule>(given);
    text_exactly::<WarrantVerifier>(given);
    text_again::<Digest>(given);
    text_again::<Timestamp>(given);
    text_again::<Measure>(given);
}
