//! An estate of caches that one operator may purge, and a counter of effects in a process of its own.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use reqwest::Method;
use serde_json::{Value, json};

use super::installation::{Installation, eventually};

/// The counter: it answers every POST and keeps one line a request.
const COUNTER: &str = r#"
import http.server, sys
log = open(sys.argv[1], "a", buffering=1)
class H(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        log.write(self.path + "\n")
        self.send_response(200); self.send_header("content-length", "2"); self.end_headers(); self.wfile.write(b"{}")
    def log_message(self, *a): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), H)
print(server.server_address[1], flush=True)
server.serve_forever()
"#;

/// Counts effects, in a process of its own.
pub struct Counter {
    process: Child,
    log: tempfile::NamedTempFile,
    /// Where it listens.
    pub url: String,
}

impl Counter {
    /// Starts one.
    pub fn start() -> Self {
        let log = tempfile::NamedTempFile::new().unwrap();
        let mut process = Command::new("python3")
            .args(["-c", COUNTER, log.path().to_str().unwrap()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut port = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut port).unwrap();
        Self { process, log, url: format!("http://127.0.0.1:{}", port.trim()) }
    }

    /// How often each path was acted on.
    pub fn effects(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for line in std::fs::read_to_string(self.log.path()).unwrap().lines() {
            *counts.entry(line.to_owned()).or_insert(0) += 1;
        }
        counts
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A file of the catalog holds a bounded number of values.
const CACHES_PER_FILE: usize = 250;

fn cache(n: usize) -> String {
    format!(
        "apiVersion: backstage.io/v1alpha1\nkind: Resource\nmetadata:\n  name: c{n}\n  title: Cache {n}\n  annotations: {{ lineclear.dev/environment: production, lineclear.dev/customers: \"1\" }}\nspec: {{ type: cache, owner: edge }}\n"
    )
}

/// An estate with `count` caches of their own, each purged with one operator's word.
pub fn estate(count: usize) -> BTreeMap<String, String> {
    let team = String::from(
        "apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: { name: edge, title: Edge }\nspec: { type: team, children: [] }\n",
    );
    let people = "apiVersion: backstage.io/v1alpha1\nkind: User\nmetadata:\n  name: alice\n  annotations: { lineclear.dev/id: operator_0193f0c4a1007a3e8b11d2c3b4a50001 }\nspec: { profile: { displayName: Alice }, memberOf: [edge] }\n---\napiVersion: backstage.io/v1alpha1\nkind: User\nmetadata:\n  name: bob\n  annotations: { lineclear.dev/id: operator_0193f0c4a1007a3e8b11d2c3b4a50002 }\nspec: { profile: { displayName: Bob }, memberOf: [edge] }\n---\napiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: purger\n  annotations: { lineclear.dev/id: agent_0193f0c4a1007a3e8b11d2c3b4a60001 }\nspec: { type: ai-agent, lifecycle: production, owner: user:bob }\n";
    let pairs = [
        ("lineclear.toml", "title = \"Crash test\"\norigin = \"crash.example/g1\"\nposture = \"full\"\n[sources]\nprometheus = \"http://127.0.0.1:9\"\n".to_owned()),
        ("catalog/people.yaml", people.to_owned()),
        ("actions/purge.yaml", "action: cache.purge\ntitle: Purge a cache\nrisk: medium\nreversibility: partly\nresource: cache\nrunbook: purge\ncloses: person\n".into()),
        ("facts.yaml", "facts: []\n".into()),
        ("authority.yaml", "approval_ttl: 2h\nsingle_operator: false\nroles:\n  operator: [alice, bob]\nrungs:\n  - { name: autonomous, title: nobody }\n  - { name: one, title: one operator, humans: 1, roles: [operator], grade: session }\n".into()),
        ("policies/purge.cedar", "@id(\"purge\")\n@title(\"One operator may purge\")\npermit (principal, action == Action::\"cache.purge\", resource) when { context.approvals.humans >= 1 };\n".into()),
        ("runbooks/purge.yaml", "runbook: v1\nid: purge\ntitle: Purge\nowner: edge\ndeadline: 5m\nsteps:\n  - id: purge\n    do: { http: { service: counter, method: POST, path: \"/purge/${target.name}\", expect_status: [200] } }\n    timeout: 20s\n    on_failure: person\n    on_unknown: person\n".into()),
    ];
    let mut files: BTreeMap<String, String> = pairs.into_iter().map(|(name, text)| (name.to_owned(), text)).collect();
    files.insert("catalog/teams.yaml".into(), team);
    for file in 0..count.div_ceil(CACHES_PER_FILE) {
        let caches: Vec<String> = (file * CACHES_PER_FILE..count.min((file + 1) * CACHES_PER_FILE)).map(cache).collect();
        files.insert(format!("catalog/caches{file}.yaml"), caches.join("---\n"));
    }
    files
}

/// What the runner may do: purge, at this counter.
pub fn rules(url: &str) -> String {
    format!(
        "[[allow]]\naction = \"cache.purge\"\nrisk = \"medium\"\ntools = [\"http\"]\nservices = [\"counter\"]\ntargets = [\"cache/*\"]\n\n[services.counter]\nurl = {url:?}\n"
    )
}

/// Proposes to purge each cache.
pub async fn propose(house: &Installation, count: usize) -> Vec<String> {
    let mut changes = Vec::new();
    for n in 0..count {
        let body = json!({"action": "cache.purge", "target": format!("cache/c{n}"), "confidence_bp": 5000, "reason": "stale pages"});
        let (status, answer) = house.ask("purger", Method::POST, "/api/v1/changes", Some(body), &[]).await;
        assert_eq!(status, 201, "{answer}");
        changes.push(answer.get("id").and_then(Value::as_str).unwrap().to_owned());
    }
    changes
}

/// No effect came twice.
pub fn each_at_most_once(counter: &Counter) {
    let twice: Vec<(String, usize)> = counter.effects().into_iter().filter(|(_, times)| *times > 1).collect();
    assert_eq!(twice, [], "acted twice");
}

/// Waits until so many changes await approval.
pub async fn waiting(house: &Installation, count: usize) {
    eventually("every change awaiting approval", async || {
        let mut found = 0;
        let mut cursor = String::new();
        loop {
            let page = house.get("alice", &format!("/api/v1/changes?state=awaiting_approval&limit=200{cursor}")).await;
            found += page.get("items").and_then(Value::as_array).map_or(0, Vec::len);
            match page.get("next").and_then(Value::as_str) {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return (found == count).then_some(()),
            }
        }
    })
    .await;
}
