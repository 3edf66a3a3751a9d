//! Each law with a set that keeps it and a planted mistake that does not; and the sentences that people read.

use lineclear_prove::{ProveError, Status, prove};

use crate::house::{all_refuted, edited, invariants, obligation, proofs, refuted, small, solver, source, with};

#[tokio::test]
async fn a_good_set_keeps_every_law() {
    let proofs = proofs(&small()).await;
    insta::assert_snapshot!("small", format!("{}\n\n{}", proofs.report, proofs.report.matrix));
    assert!(proofs.report.holds());
    let again = crate::house::proofs(&small()).await;
    assert_eq!(proofs.report, again.report);
}

/// Exactly these laws are broken, and the first is told so.
async fn check(policies: lineclear_policy::Policies, broken: &[&str], sentence: &str) {
    let proofs = proofs(&policies).await;
    assert_eq!(all_refuted(&proofs), broken, "{}", proofs.report);
    assert_eq!(refuted(&proofs, broken[0]), sentence);
}

#[tokio::test]
async fn a_high_risk_act_without_a_person_is_found() {
    let text = r#"permit (principal, action == Action::"dns.update", resource is Zone)
        when { context.evidence.dns_watched && context.emergency };"#;
    check(
        with(text),
        &["invariant/high-risk-needs-a-person", "alone/emergency"],
        "an agent may change one address record (`dns.update`) on a zone, with nobody's approval, while an emergency is declared and \
         `dns_watched` is confirmed: permitted by `planted`, though `high-risk-needs-a-person` says: High risk never without a person who signed",
    )
    .await;
}

#[tokio::test]
async fn a_forbid_that_overflows_is_found() {
    let text = r#"forbid (principal, action == Action::"pool.drain_host", resource)
        when { context.fleet_bp * context.customers > 100 && context.customers > 9000000000000 };"#;
    let proofs = proofs(&with(text)).await;
    // Within the ranges that the host asserts it cannot overflow, and the report says that this is what was proved.
    assert_eq!(obligation(&proofs, "sound").status, Status::Proved { bounded: true });
    let text = r#"forbid (principal, action == Action::"pool.drain_host", resource)
        when { context.customers * 4000000000 > 100 };"#;
    check(
        with(text),
        &["sound"],
        "`planted` cannot be evaluated when an agent asks to take a web server out of rotation (`pool.drain_host`) on a host, with nobody's \
         approval, while 2305843010 customers are in reach; a policy that fails is skipped, be it a forbid",
    )
    .await;
}

#[tokio::test]
async fn a_vote_that_closes_is_found() {
    let text = r#"forbid (principal, action == Action::"pool.drain_host", resource) when { context.approvals.security_officer };"#;
    check(
        with(text),
        &["order/approvals.security_officer"],
        "an agent may take a web server out of rotation (`pool.drain_host`) on a host with nobody's approval, while confidence is 80 % and \
         `backend_down` is confirmed, but no longer with nobody's approval, in the role of `security_officer`: permitted by \
         `drain-on-evidence`, then refused by `planted`",
    )
    .await;
    let text = r#"forbid (principal, action == Action::"telemetry.gather", resource) when { context.approvals.humans >= 2 };"#;
    let proofs = proofs(&with(text)).await;
    assert_eq!(all_refuted(&proofs), ["order/approvals.humans", "ladder/two-signed"]);
    assert_eq!(
        refuted(&proofs, "ladder/two-signed"),
        "an agent may gather the numbers of a service (`telemetry.gather`) on a service with the approvals of `one-operator`, but no longer \
         with those of `two-signed`: permitted by `low-risk`, then refused by `planted`"
    );
}

#[tokio::test]
async fn a_strong_signature_or_an_owner_that_closes_is_found() {
    let text = r#"forbid (principal, action == Action::"telemetry.gather", resource)
        when { context.approvals.grade == 1 || (context.approvals.owner && context.approvals.grade == 0) };"#;
    let proofs = proofs(&with(text)).await;
    assert_eq!(all_refuted(&proofs), ["order/approvals.owner", "order/approvals.grade", "ladder/one-operator"]);
}

#[tokio::test]
async fn confidence_that_opens_high_risk_is_found() {
    let policies = edited("context.approvals.grade >= 2\n};", "context.approvals.grade >= 2 &&\n  context.confidence_bp >= 9000\n};");
    check(
        policies,
        &["no-effect/confidence_bp"],
        "an agent may change one address record (`dns.update`) on a zone, with the approval of 2 people, the owning team among them, signed \
         with a key, when confidence is 90 %, while `dns_watched` is confirmed, but no longer when confidence is 89.99 %: permitted by \
         `dns-two-signed`, then no policy permits it",
    )
    .await;
}

#[tokio::test]
async fn doubt_that_opens_is_found() {
    let text = r#"permit (principal, action == Action::"pool.drain_host", resource is Host) when { context.confidence_bp < 1000 };"#;
    let proofs = proofs(&with(text)).await;
    assert_eq!(all_refuted(&proofs), ["order/confidence_bp"]);
}

#[tokio::test]
async fn caution_that_opens_is_found() {
    // Each only where no forbid of the estate stands before it.
    for (condition, law) in [
        ("context.posture == 1 && context.approvals.humans >= 1", "order/posture"),
        ("context.freeze && context.emergency && context.approvals.humans >= 2", "order/freeze"),
        ("context.conflicting && context.approvals.humans >= 1", "order/conflicting"),
        ("context.budget_bp < 0", "order/budget_bp"),
        ("context.burn >= 2", "order/burn"),
    ] {
        let text = format!("permit (principal, action == Action::\"pool.drain_host\", resource is Host) when {{ {condition} }};");
        let proofs = proofs(&with(&text)).await;
        assert_eq!(all_refuted(&proofs), [law], "{}", proofs.report);
    }
}

#[tokio::test]
async fn what_fails_only_outside_the_ranges_is_proved_within_them() {
    // Nobody counts -1 people, and no posture is above 3.
    let text = r#"permit (principal, action == Action::"telemetry.gather", resource) when { context.posture == 3 };
        forbid (principal, action == Action::"telemetry.gather", resource) when { context.posture > 3 };"#;
    let proofs = proofs(&with(text)).await;
    assert_eq!(obligation(&proofs, "order/posture").status, Status::Proved { bounded: true });
    assert!(proofs.report.holds());
}

#[tokio::test]
async fn an_invariant_about_nothing_is_found() {
    let mut sources = invariants();
    sources.push(source(
        "invariants/empty.cedar",
        "@id(\"vacuous\") @title(\"Never with fewer than no people\") forbid (principal, action, resource) when { context.approvals.humans < 0 };",
    ));
    let proofs = prove(&solver().await, &small(), &sources).await.unwrap();
    assert_eq!(all_refuted(&proofs), ["reach/vacuous"]);
}

#[tokio::test]
async fn an_invariant_that_cannot_be_used_is_refused_with_its_place() {
    let check = async |text: &str, expected: &str| {
        // Behind one that is right, so that each fault has a line of its own to be found in.
        let text =
            format!("@id(\"stopped\") @title(\"S\") forbid (principal, action, resource) when {{ context.posture <= 0 }};\n\n  {text}");
        let sources = [source("invariants/bad.cedar", &text)];
        let Err(ProveError::Invariants(faults)) = prove(&solver().await, &small(), &sources).await else { panic!("{text}") };
        assert_eq!(faults[0].message, expected);
        assert_eq!((faults[0].path.as_str(), faults[0].line), ("invariants/bad.cedar", 3));
        (faults[0].column, text.get(faults[0].offset..faults[0].offset + faults[0].len).unwrap().to_owned())
    };
    let whole = |text: &str| (3, text.to_owned());
    for (text, expected) in [
        ("forbid (principal, action, resource);", "an invariant without `@id`"),
        ("@id(\"a\") forbid (principal, action, resource);", "invariant `a` has no `@title`"),
        ("@id(\"a\") @title(\"A\") permit (principal, action, resource);", "invariant `a` is a `permit`"),
        ("@id(\"stopped\") @title(\"A\") forbid (principal, action, resource);", "a second invariant `stopped`"),
    ] {
        assert_eq!(check(text, expected).await, whole(text));
    }
    let (column, shown) =
        check("@id(\"a\") @title(\"A\") forbid (principal, action, resource) when { context.freeze && };", "unexpected token `}`").await;
    assert_eq!((column, shown.as_str()), (86, "}"));
    let (column, shown) = check(
        "@id(\"a\") @title(\"A\") forbid (principal, action == Action::\"dns.updat\", resource);",
        "for policy `a`, unrecognized action `Action::\"dns.updat\"`",
    )
    .await;
    assert_eq!((column, shown.as_str()), (53, "Action::\"dns.updat\""));
}

#[tokio::test]
async fn questions_are_written_for_a_solver_of_ones_own() {
    let proofs = proofs(&small()).await;
    let directory = tempfile::tempdir().unwrap();
    let files = proofs.export(directory.path()).unwrap();
    let index = std::fs::read_to_string(directory.path().join("INDEX.txt")).unwrap();
    let lines: Vec<&str> = index.lines().filter(|line| line.contains(".smt2")).collect();
    assert_eq!(lines.len(), files);
    for line in lines.into_iter().step_by(7) {
        let (answer, rest) = line.split_once(' ').unwrap();
        let file = directory.path().join(rest.trim_start().split('\t').next().unwrap());
        let solver = std::process::Command::new(crate::house::root().join("tools/cvc5"))
            .args(["--lang", "smt"])
            .stdin(std::fs::File::open(&file).unwrap())
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&solver.stdout).trim(), answer, "{line}");
    }
}

#[tokio::test]
async fn what_somebody_declares_opens_nothing_where_nobody_is_asked() {
    let drain =
        |condition: &str| format!("permit (principal, action == Action::\"pool.drain_host\", resource is Host) when {{ {condition} }};");
    for (condition, laws) in [
        ("context.emergency", &["alone/emergency"][..]),
        ("context.severity >= 1 && context.severity <= 2", &["alone/severity"]),
        ("context.emergency && context.severity == 1", &["alone/emergency", "alone/severity"]),
        // A person who answers for it makes it another matter.
        ("context.emergency && context.approvals.humans >= 1", &[]),
        ("context.severity >= 1 && context.approvals.humans >= 1", &[]),
    ] {
        let proofs = proofs(&with(&drain(condition))).await;
        assert_eq!(all_refuted(&proofs), laws, "{condition}\n{}", proofs.report);
    }
}
