//! The mistakes that people make in policies at the end of a long day, each planted in the example, each refused with its place
//! and a sentence. A mistake that changes what is decided is caught by the story that it contradicts.

use lineclear_core::catalogue::Risk;
use lineclear_estate::{Fault, check, load_files, read_files};

use crate::house::{case, directory, person, targets, word};

/// Everything that is said of the example with this one edit.
fn told(path: &str, old: &str, new: &str) -> Vec<String> {
    let mut files = read_files(directory()).unwrap();
    let text = String::from_utf8(files[path].clone()).unwrap();
    assert!(text.contains(old), "{path} has no {old:?}");
    files.insert(path.into(), text.replacen(old, new, 1).into_bytes());
    let line = |fault: &Fault| {
        let help = fault.help.as_deref().map_or_else(String::new, |help| format!(" ({})", help.lines().next().unwrap_or_default()));
        format!("{}:{}:{}: {}{help}", fault.path, fault.line, fault.column, fault.message)
    };
    match load_files(&files) {
        Err(error) => error.faults().iter().map(line).collect(),
        Ok(loaded) => check(&loaded).outcomes.iter().filter_map(|outcome| outcome.fault.as_ref()).map(line).collect(),
    }
}

/// The edit is refused, and one of the sentences is this one.
#[track_caller]
fn refused(path: &str, old: &str, new: &str, expected: &str) {
    let told = told(path, old, new);
    assert!(told.iter().any(|line| line == expected), "told instead:\n{}", told.join("\n"));
}

#[test]
fn a_permit_without_approvals_on_a_high_risk_action() {
    refused(
        "policies/high.cedar",
        "context.evidence.standby_ready &&
  context.approvals.humans >= 2 &&
  context.approvals.operator &&
  context.approvals.owner &&
  context.approvals.grade >= 2
",
        "context.evidence.standby_ready\n",
        "policies/cases/data-high.toml:3:1: at night two people fail over to a standby that has caught up: expected: needs two-signed; policy says: needs owner-signed (needs owner-signed)",
    );
}

#[test]
fn an_unless_that_opens_production() {
    refused(
        "policies/guards.cedar",
        "  resource.environment == Environment::\"dev\"\n};",
        "  resource.environment == Environment::\"dev\" ||\n  resource.environment == Environment::\"production\"\n};",
        "policies/cases/dns-and-tls.toml:79:1: a production certificate is never rotated like one of staging: expected: denied; policy says: clear (clear)",
    );
}

#[test]
fn a_typo_in_an_action() {
    refused(
        "policies/high.cedar",
        "Action::\"certificate.renew\"",
        "Action::\"certificate.renw\"",
        r#"policies/high.cedar:17:30: for policy `certificate-owner-signed`, unrecognized action `Action::"certificate.renw"` (did you mean `Action::"certificate.renew"`?)"#,
    );
}

#[test]
fn a_typo_in_an_attribute() {
    refused(
        "policies/guards.cedar",
        "context.in_flight > 0",
        "context.inflight > 0",
        r#"policies/guards.cedar:76:8: for policy `in-flight`, attribute `inflight` in context for Action::"access.grant" not found (did you mean `in_flight`?)"#,
    );
}

#[test]
fn a_typo_in_a_role() {
    refused(
        "policies/high.cedar",
        "context.approvals.security_officer",
        "context.approvals.security_oficer",
        r#"policies/high.cedar:35:3: for policy `waf-with-security`, attribute `approvals.security_oficer` in context for Action::"waf.bypass" not found (did you mean `security_officer`?)"#,
    );
}

#[test]
fn a_typo_in_a_team() {
    refused(
        "policies/medium.cedar",
        "context.evidence.cache_known &&",
        "context.evidence.cache_known &&\n  resource.owner == Team::\"egde\" &&",
        r#"policies/medium.cedar:55:21: for policy `purge-with-operator`: entity `Team::"egde"` is of an enumerated entity type, but `"egde"` is not declared as a valid eid (valid entity eids: "edge", "platform", "shop")"#,
    );
}

#[test]
fn a_ladder_whose_order_is_not_monotone() {
    refused(
        "authority.yaml",
        "humans: 3",
        "humans: 1",
        "authority.yaml:65:11: rung `three-with-command` brings less than `two-with-security` below it (rungs stand lowest first; each has the people, roles, owner and grade of the one below it)",
    );
}

#[test]
fn a_rule_that_a_claimed_signal_satisfies() {
    refused(
        "policies/high.cedar",
        "context.evidence.certificate_expiring",
        "context.claimed.certificate_expiring",
        r#"policies/high.cedar:19:3: for policy `certificate-owner-signed`, attribute `claimed` in context for Action::"certificate.renew" not found (did you mean `confirmed`?)"#,
    );
}

#[test]
fn a_second_policy_of_one_id() {
    refused(
        "policies/high.cedar",
        "@id(\"dns-two-signed\")",
        "@id(\"low-risk\")",
        "policies/low.cedar:3:1: a second policy `low-risk` (the other one is in `policies/high.cedar`)",
    );
}

#[test]
fn an_action_outside_every_risk_class() {
    refused(
        "actions/high.yaml",
        "risk: high",
        "risk: none",
        "actions/high.yaml:5:7: `none` is not one of the words known here (known here: `low`, `medium`, `high`)",
    );
    refused("actions/high.yaml", "risk: high\n", "", "actions/high.yaml:3:1: an action lacks `risk` (add `risk: …`)");
}

#[test]
fn a_freeze_that_forgets_one_action() {
    refused(
        "policies/guards.cedar",
        "unless { action == Action::\"status.publish\" };",
        "unless { action in [Action::\"status.publish\", Action::\"cache.purge\"] };",
        "policies/cases/freeze.toml:4:1: in a freeze no cache is purged: expected: denied; policy says: needs one-operator (needs one-operator)",
    );
}

#[test]
fn a_forbid_that_is_skipped_when_its_fact_is_absent() {
    refused(
        "policies/guards.cedar",
        "unless { context.evidence.backup_recent };",
        "when { context.evidence.nothing_connected };",
        "policies/guards.cedar:194:1: `context.evidence.nothing_connected` opens when it is absent, and `backup.delete` does not require it (make it a required fact of that action, narrow the policy's actions, or write it so that false closes)",
    );
}

#[test]
fn an_emergency_without_an_incident() {
    refused(
        "policies/guards.cedar",
        "context.emergency && context.severity >= 1 &&",
        "context.emergency &&",
        "policies/cases/freeze.toml:294:1: an emergency without an incident opens no freeze: expected: denied; policy says: needs two-signed (needs two-signed)",
    );
}

#[test]
fn a_confidence_that_widens() {
    refused(
        "policies/high.cedar",
        "context.evidence.standby_ready &&\n  context.approvals.humans >= 2 &&",
        "context.evidence.standby_ready &&\n  (context.approvals.humans >= 2 || context.confidence_bp >= 9900) &&",
        "policies/cases/data-high.toml:23:1: a failover does not become routine: expected: needs two-signed; policy says: needs owner-signed (needs owner-signed)",
    );
}

#[test]
fn the_example_without_a_mistake_is_told_nothing() {
    assert_eq!(told("README.md", "# ", "#  "), Vec::<String>::new());
}

/// The guards are there for the permit that somebody will write: with everything permitted, high risk still takes signatures,
/// the owner, and where security is touched its officer.
#[test]
fn a_permit_of_everything_is_held_by_the_guards() {
    let mut files = read_files(directory()).unwrap();
    let text = "@id(\"careless\") @title(\"Everything\") permit (principal, action, resource);";
    files.insert("policies/careless.cedar".into(), text.into());
    let loaded = load_files(&files).unwrap_or_else(|error| panic!("{error}"));
    for action in loaded.estate.catalogue.actions.values().filter(|action| action.risk == Risk::High) {
        let lowest: &[&str] = match action.name.as_str() {
            "backup.delete" | "database.drop" | "security.disable_control" => &["three-with-command"],
            "access.grant" | "access.revoke" | "data.export" | "dns.delegate" | "waf.bypass" => &["two-with-security"],
            _ => &["owner-signed", "two-signed"],
        };
        for thing in targets(&loaded, action) {
            let found = word(&loaded, &case(&loaded, person(&loaded), action, &thing.reference, true));
            assert!(lowest.contains(&found.as_str()), "{} on {}: {found}", action.name, thing.reference);
        }
    }
}
