//! Every verdict says why, and what would change it.

use lineclear_core::posture::Posture;
use lineclear_core::situation::Case;
use lineclear_core::topology::Environment;
use lineclear_core::verdict::{Bearing, Verdict};

use super::fixture::{ADA, AGENT, case};
use super::policies;

fn told(case: &Case) -> String {
    let policies = policies();
    let verdict = policies.judge(case).unwrap();
    let mut lines = vec![verdict.word().to_owned()];
    lines.extend(verdict.because().iter().map(|r| format!("  {r}")));
    lines.extend(policies.remedies(case).unwrap().iter().map(|r| format!("  → {r}")));
    lines.join("\n")
}

fn altered(action: &str, change: impl Fn(&mut Case)) -> Case {
    let mut case = case(AGENT, action, Environment::Production);
    change(&mut case);
    case
}

fn without(case: &mut Case, fact: &str) {
    case.situation.evidence.insert(fact.parse().unwrap(), false);
    case.situation.confirmed -= 1;
}

#[test]
fn a_clear_verdict_names_its_permit() {
    insta::assert_snapshot!(told(&case(AGENT, "telemetry.read", Environment::Production)));
}

#[test]
fn an_approval_is_asked_for_by_what_is_lacking_below() {
    insta::assert_snapshot!(told(&case(AGENT, "dns.update", Environment::Production)));
}

#[test]
fn a_forbid_below_is_the_reason_for_asking() {
    insta::assert_snapshot!(told(&altered("cert.renew", |c| c.situation.posture = Posture::RoutineOnly)));
}

#[test]
fn a_deny_by_default_names_the_nearest_permit_and_what_it_lacks() {
    insta::assert_snapshot!(told(&altered("dns.update", |c| without(c, "resolver_probe"))));
}

#[test]
fn two_missing_facts_are_offered_together() {
    insta::assert_snapshot!(told(&altered("db.switchover", |c| {
        without(c, "standby_ready");
        without(c, "replica_caught_up");
    })));
}

#[test]
fn a_freeze_says_who_may_lift_it() {
    insta::assert_snapshot!(told(&altered("cache.purge", |c| c.situation.freeze = true)));
}

#[test]
fn a_stop_is_ended_by_a_person_raising_the_posture_as_little_as_will_do() {
    insta::assert_snapshot!(told(&altered("cache.purge", |c| c.situation.posture = Posture::Stopped)));
}

#[test]
fn no_remedy_asks_for_more_confidence() {
    let hesitant = altered("pool.drain", |c| {
        c.situation.confidence = 100.try_into().unwrap();
        c.situation.routine = true;
    });
    insta::assert_snapshot!(told(&hesitant));
}

#[test]
fn silence_is_said() {
    let one = crate::Source {
        path: "one.cedar".into(),
        text: "@id(\"one\") @title(\"One\") permit (principal is Agent, action == Action::\"dns.update\", resource);".into(),
    };
    let policies = crate::Policies::load(std::sync::Arc::new(super::estate()), &[one]).unwrap();
    for case in [case(AGENT, "host.reboot", Environment::Dev), case(ADA, "dns.update", Environment::Dev)] {
        let Verdict::Denied { because } = policies.judge(&case).unwrap() else { panic!("not denied") };
        assert_eq!(because.iter().map(|r| r.bearing).collect::<Vec<_>>(), [Bearing::Silent]);
    }
}

#[test]
fn an_explanation_climbs_the_ladder_and_ends_with_what_would_change_it() {
    let asked = case(AGENT, "dns.update", Environment::Production);
    insta::assert_snapshot!(policies().explain(&asked).unwrap());
    let denied = altered("dns.update", |c| without(c, "resolver_probe"));
    insta::assert_snapshot!(policies().explain(&denied).unwrap());
    let clear = case(AGENT, "telemetry.read", Environment::Production);
    insta::assert_snapshot!(policies().explain(&clear).unwrap());
}
