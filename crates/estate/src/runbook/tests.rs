//! What the reader makes of the members of flow, and what it refuses.

use lineclear_core::Span;
use lineclear_core::runbook::{OnFailure, RetryOn, Runbook};

use super::{EVERYTHING, parse_runbook};

fn read(text: &str) -> Runbook {
    parse_runbook("runbooks/everything.yaml", text).unwrap_or_else(|error| panic!("{error}"))
}

fn waits(backoff: &str, attempts: u8) -> Vec<u64> {
    let old = "retry: { attempts: 4, backoff: [2s, 10s, 30s] }";
    let text = EVERYTHING.replacen(old, &format!("retry: {{ attempts: {attempts}, backoff: {backoff} }}"), 1);
    read(&text).steps[1].retry.waits.iter().map(|wait| wait.as_micros() / 1_000).collect()
}

#[test]
fn every_member_is_read_as_it_is_meant() {
    let runbook = read(EVERYTHING);
    assert_eq!(runbook.deadline, Span::from_secs(900));
    assert_eq!(runbook.concurrency_key.as_deref(), Some("pool:${target.name}"));
    assert_eq!(runbook.runs_on.to_string(), "net=edge, site=ber");
    let names: Vec<String> =
        runbook.all_steps().map(|(branch, step)| format!("{}{}", branch.map(|b| format!("{b}/")).unwrap_or_default(), step.id)).collect();
    assert_eq!(names, ["look", "drain", "spare/stop-taking"]);
    let [look, drain] = &runbook.steps[..] else { panic!("two steps") };
    assert_eq!((look.retry.attempts, look.retry.on.len(), look.outputs.len()), (3, 2, 3));
    assert_eq!(drain.on_failure, OnFailure::Goto("spare".parse().unwrap()));
    assert_eq!(drain.retry.on, [RetryOn::NotApplied].into());
    assert_eq!(
        drain.when.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [
            "`steps.look.outputs.state` is `up`",
            "`steps.look.outputs.open` is at most 500",
            "`steps.look.outputs.word` is one of `a`, `b`",
            "`inputs.mode` is not `fast`",
        ]
    );
}

#[test]
fn a_step_over_a_list_is_as_many_steps_as_the_list_has_places() {
    let (runbook, tests) =
        super::parse_runbook_tests("runbooks/over-lists.yaml", super::OVER_LISTS).unwrap_or_else(|error| panic!("{error}"));
    let told: Vec<String> = runbook
        .all_steps()
        .map(|(_, step)| {
            let undo = step.undo.as_ref().map(|call| call.with["server"].to_string()).unwrap_or_default();
            let when: Vec<String> = step.when.iter().map(ToString::to_string).collect();
            format!("{} {} back {undo} {}", step.id, step.call.with["server"], when.join(" and "))
        })
        .collect();
    assert_eq!(
        told,
        [
            "open.0 \"web-8\" back \"web-8\" ",
            "open.1 \"web-9\" back \"web-9\" ",
            "drain.0 \"${inputs.servers.0}\" back \"${inputs.servers.0}\" `inputs.servers` has more than 0 items",
            "drain.1 \"${inputs.servers.1}\" back \"${inputs.servers.1}\" `inputs.servers` has more than 1 items",
            "drain.2 \"${inputs.servers.2}\" back \"${inputs.servers.2}\" `inputs.servers` has more than 2 items",
        ]
    );
    for test in &tests {
        let outcome = test.tell(&runbook);
        assert!(outcome.fault.is_none(), "{}: {:?}", outcome.title, outcome.fault);
    }
    assert!(runbook.rehearsed);
}

#[test]
fn waits_grow_by_their_factor_up_to_the_longest() {
    assert_eq!(waits("[2s, 10s, 30s]", 4), [2_000, 10_000, 30_000]);
    assert_eq!(waits("{ first: 1s }", 5), [1_000, 2_000, 4_000, 8_000]);
    assert_eq!(waits("{ first: 1s, factor: 10, max: 20s }", 5), [1_000, 10_000, 20_000]);
    assert_eq!(waits("{ first: 500ms, factor: 1 }", 5), [500]);
    assert_eq!(waits("{ first: 10s }", 2), [10_000]);
}

#[test]
fn short_forms_say_the_same_as_long_ones() {
    let long = read(EVERYTHING);
    let short = EVERYTHING.replacen("  deadline: 15m\n", "", 1).replacen("limits:", "deadline: 15m\nlimits:", 1);
    assert_eq!(read(&short).digest, long.digest);
    let retry = EVERYTHING.replacen("attempts: 2", "retry: { attempts: 2 }", 1);
    assert_eq!(read(&retry).digest, long.digest);
}

#[test]
fn whatever_changes_what_a_run_does_changes_the_digest() {
    let long = read(EVERYTHING).digest;
    for (old, new) in [
        ("first: 1s", "first: 500ms"),
        ("on: [not_applied, partly]", "on: [not_applied]"),
        ("at_most: 500", "at_most: 501"),
        ("on_failure: stop", "on_failure: undo"),
        ("pool:${target.name}", "pools"),
        ("spare", "other"),
        ("at: /answer/open", "at: /answer/o"),
    ] {
        assert!(EVERYTHING.contains(old), "{old}");
        assert_ne!(read(&EVERYTHING.replace(old, new)).digest, long, "{old}");
    }
}

#[test]
fn what_is_no_label_is_refused_where_it_stands() {
    let line = EVERYTHING.lines().position(|line| line.contains("[site=ber, net=edge]")).unwrap() + 1;
    for bad in ["[site]", "[Site=ber]", "[site=ber, site=ber]", "site=ber", "[\"site=a b\"]"] {
        let text = EVERYTHING.replacen("[site=ber, net=edge]", bad, 1);
        let error = parse_runbook("runbooks/everything.yaml", &text).err().unwrap_or_else(|| panic!("{bad} was read")).to_string();
        assert!(error.contains(&format!("everything.yaml:{line}:")), "{bad}: {error}");
    }
    let thing = "apiVersion: backstage.io/v1alpha1\nkind: Resource\nmetadata:\n  name: edge\n  annotations: { lineclear.dev/runs-on: \"site=ber,net=edge\" }\nspec: { type: cache, owner: edge }\n";
    let things = crate::parse_catalog("catalog/edge.yaml", thing).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(things[0].runs_on.to_string(), "net=edge, site=ber");
    let error = crate::parse_catalog("catalog/edge.yaml", &thing.replace("site=ber", "site")).err().unwrap().to_string();
    assert!(error.contains("`site` is no label"), "{error}");
}
