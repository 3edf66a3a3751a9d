use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::routing::{get, post};

use super::*;

const CHANGE: &str = "change_0193f0c4a1007a3e8b11d2c300000001";
const SHOWN: &str = "sha256:1111";
const OTHER: &str = "sha256:2222";

/// A fake of an installation, for fault injection: it answers another digest than the one that it showed.
struct Fake {
    /// The digest on the change's page, of the request, and inside the statement.
    digests: [&'static str; 3],
    /// The decision and the change inside the statement.
    said: (&'static str, &'static str),
    statements: AtomicUsize,
    votes: Mutex<Vec<Value>>,
}

/// Starts it on loopback, and says where it is.
async fn started(fake: Arc<Fake>) -> String {
    let [view, request, statement] = fake.digests;
    let (decision, change) = fake.said;
    let view = json!({"change": {"id": CHANGE, "proposal": {"target": "zone/example.test"}}, "approval": {"request": {"digest": view}}});
    let request = json!({"request": {"id": "approval_0193f0c4a1007a3e8b11d2c300000002", "digest": request}});
    let statement = json!({"change": change, "bundle_digest": statement, "decision": decision}).to_string();
    let asked = Arc::clone(&fake);
    let router = Router::new()
        .route("/api/v1/changes/{id}", get(async move || axum::Json(view)))
        .route("/api/v1/changes/{id}/request", get(async move || axum::Json(request)))
        .route(
            "/api/v1/approvals/{id}/statement",
            post(async move || {
                asked.statements.fetch_add(1, Ordering::SeqCst);
                axum::Json(json!({"statement": statement}))
            }),
        )
        .route(
            "/api/v1/approvals/{id}/votes",
            post(async move |axum::Json(vote): axum::Json<Value>| {
                fake.votes.lock().unwrap().push(vote);
                axum::Json(json!({"state": "granted", "people": 1, "needed": 1}))
            }),
        );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    // It ends with the runtime of its test.
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    base
}

/// What a person who runs `approve` is told, how many statements were asked for, and how many votes were sent.
async fn approved(digests: [&'static str; 3], said: (&'static str, &'static str), key: Option<&Path>) -> (String, usize, usize) {
    let fake = Arc::new(Fake { digests, said, statements: AtomicUsize::new(0), votes: Mutex::default() });
    let remote = Remote { url: started(Arc::clone(&fake)).await, token: Some("lc_alice".into()) };
    let args = Approve { change: CHANGE.into(), reason: "I looked".into(), key: key.map(Path::to_owned), yes: true, remote };
    let told = approve(&args, true).await.map_or_else(|failure| failure.message, |_| "approved".into());
    let votes = fake.votes.lock().unwrap().len();
    (told, fake.statements.load(Ordering::SeqCst), votes)
}

/// The key is not there: whoever comes so far as to sign with it fails with words of its own.
async fn check(digests: [&'static str; 3], said: (&'static str, &'static str), expected: (&str, usize)) {
    let (told, statements, votes) = approved(digests, said, Some(Path::new("/nowhere/key"))).await;
    assert!(told.contains(expected.0), "{digests:?}: {told}");
    assert_eq!((statements, votes), (expected.1, 0), "{digests:?}");
}

#[tokio::test]
async fn only_the_digest_that_was_shown_is_signed() {
    let ours = ("approve", CHANGE);
    // The line is crossed: all three are one, and the signing is tried.
    check([SHOWN, SHOWN, SHOWN], ours, ("`ssh-keygen` could not sign", 1)).await;
    // Somebody amended it, or the server lies, between showing and signing: not even a statement is asked for.
    check([SHOWN, OTHER, OTHER], ours, ("what is asked now is not what was shown; nothing was signed", 0)).await;
    check([SHOWN, OTHER, SHOWN], ours, ("what is asked now is not what was shown; nothing was signed", 0)).await;
    // Nothing was shown that could be signed.
    check(["", "", ""], ours, ("what is asked now is not what was shown; nothing was signed", 0)).await;
    // The text to be signed is about something else than the request that it belongs to.
    let elsewhere = "the server's statement is not about what was asked; nothing was signed";
    check([SHOWN, SHOWN, OTHER], ours, (elsewhere, 1)).await;
    check([SHOWN, SHOWN, SHOWN], ("reject", CHANGE), (elsewhere, 1)).await;
    check([SHOWN, SHOWN, SHOWN], ("approve", "change_0193f0c4a1007a3e8b11d2c300000009"), (elsewhere, 1)).await;
}

#[tokio::test]
async fn a_vote_without_a_key_goes_out_only_for_what_was_shown_too() {
    let ours = ("approve", CHANGE);
    assert_eq!(approved([SHOWN, SHOWN, SHOWN], ours, None).await, ("approved".into(), 1, 1));
    let (told, statements, votes) = approved([SHOWN, OTHER, OTHER], ours, None).await;
    assert!(told.contains("nothing was signed"), "{told}");
    assert_eq!((statements, votes), (0, 0));
    let (told, _, votes) = approved([SHOWN, SHOWN, OTHER], ours, None).await;
    assert!(told.contains("nothing was signed"), "{told}");
    assert_eq!(votes, 0);
}
