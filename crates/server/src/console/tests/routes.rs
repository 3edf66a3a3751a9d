//! The routes over a real engine in memory, as a browser meets them.

use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION};
use http::{Method, StatusCode};
use lineclear_core::run::{AttemptKey, Phase};
use lineclear_core::{ChangeId, RunnerId, Span};
use lineclear_engine::ChangeView;
use lineclear_warrant::Report;

use super::markup::{Tag, tags};
use crate::rig::{PATIENCE, Reply, Rig, dns, scale};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const OURS: (&str, &str) = ("sec-fetch-site", "same-origin");

async fn get(rig: &Rig, cookie: &str, path: &str) -> Reply {
    rig.send(Method::GET, path, &[("cookie", cookie)], None).await
}

async fn page(rig: &Rig, cookie: &str, path: &str) -> String {
    let reply = get(rig, cookie, path).await;
    assert_eq!(reply.status, StatusCode::OK, "{path}: {}", reply.text);
    assert_eq!(reply.headers[CONTENT_TYPE], "text/html; charset=utf-8");
    reply.text
}

async fn post(rig: &Rig, cookie: &str, path: &str, body: &str) -> Reply {
    rig.send(Method::POST, path, &[("cookie", cookie), FORM, OURS], Some(body)).await
}

fn value(page: &str, name: &str) -> String {
    let field = |tag: &Tag| (tag.get("name") == Some(name)).then(|| tag.get("value").unwrap().to_owned());
    tags(page).iter().find_map(field).unwrap_or_else(|| panic!("no field `{name}`"))
}

/// The fields of a vote on what the page shows.
fn ballot(page: &str, more: &str) -> String {
    format!("approval={}&digest={}&{more}", value(page, "approval"), value(page, "digest").replace(':', "%3A"))
}

#[tokio::test]
async fn whoever_is_not_signed_in_is_told_how() {
    let rig = Rig::quiet().await;
    for path in [
        "/",
        "/live",
        "/incidents",
        "/ledger",
        "/ledger/0",
        "/policy",
        "/runners",
        "/keys",
        "/changes/change_0193f0c4a1007a3e8b11d2c300000001",
    ] {
        let reply = get(&rig, "lineclear=nothing", path).await;
        assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(reply.headers[CONTENT_TYPE], "text/html; charset=utf-8");
        assert!(reply.text.contains("lineclear sign-in"), "{}", reply.text);
    }
}

#[tokio::test]
async fn every_page_answers_and_its_scripts_carry_the_nonce_of_its_own_response() {
    let rig = Rig::busy().await;
    let cookie = rig.sign_in("alice").await;
    let change = rig.propose(&dns()).await;
    let incident = rig.incident("www").await;
    let (of_change, of_incident) = (format!("/changes/{change}"), format!("/incidents/{incident}"));
    for path in ["/", "/incidents", "/ledger", "/ledger?before=2", "/ledger/1", "/policy", "/runners", &of_change, &of_incident] {
        let reply = get(&rig, &cookie, path).await;
        assert_eq!(reply.status, StatusCode::OK, "{path}: {}", reply.text);
        let policy = reply.headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
        let scripts: Vec<Tag> = tags(&reply.text).into_iter().filter(|tag| tag.name == "script").collect();
        assert_eq!(scripts.len(), 4, "{path}");
        for script in scripts {
            assert!(policy.contains(&format!("'nonce-{}'", script.get("nonce").unwrap())), "{path}");
            assert_eq!(get(&rig, "", script.get("src").unwrap()).await.status, StatusCode::OK);
        }
    }
    for path in ["/live", "/incidents/live", "/runners/live", &format!("{of_change}/live"), &format!("{of_incident}/live")] {
        let part = page(&rig, &cookie, path).await;
        assert!(!part.contains("<html"), "{path}");
    }
    assert!(page(&rig, &cookie, "/").await.contains(&of_change));
    assert!(page(&rig, &cookie, "/").await.contains(&of_incident));
}

#[tokio::test]
async fn what_is_not_there_is_a_page_too() {
    let rig = Rig::quiet().await;
    let cookie = rig.sign_in("alice").await;
    for path in
        ["/changes/change_7", "/changes/change_0193f0c4a1007a3e8b11d2c300000001", "/incidents/x", "/ledger/999", "/ledger/x", "/ledger/-1"]
    {
        let reply = get(&rig, &cookie, path).await;
        assert_eq!(reply.status, StatusCode::NOT_FOUND, "{path}");
        assert!(reply.text.contains("<h1>There is no such thing here.</h1>"), "{path}: {}", reply.text);
    }
}

#[tokio::test]
async fn a_person_approves_what_is_on_the_screen_and_nothing_else() {
    let rig = Rig::busy().await;
    let change = rig.propose(&scale()).await;
    let path = format!("/changes/{change}");
    let cookie = rig.sign_in("frank").await;
    let shown = page(&rig, &cookie, &path).await;
    let stale = ballot(&shown, "").replace("digest=sha256%3A", "digest=sha256%3A0").replace("%3A0", "%3A");
    let other = stale
        .rsplit_once("sha256%3A")
        .map(|(head, tail)| format!("{head}sha256%3A{}&", tail.trim_end_matches('&').chars().rev().collect::<String>()))
        .unwrap();
    let reply = post(&rig, &cookie, &format!("{path}/approve"), &other).await;
    assert_eq!(reply.status, StatusCode::CONFLICT, "{}", reply.text);
    assert!(reply.text.contains("not what was on your screen") && reply.text.contains("role=\"alert\""));
    let reply = post(&rig, &cookie, &format!("{path}/approve"), &ballot(&shown, "reason=load+is%0D%0Areal")).await;
    assert_eq!(reply.status, StatusCode::SEE_OTHER, "{}", reply.text);
    assert_eq!(reply.headers[LOCATION], path);
    let id: ChangeId = change.parse().unwrap();
    let view = rig.app.engine.decided(id, PATIENCE).await.unwrap();
    let said = view.approval.unwrap().votes()[0].statement.clone();
    assert!(said.contains(r#""reason": "load is\nreal""#), "{said}");
    assert!(page(&rig, &cookie, &path).await.contains("Frank Falk"));
}

#[tokio::test]
async fn an_approval_that_counts_for_nothing_is_refused_in_place() {
    let rig = Rig::busy().await;
    let change = rig.propose(&scale()).await;
    let path = format!("/changes/{change}");
    let shown = page(&rig, &rig.sign_in("frank").await, &path).await;
    // Carol owns the agent that proposes.
    let carol = rig.sign_in("carol").await;
    assert!(!page(&rig, &carol, &path).await.contains("/approve\""));
    let reply = post(&rig, &carol, &format!("{path}/approve"), &ballot(&shown, "reason=mine")).await;
    assert_eq!(reply.status, StatusCode::FORBIDDEN);
    assert!(reply.text.contains("Who proposes cannot approve."), "{}", reply.text);
}

#[tokio::test]
async fn where_a_signature_is_asked_a_session_is_too_weak_and_the_command_is_shown() {
    let rig = Rig::busy().await;
    let change = rig.propose(&dns()).await;
    let path = format!("/changes/{change}");
    let alice = rig.sign_in("alice").await;
    let shown = page(&rig, &alice, &path).await;
    assert!(shown.contains(&format!("lineclear approve {change} --key FILE")), "{shown}");
    let reply = post(&rig, &alice, &format!("{path}/approve"), &ballot(&shown, "confirm=")).await;
    assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(reply.text.contains("type the target’s name"), "{}", reply.text);
    let reply = post(&rig, &alice, &format!("{path}/approve"), &ballot(&shown, "confirm=zone%2Fexample.test")).await;
    assert_eq!(reply.status, StatusCode::FORBIDDEN);
    assert!(reply.text.contains("Policy asks for a stronger signature."), "{}", reply.text);
}

#[tokio::test]
async fn a_rejection_needs_a_reason_and_ends_it() {
    let rig = Rig::busy().await;
    let change = rig.propose(&dns()).await;
    let path = format!("/changes/{change}");
    let carol = rig.sign_in("carol").await;
    let shown = page(&rig, &carol, &path).await;
    let reply = post(&rig, &carol, &format!("{path}/reject"), &ballot(&shown, "reason=++")).await;
    assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(reply.text.contains("A reason is missing."), "{}", reply.text);
    let reply = post(&rig, &carol, &format!("{path}/reject"), &ballot(&shown, "reason=not+now")).await;
    assert_eq!(reply.status, StatusCode::SEE_OTHER, "{}", reply.text);
    let after = page(&rig, &carol, &path).await;
    assert!(after.contains("a person said no") && !after.contains("/reject\""));
}

#[tokio::test]
async fn a_form_of_another_site_or_shape_does_nothing() {
    let rig = Rig::busy().await;
    let change = rig.propose(&scale()).await;
    let path = format!("/changes/{change}");
    let frank = rig.sign_in("frank").await;
    let shown = page(&rig, &frank, &path).await;
    let approve = format!("{path}/approve");
    for site in ["cross-site", "same-site", "none"] {
        let headers = [("cookie", frank.as_str()), FORM, ("sec-fetch-site", site)];
        let reply = rig.send(Method::POST, &approve, &headers, Some(&ballot(&shown, ""))).await;
        assert_eq!(reply.status, StatusCode::FORBIDDEN, "{site}");
    }
    for body in ["", "approval=x&digest=y", &ballot(&shown, "more=1")] {
        assert_eq!(post(&rig, &frank, &approve, body).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
    }
    let back = get(&rig, &frank, &approve).await;
    assert_eq!((back.status, back.headers[LOCATION].to_str().unwrap()), (StatusCode::SEE_OTHER, path.as_str()));
    let view = rig.app.engine.view(change.parse().unwrap()).await.unwrap();
    assert_eq!(view.word, "awaiting_approval");
}

/// Waits until something can be seen of a change.
async fn seen<T>(rig: &Rig, change: &str, look: impl Fn(&ChangeView) -> Option<T>) -> T {
    let id: ChangeId = change.parse().unwrap();
    let waited = async {
        let mut notices = rig.app.engine.notices();
        loop {
            if let Some(found) = look(&rig.app.engine.view(id).await.unwrap()) {
                return found;
            }
            // Whoever falls behind looks again.
            let _ = notices.recv().await;
        }
    };
    tokio::time::timeout(PATIENCE, waited).await.unwrap()
}

async fn word(rig: &Rig, change: &str, wanted: &str) {
    seen(rig, change, |view| (view.word == wanted).then_some(())).await;
}

/// A change whose warrant a runner holds, and its attempt.
async fn at_work(rig: &Rig) -> (String, RunnerId, AttemptKey) {
    let change = rig.propose(&scale()).await;
    let path = format!("/changes/{change}");
    let frank = rig.sign_in("frank").await;
    let shown = page(rig, &frank, &path).await;
    assert_eq!(post(rig, &frank, &format!("{path}/approve"), &ballot(&shown, "")).await.status, StatusCode::SEE_OTHER);
    let (runner, attempt) = seen(rig, &change, |view| {
        let (attempt, phase) = view.run.as_ref()?.attempt()?;
        if phase == Phase::Intended { None } else { Some((attempt.runner?, attempt.key.clone())) }
    })
    .await;
    (change, runner, attempt)
}

#[tokio::test]
async fn a_person_decides_about_a_stuck_run_and_declares_what_became_of_it() {
    let rig = Rig::busy().await;
    let (change, runner, attempt) = at_work(&rig).await;
    let refused = Report::Refused { attempt: Some(attempt), code: "not_allowed".into(), why: "not here".into() };
    rig.app.engine.report(runner, refused).await.unwrap();
    word(&rig, &change, "stuck").await;
    let path = format!("/changes/{change}");
    let alice = rig.sign_in("alice").await;
    assert!(page(&rig, &alice, &path).await.contains(&format!("action=\"{path}/resolve\"")));
    for body in ["", "resolution=explode&reason=x", "resolution=abort&reason=x&more=1"] {
        assert_eq!(post(&rig, &alice, &format!("{path}/resolve"), body).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
    }
    let reply = post(&rig, &alice, &format!("{path}/resolve"), "resolution=abort&reason=++").await;
    assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(reply.text.contains("A reason is missing."), "{}", reply.text);
    word(&rig, &change, "stuck").await;
    let reply = post(&rig, &alice, &format!("{path}/resolve"), "resolution=abort&reason=leave+it").await;
    assert_eq!((reply.status, reply.headers[LOCATION].to_str().unwrap()), (StatusCode::SEE_OTHER, path.as_str()), "{}", reply.text);
    word(&rig, &change, "escalated").await;

    let reply = post(&rig, &alice, &format!("{path}/resolve"), "resolution=abort&reason=again").await;
    assert_eq!(reply.status, StatusCode::CONFLICT, "it is stuck no more: {}", reply.text);
    let reply = post(&rig, &alice, &format!("{path}/take-back"), "reason=back").await;
    assert_eq!(reply.status, StatusCode::CONFLICT, "what was broken off is not taken back: {}", reply.text);
    assert!(reply.text.contains("role=\"alert\""), "{}", reply.text);
    assert_eq!(post(&rig, &alice, &format!("{path}/declare"), "success=false&reason=it+broke+off").await.status, StatusCode::SEE_OTHER);
    word(&rig, &change, "failed").await;
}

#[tokio::test]
async fn a_person_takes_back_what_a_finished_run_did() {
    let rig = Rig::busy().await;
    let (change, runner, attempt) = at_work(&rig).await;
    let output = serde_json::json!({"status": 200});
    for report in
        [Report::Accepted { attempt: attempt.clone() }, Report::Started { attempt: attempt.clone() }, Report::Succeeded { attempt, output }]
    {
        rig.app.engine.report(runner, report).await.unwrap();
    }
    word(&rig, &change, "verifying").await;
    rig.wait(Span::from_secs(3_600));
    word(&rig, &change, "escalated").await;
    let path = format!("/changes/{change}");
    let alice = rig.sign_in("alice").await;
    assert!(page(&rig, &alice, &path).await.contains(&format!("action=\"{path}/take-back\"")));
    let reply = post(&rig, &alice, &format!("{path}/take-back"), "reason=").await;
    assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", reply.text);
    word(&rig, &change, "escalated").await;
    let reply = post(&rig, &alice, &format!("{path}/take-back"), "reason=worse+than+before").await;
    assert_eq!((reply.status, reply.headers[LOCATION].to_str().unwrap()), (StatusCode::SEE_OTHER, path.as_str()), "{}", reply.text);
    let kinds = |view: &ChangeView| view.timeline.iter().map(|moment| moment.kind.clone()).collect::<Vec<_>>();
    let kinds = seen(&rig, &change, |view| Some(kinds(view))).await;
    assert!(kinds.contains(&"change.taken_back/1".to_owned()), "{kinds:?}");
}

#[tokio::test]
async fn every_act_on_a_page_is_for_people_who_are_signed_in_here_and_about_something_that_is_there() {
    let rig = Rig::quiet().await;
    let change = format!("/changes/{}", rig.propose(&scale()).await);
    let incident = format!("/incidents/{}", rig.incident("www").await);
    let alice = rig.sign_in("alice").await;
    let size = async || rig.app.engine.store().head().await.unwrap().size;
    let before = size().await;
    let no_change = ["/changes/change_0193f0c4a1007a3e8b11d2c300000001", "/changes/change_7"];
    let no_incident = ["/incidents/incident_0193f0c4a1007a3e8b11d2c300000001", "/incidents/x"];
    for (thing, unknown, act, body) in [
        (change.as_str(), &no_change[..], "resolve", "resolution=abort&reason=x"),
        (&change, &no_change, "take-back", "reason=x"),
        (&change, &no_change, "declare", "success=true&reason=x"),
        (&incident, &no_incident, "take", ""),
        (&incident, &no_incident, "close", "reason=x"),
        ("", &[], "posture", "posture=stopped&reason=x"),
    ] {
        let path = format!("{thing}/{act}");
        assert_eq!(post(&rig, "", &path, body).await.status, StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(post(&rig, "lineclear=nothing", &path, body).await.status, StatusCode::UNAUTHORIZED, "{path}");
        for from in [("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site"), ("origin", "http://elsewhere.example")] {
            let headers = [("cookie", alice.as_str()), FORM, from];
            assert_eq!(rig.send(Method::POST, &path, &headers, Some(body)).await.status, StatusCode::FORBIDDEN, "{path} {from:?}");
        }
        let malformed = post(&rig, &alice, &path, &format!("{body}&more=1")).await;
        assert_eq!(malformed.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
        for unknown in unknown {
            let reply = post(&rig, &alice, &format!("{unknown}/{act}"), body).await;
            assert_eq!(reply.status, StatusCode::NOT_FOUND, "{unknown}/{act}: {}", reply.text);
        }
    }
    assert_eq!(size().await, before, "nothing of it is on record, because nothing was done");
}

#[tokio::test]
async fn the_bar_is_sent_again_only_when_it_is_another() {
    let rig = Rig::busy().await;
    let change = rig.propose(&scale()).await;
    let frank = rig.sign_in("frank").await;
    let shown = page(&rig, &frank, &format!("/changes/{change}")).await;
    let bar = tags(&shown).into_iter().find(|tag| tag.get("id") == Some("decide")).unwrap();
    let path = bar.get("hx-get").unwrap();
    assert_eq!(get(&rig, &frank, path).await.status, StatusCode::NO_CONTENT);
    let reply = post(&rig, &frank, &format!("/changes/{change}/reject"), &ballot(&shown, "reason=no")).await;
    assert_eq!(reply.status, StatusCode::SEE_OTHER);
    let bar = page(&rig, &frank, path).await;
    assert!(bar.starts_with("<aside") && !bar.contains("<form"), "{bar}");
}

#[tokio::test]
async fn an_incident_is_taken_and_closed() {
    let rig = Rig::quiet().await;
    let path = format!("/incidents/{}", rig.incident("www").await);
    let dave = rig.sign_in("dave").await;
    assert_eq!(post(&rig, &dave, &format!("{path}/take"), "").await.status, StatusCode::SEE_OTHER);
    assert!(page(&rig, &dave, &path).await.contains("Commander</dt><dd>dave"));
    let reply = post(&rig, &dave, &format!("{path}/close"), "reason=").await;
    assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(reply.text.contains("A reason is missing."));
    assert_eq!(post(&rig, &dave, &format!("{path}/close"), "reason=over").await.status, StatusCode::SEE_OTHER);
    assert!(!page(&rig, &dave, &path).await.contains("/close\""));
}

#[tokio::test]
async fn the_posture_is_set_with_a_reason_and_every_page_says_so() {
    let rig = Rig::quiet().await;
    let dave = rig.sign_in("dave").await;
    assert_eq!(post(&rig, &dave, "/posture", "posture=stopped&reason=").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(post(&rig, &dave, "/posture", "posture=stopped&reason=too+odd").await.status, StatusCode::SEE_OTHER);
    assert!(page(&rig, &dave, "/").await.contains("Posture: stopped."));
}

#[tokio::test]
async fn assets_are_kept_for_ever_under_their_version_only() {
    let rig = Rig::quiet().await;
    let address = crate::console::asset::address("console.css");
    let reply = get(&rig, "", &address).await;
    assert_eq!(reply.headers[CACHE_CONTROL], "public, max-age=31536000, immutable");
    assert_eq!(reply.headers[CONTENT_TYPE], "text/css; charset=utf-8");
    for path in ["/assets/console.css", "/assets/000000000000/console.css"] {
        assert_eq!(get(&rig, "", path).await.headers[CACHE_CONTROL], "no-cache", "{path}");
    }
    assert_eq!(get(&rig, "", "/assets/README.md").await.status, StatusCode::NOT_FOUND);
}
