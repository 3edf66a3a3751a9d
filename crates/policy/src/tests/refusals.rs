//! What does not load, and where the complaint points.

use std::sync::Arc;

use lineclear_core::estate::Estate;
use lineclear_core::topology::Topology;

use super::estate;
use super::fixture::things;
use crate::{Diagnostic, Policies, Source};

const HEAD: &str = "@id(\"one\") @title(\"One\") ";

fn faults(texts: &[&str]) -> Vec<Diagnostic> {
    let sources: Vec<Source> =
        texts.iter().enumerate().map(|(n, text)| Source { path: format!("{n}.cedar"), text: (*text).into() }).collect();
    Policies::load(Arc::new(estate()), &sources).map_or_else(|faults| faults, |_| Vec::new())
}

/// One file, one complaint: the text it points at, and what it says.
fn check(text: &str, at: &str, says: &str) {
    let found = faults(&[text]);
    assert_eq!(found.len(), 1, "{text}: {found:?}");
    let fault = &found[0];
    assert_eq!(text.get(fault.offset..fault.offset + fault.len), Some(at), "{fault}");
    assert!(fault.to_string().contains(says), "{fault}");
}

fn with_head(body: &str) -> String {
    format!("{HEAD}{body}")
}

#[test]
fn what_is_right_loads() {
    assert!(faults(&[&with_head("permit (principal, action, resource) when { context.approvals.humans >= 1 };")]).is_empty());
}

#[test]
fn a_policy_has_an_id_and_a_title() {
    let body = "permit (principal, action, resource) when { context.approvals.humans >= 1 };";
    check(body, body, "without `@id`");
    for head in ["@id @title(\"One\") ", "@id(\"\") @title(\"One\") "] {
        let text = format!("{head}{body}");
        check(&text, &text, "without `@id`");
    }
    let text = format!("@id(\"One\") @title(\"One\") {body}");
    check(&text, &text, "`One` is no policy name");
    for head in ["@id(\"one\") ", "@id(\"one\") @title ", "@id(\"one\") @title(\" \") "] {
        let text = format!("{head}{body}");
        check(&text, &text, "has no `@title`");
    }
}

#[test]
fn an_id_is_used_once_across_files() {
    let text = with_head("permit (principal, action == Action::\"telemetry.read\", resource);");
    let found = faults(&[&text, &text]);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].path.as_str(), found[0].message.as_str()), ("1.cedar", "a second policy `one`"));
    assert_eq!(found[0].help.as_deref(), Some("the other one is in `0.cedar`"));
}

#[test]
fn ids_by_place_in_the_file_do_not_collide() {
    let one = with_head("permit (principal, action == Action::\"telemetry.read\", resource);");
    let two = one.replace("one", "two");
    assert!(faults(&[&one, &two]).is_empty());
}

#[test]
fn an_empty_file_and_an_empty_set_are_refused() {
    check("", "", "holds no policy");
    check("// forbids once stood here\n", "// forbids once stood here\n", "holds no policy");
    let none = faults(&[]);
    assert_eq!(none.len(), 1);
    assert!(none[0].message.contains("no policy at all"));
}

#[test]
fn a_typo_is_found_with_the_right_word() {
    check(&with_head("permit (principal, action, resource) when { context.approvals.human >= 1 };"), "context.approvals.human", "`humans`");
    let env = "permit (principal, action, resource) when { resource.environment == Environment::\"prod\" };";
    check(&with_head(env), "Environment::\"prod\"", "production");
    check(&with_head("permit (principal, action == Action::\"dns.updaet\", resource);"), "Action::\"dns.updaet\"", "dns.update");
    check(&with_head("permit (principal in Role::\"operater\", action, resource);"), "Role::\"operater\"", "operator");
    let team = "permit (principal, action, resource) when { resource.owner == Team::\"payment\" };";
    check(&with_head(team), "Team::\"payment\"", "payments");
}

#[test]
fn things_that_the_estate_lacks_cannot_be_named() {
    check(
        &with_head("permit (principal, action == Action::\"dns.update\", resource == Zone::\"nope\");"),
        "Zone::\"nope\"",
        "not in the estate",
    );
    check(
        &with_head("permit (principal, action == Action::\"host.reboot\", resource in Service::\"nope\");"),
        "Service::\"nope\"",
        "not in the estate",
    );
    let login = "permit (principal == Agent::\"triage\", action == Action::\"dns.update\", resource);";
    check(&with_head(login), "Agent::\"triage\"", "did you mean `Agent::\"agent_00000000000000000000000000000001\"`?");
}

#[test]
fn a_claim_is_no_fact() {
    check(
        &with_head("permit (principal, action, resource) when { context.claimed.backend_down };"),
        "context.claimed.backend_down",
        "claimed",
    );
}

#[test]
fn a_warning_is_a_refusal() {
    let never = "permit (principal, action, resource) when { context.posture > 1 && false };";
    let found = faults(&[&with_head(never)]);
    assert_eq!(found.len(), 1, "{found:?}");
    let apart = faults(&[&with_head("permit (principal, action == Action::\"dns.update\", resource is Host);")]);
    assert_eq!(apart.len(), 2, "{apart:?}");
}

#[test]
fn templates_and_broken_text_are_refused() {
    check(
        &with_head("permit (principal == ?principal, action, resource);"),
        &with_head("permit (principal == ?principal, action, resource);"),
        "template",
    );
    assert_eq!(faults(&["@id(\"one\") permit (principal"]).len(), 1);
    check(&"(".repeat(40), "(", "levels of brackets");
}

#[test]
fn reading_past_the_first_level_is_refused() {
    let found = faults(&[&with_head("permit (principal is Agent, action, resource) when { principal.owner == resource.owner };")]);
    assert!(!found.is_empty());
}

#[test]
fn a_fact_that_opens_when_absent_must_be_required() {
    let text = with_head("forbid (principal, action == Action::\"host.reboot\", resource) when { context.evidence.backend_down };");
    check(&text, &text, "`context.evidence.backend_down` opens when it is absent, and `host.reboot` does not require it");
    let text = with_head("permit (principal, action == Action::\"host.reboot\", resource) unless { context.evidence.backend_down };");
    check(&text, &text, "opens when it is absent");
    let required = "forbid (principal, action == Action::\"pool.drain\", resource) when { context.evidence.backend_down };";
    assert!(faults(&[&with_head(required)]).is_empty());
    let closes = "forbid (principal, action == Action::\"host.reboot\", resource) unless { context.evidence.backend_down };";
    assert!(faults(&[&with_head(closes)]).is_empty());
}

fn estate_fault(change: impl Fn(&mut Estate), says: &str) {
    let mut estate = estate();
    change(&mut estate);
    let source = Source { path: "a".into(), text: with_head("permit (principal, action == Action::\"telemetry.read\", resource);") };
    let found = Policies::load(Arc::new(estate), &[source]).unwrap_err();
    assert!(found.iter().any(|f| f.message.contains(says) && f.path == crate::SCHEMA_PATH), "{found:?}");
}

#[test]
fn an_estate_that_cannot_carry_a_ladder_is_refused() {
    estate_fault(|e| e.authority.rungs.clear(), "no rung");
    estate_fault(
        |e| {
            let _ = e.authority.rungs.remove(0);
        },
        "must bring nobody",
    );
    estate_fault(|e| e.authority.rungs.swap(1, 2), "brings less than");
    estate_fault(|e| e.authority.rungs[5].humans = 21, "more than 20 people");
    estate_fault(
        |e| {
            let _ = e.authority.rungs[5].roles.insert("king".parse().unwrap());
        },
        "role `king`",
    );
    estate_fault(
        |e| {
            let _ = e.authority.roles.insert("humans".parse().unwrap());
        },
        "same word",
    );
    estate_fault(
        |e| {
            let _ = e.authority.roles.insert("service_lead".parse().unwrap());
        },
        "same word",
    );
    let spare = |e: &Estate| e.facts.values().next().unwrap().clone();
    estate_fault(
        |e| {
            let _ = e.facts.insert("backend-down".parse().unwrap(), spare(e));
        },
        "same word",
    );
}

#[test]
fn a_risk_class_is_no_action_and_nothing_holds_itself() {
    estate_fault(
        |e| {
            let action = e.catalogue.actions.values().next().unwrap().clone();
            e.catalogue.actions.insert("low_risk".parse().unwrap(), action);
        },
        "`low_risk` is a risk class",
    );
    estate_fault(
        |e| {
            let mut all = things();
            let service = all.iter_mut().find(|t| t.reference.to_string() == "service/shop").unwrap();
            service.part_of.insert("host/shop".parse().unwrap());
            e.topology = Topology::new(all).unwrap();
        },
        "is part of itself",
    );
}
