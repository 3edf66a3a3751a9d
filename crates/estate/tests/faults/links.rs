//! What one file says of another, and what does not hold.

use crate::bench::{linked, loaded, replaced, text};

#[test]
fn references_to_nothing() {
    let rows = [
        ("an owner that is no team", "catalog/services.yaml", "owner: shop", "owner: shopp"),
        ("a dependency on nothing", "catalog/services.yaml", "resource:shop-db", "resource:shop-bd"),
        ("a system nobody describes", "catalog/services.yaml", "system: hosting", "system: hostng"),
        ("part of nothing", "catalog/resources.yaml", "lineclear.dev/part-of: resource:shop,", "lineclear.dev/part-of: resource:shopp,"),
        ("an agent of nobody", "catalog/agents.yaml", "user:carol", "user:karol"),
        ("a role of nobody", "authority.yaml", "security-officer: [erin]", "security-officer: [eryn]"),
        ("a team of nobody", "catalog/people.yaml", "memberOf: [edge]", "memberOf: [egde]"),
        ("a runbook that is not there", "actions/high.yaml", "runbook: update-dns", "runbook: update-dsn"),
        ("a fact that is not there", "actions/medium.yaml", "backend_down,", "backend_dwn,"),
        ("a goal that is not there", "runbooks/drain-host.yaml", "goals: [host_drained,", "goals: [host_draind,"),
        ("a source that is not there", "facts.yaml", "source: prometheus", "source: promethus"),
        ("a wait at a source that is not there", "runbooks/drain-host.yaml", "source: prometheus", "source: metrics"),
        ("a freeze of nothing", "freezes.yaml", "service/shop", "service/shopp"),
        ("a runbook of no team", "runbooks/drain-host.yaml", "owner: shop", "owner: shops"),
    ];
    insta::assert_snapshot!(linked(&rows));
}

#[test]
fn what_a_runbook_says_that_it_serves_is_there() {
    let path = "runbooks/drain-host.yaml";
    let before = "serves: { things: [service/shop], alerts: [ShopBackendDown, ShopErrorsHigh], actions: [pool.drain_host] }\n";
    let with = |serves: &str| format!("serves: {serves}\n");
    let said = [
        ("a thing that is not there", with("{ things: [host/web-12] }")),
        ("a thing of no kind", with("{ things: [hosts/web-1] }")),
        ("an action that is not there", with("{ actions: [pool.drain_hosts] }")),
        ("an action that calls another runbook", with("{ actions: [pool.drain_host, dns.update] }")),
        ("callers without the one that calls", with("{ actions: [pool.restore_host] }")),
        ("an alert twice", with("{ alerts: [HostDown, HostDown] }")),
        ("a service by another word", with("{ services: [service/shop] }")),
    ];
    let rows: Vec<(&str, &str, &str, &str)> = said.iter().map(|(what, new)| (*what, path, before, new.as_str())).collect();
    insta::assert_snapshot!(linked(&rows));
}

#[test]
fn files_that_disagree() {
    let rows = [
        ("a thing twice", "catalog/resources.yaml", "name: web-2", "name: web-1"),
        ("two people with one id", "catalog/people.yaml", "b4a50002", "b4a50001"),
        ("an agent with a person's login", "catalog/agents.yaml", "name: triage-agent", "name: alice"),
        (
            "a circle",
            "catalog/resources.yaml",
            "part-of: component:shop, lineclear.dev/regions",
            "part-of: resource:web-1, lineclear.dev/regions",
        ),
        ("an action twice", "actions/medium.yaml", "action: cache.purge", "action: dns.update"),
        ("an input of another kind", "actions/medium.yaml", "max: 12", "max: 50"),
        ("an input that the runbook needs", "actions/medium.yaml", "inputs:\n  replicas: { type: integer, min: 1, max: 12 }\n", ""),
        ("a fact that asks with a foreign input", "actions/medium.yaml", "required: [cache_known]", "required: [dns_watched]"),
    ];
    insta::assert_snapshot!(linked(&rows));
}

/// Some fault of the changed estate stands here; the words are the policy engine's own.
#[track_caller]
fn check(path: &str, old: &str, new: &str, line: usize, column: usize) {
    let changed = replaced(&text(path), old, new).into_bytes();
    let error = loaded(|files| drop(files.insert(path.to_owned(), changed.clone()))).unwrap_err();
    let found = error.faults().iter().any(|fault| fault.path == path && (fault.line, fault.column) == (line, column));
    assert!(found, "no fault at {path}:{line}:{column}: {error}");
}

#[test]
fn a_policy_that_is_wrong_is_shown_where_it_is_wrong() {
    check("policies/high.cedar", "Action::\"dns.update\"", "Action::\"dns.updat\"", 6, 30);
    check("policies/medium.cedar", "context.evidence.backend_down", "context.evidence.backend_dwn", 9, 3);
    check("policies/low.cedar", "@id(\"low-risk\")\n", "", 3, 1);
    check("policies/low.cedar", "resource);", "resource", 5, 58);
    check("policies/guards.cedar", "@id(\"advise-only\")", "@id(\"stopped\")", 10, 1);
}

#[test]
fn stories_that_name_nothing() {
    let rows = [
        ("a story of nobody", "policies/cases/low.toml", "principal = \"triage-agent\"", "principal = \"triage-agnet\""),
        ("a story of no action", "policies/cases/low.toml", "telemetry.gather", "telemetry.gathr"),
        ("a story about nothing", "policies/cases/low.toml", "service/shop", "service/shpo"),
        ("a story about another kind of thing", "policies/cases/low.toml", "service/shop", "host/web-1"),
        ("a story with a rung nobody has", "policies/cases/low.toml", "rung = \"one-operator\"", "rung = \"one-operater\""),
        ("a story without its rung", "policies/cases/low.toml", "rung = \"one-operator\"\n", ""),
        (
            "a story with a fact that its action does not use",
            "policies/cases/medium.toml",
            "confirmed = [\"healthy_peers\",",
            "confirmed = [\"dns_right\",",
        ),
        ("a story more than certain", "policies/cases/low.toml", "confidence = 2000", "confidence = 20000"),
        ("a story with a member nobody knows", "policies/cases/low.toml", "confidence = 2000", "confidance = 2000"),
    ];
    insta::assert_snapshot!(linked(&rows));
}

#[test]
fn one_key_of_two_people_is_refused() {
    let key = b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f one\n";
    let error = loaded(|files| {
        files.insert("keys/alice.pub".into(), key.to_vec());
        files.insert("keys/bob.pub".into(), String::from_utf8(key.to_vec()).unwrap().replace("one", "two").into_bytes());
    })
    .unwrap_err();
    assert_eq!(error.to_string(), "the estate has 1 fault\nkeys/bob.pub:1:1: this key is already a key of `alice`");
}

#[test]
fn the_key_of_a_stranger_is_refused_and_the_key_of_a_person_is_kept() {
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f alice@laptop";
    let stranger = loaded(|files| drop(files.insert("keys/alicia.pub".into(), key.into()))).unwrap_err();
    assert_eq!(stranger.faults()[0].message, "`alicia` is no person of this catalog");
    assert_eq!(stranger.faults()[0].help.as_deref(), Some("did you mean `alice`?"));
    let estate = loaded(|files| drop(files.insert("keys/alice.pub".into(), key.into()))).unwrap().estate;
    let alice = estate.directory.operator(&"alice".parse().unwrap()).unwrap();
    assert_eq!(alice.keys, [key]);
}
