//! YAML beyond what the estate reads, and one table for each kind of file.

use lineclear_estate::{
    parse_actions, parse_authority, parse_catalog, parse_facts, parse_freezes, parse_keys, parse_runbook, parse_settings,
};

use crate::bench::{table, text};

#[test]
fn yaml_that_hides_what_it_says_is_refused() {
    let rows = [
        ("an anchor", "title: Drain", "title: &a Drain"),
        ("an alias", "owner: shop", "owner: *shop"),
        ("a merge", "deadline: 3m", "deadline: 3m\n<<: { id: x }"),
        ("a tag", "deadline: 3m", "deadline: !!str 3m"),
        ("a tag of somebody else's", "deadline: 3m", "deadline: !duration 3m"),
        ("a repeated key", "owner: shop", "owner: shop\nowner: edge"),
        ("a repeated key inside", "state: drain }", "state: drain, state: maint }"),
        ("broken flow", "deadline: 3m", "deadline: [3m"),
        ("a tab", "  - id: drain", "\t- id: drain"),
        ("two documents", "runbook: v1", "runbook: v1\n---\nrunbook: v1"),
        ("a bare list", "runbook: v1", "- runbook"),
    ];
    insta::assert_snapshot!(table("runbooks/drain-host.yaml", &text("runbooks/drain-host.yaml"), parse_runbook, &rows));
}

#[test]
fn a_file_that_is_too_much_is_refused() {
    let check = |text: &str, expected: &str| {
        let error = parse_runbook("a.yaml", text).unwrap_err();
        assert_eq!(error.faults()[0].message, expected);
    };
    check("", "the file holds nothing");
    check("# only words\n", "the file holds nothing");
    check(&"[".repeat(200), "nested deeper than 32 levels");
    check(&"- a\n".repeat(30_000), "more than 20000 values");
    let bomb = "a: &a [x,x,x]\nb: &b [*a,*a,*a]\nc: &c [*b,*b,*b]\nd: [*c,*c,*c]\n";
    check(bomb, "anchors and aliases are not read");
}

#[test]
fn mistakes_in_a_runbook() {
    let rows = [
        ("a mistyped member", "timeout: 10s", "tmeout: 10s"),
        ("another version", "runbook: v1", "runbook: v2"),
        ("no unit", "timeout: 10s", "timeout: 10"),
        ("too long", "deadline: 3m", "deadline: 9h"),
        (
            "a tool nobody has",
            "haproxy_server: { backend: shop, server: \"${target.name}\", state: drain }",
            "haproxy_sever: { backend: shop }",
        ),
        (
            "a tool of later",
            "verify: { haproxy_server: { backend: shop, server: \"${target.name}\", expect: drain } }",
            "verify: { dns_query: { name: a } }",
        ),
        ("a check that changes things", "expect: drain } }", "state: drain } }"),
        (
            "a shell as a check",
            "verify: { haproxy_server: { backend: shop, server: \"${target.name}\", expect: drain } }",
            "verify: { shell: { argv: [/bin/true] } }",
        ),
        ("a state nobody knows", "state: drain }", "state: drian }"),
        ("an input nobody declares", "server: \"${target.name}\", state: drain", "server: \"${inputs.host}\", state: drain"),
        ("a reference to the environment", "server: \"${target.name}\", state: drain", "server: \"${env.HOME}\", state: drain"),
        ("an open reference", "server: \"${target.name}\", state: drain", "server: \"${target.name\", state: drain"),
        ("too many tries", "attempts: 2", "attempts: 20"),
        ("a wait longer than its step", "within: 30s", "within: 10m"),
        ("a step twice", "- id: settle", "- id: drain"),
        ("two tools in one step", "state: drain } }", "state: drain }, shell: { argv: [/bin/true] } }"),
        ("a name that is a number", "id: drain-host", "id: 42"),
        ("a word where a list belongs", "goals: [host_drained, shop_errors_low]", "goals: host_drained"),
        ("a goal twice", "goals: [host_drained, shop_errors_low]", "goals: [host_drained, host_drained]"),
        ("nothing behind a member", "owner: shop", "owner:"),
        ("no steps", "steps:", "steps: []\nsteps-later:"),
        ("a number that is no number", "value: \"0.01\"", "value: low"),
    ];
    insta::assert_snapshot!(table("runbooks/drain-host.yaml", &text("runbooks/drain-host.yaml"), parse_runbook, &rows));
}

#[test]
fn mistakes_in_a_call() {
    let base = "runbook: v1
id: fix
title: Fix
owner: edge
inputs: { to: { type: ipv4 } }
deadline: 5m
steps:
  - id: run
    do: { shell: { argv: [/usr/bin/fix, --to, \"${inputs.to}\"] } }
    timeout: 5s
  - id: call
    do: { http: { service: waf, method: POST, path: /a, body: { n: 1 }, expect_status: [200] } }
    timeout: 5s
    verify: { http: { service: waf, method: GET, path: /a, expect_json: { \"/n\": 1 } } }
";
    let rows = [
        ("a reference inside a word", "--to, \"${inputs.to}\"", "\"--to=${inputs.to}\""),
        ("an input that no step declares", "\"${inputs.to}\"", "\"${inputs.too}\""),
        ("a command that is looked up", "/usr/bin/fix", "fix"),
        ("a command from outside", "/usr/bin/fix, --to,", ""),
        ("a shell line", "argv: [/usr/bin/fix, --to, \"${inputs.to}\"]", "script: \"fix ${inputs.to}\""),
        ("half a number", "n: 1 }, expect_status", "n: 1.5 }, expect_status"),
        ("no status at all", "expect_status: [200]", "expect_status: [2000]"),
        ("a check that posts", "method: GET", "method: POST"),
        ("no pointer", "\"/n\": 1", "n: 1"),
        ("a step tried again without a check", "timeout: 5s", "timeout: 5s\n    attempts: 3"),
        ("unknown without a check", "timeout: 5s", "timeout: 5s\n    on_unknown: verify"),
        ("an input nobody uses", "inputs: {", "inputs: { from: { type: ipv4 },"),
        ("an input of no kind", "type: ipv4", "type: ipv6"),
        ("a range upside down", "to: { type: ipv4 }", "to: { type: integer, min: 9, max: 1 }"),
    ];
    insta::assert_snapshot!(table("runbooks/fix.yaml", base, parse_runbook, &rows));
}

#[test]
fn mistakes_in_the_catalog() {
    let rows = [
        ("an annotation of ours, mistyped", "lineclear.dev/customers:", "lineclear.dev/custommers:"),
        ("a number of customers that is none", "lineclear.dev/customers: \"9000\"", "lineclear.dev/customers: many"),
        ("an annotation that is no text", "lineclear.dev/customers: \"9000\"", "lineclear.dev/customers: 9000"),
        ("a kind nobody reads", "kind: Component", "kind: Compnent"),
        ("a type nobody maps", "type: website", "type: webside"),
        ("a reference without its kind", "dependsOn: [component:shop,", "dependsOn: [servce:shop,"),
        ("an owner that is a person", "owner: edge, system", "owner: user:alice, system"),
        ("another namespace", "title: Public site", "title: Public site\n  namespace: prod"),
        ("a name with a capital", "name: www", "name: WWW"),
        ("no owner", "owner: edge, system: hosting }", "system: hosting }"),
    ];
    insta::assert_snapshot!(table("catalog/services.yaml", &text("catalog/services.yaml"), parse_catalog, &rows));
}

#[test]
fn mistakes_about_people_and_agents() {
    let people = [
        ("no id", "    lineclear.dev/id: operator_0193f0c4a1007a3e8b11d2c3b4a50001", "    example.org/id: x"),
        ("an id of another kind", "id: operator_0193f0c4a1007a3e8b11d2c3b4a50001", "id: agent_0193f0c4a1007a3e8b11d2c3b4a50001"),
        ("an id that is too short", "id: operator_0193f0c4a1007a3e8b11d2c3b4a50001", "id: operator_1"),
        ("no name", "{ displayName: Alice Amsel }", "{ email: alice@example.org }"),
    ];
    let mut out = table("catalog/people.yaml", &text("catalog/people.yaml"), parse_catalog, &people);
    let agents = [("an agent that a team owns", "owner: user:carol", "owner: shop")];
    out.push_str(&table("catalog/agents.yaml", &text("catalog/agents.yaml"), parse_catalog, &agents));
    insta::assert_snapshot!(out);
}

#[test]
fn mistakes_in_actions_facts_and_freezes() {
    let actions = [
        ("a risk nobody knows", "risk: high", "risk: hihg"),
        ("no resource", "resource: zone\n", ""),
        ("a fact both ways", "optional: [dns_right]", "optional: [dns_watched]"),
        ("a yes that is a word", "never_routine: true", "never_routine: yes"),
    ];
    let mut out = table("actions/high.yaml", &text("actions/high.yaml"), parse_actions, &actions);
    let facts = [
        ("a dotted name", "name: backend_down", "name: backend.down"),
        ("a name twice", "name: healthy_peers", "name: backend_down"),
        ("a comparison in words", "op: \"==\"", "op: equals"),
        ("infinity", "value: 0.5", "value: .inf"),
        ("a fact that never grows old", "limit: 30s", "limit: 2h"),
        ("a query that reads the environment", "server=\"${target.name}\"}", "server=\"${env.SERVER}\"}"),
    ];
    out.push_str(&table("facts.yaml", &text("facts.yaml"), parse_facts, &facts));
    let freezes = [
        ("an end before the beginning", "2027-01-04", "2025-01-04"),
        ("a day without a time", "\"2026-12-18T00:00:00Z\"", "2026-12-18"),
        ("a target without its kind", "service/shop", "shop"),
    ];
    out.push_str(&table("freezes.yaml", &text("freezes.yaml"), parse_freezes, &freezes));
    insta::assert_snapshot!(out);
}

#[test]
fn mistakes_in_the_ladder() {
    let rows = [
        (
            "a rung that brings less than the one below",
            "humans: 2\n    roles: [operator, security-officer]",
            "humans: 2\n    roles: [security-officer]",
        ),
        ("a role nobody listed", "roles: [operator, security-officer]", "roles: [operator, security-oficer]"),
        ("a lowest rung with people", "title: nobody needs to be asked", "title: x\n    humans: 1\n    grade: session"),
        ("people without a grade", "humans: 1\n    roles: [operator]\n    grade: session", "humans: 1\n    roles: [operator]"),
        ("nobody with a grade", "title: nobody needs to be asked", "title: x\n    grade: ssh"),
        ("a grade nobody knows", "grade: session", "grade: sesion"),
        ("a rung twice", "name: owner-signed", "name: one-operator"),
        ("requests that wait for days", "approval_ttl: 15m", "approval_ttl: 3d"),
        ("a routine after one run", "routine: { runs: 5,", "routine: { runs: 1,"),
        ("a routine that says not how far apart", ", spread: 12h }", " }"),
        ("runs within minutes", "spread: 12h", "spread: 5m"),
        ("a routine that no runs can reach", "runs: 5, within: 90d", "runs: 5, within: 2d"),
        ("a routine with a typo", "within: 90d", "witin: 90d"),
    ];
    insta::assert_snapshot!(table("authority.yaml", &text("authority.yaml"), parse_authority, &rows));
}

#[test]
fn mistakes_in_settings_and_keys() {
    let settings = [
        ("a posture nobody knows", "posture = \"full\"", "posture = \"ful\""),
        ("a member nobody knows", "posture = \"full\"", "posture = \"full\"\npostures = 1"),
        ("an origin with a scheme", "origin = \"ledger", "origin = \"https://ledger"),
        ("a source with a password", "http://127.0.0.1:19090", "http://me:secret@127.0.0.1:19090"),
        ("a source nowhere", "http://127.0.0.1:19090", "127.0.0.1:19090"),
        ("a source of another kind", "prometheus = ", "promtheus = "),
        ("a title that is a number", "title = \"Northwind Hosting (example)\"", "title = 5"),
    ];
    let mut out = table("lineclear.toml", &text("lineclear.toml"), parse_settings, &settings);
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f alice@laptop\n";
    let keys = [
        ("half a key", "AAAAC3NzaC1lZDI1NTE5AAAAIAAB", "AAAAC3"),
        ("another kind of key", key, "ssh-rsa AAAAB3NzaC1yc2E= alice\n"),
        ("a private key", key, "-----BEGIN OPENSSH PRIVATE KEY-----\n"),
    ];
    out.push_str(&table("keys/alice.pub", key, parse_keys, &keys));
    insta::assert_snapshot!(out);
}
