//! The table of verdicts of the fixture, and what is asked at dispatch.

use std::fmt::Write as _;

use lineclear_core::authority::Approvals;
use lineclear_core::posture::Posture;
use lineclear_core::situation::{Actor, Case};
use lineclear_core::topology::Environment;
use lineclear_core::verdict::Verdict;

use super::fixture::{ADA, AGENT, actions, case};
use super::{estate, policies};
use crate::AskError;

fn word(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Clear { .. } => "clear".into(),
        Verdict::NeedsApproval { rung, .. } => rung.to_string(),
        Verdict::Denied { .. } => "denied".into(),
    }
}

fn table(change: impl Fn(&mut Case)) -> String {
    let policies = policies();
    let mut text = String::new();
    for action in actions() {
        for (who, actor) in [("agent", AGENT), ("operator", ADA)] {
            let _ = write!(text, "{action:<15} {who:<9}");
            for environment in [Environment::Production, Environment::Staging, Environment::Dev] {
                let mut case = case(actor, action, environment);
                change(&mut case);
                let _ = write!(text, "{:<19}", word(&policies.judge(&case).unwrap()));
            }
            text.truncate(text.trim_end().len());
            text.push('\n');
        }
    }
    text
}

#[test]
fn the_table_of_a_good_day() {
    insta::assert_snapshot!(table(|_| ()));
}

#[test]
fn the_table_of_a_frozen_day_with_doubt() {
    insta::assert_snapshot!(table(|case| {
        case.situation.freeze = true;
        case.situation.confidence = 5_000.try_into().unwrap();
    }));
}

#[test]
fn the_table_of_an_agent_that_may_only_advise() {
    insta::assert_snapshot!(table(|case| case.situation.posture = Posture::AdviseOnly));
}

#[test]
fn nothing_but_reading_starts_while_stopped() {
    let text = table(|case| case.situation.posture = Posture::Stopped);
    assert!(text.lines().all(|line| line.starts_with("telemetry.read") || line.matches("denied").count() == 3), "{text}");
}

#[test]
fn dispatch_asks_with_what_was_really_given() {
    let (policies, estate) = (policies(), estate());
    let case = case(AGENT, "dns.update", Environment::Production);
    let check = |approvals: &Approvals, expected: bool| {
        assert_eq!(policies.permits(&case, approvals).unwrap().allowed, expected, "{approvals:?}");
    };
    check(&Approvals::default(), false);
    let two = estate.authority.rung(&"two-operators".parse().unwrap()).unwrap().brings();
    check(&two, true);
    check(&Approvals { humans: 1, ..two.clone() }, false);
    check(&Approvals { grade: lineclear_core::authority::Grade::Session, ..two }, false);
}

#[test]
fn the_ladder_answers_at_every_rung_and_agrees_with_the_verdict() {
    let policies = policies();
    let case = case(AGENT, "dns.update", Environment::Production);
    let rungs = policies.ladder(&case).unwrap();
    let allowed: Vec<bool> = rungs.iter().map(|r| r.allowed).collect();
    assert_eq!(allowed, [false, false, true, true, true, true]);
    assert_eq!(word(&policies.judge(&case).unwrap()), "two-operators");
}

#[test]
fn what_the_estate_lacks_is_no_verdict() {
    let policies = policies();
    let check = |change: &dyn Fn(&mut Case), expected: &str| {
        let mut case = case(AGENT, "dns.update", Environment::Production);
        change(&mut case);
        assert_eq!(policies.judge(&case).unwrap_err().to_string(), expected);
        assert!(policies.ladder(&case).is_err() && policies.remedies(&case).is_err());
        assert!(policies.permits(&case, &Approvals::default()).is_err());
    };
    check(&|c| c.principal = Actor::Engine, "the engine itself is no principal of policy");
    let stranger = "agent_00000000000000000000000000000009";
    check(&|c| c.principal = Actor::Agent(stranger.parse().unwrap()), &format!("`{stranger}` is not in the estate"));
    check(&|c| c.target = "zone/other".parse().unwrap(), "`zone/other` is not in the estate");
    check(&|c| c.action = "dns.erase".parse().unwrap(), "`action dns.erase` is not in the estate");
    check(&|c| c.target = "host/shop".parse().unwrap(), "action `dns.update` does not act on `host/shop`");
    check(&|c| c.situation.evidence.clear(), "required fact `resolver_probe` is missing");
    check(&|c| c.situation.severity = 6, "`context.severity` is 6, and may be 0 to 5");
    check(&|c| c.situation.fleet_bp = 10_001, "`context.fleet_bp` is 10001, and may be 0 to 10000");
    check(&|c| c.situation.confirmed = 3, "`context.confirmed` is 3, and may be 0 to 2");
    check(&|c| c.situation.evidence.extend([("moon".parse().unwrap(), false)]), "`fact moon` is not in the estate");
}

#[test]
fn more_people_than_the_proofs_assume_are_refused() {
    let case = case(AGENT, "dns.update", Environment::Production);
    let crowd = Approvals { humans: 21, ..Approvals::default() };
    assert_eq!(policies().permits(&case, &crowd), Err(AskError::Range { fact: "approvals.humans", value: 21, max: 20 }));
    let strange = Approvals { roles: ["king".parse().unwrap()].into(), ..Approvals::default() };
    assert_eq!(policies().permits(&case, &strange), Err(AskError::Unknown("role king".into())));
}

#[test]
fn the_schema_is_written_from_the_estate() {
    insta::assert_snapshot!(policies().schema_text());
}

#[test]
fn policies_are_listed_with_their_own_text() {
    let policies = policies();
    assert_eq!((policies.len(), policies.is_empty(), policies.list().len()), (25, false, 25));
    let dns = policies.list().into_iter().find(|p| p.id.as_str() == "dns-dev").unwrap();
    assert_eq!((dns.title.as_str(), dns.path.as_str()), ("One person may change development DNS", "policies/permits.cedar"));
    assert!(dns.text.starts_with("@id(\"dns-dev\")") && dns.text.ends_with("};"), "{}", dns.text);
}

#[test]
fn policies_may_be_shared_between_threads() {
    const fn shared<T: Send + Sync>() {}
    shared::<crate::Policies>();
}
