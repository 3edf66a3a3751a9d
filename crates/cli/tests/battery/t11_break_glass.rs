//! T11: an emergency and a broken glass without a reason, and after their time: refused, with the plane up and with it down. The
//! review is there, open, and somebody else's. What was done without the plane is told once, whole or not at all, also by a runner
//! that was killed between its record and the answer.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::caches::{Counter, estate};
use crate::installation::{Installation, LINECLEAR, eventually, succeeds};

const ALICE: &str = "operator_0193f0c4a1007a3e8b11d2c3b4a50001";
const BOB: &str = "operator_0193f0c4a1007a3e8b11d2c3b4a50002";
const WHY: &str = "the plane is down and the pages are stale";
const FREEZE: &str = "freezes:\n  - { title: sale, from: \"2020-01-01T00:00:00Z\", until: \"2090-01-01T00:00:00Z\" }\n";
const POLICY: &str = "@id(\"purge\")\n@title(\"One operator may purge\")\npermit (principal, action == Action::\"cache.purge\", resource) when { context.approvals.humans >= 1 };\n\n@id(\"freeze\")\n@title(\"In a freeze only an emergency lets one person purge\")\nforbid (principal, action == Action::\"cache.purge\", resource) when { context.freeze } unless { context.emergency && context.approvals.humans >= 1 };\n";

/// A cache that logs each purge before it answers, and answers purges of `slow` caches never.
const ORIGIN: &str = r#"
import http.server, sys, time
log = open(sys.argv[1], "a", buffering=1)
seen = set()
class H(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def answer(self, code):
        self.send_response(code); self.send_header("content-length", "2"); self.end_headers(); self.wfile.write(b"{}")
    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        seen.add(self.path); log.write(self.path + "\n")
        time.sleep(90)
        self.answer(200)
    def do_GET(self):
        self.answer(200 if self.path in seen else 404)
    def log_message(self, *a): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), H)
server.daemon_threads = True
print(server.server_address[1], flush=True)
server.serve_forever()
"#;

struct Origin {
    process: Child,
    log: tempfile::NamedTempFile,
    url: String,
}

impl Origin {
    fn start() -> Self {
        let log = tempfile::NamedTempFile::new().unwrap();
        let mut command = Command::new("python3");
        command.args(["-c", ORIGIN, log.path().to_str().unwrap()]).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut port = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut port).unwrap();
        Self { process, log, url: format!("http://127.0.0.1:{}", port.trim()) }
    }

    fn purges(&self) -> usize {
        std::fs::read_to_string(self.log.path()).unwrap().lines().count()
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn files() -> BTreeMap<String, String> {
    let mut files = estate(2);
    let emergencies = "approval_ttl: 2h\nemergencies: { longest: 1h, open_reviews: 2 }\n";
    let authority = files["authority.yaml"].replace("approval_ttl: 2h\n", emergencies);
    files.insert("authority.yaml".into(), authority);
    files.insert("freezes.yaml".into(), FREEZE.into());
    files.insert("policies/purge.cedar".into(), POLICY.into());
    files
}

/// An installation whose runner pins the purge, and the address where it is asked first.
struct World {
    house: Installation,
    port: u16,
}

impl World {
    fn new(origin: &str, change: impl FnOnce(&mut BTreeMap<String, String>)) -> Self {
        let mut files = files();
        change(&mut files);
        let folder = tempfile::tempdir().unwrap();
        let runbook = folder.path().join("purge.yaml");
        std::fs::write(&runbook, &files["runbooks/purge.yaml"]).unwrap();
        let pin = succeeds(LINECLEAR, &["breakglass", "pin", runbook.to_str().unwrap(), "--action", "cache.purge"]);
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let rules = format!(
            "[[allow]]\naction = \"cache.purge\"\nrisk = \"medium\"\ntools = [\"http\"]\nservices = [\"counter\"]\ntargets = [\"cache/c0\"]\n\n\
             [services.counter]\nurl = {origin:?}\n\n[breakglass]\nplane = \"http://127.0.0.1:{port}\"\npeople = [\"{ALICE}\"]\nlongest_minutes = 10\n\n{pin}"
        );
        Self { house: Installation::new(&files, &["alice", "bob"], &["purger"], &rules), port }
    }

    fn serve(&mut self) {
        let listen = format!("127.0.0.1:{}", self.port);
        self.house.try_start_with(&["--listen", &listen]).unwrap();
    }

    /// A command of `breakglass` on this host, with `more` after what it always needs.
    fn glass(&self, what: &str, more: &[&str]) -> Output {
        self.command(what, more).output().unwrap()
    }

    fn command(&self, what: &str, more: &[&str]) -> Command {
        let mut command = Command::new(LINECLEAR);
        command.args(["--json", "breakglass", what, "--runner", &self.house.text("data/runner/runner.toml")]);
        command.args(more).stdin(Stdio::null());
        command
    }

    /// Runs the purge without the plane; its exit code, and its code or how it ended.
    fn runs(&self, change: impl FnOnce(&mut Vec<String>)) -> (i32, String) {
        let mut args: Vec<String> = self.wish();
        args.extend(["--key".into(), self.house.text("people/alice"), "--yes".into()]);
        change(&mut args);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        told(&self.glass("run", &args))
    }

    fn wish(&self) -> Vec<String> {
        let runbook = self.house.text("estate/runbooks/purge.yaml");
        let wish = ["--runbook", &runbook, "--target", "cache/c0", "--person", ALICE, "--justification", WHY, "--minutes", "1"];
        wish.map(ToOwned::to_owned).to_vec()
    }

    fn reconcile(&self) -> (i32, Value) {
        let remote = ["--url", &self.house.base, "--token", self.house.token("bob")];
        let output = self.glass("reconcile", &remote);
        (output.status.code().unwrap(), serde_json::from_slice(&output.stdout).unwrap_or(Value::Null))
    }

    fn journals(&self) -> Vec<std::path::PathBuf> {
        let folder = std::fs::read_dir(self.house.path("data/runner/breakglass"));
        let mut all: Vec<_> = folder.into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
        all.sort();
        all
    }

    async fn open_reviews(&self) -> Vec<Value> {
        self.house.get("bob", "/api/v1/emergencies?open=true").await["items"].as_array().unwrap().clone()
    }

    async fn code(&self, who: &str, path: &str, body: Value) -> String {
        let (status, answer) = self.house.ask(who, Method::POST, path, Some(body), &[]).await;
        if status < 300 { "done".into() } else { answer["code"].as_str().unwrap_or_default().to_owned() }
    }

    /// Proposes to purge; where it stands once it was looked at.
    async fn proposed(&self) -> (String, String) {
        let body = json!({"action": "cache.purge", "target": "cache/c0", "confidence_bp": 5000, "reason": "stale pages"});
        let (_, answer) = self.house.ask("purger", Method::POST, "/api/v1/changes", Some(body), &[]).await;
        let change = answer["id"].as_str().unwrap().to_owned();
        let word = eventually("a verdict", async || {
            let word = self.house.get("alice", &format!("/api/v1/changes/{change}")).await["word"].as_str().unwrap().to_owned();
            (word != "proposed").then_some(word)
        })
        .await;
        (change, word)
    }
}

fn told(output: &Output) -> (i32, String) {
    let said: Value = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    let word = said.pointer("/error/code").or_else(|| said.pointer("/how")).and_then(Value::as_str);
    let word = word.map_or_else(|| String::from_utf8_lossy(&output.stderr).into_owned(), ToOwned::to_owned);
    (output.status.code().unwrap(), word)
}

fn set(args: &mut [String], name: &str, value: &str) {
    let at = args.iter().position(|arg| arg == name).unwrap();
    value.clone_into(&mut args[at + 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_plane_up_an_emergency_needs_a_reason_ends_by_the_clock_and_waits_for_somebody_else() {
    let counter = Counter::start();
    let mut world = World::new(&counter.url, |_| {});
    world.serve();
    assert_eq!(world.proposed().await.1, "denied", "everything is frozen");
    let declare = |justification: &str| json!({"justification": justification, "scope": "estate", "lasts_s": 60});
    let path = "/api/v1/emergencies";
    assert_eq!(world.code("alice", path, declare("")).await, "unreasoned");
    assert_eq!(world.code("alice", path, declare("fire")).await, "unreasoned");
    assert_eq!(world.code("purger", path, declare(WHY)).await, "people_only");
    assert_eq!(world.open_reviews().await, Vec::<Value>::new());

    let declared =
        world.house.lineclear("alice", &["--json", "emergency", "declare", "--estate", "--minutes", "1", "--justification", WHY]);
    let declared: Value = serde_json::from_slice(&declared.stdout).unwrap();
    let emergency = declared["emergency"]["id"].as_str().unwrap_or_else(|| panic!("{declared}")).to_owned();
    assert!(world.house.page("bob", "/").await.contains("Emergency in force"), "on every page");
    let (change, word) = world.proposed().await;
    assert_eq!(word, "awaiting_approval");
    assert_eq!(world.house.approve_in_session("alice", &change).await.0, 200);
    world.house.finished("alice", &change).await;
    assert_eq!(counter.effects().values().sum::<usize>(), 1);
    let record = world.house.get("bob", &format!("/api/v1/changes/{change}/record")).await;
    assert_eq!(record["emergency"]["id"], json!(emergency), "{}", record["emergency"]);

    let review = format!("{path}/{emergency}/review");
    let findings = || json!({"findings": "one purge, and it was right"});
    assert_eq!(world.code("bob", &review, findings()).await, "wrong_state", "it is in force");
    let (late, _) = world.proposed().await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    world.house.approve_in_session("alice", &late).await;
    eventually("the freeze to hold again", async || {
        let word = world.house.get("alice", &format!("/api/v1/changes/{late}")).await["word"].as_str().unwrap().to_owned();
        (word == "denied").then_some(())
    })
    .await;
    assert_eq!(counter.effects().values().sum::<usize>(), 1, "nothing after its time");
    let open = world.open_reviews().await;
    assert_eq!((open.len(), open[0]["state"].as_str()), (1, Some("in_review")), "present and open");
    assert_eq!(world.code("alice", &review, findings()).await, "own_review");
    assert_eq!(world.code("purger", &review, findings()).await, "people_only");
    assert_eq!(world.code("bob", &review, json!({"findings": ""})).await, "unreasoned");
    assert_eq!(world.code("bob", &review, findings()).await, "done");
    assert_eq!(world.open_reviews().await, Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_plane_down_a_person_acts_once_under_their_own_signature_and_the_review_is_open() {
    let counter = Counter::start();
    let mut world = World::new(&counter.url, |_| {});
    world.serve();
    let refused = |what: (i32, String), code: &str| assert_eq!(what, (3, code.to_owned()));
    // One process holds a runner's journal; the plane answers.
    assert_eq!(world.runs(|_| {}).0, 1, "the runner that serves holds its journal");
    world.house.kill();

    refused(world.runs(|args| set(args, "--justification", "")), "unreasoned");
    refused(world.runs(|args| set(args, "--justification", "fire")), "unreasoned");
    refused(world.runs(|args| set(args, "--person", BOB)), "not_you");
    refused(world.runs(|args| set(args, "--key", &world.house.text("people/bob"))), "bad_signature");
    refused(world.runs(|args| set(args, "--target", "cache/c1")), "not_allowed");
    refused(world.runs(|args| set(args, "--minutes", "11")), "too_long");
    refused(world.runs(|args| args.extend(["--input".into(), "mode=hard".into()])), "bad_inputs");
    let other = world.house.path("other.yaml");
    let text = std::fs::read_to_string(world.house.path("estate/runbooks/purge.yaml")).unwrap();
    std::fs::write(&other, text.replace("timeout: 20s", "timeout: 21s")).unwrap();
    refused(world.runs(|args| set(args, "--runbook", other.to_str().unwrap())), "unpinned");
    assert_eq!((counter.effects().len(), world.journals().len()), (0, 0), "nothing was done, and nothing begun");

    assert_eq!(world.runs(|_| {}), (0, "done".to_owned()));
    assert_eq!((counter.effects().get("/purge/c0"), world.journals().len()), (Some(&1), 1));
    world.serve();
    let open = world.open_reviews().await;
    assert_eq!((open.len(), open[0]["state"].as_str()), (1, Some("in_review")), "told when the plane came back: {open:?}");
    let emergency = open[0]["id"].as_str().unwrap().to_owned();
    let view = world.house.get("bob", &format!("/api/v1/emergencies/{emergency}")).await;
    assert_eq!(view["by"], ALICE);
    let told = view["timeline"].as_array().unwrap().iter().filter(|moment| moment["kind"] == "emergency.told/1").count();
    let lines = std::fs::read_to_string(&world.journals()[0]).unwrap().lines().count();
    assert_eq!(told, lines, "each line is in the ledger once");
    let journal = std::fs::read_to_string(&world.journals()[0]).unwrap();
    let (status, again) = world.house.ask("bob", Method::POST, "/api/v1/break-glass", Some(json!({ "journal": journal })), &[]).await;
    assert_eq!((status, again["new"].as_bool()), (200, Some(false)), "{again}");
    assert_eq!(world.code("purger", "/api/v1/break-glass", json!({ "journal": journal })).await, "people_only");
    let findings = || json!({"findings": "one purge, and it was right"});
    let review = format!("/api/v1/emergencies/{emergency}/review");
    assert_eq!(world.code("alice", &review, findings()).await, "own_review");
    assert_eq!(world.code("bob", &review, findings()).await, "done");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_is_good_once_and_for_its_time_and_not_while_the_plane_answers() {
    let counter = Counter::start();
    let mut world = World::new(&counter.url, |_| {});
    let statement = world.house.text("statement.json");
    let prepare = |world: &World| {
        let _ = std::fs::remove_file(&statement);
        let mut args = world.wish();
        args.extend(["--to".into(), statement.clone()]);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        assert_eq!(world.glass("prepare", &args).status.code(), Some(0));
        let _ = std::fs::remove_file(format!("{statement}.sig"));
        succeeds("ssh-keygen", &["-q", "-Y", "sign", "-n", "break-glass@lineclear", "-f", &world.house.text("people/alice"), &statement]);
    };
    let acts = |world: &World| {
        let signature = format!("{statement}.sig");
        let mut args = world.wish();
        args.extend(["--statement".into(), statement.clone(), "--signature".into(), signature]);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        told(&world.glass("run", &args))
    };
    prepare(&world);
    assert_eq!(acts(&world), (0, "done".to_owned()));
    assert_eq!(acts(&world), (3, "used".to_owned()));
    prepare(&world);
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert_eq!(acts(&world), (3, "expired".to_owned()));
    assert_eq!(counter.effects().get("/purge/c0"), Some(&1));

    // Another program answers where the plane should be: it is asked first.
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", world.port)).await.unwrap();
    let app = axum::Router::new().route("/healthz", axum::routing::get(async || "ok"));
    let server = tokio::spawn(async move { axum::serve(listener, app).await });
    assert_eq!(world.runs(|_| {}), (3, "plane_answers".to_owned()));
    let wrong = |reason: &str| world.runs(|args| args.extend(["--plane-is-wrong".into(), reason.into()]));
    assert_eq!(wrong("no"), (3, "unreasoned".to_owned()));
    assert_eq!(wrong("it was restored from an old backup"), (0, "done".to_owned()));
    server.abort();
    let _ = server.await;
    assert_eq!(counter.effects().get("/purge/c0"), Some(&2));
    world.serve();
    assert_eq!(world.open_reviews().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_somebody_touched_is_refused_and_nothing_is_lost() {
    let counter = Counter::start();
    let mut world = World::new(&counter.url, |_| {});
    assert_eq!(world.runs(|_| {}), (0, "done".to_owned()));
    let path = world.journals().remove(0);
    let whole = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    let (first, rest) = (lines[0], &lines[1..]);
    let moved = [vec![first, rest[1], rest[0]], rest[2..].to_vec()].concat().join("\n") + "\n";
    let touched =
        [("tampered", whole.replace("done", "gone")), ("truncated", lines[..lines.len() - 1].join("\n") + "\n"), ("out_of_order", moved)];
    for (code, text) in touched {
        assert_ne!(text, whole, "{code}");
        std::fs::write(&path, &text).unwrap();
        world.serve();
        assert_eq!(world.open_reviews().await, Vec::<Value>::new(), "{code}: a serving plane does not take it in");
        // Not the plane that shares its runner: one process holds the journal, so it is told by hand to see why.
        let (status, answer) = world.house.ask("bob", Method::POST, "/api/v1/break-glass", Some(json!({ "journal": text })), &[]).await;
        assert_eq!((status, answer["code"].as_str()), (422, Some("bad_journal")), "{code}: {answer}");
        world.house.kill();
        let (exit, said) = world.reconcile();
        assert_eq!((exit, said.pointer("/error/code").and_then(Value::as_str).is_some()), (3, true), "{code}: {said}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text, "{code}: the file stays as it is");
    }
    std::fs::write(&path, &whole).unwrap();
    world.serve();
    assert_eq!(world.open_reviews().await.len(), 1, "whole again, it is told");
    assert_eq!(counter.effects().get("/purge/c0"), Some(&1));
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_its_record_and_the_answer_it_is_looked_at_told_once_and_never_done_again() {
    let origin = Origin::start();
    let verified = |files: &mut BTreeMap<String, String>| {
        let check = "    verify: { http: { service: counter, method: GET, path: \"/purge/${target.name}\", expect_status: [200] } }\n    timeout: 20s\n";
        let runbook = files["runbooks/purge.yaml"].replace("    timeout: 20s\n", check);
        files.insert("runbooks/purge.yaml".into(), runbook);
    };
    let mut world = World::new(&origin.url, verified);
    let mut args = world.wish();
    args.extend(["--key".into(), world.house.text("people/alice"), "--yes".into()]);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let mut child = world.command("run", &args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    eventually("the effect", async || (origin.purges() == 1).then_some(())).await;
    child.kill().unwrap();
    child.wait().unwrap();
    let before = std::fs::read_to_string(&world.journals()[0]).unwrap();
    assert!(before.lines().last().unwrap().contains("started") && !before.contains("closed"), "{before}");

    world.serve();
    let open = world.open_reviews().await;
    assert_eq!(open.len(), 1, "{open:?}");
    let after = std::fs::read_to_string(&world.journals()[0]).unwrap();
    assert!(after.starts_with(&before) && after.contains("probed") && after.contains("closed"), "{after}");
    assert_eq!(origin.purges(), 1, "looked at, and not done again");
    world.house.kill();
    world.serve();
    assert_eq!((world.open_reviews().await.len(), origin.purges()), (1, 1), "told once");
}
