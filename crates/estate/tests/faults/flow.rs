//! Mistakes in what follows a failure, in conditions, and in limits.

use lineclear_estate::parse_runbook;

use crate::bench::{replaced, table};

const EVERYTHING: &str = include_str!("../../src/runbook/everything.yaml");

#[test]
fn mistakes_in_tries_and_waits() {
    let rows = [
        ("tries said twice", "attempts: 2", "attempts: 2\n      retry: { attempts: 2 }"),
        ("one try again", "retry: { attempts: 3,", "retry: { attempts: 1,"),
        ("a wait that is no time", "backoff: [2s, 10s, 30s]", "backoff: [2s, soon]"),
        ("waits beyond count", "backoff: [2s, 10s, 30s]", "backoff: [2s, 2s, 2s, 2s, 2s]"),
        ("a wait for an hour", "backoff: [2s, 10s, 30s]", "backoff: [1h]"),
        ("a first wait above the longest", "first: 1s, factor: 3, max: 2s", "first: 5s, factor: 3, max: 2s"),
        ("no failure at all", "on: [not_applied, partly]", "on: []"),
        ("a failure nobody knows", "on: [not_applied, partly]", "on: [not_applid]"),
        ("waits that outlast the run", "deadline: 15m", "deadline: 40s"),
    ];
    insta::assert_snapshot!(table("runbooks/everything.yaml", EVERYTHING, parse_runbook, &rows));
}

#[test]
fn what_may_have_been_applied_is_not_sent_again_where_nothing_protects_it() {
    let with = |from: &str, to: &str, old: &str, new: &str| {
        let base = replaced(EVERYTHING, from, to);
        table("runbooks/everything.yaml", &base, parse_runbook, &[(to, old, new)])
    };
    let drain = "do: { haproxy_server: { backend: shop, server: \"${target.name}\", state: drain } }";
    let shell = "do: { shell: { argv: [/usr/bin/drain, \"${target.name}\"] } }";
    let dns = "do: { dns_update: { zone: a.test, name: b.a.test, type: A, ttl: 60, replace: [192.0.2.1], with: [192.0.2.2] } }";
    let (retry, partly) = ("backoff: [2s, 10s, 30s] }", "backoff: [2s], on: [partly] }");
    let post = ("{ taking: false }, effect: converge }", "{ taking: false }, effect: once }");
    let keyed = ("{ taking: false }, effect: converge }", "{ taking: false }, effect: keyed }");
    let (attempts, again) = ("attempts: 2", "retry: { attempts: 2, on: [not_applied, partly] }");
    let all = [
        with(drain, shell, retry, partly),
        with(drain, dns, retry, partly),
        with(post.0, post.1, attempts, again),
        with(keyed.0, keyed.1, attempts, again),
    ];
    insta::assert_snapshot!(all.concat());
}

#[test]
fn mistakes_in_steps_over_lists() {
    let rows = [
        (
            "a step that does the same for each",
            "server: \"${item}\", state: ready } }\n    timeout: 10s\n    verify: { haproxy_server: { backend: spare, server: \"${item}\", expect: ready } }\n    undo: { haproxy_server: { backend: spare, server: \"${item}\"",
            "server: web-8, state: ready } }\n    timeout: 10s\n    verify: { haproxy_server: { backend: spare, server: web-8, expect: ready } }\n    undo: { haproxy_server: { backend: spare, server: web-8",
        ),
        ("nothing to go over", "for_each: [web-8, web-9]", "for_each: []"),
        ("an item twice", "for_each: [web-8, web-9]", "for_each: [web-8, web-8]"),
        ("an item that refers", "for_each: [web-8, web-9]", "for_each: [web-8, \"${target.name}\"]"),
        ("an item that is a list", "for_each: [web-8, web-9]", "for_each: [[web-8], web-9]"),
        (
            "more items than people read",
            "for_each: [web-8, web-9]",
            "for_each: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17]",
        ),
        ("an input that is not there", "for_each: { input: servers }", "for_each: { input: server }"),
        ("an input that is no list", "type: names, max: 3", "type: text, max: 3"),
        ("a list beyond bounds", "type: names, max: 3", "type: names, max: 40"),
        ("more steps than a runbook has", "type: names, max: 3", "type: names, max: 16"),
        ("a list as one value", "server: \"${item}\", state: drain", "server: \"${inputs.servers}\", state: drain"),
        ("an item without a list", "    for_each: [web-8, web-9]\n", ""),
        ("one fault, told once", "state: maint", "state: maintain"),
    ];
    let base = include_str!("../../src/runbook/over_lists.yaml");
    let base = replaced(
        base,
        "  - id: drain\n",
        "  - id: look\n    for_each: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]\n    do: { http: { service: pool, method: GET, path: \"/${item}\" } }\n    timeout: 5s\n  - id: drain\n",
    );
    let base = replaced(&base, "permissions:\n", "permissions:\n  http: { service: [pool], method: [GET] }\n");
    let base = base.split("tests:").next().unwrap();
    insta::assert_snapshot!(table("runbooks/over-lists.yaml", base, parse_runbook, &rows));
}

#[test]
fn mistakes_in_branches() {
    let rows = [
        ("a branch nobody describes", "goto: spare", "goto: spares"),
        ("a branch that nothing leads to", "on_failure: { goto: spare }", "on_failure: undo"),
        ("a branch that leads back", "on_failure: stop", "on_failure: { goto: spare }"),
        ("a branch of nothing", "  spare:\n", "  other: []\n  spare:\n"),
        ("a step that stands in both", "- id: stop-taking", "- id: drain"),
        ("a word nobody knows", "on_failure: stop", "on_failure: halt"),
        ("a branch without its member", "on_failure: { goto: spare }", "on_failure: { to: spare }"),
    ];
    insta::assert_snapshot!(table("runbooks/everything.yaml", EVERYTHING, parse_runbook, &rows));
}

#[test]
fn mistakes_in_conditions() {
    let rows = [
        ("nothing to look at", "{ input: mode, is_not: fast }", "{ is_not: fast }"),
        ("two things to look at", "{ input: mode, is_not: fast }", "{ input: mode, step: look, is_not: fast }"),
        ("no comparison", "{ input: mode, is_not: fast }", "{ input: mode }"),
        ("two comparisons", "{ input: mode, is_not: fast }", "{ input: mode, is: careful, is_not: fast }"),
        ("an input nobody declares", "{ input: mode, is_not: fast }", "{ input: mod, is_not: fast }"),
        ("a value that never is", "{ input: mode, is_not: fast }", "{ input: mode, is_not: quick }"),
        ("an order of words", "{ input: mode, is_not: fast }", "{ input: mode, at_least: 3 }"),
        ("a number out of reach", "at_most: 500", "at_most: 5000000"),
        ("an output nobody declares", "output: open, at_most", "output: opn, at_most"),
        ("a step nobody describes", "step: look, output: state", "step: lok, output: state"),
        ("a step that comes later", "- id: look\n", "- id: look\n    when: { step: drain, output: state, is: up }\n"),
        ("a step that may be left out", "- id: look\n", "- id: look\n    when: { input: mode, is: fast }\n"),
        (
            "an output that nobody looks at",
            "word: { at: /answer/word,",
            "other: { at: /answer/o, type: name }\n      word: { at: /answer/word,",
        ),
        ("a place that is no pointer", "at: /answer/open", "at: answer.open"),
        ("an output as long as a page", "type: text, max: 40", "type: text, max: 4000"),
    ];
    insta::assert_snapshot!(table("runbooks/everything.yaml", EVERYTHING, parse_runbook, &rows));
}

#[test]
fn mistakes_in_limits() {
    let rows = [
        ("a deadline twice", "limits:", "deadline: 15m\nlimits:"),
        ("no deadline", "  deadline: 15m\n", ""),
        ("a key of somebody's environment", "pool:${target.name}", "pool:${env.HOME}"),
        ("a key that refers to nothing", "pool:${target.name}", "pool:${inputs.pool}"),
        ("a key that is a list", "concurrency_key: \"pool:${target.name}\"", "concurrency_key: [pool]"),
        ("a limit nobody knows", "concurrency_key:", "concurrency-key:"),
    ];
    insta::assert_snapshot!(table("runbooks/everything.yaml", EVERYTHING, parse_runbook, &rows));
}
