//! Permissions that do not fit the steps, one way or the other.

use lineclear_core::catalogue::{InputValue, Inputs};
use lineclear_estate::{Fakes, Rehearsal, parse_runbook, parse_runbook_tests};

use crate::bench::{replaced, table};

const BASE: &str = "runbook: v1
id: point
title: Point a name elsewhere
owner: edge
inputs: { zone: { type: dns_name }, to: { type: ipv4 } }
deadline: 5m
permissions:
  dns_update: { zone: [example.test, \"${target.name}\"], type: [A] }
  dns_query: { zone: [\"${inputs.zone}\"], type: [A] }
  shell: { command: [/usr/bin/tidy], secrets: [database] }
steps:
  - id: point
    do: { dns_update: { zone: \"${inputs.zone}\", name: www.example.test, type: A, ttl: 60, replace: [192.0.2.1], with: [\"${inputs.to}\"] } }
    timeout: 5s
    verify: { dns_query: { zone: \"${inputs.zone}\", name: www.example.test, type: A, equals: [\"${inputs.to}\"] } }
    undo: { dns_update: { zone: \"${target.name}\", name: www.example.test, type: A, ttl: 60, replace: [\"${inputs.to}\"], with: [192.0.2.1] } }
  - id: tidy
    do: { shell: { argv: [/usr/bin/tidy, --all], secrets: [database] } }
    timeout: 5s
tests:
  - name: it points where it may
    target: zone/example.test
    inputs: { zone: example.test, to: 192.0.2.9 }
    expect: { outcome: done, reached: [point, tidy] }
";

#[test]
fn mistakes_in_permissions() {
    let rows = [
        ("a tool that no step calls", "  shell: {", "  http: { service: [a] }\n  shell: {"),
        ("a tool that is not given", "  shell: { command: [/usr/bin/tidy], secrets: [database] }\n", ""),
        ("a tool nobody knows", "  shell: {", "  shel: {"),
        ("what does not aim a tool", "command: [/usr/bin/tidy]", "comand: [/usr/bin/tidy]"),
        ("another program than the step's", "argv: [/usr/bin/tidy", "argv: [/usr/bin/tydy"),
        ("a secret that is not given", "--all], secrets: [database]", "--all], secrets: [database, other]"),
        ("a secret that no step names", "secrets: [database] }\nsteps", "secrets: [database, spare] }\nsteps"),
        (
            "a kind of record that is not given",
            "name: www.example.test, type: A, ttl: 60, replace: [192.0.2.1]",
            "name: www.example.test, type: TXT, ttl: 60, replace: [192.0.2.1]",
        ),
        ("a value twice", "type: [A] }\n  dns_query", "type: [A, A] }\n  dns_query"),
        ("an input that is none", "zone: [\"${inputs.zone}\"]", "zone: [\"${inputs.zones}\"]"),
        ("one word for all of them", "permissions:\n", "permissions: all\n#"),
        ("a word for a tool", "dns_query: { zone: [\"${inputs.zone}\"], type: [A] }", "dns_query: all"),
    ];
    insta::assert_snapshot!(table("runbooks/point.yaml", BASE, parse_runbook, &rows));
}

#[test]
fn an_input_that_leads_out_of_the_permissions_makes_no_plan() {
    let (runbook, _) = parse_runbook_tests("runbooks/point.yaml", BASE).unwrap();
    let target = "zone/example.test".parse().unwrap();
    let play = |zone: &str| {
        let text = |text: &str| InputValue::Text(text.into());
        let inputs = Inputs::from([("zone".parse().unwrap(), text(zone)), ("to".parse().unwrap(), text("192.0.2.9"))]);
        Rehearsal::begin(&runbook, &target, &inputs, Fakes::default(), &[]).map(drop).map_err(|error| error.to_string())
    };
    assert_eq!(play("example.test"), Ok(()));
    let said = "step `point`: `permissions` do not give it `dns_update` with zone `other.test`";
    assert_eq!(play("other.test"), Err(said.into()));
}

#[test]
fn permissions_that_are_written_are_part_of_the_text_and_those_that_follow_are_not() {
    let lines: Vec<&str> = BASE.lines().collect();
    let first = lines.iter().position(|line| line.starts_with("permissions:")).unwrap();
    let without: Vec<&str> = lines.iter().enumerate().filter(|(at, _)| !(first..first + 4).contains(at)).map(|(_, line)| *line).collect();
    let read = |text: &str| parse_runbook("runbooks/point.yaml", text).unwrap_or_else(|error| panic!("{error}"));
    let (given, derived) = (read(BASE), read(&without.join("\n")));
    assert_ne!(given.digest, derived.digest);
    assert_eq!(derived.permissions, derived.needs());
    assert!(given.permissions.values(&"dns_update".parse().unwrap(), "zone").unwrap().contains("example.test"));
    let narrower = read(&replaced(BASE, "zone: [example.test, ", "zone: [example.net, "));
    assert_ne!(narrower.digest, given.digest);
}
