//! News of changes of each sender, in bodies written here after its manual.

use lineclear_core::deployment::{Kind, Progress};
use lineclear_core::signal::SourceKind;

use super::{Heard, check_refused, heard, heard_with, report};

#[test]
fn a_deployment_on_github_starts_and_ends_under_one_key() {
    let body = |state: &str| {
        format!(
            r#"{{"deployment_status":{{"state":"{state}","created_at":"2026-11-25T07:59:00Z","target_url":"https://ci.example.test/1"}},
            "deployment":{{"id":9,"sha":"abc123","ref":"main","environment":"production","description":"v1.2","creator":{{"login":"carol"}},"created_at":"2026-11-25T07:58:00Z"}},
            "repository":{{"name":"shop","full_name":"northwind/shop"}}}}"#
        )
    };
    let begun = report(SourceKind::Github, &[("x-github-event", "deployment_status")], &body("in_progress"));
    let done = report(SourceKind::Github, &[("x-github-event", "deployment_status")], &body("success"));
    let failed = report(SourceKind::Github, &[("x-github-event", "deployment_status")], &body("failure"));
    assert_eq!([begun.progress, done.progress, failed.progress], [Progress::Started, Progress::Succeeded, Progress::Failed]);
    assert_eq!((begun.fingerprint.as_str(), &done.fingerprint), ("deployment/9", &failed.fingerprint));
    assert_eq!(
        (done.service.as_deref(), done.environment.as_deref(), done.revision.as_deref()),
        (Some("shop"), Some("production"), Some("abc123"))
    );
    assert_eq!((done.author.as_deref(), done.link.as_deref()), (Some("carol"), Some("https://ci.example.test/1")));
}

#[test]
fn a_push_counts_on_the_default_branch_only_and_other_events_are_left() {
    let push = |branch: &str| {
        format!(
            r#"{{"ref":"refs/heads/{branch}","after":"abc","deleted":false,"compare":"https://github.com/x","repository":{{"name":"shop","default_branch":"main"}},"sender":{{"login":"bob"}},"head_commit":{{"message":"Cache less\n\nlong","timestamp":"2026-11-25T07:00:00+01:00"}}}}"#
        )
    };
    let merged = report(SourceKind::Github, &[("x-github-event", "push")], &push("main"));
    assert_eq!(
        (merged.kind, merged.title.as_str(), merged.at.to_string().as_str()),
        (Kind::Merge, "shop: Cache less", "2026-11-25T06:00:00.000000Z")
    );
    let aside = heard_with(SourceKind::Github, &[("x-github-event", "push")], &push("topic")).unwrap();
    assert_eq!(aside, Heard::Nothing("a push to another branch than the default one"));
    assert_eq!(heard_with(SourceKind::Github, &[("x-github-event", "ping")], "{}").unwrap(), Heard::Nothing("a ping"));
    assert_eq!(heard_with(SourceKind::Github, &[("x-github-event", "star")], "{}").unwrap(), Heard::Nothing("this event is not read"));
    check_refused(SourceKind::Github, &[], "{}", "/X-GitHub-Event: expected this header");
    let release = report(
        SourceKind::Github,
        &[("x-github-event", "release")],
        r#"{"action":"published","release":{"id":1,"tag_name":"v2","html_url":"https://github.com/r"},"repository":{"name":"shop"}}"#,
    );
    assert_eq!((release.kind, release.title.as_str()), (Kind::Release, "shop v2"));
}

#[test]
fn gitlab_argo_netbox_and_a_sender_of_one_s_own_are_read() {
    let gitlab = report(
        SourceKind::Gitlab,
        &[],
        r#"{"object_kind":"deployment","status":"failed","status_changed_at":"2026-11-25 08:50:00 +0200","deployment_id":15,"environment":"production","project":{"path_with_namespace":"northwind/shop","name":"Shop"},"short_sha":"abc","user":{"username":"dave"},"commit_title":"Add x"}"#,
    );
    assert_eq!(
        (gitlab.progress, gitlab.service.as_deref(), gitlab.at.to_string().as_str()),
        (Progress::Failed, Some("shop"), "2026-11-25T06:50:00.000000Z")
    );
    let argo = report(
        SourceKind::Argocd,
        &[],
        r#"{"app":{"metadata":{"name":"shop"},"spec":{"destination":{"namespace":"prod"}},"status":{"operationState":{"phase":"Succeeded","startedAt":"2026-11-25T07:00:00Z","finishedAt":"2026-11-25T07:01:00Z","message":"successfully synced","syncResult":{"revision":"abc"}}}}}"#,
    );
    assert_eq!((argo.progress, argo.revision.as_deref(), argo.environment.as_deref()), (Progress::Succeeded, Some("abc"), Some("prod")));
    let netbox = report(
        SourceKind::Netbox,
        &[],
        r#"{"event":"updated","timestamp":"2026-11-25T07:00:00+00:00","model":"device","username":"erin","request_id":"q","data":{"id":4,"name":"web-1"}}"#,
    );
    assert_eq!(netbox.title, "device web-1 was updated by erin");
    let own = report(
        SourceKind::Deployment,
        &[],
        r#"{"id":"d-1","title":"shop 4.2","service":"service/shop","state":"started","link":"javascript:alert(1)"}"#,
    );
    assert_eq!((own.progress, own.service.as_deref(), own.link), (Progress::Started, Some("service/shop"), None));
    check_refused(
        SourceKind::Deployment,
        &[],
        r#"{"id":"d","title":"t","state":"done"}"#,
        "/state: expected `started`, `succeeded` or `failed`",
    );
    check_refused(
        SourceKind::Deployment,
        &[],
        r#"{"id":"d","title":"t","state":"started","sevice":"x"}"#,
        "/sevice: expected no member of this name",
    );
    check_refused(
        SourceKind::Deployment,
        &[],
        r#"{"id":"d","title":"t","state":"started","at":"yesterday"}"#,
        "/at: expected an RFC 3339 time",
    );
}

#[test]
fn a_change_event_of_pagerduty_and_one_of_cdevents_are_changes() {
    let pager = report(
        SourceKind::Pagerduty,
        &[],
        r#"{"routing_key":"r","payload":{"summary":"Build 7 went out","timestamp":"2026-11-25T07:00:00Z","source":"shop","custom_details":{"version":"7"}},"links":[{"href":"https://ci.example.test/7"}]}"#,
    );
    assert_eq!((pager.title.as_str(), pager.service.as_deref(), pager.revision.as_deref()), ("Build 7 went out", Some("shop"), Some("7")));
    let cd = r#"{"specversion":"1.0","id":"1","source":"/cd","type":"dev.cdevents.service.deployed.0.2.0","data":{"context":{"id":"c1","timestamp":"2026-11-25T07:00:00Z"},"subject":{"id":"shop","content":{"environment":{"id":"prod"},"artifactId":"pkg:oci/shop@1"}}}}"#;
    let deployed = report(SourceKind::Cloudevents, &[], cd);
    assert_eq!((deployed.title.as_str(), deployed.environment.as_deref()), ("shop deployed", Some("prod")));
    let other = heard(SourceKind::Cloudevents, &cd.replace("service.deployed", "build.queued")).unwrap();
    assert_eq!(other, Heard::Nothing("these events change nothing that is in service"));
}
