//! The calls of tools: what they lack, and what they cannot hold.

use lineclear_estate::parse_runbook;

use crate::bench::table;

#[test]
fn mistakes_in_the_calls_of_tools() {
    let base = "runbook: v1
id: fix
title: Fix
owner: edge
inputs: { name: { type: dns_name } }
deadline: 5m
steps:
  - id: ask
    do: { dns_query: { zone: \"${target.name}\", name: \"${inputs.name}\", type: A, equals: [192.0.2.1] } }
    timeout: 5s
  - id: shake
    do: { tls_probe: { endpoint: shop, name: \"${inputs.name}\", days: 14, chain: verifies } }
    timeout: 5s
  - id: spread
    do: { nginx_upstream: { upstream: shop, replace: [web-1], with: [web-2] } }
    timeout: 5s
  - id: grow
    do: { scale: { service: shop, from: 2, to: 4 } }
    timeout: 5s
    verify: { systemd_unit: { unit: web.service, expect: active, age: 60 } }
  - id: wake
    do: { systemd_unit: { unit: web.service, verb: start } }
    timeout: 5s
  - id: tell
    do: { notify: { receiver: desk, title: it is done } }
    timeout: 5s
  - id: tidy
    do: { shell: { argv: [/usr/bin/tidy], secrets: [database] } }
    timeout: 5s
    verify: { tls_probe: { endpoint: shop, name: shop.example.test, key: sha256:0000000000000000000000000000000000000000000000000000000000000000 } }
";
    let rows = [
        ("a tool, mistyped", "dns_query:", "dns_quory:"),
        ("a kind of record that is not asked for", "type: A", "type: MX"),
        ("nothing that is awaited", "equals: [192.0.2.1]", "equals: []"),
        ("a server of one's own", "type: A", "type: A, server: 192.0.2.53"),
        ("no endpoint", "endpoint: shop, name: \"${inputs.name}\"", "name: \"${inputs.name}\""),
        ("more days than certificates last", "days: 14", "days: 36500"),
        ("a chain that may be anything", "chain: verifies", "chain: none"),
        ("half a digest", "key: sha256:00", "key: sha256:0"),
        ("no server at all", "with: [web-2]", "with: []"),
        ("a number that is none", "from: 2", "from: two"),
        ("more than there can be", "to: 4", "to: 4000"),
        ("a verb that systemd has and we have not", "verb: start", "verb: mask"),
        ("a state that is no state", "expect: active", "expect: running"),
        ("an address of one's own", "receiver: desk", "receiver: desk, url: http://desk.test"),
        (
            "a message as a check",
            "{ systemd_unit: { unit: web.service, expect: active, age: 60 } }",
            "{ notify: { receiver: desk, title: x } }",
        ),
        ("a secret that is no list", "secrets: [database]", "secrets: database"),
        ("a program as a check", "tls_probe: { endpoint: shop, name: shop.example.test,", "shell: { argv: [/bin/true],"),
    ];
    insta::assert_snapshot!(table("runbooks/fix.yaml", base, parse_runbook, &rows));
}
