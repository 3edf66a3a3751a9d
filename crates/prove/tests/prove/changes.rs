//! What opens and what closes between two sets.

use lineclear_policy::Policies;
use lineclear_prove::{Difference, diff};

use crate::house::{edited, estate, files, named, plain, small, solver};

async fn between(old: &Policies, new: &Policies) -> Difference {
    diff(&solver().await, old, new).await.unwrap()
}

fn sentences(all: &[lineclear_prove::Example]) -> Vec<&str> {
    all.iter().map(|one| one.sentence.as_str()).collect()
}

#[tokio::test]
async fn nothing_changed_is_no_difference() {
    let difference = between(&small(), &small()).await;
    assert_eq!(difference, Difference::default());
    assert!(!difference.widens());
}

#[tokio::test]
async fn a_condition_added_to_a_freeze_opens_and_is_told() {
    let new = edited("when { context.freeze }", "when { context.freeze && !context.routine }");
    let difference = between(&small(), &new).await;
    assert!(difference.closed.is_empty() && difference.widens());
    assert_eq!(
        sentences(&difference.opened)[1],
        "an agent may now take a web server out of rotation (`pool.drain_host`) on a host, with nobody's approval, while confidence is 80 %, \
         `backend_down` is confirmed, a freeze is on and the action has earned to be routine: permitted by `drain-on-evidence`, before \
         refused by `freeze`"
    );
    let back = between(&new, &small()).await;
    assert!(back.opened.is_empty() && !back.widens());
    assert_eq!(back.closed.len(), difference.opened.len());
}

#[tokio::test]
async fn what_opens_with_nobody_asked_is_told_with_nobody_asked() {
    let people = named(
        "permit (principal, action == Action::\"dns.update\", resource is Zone)
        when { context.evidence.dns_watched && context.approvals.humans >= 1 && context.approvals.operator };
        forbid (principal, action == Action::\"dns.update\", resource is Zone)
        unless { context.approvals.humans >= 1 || context.confidence_bp >= 8000 };",
    );
    let alone = people.replace(" && context.approvals.humans >= 1 && context.approvals.operator", "");
    let (old, new) = (plain(&[("policies/planted.cedar", &people)], &[]), plain(&[("policies/planted.cedar", &alone)], &[]));
    let difference = between(&old, &new).await;
    assert!(
        sentences(&difference.opened).iter().any(|says| says.contains("with nobody's approval, while confidence is 80 %")),
        "{:?}",
        difference.opened
    );
}

#[tokio::test]
async fn moving_an_action_to_another_class_opens_though_no_policy_changed() {
    let new = estate(&[(
        "actions/all.yaml",
        "title: Take a web server out of rotation\nrisk: medium",
        "title: Take a web server out of rotation\nrisk: low",
    )]);
    let difference = between(&small(), &new).await;
    assert!(difference.beside.iter().any(|shift| shift.widens && shift.says == "action `pool.drain_host` moves from medium to low risk"));
    // One kind for agents and operators together.
    assert_eq!(difference.opened.len(), 1, "{difference:?}");
    assert_eq!(difference.opened[0].permitted_by, ["low-risk"]);
    assert_eq!(difference.opened[0].environment, "Agent or Operator pool.drain_host Host");
    assert!(difference.opened[0].sentence.starts_with("an agent or an operator may now take a web server"), "{difference:?}");
}

#[tokio::test]
async fn a_new_action_is_all_widening_and_a_lost_one_closes() {
    let (mut all, extra) =
        (files(), "---\naction: notes.read\ntitle: Read notes\nrisk: low\nreversibility: reversible\nresource: service\n");
    all.get_mut("actions/all.yaml").unwrap().extend(extra.bytes());
    let new = lineclear_estate::load_files(&all).unwrap().policies;
    let difference = between(&small(), &new).await;
    assert_eq!(difference.opened.len(), 1);
    assert!(difference.opened[0].sentence.ends_with("permitted by `low-risk`, and this kind of request is new"), "{difference:?}");
    let back = between(&new, &small()).await;
    assert!(!back.widens());
    assert!(back.beside.iter().any(|shift| shift.says == "action `notes.read` is gone"));
}

#[tokio::test]
async fn roles_and_rungs_are_told_beside() {
    let new = estate(&[
        ("authority.yaml", "security-officer: [ben]", "security-officer: [ada, ben]"),
        ("authority.yaml", "    humans: 2\n", "    humans: 1\n"),
    ]);
    let difference = between(&small(), &new).await;
    let told: Vec<&str> = difference.beside.iter().map(|shift| shift.says.as_str()).collect();
    assert_eq!(told, ["rung `two-signed` asks for less", "`ada` now holds the role `security-officer`"]);
    assert!(difference.widens() && difference.opened.is_empty());
}

#[tokio::test]
async fn a_forbid_that_can_no_longer_be_read_counts_as_widening() {
    let role =
        named(r#"forbid (principal, action == Action::"telemetry.gather", resource) unless { !context.approvals.security_officer };"#);
    let old = plain(&[("policies/planted.cedar", &role)], &[]);
    let new = estate(&[("authority.yaml", "  security-officer: [ben]\n", "")]);
    let difference = between(&old, &new).await;
    let lost = "old policy `planted` speaks of something that is gone, and cannot be compared";
    assert!(difference.beside.iter().any(|shift| shift.widens && shift.says == lost), "{difference:?}");
}
