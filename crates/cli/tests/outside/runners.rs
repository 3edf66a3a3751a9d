//! Runners on other machines: the real binary as control plane, and real `lineclear runner` processes that reach it over HTTP. What
//! is done is counted by a process that none of them can reach into.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use lineclear_core::RunnerId;
use lineclear_engine::{Clock as _, SystemClock};
use lineclear_warrant::request::{NONCE_HEADER, RUNNER_HEADER, SIGNATURE_HEADER, TIME_HEADER};
use lineclear_warrant::{Request, RequestKey};
use reqwest::Method;
use serde_json::{Value, json};

use super::caches::{estate, propose, rules};
use super::installation::{Installation, LINECLEAR, eventually, run};

/// It writes every POST down before it answers, holds the answer back while a file is there, and tells what was done.
const SLOW: &str = r#"
import http.server, json, os, sys, time
log, hold = sys.argv[1], sys.argv[2]
class H(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def answer(self, body):
        body = json.dumps(body).encode()
        self.send_response(200); self.send_header("content-length", str(len(body))); self.end_headers(); self.wfile.write(body)
    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        with open(log, "a") as f: f.write(self.path + "\n")
        while os.path.exists(hold): time.sleep(0.05)
        self.answer({})
    def do_GET(self):
        with open(log) as f: self.answer({"done": f.read().splitlines().count(self.path)})
    def log_message(self, *a): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), H)
print(server.server_address[1], flush=True)
server.serve_forever()
"#;

struct Scene {
    house: Installation,
    target: Child,
    url: String,
}

/// A runner on "another machine": a folder and a process.
struct Remote {
    folder: PathBuf,
    process: Option<Child>,
}

impl Drop for Remote {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = self.target.kill();
        let _ = self.target.wait();
    }
}

impl Remote {
    fn starts(&mut self) {
        let mut command = Command::new(LINECLEAR);
        command.args(["runner", "serve", "--dir", self.folder.to_str().unwrap()]).stdin(Stdio::null()).stdout(Stdio::null());
        self.process = Some(command.spawn().unwrap());
    }

    /// As the kernel would: no goodbye, no flush.
    fn is_killed(&mut self) {
        let mut process = self.process.take().unwrap();
        process.kill().unwrap();
        process.wait().unwrap();
    }

    fn is_told_to_stop(&self) {
        run("kill", &["-TERM", &self.process.as_ref().unwrap().id().to_string()]);
    }

    fn runs(&mut self) -> bool {
        self.process.as_mut().unwrap().try_wait().unwrap().is_none()
    }

    fn identity(&self) -> (RunnerId, RequestKey) {
        let text = std::fs::read_to_string(self.folder.join("enrolment.json")).unwrap();
        let kept: Value = serde_json::from_str(&text).unwrap();
        let seed = std::fs::read_to_string(self.folder.join("identity.seed")).unwrap();
        let seed = seed.trim().as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap());
        let seed: [u8; 32] = seed.collect::<Vec<_>>().try_into().unwrap();
        (kept["runner"].as_str().unwrap().parse().unwrap(), RequestKey::from_seed(seed))
    }
}

impl Scene {
    /// Caches near Berlin, a control plane without a runner of its own, and what is purged.
    fn new(count: usize) -> Self {
        let mut files: BTreeMap<String, String> = estate(count);
        let runbook = "runbook: v1\nid: purge\ntitle: Purge\nowner: edge\ndeadline: 5m\nruns_on: [site=ber]\nsteps:\n  - id: purge\n    do: { http: { service: counter, method: POST, path: \"/purge/${target.name}\", expect_status: [200] } }\n    timeout: 30s\n    verify: { http: { service: counter, method: GET, path: \"/purge/${target.name}\", expect_json: { /done: 1 } } }\n    on_failure: person\n    on_unknown: verify\n";
        files.insert("runbooks/purge.yaml".into(), runbook.into());
        let mut house = Installation::new(&files, &["alice"], &["purger"], "");
        house.try_start_with(&["--listen", "127.0.0.1:0", "--no-runner"]).unwrap();
        std::fs::write(house.path("effects"), "").unwrap();
        let mut target = Command::new("python3")
            .args(["-c", SLOW, &house.text("effects"), &house.text("hold")])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut port = String::new();
        BufReader::new(target.stdout.take().unwrap()).read_line(&mut port).unwrap();
        let url = format!("http://127.0.0.1:{}", port.trim());
        Self { house, target, url }
    }

    fn invited(&self, name: &str, labels: &str) -> String {
        let output = self.house.lineclear("alice", &["runner", "invite", name, "--labels", labels]);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn enrols(&self, folder: &str, token: &str) -> Output {
        run(LINECLEAR, &["runner", "enrol", "--url", &self.house.base, "--token", token, "--dir", &self.house.text(folder)])
    }

    fn runner(&self, name: &str, labels: &str) -> Remote {
        let output = self.enrols(name, &self.invited(name, labels));
        assert!(output.status.success(), "{output:?}");
        let folder = self.house.path(name);
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(folder.join("identity.seed")).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600, "others may read the runner's key");
        let file = folder.join("runner.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, format!("{text}\n{}\n{}", self.approver(), rules(&self.url))).unwrap();
        let mut remote = Remote { folder, process: None };
        remote.starts();
        remote
    }

    /// Alice, as whoever runs a runner writes her into its file: who approves is never taken from the control plane.
    fn approver(&self) -> String {
        let key = std::fs::read_to_string(self.house.path("people").join("alice.pub")).unwrap();
        format!("[[approver]]\nid = \"operator_0193f0c4a1007a3e8b11d2c3b4a50001\"\nkeys = [{:?}]\n", key.trim())
    }

    fn effects(&self) -> Vec<String> {
        std::fs::read_to_string(self.house.path("effects")).unwrap().lines().map(str::to_owned).collect()
    }

    fn hold(&self) {
        std::fs::write(self.house.path("hold"), "").unwrap();
    }

    fn let_go(&self) {
        std::fs::remove_file(self.house.path("hold")).unwrap();
    }

    fn listed(&self) -> Vec<Value> {
        let output = self.house.lineclear("alice", &["runner", "list", "--json"]);
        assert!(output.status.success(), "{output:?}");
        let list: Value = serde_json::from_slice(&output.stdout).unwrap();
        list["runners"].as_array().unwrap().clone()
    }

    async fn is(&self, name: &str, member: &str, expected: Value) -> Value {
        eventually(&format!("{name} with {member} {expected}"), async || {
            self.listed().into_iter().find(|runner| runner["name"] == name && runner[member] == expected)
        })
        .await
    }

    async fn stands(&self, change: &str, word: &str) {
        eventually(&format!("{change} is {word}"), async || {
            let view = self.house.get("alice", &format!("/api/v1/changes/{change}")).await;
            (view["word"] == word).then_some(())
        })
        .await;
    }

    async fn approved(&self, change: &str) {
        self.stands(change, "awaiting_approval").await;
        let (status, answer) = self.house.approve_in_session("alice", change).await;
        assert_eq!(status, 200, "{answer}");
    }

    async fn kinds(&self, change: &str) -> Vec<String> {
        let view = self.house.get("alice", &format!("/api/v1/changes/{change}")).await;
        view["timeline"].as_array().unwrap().iter().map(|moment| moment["kind"].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_runs_on_the_runner_near_it_and_a_runner_killed_in_the_middle_finds_out_what_it_did() {
    let scene = Scene::new(2);
    let changes = propose(&scene.house, 2).await;
    // Nobody is there: the change says so, in plain words.
    scene.stands(&changes[0], "blocked").await;
    let said = scene.house.get("alice", &format!("/api/v1/changes/{}", changes[0])).await.to_string();
    assert!(said.contains("no runner that carries `site=ber` is connected"), "{said}");
    let _munich = scene.runner("muc-1", "site=muc");
    let mut berlin = scene.runner("ber-1", "site=ber,zone=b");
    scene.is("muc-1", "connected", json!(true)).await;
    scene.approved(&changes[0]).await;
    assert_eq!(scene.house.finished("alice", &changes[0]).await, "escalated");
    assert_eq!(scene.effects(), ["/purge/c0"]);
    // Only who was given a warrant has seen a head of the ledger.
    let seen = eventually("a head", async || scene.listed().into_iter().find(|one| one["name"] == "ber-1" && !one["head"].is_null())).await;
    assert!(seen["head"].as_u64().unwrap() > 0);
    assert_eq!(scene.is("muc-1", "connected", json!(true)).await["head"], Value::Null);

    scene.hold();
    scene.approved(&changes[1]).await;
    eventually("the effect", async || (scene.effects().len() == 2).then_some(())).await;
    let held = eventually("what it holds", async || {
        scene.listed().into_iter().find(|one| one["name"] == "ber-1" && one["holds"].as_array().is_some_and(|all| all.len() == 1))
    })
    .await;
    assert_eq!(held["holds"][0]["change"], changes[1].as_str());
    assert!(scene.house.page("alice", "/runners").await.contains("ber-1"));
    berlin.is_killed();
    scene.let_go();
    berlin.starts();
    assert_eq!(scene.house.finished("alice", &changes[1]).await, "escalated");
    assert!(scene.kinds(&changes[1]).await.contains(&"run.probed/1".to_owned()), "{:?}", scene.kinds(&changes[1]).await);
    assert_eq!(scene.effects(), ["/purge/c0", "/purge/c1"], "acted twice, or not at all");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runner_that_is_upgraded_finishes_what_it_has_and_nothing_is_lost_or_doubled() {
    let scene = Scene::new(2);
    let mut berlin = scene.runner("ber-1", "site=ber");
    let changes = propose(&scene.house, 1).await;
    scene.hold();
    scene.approved(&changes[0]).await;
    eventually("the effect", async || (scene.effects().len() == 1).then_some(())).await;
    berlin.is_told_to_stop();
    scene.is("ber-1", "stopping", json!(true)).await;
    assert!(berlin.runs(), "it left in the middle of a step");
    let body = json!({"action": "cache.purge", "target": "cache/c1", "confidence_bp": 5000, "reason": "stale pages"});
    let (_, answer) = scene.house.ask("purger", Method::POST, "/api/v1/changes", Some(body), &[]).await;
    let second = answer["id"].as_str().unwrap().to_owned();
    scene.stands(&second, "blocked").await;
    scene.let_go();
    eventually("its end", async || (!berlin.runs()).then_some(())).await;
    assert_eq!(berlin.process.take().unwrap().wait().unwrap().code(), Some(0));
    assert_eq!(scene.house.finished("alice", &changes[0]).await, "escalated");
    berlin.starts();
    scene.approved(&second).await;
    assert_eq!(scene.house.finished("alice", &second).await, "escalated");
    assert_eq!(scene.effects(), ["/purge/c0", "/purge/c1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_token_a_forged_request_a_replayed_one_and_a_revoked_runner_are_refused() {
    let scene = Scene::new(1);
    let token = scene.invited("ber-1", "site=ber");
    assert!(scene.enrols("ber-1", &token).status.success());
    let thief = scene.enrols("thief", &token);
    assert_eq!(thief.status.code(), Some(3), "{thief:?}");
    assert!(!scene.house.path("thief").join("enrolment.json").exists());
    assert_eq!(scene.is("ber-1", "token_shown_again", json!(true)).await["state"], "active");

    let runner = Remote { folder: scene.house.path("ber-1"), process: None };
    let (id, key) = runner.identity();
    let body = json!({"version": "0", "sandbox": "none", "stopping": false, "head": null}).to_string();
    let send = async |key: &RequestKey, nonce: u32| {
        let (path, nonce) = ("/api/v1/runner/heartbeat", format!("{nonce:032x}"));
        let at = SystemClock::default().now();
        let (audience, runner) = ("crash.example/g1", id);
        let request = Request { audience, runner, method: "POST", path, body: body.as_bytes(), at, nonce: &nonce };
        let sent = reqwest::Client::new()
            .post(format!("{}{path}", scene.house.base))
            .header("content-type", "application/json")
            .header(RUNNER_HEADER, id.to_string())
            .header(TIME_HEADER, at.as_micros().to_string())
            .header(NONCE_HEADER, &nonce)
            .header(SIGNATURE_HEADER, key.sign(&request).unwrap())
            .body(body.clone());
        let again = sent.try_clone().unwrap();
        (sent.send().await.unwrap().status().as_u16(), again.send().await.unwrap().status().as_u16())
    };
    assert_eq!(send(&key, 1).await, (200, 409), "a replayed request was taken");
    assert_eq!(send(&RequestKey::from_seed([9; 32]), 2).await, (403, 403), "a forged request was taken");
    let revoked = scene.house.lineclear("alice", &["runner", "revoke", "ber-1", "--reason", "its disk was sold"]);
    assert!(revoked.status.success(), "{revoked:?}");
    assert_eq!(send(&key, 3).await, (403, 403), "a revoked runner was heard");
    let agent = scene.house.lineclear("purger", &["runner", "list"]);
    assert_eq!(agent.status.code(), Some(3), "{agent:?}");
}
