use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use lineclear_core::run::AttemptKey;

use super::*;
use crate::control::{call, id};

fn site(number: u32) -> Site {
    let key = AttemptKey { run: id("run", 1), step: "tell".parse().unwrap(), direction: Direction::Do, number };
    Site { key, budget: Duration::from_secs(5) }
}

/// A receiver of its own process, in Python's own HTTP server: it keeps each request as a line of JSON, and drops a key that it has
/// seen. Asked at `/broken` it breaks, at `/no` it refuses, and at `/moved` it points elsewhere.
const RECEIVER: &str = r#"
import http.server, json, sys
log, seen = open(sys.argv[1], "a", buffering=1), set()
class H(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        key = self.headers.get("idempotency-key", "")
        status = {"/broken": 502, "/no": 403, "/moved": 302}.get(self.path, 200)
        if key not in seen:
            log.write(json.dumps({"path": self.path, "key": key, "bearer": self.headers.get("authorization"), "body": body}) + "\n")
        if status == 200: seen.add(key)
        self.send_response(status); self.send_header("content-length", "0"); self.send_header("location", "/hook"); self.end_headers()
    def log_message(self, *a): pass
server = http.server.HTTPServer(("127.0.0.1", 0), H)
print(server.server_address[1], flush=True)
server.serve_forever()
"#;

struct Town {
    process: Child,
    log: tempfile::NamedTempFile,
    base: String,
}

impl Drop for Town {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Town {
    fn start() -> Self {
        let log = tempfile::NamedTempFile::new().unwrap();
        let mut command = Command::new("python3");
        command.args(["-c", RECEIVER, log.path().to_str().unwrap()]).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut port = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut port).unwrap();
        Self { process, log, base: format!("http://127.0.0.1:{}", port.trim()) }
    }

    fn tool(&self) -> Notify {
        let one =
            |path: &str, dedupes| ReceiverConfig { url: format!("{}{path}", self.base), bearer: Some(Secret::new("the token")), dedupes };
        let gone = ReceiverConfig { url: "http://127.0.0.1:1/".into(), bearer: None, dedupes: false };
        let receivers = [
            ("desk", one("/hook?room=4", true)),
            ("plain", one("/hook", false)),
            ("broken", one("/broken", true)),
            ("no", one("/no", true)),
            ("moved", one("/moved", true)),
            ("gone", gone),
        ];
        Notify::new(&receivers.map(|(name, config)| (name.to_owned(), config)).into()).unwrap()
    }

    fn heard(&self) -> Vec<Value> {
        std::fs::read_to_string(self.log.path()).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn tell(receiver: &str) -> ToolCall {
    call("notify", json!({"receiver": receiver, "title": "web-2 is drained", "text": "It comes back at noon.\nAlice", "urgency": "high"}))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_is_told_once_however_often_the_step_is_tried() {
    let town = Town::start();
    let tool = town.tool();
    let preview = tool.preview(Args::of(&tell("desk")), None).await.unwrap();
    assert_eq!((preview.summary.as_str(), preview.reversible), ("`desk` is told: `web-2 is drained`", false));
    assert!(town.heard().is_empty(), "asking is not telling");
    for number in [1, 2, 2] {
        tool.call(Args::of(&tell("desk")), &site(number)).await.unwrap();
    }
    let heard = town.heard();
    let key = format!("{}/tell/do", site(1).key.run);
    assert_eq!(heard.len(), 1, "the second attempt has the key of the first, and its receiver drops it: {heard:?}");
    assert_eq!(
        (&heard[0]["path"], &heard[0]["key"], &heard[0]["bearer"]),
        (&json!("/hook?room=4"), &json!(key), &json!("Bearer the token"))
    );
    let body = &heard[0]["body"];
    assert_eq!(
        (&body["title"], &body["text"], &body["urgency"]),
        (&json!("web-2 is drained"), &json!("It comes back at noon.\nAlice"), &json!("high"))
    );
    assert_eq!(body["key"], key.as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_says_whether_it_arrived_and_a_class_says_what_protects() {
    let town = Town::start();
    let tool = town.tool();
    assert_eq!(tool.effect(&Args::of(&tell("desk"))), Ok(EffectClass::Keyed));
    assert_eq!(tool.effect(&Args::of(&tell("plain"))), Ok(EffectClass::Once));
    let told = async |receiver: &str| tool.call(Args::of(&tell(receiver)), &site(1)).await;
    assert!(matches!(told("no").await, Err(ToolError::NotApplied(why)) if why.contains("403")));
    assert!(matches!(told("broken").await, Err(ToolError::Unknown(why)) if why.contains("502")));
    // Not followed.
    assert!(matches!(told("moved").await, Err(ToolError::Unknown(why)) if why.contains("302")));
    assert!(matches!(told("gone").await, Err(ToolError::NotApplied(_))));
    assert!(matches!(told("stranger").await, Err(ToolError::NotApplied(why)) if why.contains("no receiver")));
    assert!(tool.check(Args::of(&tell("desk"))).await.is_err());
    assert!(town.heard().iter().all(|one| one["path"] != "/hook"));
}

#[test]
fn a_message_has_no_address_and_a_bound() {
    let config = ReceiverConfig { url: "http://127.0.0.1:1/".into(), bearer: None, dedupes: false };
    let tool = Notify::new(&[("desk".to_owned(), config)].into()).unwrap();
    let long = "x".repeat(2_001);
    for (name, value) in [
        ("url", json!("http://evil.test")),
        ("receiver", json!("http://evil.test")),
        ("title", json!("")),
        ("title", json!("two\nlines")),
        ("title", json!("x".repeat(201))),
        ("text", json!(long)),
        ("text", json!("a\u{7}b")),
        ("urgency", json!("shout")),
    ] {
        let mut call = tell("desk");
        call.with.insert(name.into(), value.clone());
        assert!(tool.effect(&Args::of(&call)).is_err(), "{name} {value}");
    }
    for url in ["", "ftp://host.test/", "http://user:secret@host.test/", "file:///etc/passwd"] {
        let config = ReceiverConfig { url: url.into(), bearer: None, dedupes: false };
        let why = Notify::new(&[("desk".to_owned(), config)].into()).err().unwrap();
        assert_eq!(why, "`desk` has no plain http or https address");
    }
}
