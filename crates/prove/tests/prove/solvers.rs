//! Solvers that are missing, false, or break: nothing is ever proved by them. All programs here are fakes.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lineclear_prove::{Report, Solver, Status, prove};

use crate::house::{invariants, small};

/// A fake solver: what it says to `--version`, and what it does else.
fn fake(folder: &Path, version: &str, body: &str) -> PathBuf {
    let path = folder.join("fake-cvc5");
    std::fs::write(&path, format!("#!/bin/sh\n# A fake.\ncase \"$*\" in *--version*) {version}; exit ;; esac\n{body}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

const RIGHT: &str = "echo 'This is cvc5 version 1.3.1'";

#[tokio::test]
async fn a_solver_that_is_not_the_pinned_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().display();
    let check = async |version: &str, expected: String| {
        let error = Solver::pin(&fake(folder.path(), version, "")).await.unwrap_err();
        assert_eq!(error.to_string(), expected);
    };
    check(
        "echo 'This is cvc5 version 1.0.3'",
        format!("the solver `{at}/fake-cvc5` is `This is cvc5 version 1.0.3`, and proofs are pinned to cvc5 1.3.1"),
    )
    .await;
    check("true", format!("the solver `{at}/fake-cvc5` does not say its version: it ends without a word")).await;
    check("echo 'not installed' >&2; exit 127", format!("the solver `{at}/fake-cvc5` does not say its version: not installed")).await;
    let missing = Solver::pin(Path::new("/nowhere/cvc5")).await.unwrap_err();
    assert_eq!(missing.to_string(), "the solver `/nowhere/cvc5` cannot be started: No such file or directory (os error 2)");
}

/// What the report says when the solver behaves so.
async fn with_fake(body: &str) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let solver = Solver::pin(&fake(folder.path(), RIGHT, body)).await.unwrap().with_limit(Duration::from_millis(200));
    prove(&solver, &small(), &invariants()).await.unwrap().report
}

/// The order of claims needs the solver; it must be told as not proved, with this reason.
#[track_caller]
fn unproved(report: &Report, reason: &str) {
    assert!(!report.holds());
    assert_eq!(report.refuted().count(), 0, "{report}");
    let Some(Status::NotProved { why }) =
        report.obligations.iter().find(|one| one.name == "invariant/high-risk-needs-a-person").map(|one| &one.status)
    else {
        panic!("{report}")
    };
    assert!(why.contains(reason), "{why}");
}

#[tokio::test]
async fn a_solver_that_talks_nonsense_proves_nothing() {
    unproved(&with_fake("while read -r line; do case \"$line\" in *check-sat*) echo tomato ;; esac; done").await, "tomato");
}

#[tokio::test]
async fn a_solver_that_does_not_know_proves_nothing() {
    let report = with_fake("while read -r line; do case \"$line\" in *check-sat*) echo unknown ;; esac; done").await;
    unproved(&report, "the solver does not know");
}

#[tokio::test]
async fn a_solver_that_dies_proves_nothing() {
    let report = with_fake("read -r line; exit 1").await;
    assert!(!report.holds() && report.refuted().count() == 0, "{report}");
}

#[tokio::test]
async fn a_solver_that_hangs_proves_nothing_and_is_not_waited_for_long() {
    let report = with_fake("exec sleep 600").await;
    unproved(&report, "the solver gave no answer within 400 ms");
    let asked = report.unknown().filter(|one| matches!(&one.status, Status::NotProved { why } if why.contains("had failed 6 times")));
    assert!(asked.count() > 0, "{report}");
}

#[tokio::test]
async fn a_solver_that_invents_counterexamples_refutes_nothing() {
    let model = "while read -r line; do case \"$line\" in *check-sat*) echo sat ;; *get-model*) printf '(\\n)\\n' ;; esac; done";
    let report = with_fake(model).await;
    assert!(!report.holds());
    for obligation in &report.obligations {
        // That an invariant reaches something is a mere `sat`; a lie there only hides that it is vacuous.
        assert!(!matches!(obligation.status, Status::Refuted { .. }), "{obligation}");
    }
}
