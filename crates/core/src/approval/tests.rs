//! The table of requests for approval, and what no vote, clock or race can do to one.

mod laws;

use std::collections::BTreeSet;

use super::{Approval, Ballot, Command, Event, Refusal, Request, State, VoteRefusal, Withdrawal};
use crate::authority::Grade;
use crate::bundle::Needs;
use crate::digest::Digest;
use crate::id::{ApprovalId, ChangeId, OperatorId, RunId};
use crate::machine::Machine as _;
use crate::sample::{MARK, after, approval_events, approval_states, digest, id, needs, person, request, second, table, words};
use crate::statement::{Decision, STATEMENT_TYPE, Signature, Statement};
use crate::subject::{Subject, Use};
use crate::time::Timestamp;

#[test]
fn the_table_of_states_and_events() {
    insta::assert_snapshot!(table(&approval_states(), &approval_events()));
}

#[test]
fn no_event_and_no_state_is_missing_from_the_table() {
    let events: BTreeSet<String> = approval_events().iter().map(|(_, event)| event.word().into()).collect();
    assert_eq!(events, words(include_str!("event.rs"), "impl Event {"));
    let states: BTreeSet<String> = approval_states().iter().map(|(_, state)| state.word().into()).collect();
    assert_eq!(states, words(include_str!("../approval.rs"), "impl Machine for Approval"));
}

fn asked(humans: u8, single_operator: bool) -> Approval {
    after(&[Event::Asked { request: Box::new(request(needs(humans, Grade::Ssh), single_operator)) }])
}

fn ssh() -> Signature {
    Signature::Ssh { armored: MARK.into() }
}

fn ballot(request: &Request, by: OperatorId, decision: Decision, signature: Signature) -> Ballot {
    let statement = Statement {
        kind: STATEMENT_TYPE.into(),
        audience: request.audience.clone(),
        about: request.about,
        approval: request.id,
        bundle_digest: request.digest,
        policy_digest: request.policy,
        evidence_digest: request.evidence,
        decision,
        approver: by,
        reason: MARK.into(),
        prior_signatures: Vec::new(),
        issued_at: second(1),
        expires_at: request.until,
        nonce: "0".repeat(64),
    };
    let roles = BTreeSet::new();
    Ballot { by, text: statement.to_text(), statement, signature, genuine: true, roles, owner: false }
}

/// The approval after a ballot, with the refusal if there was one.
fn cast(approval: &Approval, ballot: Ballot, now: Timestamp) -> (Approval, Option<VoteRefusal>) {
    let events = approval.decide(Command::Cast(Box::new(ballot)), now).unwrap();
    let refusal = events.iter().find_map(|event| if let Event::VoteRefused { why, .. } = event { Some(why.clone()) } else { None });
    let next = events.iter().fold(approval.clone(), |approval, event| approval.apply(event).unwrap());
    if refusal.is_some() {
        assert_eq!(&next, approval, "a refused vote moves nothing");
        assert_eq!(events.len(), 1);
    }
    (next, refusal)
}

fn yes(approval: &Approval, by: u128, now: i64) -> (Approval, Option<VoteRefusal>) {
    cast(approval, ballot(&approval.request, person(by), Decision::Approve, ssh()), second(now))
}

#[test]
fn a_late_vote_counts_for_nothing_and_what_lapsed_stays_lapsed() {
    let open = asked(1, false);
    let until = open.request.until;
    assert_eq!(yes(&open, 1, 1_000).1, Some(VoteRefusal::Late { until }));
    let events = open.decide(Command::Tick, until).unwrap();
    assert_eq!(events, [Event::Lapsed]);
    let lapsed = open.apply(&events[0]).unwrap();
    for now in [5, 999, 1_000, 5_000] {
        let (still, why) = yes(&lapsed, 1, now);
        assert_eq!((still.word(), why), ("lapsed", Some(VoteRefusal::Late { until })));
    }
    assert_eq!(lapsed.decide(Command::Tick, second(9_999)), Ok(Vec::new()));
    assert!(matches!(lapsed.decide(Command::Consume(Use::Run { run: RunId::new(id(1)) }), second(5)), Err(Refusal::NotUsable { .. })));
}

#[test]
fn a_grant_that_outlived_its_time_starts_nothing() {
    let granted = yes(&asked(1, false), 1, 999).0;
    assert_eq!(granted.word(), "granted");
    assert!(matches!(granted.decide(Command::Consume(Use::Run { run: RunId::new(id(1)) }), second(1_000)), Err(Refusal::NotUsable { .. })));
    assert_eq!(granted.decide(Command::Tick, second(1_000)), Ok(vec![Event::Lapsed]));
}

#[test]
fn the_same_person_twice_is_one_person() {
    let once = yes(&asked(2, false), 1, 5).0;
    let (still, why) = yes(&once, 1, 6);
    assert_eq!((still.word(), why), ("open", Some(VoteRefusal::Twice)));
    assert_eq!(yes(&still, 2, 7).0.word(), "granted");
}

#[test]
fn who_proposes_cannot_approve_unless_a_single_operator_was_declared() {
    assert_eq!(yes(&asked(1, false), 9, 5).1, Some(VoteRefusal::SelfApproval));
    assert_eq!(yes(&asked(1, true), 9, 5).0.word(), "granted");
}

#[test]
fn a_session_is_too_weak_where_a_signature_is_asked_and_strong_enough_to_say_no() {
    let open = asked(1, false);
    let session = |by, decision| ballot(&open.request, person(by), decision, Signature::Session);
    let weak = VoteRefusal::TooWeak { wanted: Grade::Ssh, given: Grade::Session };
    assert_eq!(cast(&open, session(1, Decision::Approve), second(5)).1, Some(weak));
    assert_eq!(cast(&open, session(1, Decision::Reject), second(5)).0.word(), "rejected");
    assert_eq!(cast(&open, session(9, Decision::Reject), second(5)).0.word(), "rejected", "even who proposed it");
    let granted = yes(&open, 1, 5).0;
    let no = ballot(&open.request, person(2), Decision::Reject, Signature::Session);
    assert_eq!(cast(&granted, no, second(6)).0.word(), "rejected", "until it is used");
}

#[test]
fn a_forged_or_borrowed_vote_counts_for_nothing() {
    let open = asked(1, false);
    let forged = Ballot { genuine: false, ..ballot(&open.request, person(1), Decision::Approve, ssh()) };
    assert_eq!(cast(&open, forged, second(5)).1, Some(VoteRefusal::BadSignature));
    let forged = Ballot { genuine: false, ..ballot(&open.request, person(1), Decision::Reject, ssh()) };
    assert_eq!(cast(&open, forged, second(5)).1, Some(VoteRefusal::BadSignature));
    let borrowed = Ballot { by: person(2), ..ballot(&open.request, person(1), Decision::Approve, ssh()) };
    assert_eq!(cast(&open, borrowed, second(5)).1, Some(VoteRefusal::NotYours { approver: person(1) }));
}

/// A statement about something else is refused, whatever it says, and the refusal names the member.
fn check_mismatch(alter: impl Fn(&mut Statement), expected: &str) {
    let open = asked(1, false);
    for decision in [Decision::Approve, Decision::Reject] {
        let mut ballot = ballot(&open.request, person(1), decision, ssh());
        alter(&mut ballot.statement);
        match cast(&open, ballot, second(5)).1 {
            Some(VoteRefusal::Mismatch { field, signed, asked }) => {
                assert_eq!(field, expected);
                assert_ne!(signed, asked);
            }
            other => panic!("{expected}: {other:?}"),
        }
    }
}

#[test]
fn a_statement_about_something_else_is_refused_by_name() {
    let other: Digest = digest("other");
    check_mismatch(|s| s.audience = "elsewhere.example.test".into(), "audience");
    let estate = Subject::Revision { revision: crate::id::RevisionId::new(id(60)), estate_digest: digest("new") };
    check_mismatch(|s| s.about = estate, "change");
    check_mismatch(|s| s.about = ChangeId::new(id(99)).into(), "change");
    check_mismatch(|s| s.approval = ApprovalId::new(id(99)), "approval");
    check_mismatch(|s| s.bundle_digest = other, "bundle_digest");
    check_mismatch(|s| s.policy_digest = other, "policy_digest");
    check_mismatch(|s| s.evidence_digest = other, "evidence_digest");
    check_mismatch(|s| s.expires_at = second(1_001), "expires_at");
}

#[test]
fn a_team_whose_work_changes_is_heard_whatever_the_others_say() {
    let shop = || "shop".parse().unwrap();
    let asked = |people: &[u128]| {
        let reviews = [(shop(), people.iter().map(|by| person(*by)).collect())].into();
        let request = request(Needs { reviews, ..needs(1, Grade::Ssh) }, false);
        after::<Approval>(&[Event::Asked { request: Box::new(request) }])
    };
    let one = yes(&asked(&[2, 3]), 1, 5).0;
    assert_eq!(one.word(), "open", "as many as asked, and nobody of the team");
    let two = yes(&one, 3, 6).0;
    assert_eq!(two.word(), "granted");
    assert_eq!(yes(&asked(&[2, 3]), 2, 5).0.word(), "granted", "who is of the team counts for the number, too");
    assert!(one.apply(&Event::Granted { at: second(6) }).is_err(), "nor by an event that somebody wrote");
    // Person 9 is recused, and so cannot review.
    assert_eq!(yes(&yes(&asked(&[9]), 1, 5).0, 9, 6).1, Some(VoteRefusal::SelfApproval));
    assert_eq!(asked(&[9]).request.needs.unreviewed(&BTreeSet::new()), [&shop()]);
}

#[test]
fn two_starts_that_race_use_one_approval_once() {
    let granted = yes(&asked(1, false), 1, 5).0;
    let consume = |approval: &Approval, run| approval.decide(Command::Consume(Use::Run { run: RunId::new(id(run)) }), second(6));
    let (first, second_try) = (consume(&granted, 1).unwrap(), consume(&granted, 2).unwrap());
    let used = granted.apply(&first[0]).unwrap();
    assert!(matches!(consume(&used, 2), Err(Refusal::NotUsable { state: "consumed", .. })));
    assert!(used.clone().apply(&second_try[0]).is_err(), "the second of two racing starts cannot be appended");
    assert!(matches!(used.state, State::Consumed { by: Use::Run { run }, .. } if run == RunId::new(id(1))));
}

#[test]
fn two_votes_that_race_grant_once() {
    let open = asked(1, false);
    let events = |by| open.decide(Command::Cast(Box::new(ballot(&open.request, person(by), Decision::Approve, ssh()))), second(5)).unwrap();
    let granted = events(1).iter().fold(open.clone(), |approval, event| approval.apply(event).unwrap());
    assert!(granted.clone().apply(&events(2)[0]).is_err());
    assert_eq!(yes(&granted, 2, 6).1, Some(VoteRefusal::NotOpen { state: "granted".into() }));
}

#[test]
fn what_is_no_longer_asked_takes_no_vote_and_starts_nothing() {
    let why = Withdrawal::Amended;
    let granted = yes(&asked(1, false), 1, 5).0;
    let withdrawn = granted.clone().apply(&granted.decide(Command::Withdraw(why), second(6)).unwrap()[0]).unwrap();
    assert_eq!(yes(&withdrawn, 2, 7).1, Some(VoteRefusal::NotOpen { state: "withdrawn".into() }));
    assert!(withdrawn.decide(Command::Consume(Use::Run { run: RunId::new(id(1)) }), second(7)).is_err());
    assert!(matches!(withdrawn.decide(Command::Withdraw(why), second(7)), Err(Refusal::Ended { .. })));
}
