//! One change of the example estate at a time, and the one sentence that tells it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use lineclear_estate::{Loaded, load_files, read_files};

use super::{Shift, beside, invariants};

static FILES: LazyLock<BTreeMap<String, Vec<u8>>> =
    LazyLock::new(|| read_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../estate/example")).unwrap());
static EXAMPLE: LazyLock<Loaded> = LazyLock::new(|| load_files(&FILES).unwrap());

fn edited(path: &str, from: &str, to: &str) -> Loaded {
    let mut files = FILES.clone();
    let text = String::from_utf8(files[path].clone()).unwrap();
    assert!(text.contains(from), "{path} lacks {from:?}");
    files.insert(path.into(), text.replacen(from, to, 1).into_bytes());
    load_files(&files).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn between(old: &Loaded, new: &Loaded) -> Vec<Shift> {
    let mut shifts = beside(&old.policies, &new.policies);
    shifts.extend(invariants(&old.invariants, &new.invariants));
    shifts
}

/// The sentence for the change, and the one for taking it back; `+` before what may open something.
fn check(path: &str, from: &str, to: &str, there: &[&str], back: &[&str]) {
    let new = edited(path, from, to);
    let told = |shifts: Vec<Shift>| -> Vec<String> {
        shifts.into_iter().map(|shift| format!("{}{}", if shift.widens { "+ " } else { "" }, shift.says)).collect()
    };
    assert_eq!(told(between(&EXAMPLE, &new)), there, "{path}: {from:?}");
    assert_eq!(told(between(&new, &EXAMPLE)), back, "{path}: {from:?} taken back");
}

#[test]
fn nothing_moved_says_nothing() {
    assert_eq!(between(&EXAMPLE, &EXAMPLE), []);
    check("invariants/never-automatic.cedar", "when { context.posture <= 0 };", "// as before\nwhen\n{ context.posture <= 0 };", &[], &[]);
}

#[test]
fn invariants_that_moved_are_told() {
    let other = "+ invariant `stopped-is-stopped` is another one";
    check("invariants/never-automatic.cedar", "when { context.posture <= 0 };", "when { context.posture < 0 };", &[other], &[other]);
    check(
        "invariants/never-automatic.cedar",
        "@id(\"dns-needs-two\")",
        "@id(\"dns-needs-more\")",
        &["invariant `dns-needs-more` is new", "+ invariant `dns-needs-two` is gone, so nothing proves it any more"],
        &["invariant `dns-needs-two` is new", "+ invariant `dns-needs-more` is gone, so nothing proves it any more"],
    );
}

#[test]
fn the_ladder_and_people_that_moved_are_told() {
    let file = "authority.yaml";
    check(
        file,
        "    humans: 3\n",
        "    humans: 2\n",
        &["+ rung `three-with-command` asks for less"],
        &["rung `three-with-command` asks for more"],
    );
    check(
        file,
        "approval_ttl: 15m",
        "approval_ttl: 1h",
        &["+ how long a request waits for people is 1 h instead of 15 min"],
        &["how long a request waits for people is 15 min instead of 1 h"],
    );
    check(
        file,
        "single_operator: false",
        "single_operator: true",
        &["+ one person may approve what their own agent proposes"],
        &["one person may no longer approve what their own agent proposes"],
    );
    check(
        file,
        "security-officer: [erin]",
        "security-officer: [erin, bob]",
        &["+ `bob` now holds the role `security-officer`"],
        &["`bob` no longer holds the role `security-officer`"],
    );
    let by = |now: &str, then: &str| format!("+ another version of the estate is brought into force by `{now}` instead of `{then}`");
    check(
        file,
        "activation: { rung: two-with-security }",
        "activation: { rung: one-operator }",
        &[&by("one-operator", "two-with-security")],
        &[&by("two-with-security", "one-operator")],
    );
    let (less, more) = ("+ less is asked of what is to become routine", "more is asked of what is to become routine");
    check(file, "runs: 5", "runs: 4", &[less], &[more]);
    check(file, "within: 90d", "within: 60d", &[more], &[less]);
    check(file, "spread: 12h", "spread: 11h", &[less], &[more]);
    check(
        file,
        "routine: { runs: 5, within: 90d, spread: 12h }",
        "",
        &["nothing becomes routine any more"],
        &["+ what has run well 5 times may become routine"],
    );
    check(
        file,
        "title: one operator\n",
        "title: somebody\n",
        &["rung `one-operator` is now called “somebody”"],
        &["rung `one-operator` is now called “one operator”"],
    );
}

#[test]
fn facts_that_moved_are_told() {
    let file = "facts.yaml";
    check(
        file,
        "limit: 30s",
        "limit: 45s",
        &["+ the age up to which `backend_down` counts is 45 s instead of 30 s"],
        &["the age up to which `backend_down` counts is 30 s instead of 45 s"],
    );
    check(
        file,
        "holds: { op: \">=\", value: 0.5 }",
        "holds: { op: \">=\", value: 0.4 }",
        &["+ what confirms `healthy_peers` is >= 0.4 instead of >= 0.5"],
        &["+ what confirms `healthy_peers` is >= 0.5 instead of >= 0.4"],
    );
    let asked = "+ fact `backend_down` is asked for otherwise";
    check(file, "probe_success{job=\"http\",server", "probe_success{job=\"ping\",server", &[asked], &[asked]);
}

#[test]
fn objectives_that_moved_are_told() {
    let file = "slos/services.yaml";
    let promises = "+ the objective `shop-requests` promises something else";
    check(file, "target: 0.999 }", "target: 0.99 }", &[promises], &[promises]);
    check(
        file,
        "metadata: { name: shop-fleet,",
        "metadata: { name: shop-machines,",
        &["the objective `shop-machines` is new", "+ the objective `shop-fleet` is gone, so its budget can no longer be used up"],
        &["the objective `shop-fleet` is new", "+ the objective `shop-machines` is gone, so its budget can no longer be used up"],
    );
}

#[test]
fn severity_and_escalation_that_moved_are_told() {
    let counts = "+ what counts as severity 1 changed";
    check("severity.yaml", "customers: 5000, lasting: 15m", "customers: 9000, lasting: 15m", &[counts], &[counts]);
    check(
        "severity.yaml",
        "title: no money comes in\n",
        "title: the till is shut\n",
        &["“the till is shut” now always pages somebody", "“no money comes in” no longer pages somebody whatever its severity"],
        &["“no money comes in” now always pages somebody", "“the till is shut” no longer pages somebody whatever its severity"],
    );
    check(
        "escalation/money.yaml",
        "within: 5m",
        "within: 7m",
        &["the time that tier 1 of the escalation path `money` has to answer is 7 min instead of 5 min"],
        &["the time that tier 1 of the escalation path `money` has to answer is 5 min instead of 7 min"],
    );
    let others = "tier 2 of the escalation path `money` tells other people";
    check("escalation/money.yaml", "people: [frank]", "people: [alice]", &[others], &[others]);
}

#[test]
fn freezes_actions_and_things_that_moved_are_told() {
    let window = "+ the freeze window `end-of-year sales` is gone or another one";
    check("freezes.yaml", "2027-01-04", "2027-01-02", &[window], &[window]);
    check(
        "actions/medium.yaml",
        "never_routine: true",
        "never_routine: false",
        &["+ action `database.cancel_query` may become routine"],
        &["action `database.cancel_query` may no longer become routine"],
    );
    check(
        "catalog/services.yaml",
        "lineclear.dev/money-path: \"true\"",
        "lineclear.dev/money-path: \"false\"",
        &["+ money no longer passes through `service/billing`"],
        &["money now passes through `service/billing`"],
    );
    let owner = |now: &str, then: &str| format!("+ `service/www` belongs to the team `{now}` instead of `{then}`");
    check(
        "catalog/services.yaml",
        "lifecycle: production\n  owner: edge",
        "lifecycle: production\n  owner: shop",
        &[&owner("shop", "edge")],
        &[&owner("edge", "shop")],
    );
}
