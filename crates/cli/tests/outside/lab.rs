//! One change of each kind against real systems: HAProxy, BIND, Prometheus and Alertmanager from Debian packages. The outside
//! world is judged with foreign tools, never by Lineclear's own word.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use reqwest::Method;
use serde_json::{Value, json};

use super::agent::Agent;
use super::installation::{Installation, eventually, example, root, run, succeeds};

/// A running lab that ends with the test.
pub struct Lab {
    home: PathBuf,
    /// Its own stretch of ports.
    base: u16,
    addresses: BTreeMap<String, String>,
    _folder: tempfile::TempDir,
}

impl Lab {
    /// One whose twenty ports begin here.
    pub fn up_at(base: u16) -> Self {
        let folder = tempfile::Builder::new().prefix("lab-").tempdir_in("/var/tmp").unwrap();
        let home = folder.path().join("l");
        let mut lab = Self { home, base, addresses: BTreeMap::new(), _folder: folder };
        let output = lab.script("up").output().unwrap();
        assert!(output.status.success(), "lab/up: {}", String::from_utf8_lossy(&output.stderr));
        let text = std::fs::read_to_string(lab.home.join("lab.env")).unwrap();
        let pairs = text.lines().filter_map(|line| line.split_once('='));
        lab.addresses = pairs.map(|(key, value)| (key.to_owned(), value.trim_matches('\'').trim_matches('"').to_owned())).collect();
        lab
    }

    fn script(&self, name: &str) -> Command {
        let mut command = Command::new(root().join("lab").join(name));
        command.env("LAB", &self.home).env("LAB_PORT_BASE", self.base.to_string()).stdin(Stdio::null());
        command
    }

    /// A line of its `lab.env`.
    pub fn at(&self, key: &str) -> &str {
        self.addresses.get(key).unwrap_or_else(|| panic!("lab.env has no {key}"))
    }

    /// What BIND answers.
    pub fn dig(&self, name: &str) -> String {
        let (host, port) = self.at("DNS_ADDRESS").rsplit_once(':').unwrap();
        succeeds("dig", &["+short", "+time=2", "+tries=1", &format!("@{host}"), "-p", port, name, "A"]).trim().to_owned()
    }

    fn prometheus(&self, query: &str) -> String {
        let url = format!("{}/api/v1/query", self.at("PROMETHEUS_URL"));
        let answer = succeeds("curl", &["-fsS", "--get", "--data-urlencode", &format!("query={query}"), &url]);
        let answer: Value = serde_json::from_str(&answer).unwrap();
        answer.pointer("/data/result/0/value/1").and_then(Value::as_str).unwrap_or_default().to_owned()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let _ = self.script("down").stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

/// What this runner may do in the lab: its own word on risk, tools and targets.
fn rules(lab: &Lab) -> String {
    format!(
        "[[allow]]\naction = \"pool.drain_host\"\nrisk = \"medium\"\ntools = [\"haproxy_server\", \"wait_for\"]\nwith = {{ haproxy_server = {{ backend = [\"shop\"], server = [\"${{target.name}}\"] }} }}\ntargets = [\"host/*\"]\n\n\
         [[allow]]\naction = \"dns.update\"\nrisk = \"high\"\ntools = [\"dns_update\"]\nwith = {{ dns_update = {{ zone = [\"${{target.name}}\"] }} }}\ntargets = [\"zone/example.test\"]\nhumans = 2\ngrade = \"ssh\"\n\n\
         [haproxy]\nsocket = {:?}\n\n[dns.\"example.test\"]\nserver = \"{}\"\nkey_name = {:?}\nsecret = {:?}\n\n[prometheus]\nurl = {:?}\n",
        lab.at("HAPROXY_SOCKET"),
        lab.at("DNS_ADDRESS"),
        lab.at("TSIG_NAME"),
        lab.at("TSIG_SECRET"),
        lab.at("PROMETHEUS_URL"),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_backend_is_drained_alone_and_a_dns_change_waits_for_two_signatures() {
    let lab = Lab::up_at(23_400);
    let people = ["alice", "bob"];
    let mut house = Installation::new(&example(lab.at("PROMETHEUS_URL")), &people, &["triage-agent"], &rules(&lab));
    house.start();
    let hook = lab
        .script("webhook")
        .env("LAB_WEBHOOK_URL", format!("{}/hooks/alertmanager", house.base))
        .env("LAB_WEBHOOK_TOKEN", house.token("webhook"))
        .output()
        .unwrap();
    assert!(hook.status.success(), "lab/webhook: {}", String::from_utf8_lossy(&hook.stderr));

    let killed = lab.script("backend").args(["kill", "web-2"]).output().unwrap();
    assert!(killed.status.success(), "{killed:?}");
    let incident = eventually("an incident from Alertmanager", async || {
        let page = house.get("bob", "/api/v1/incidents").await;
        page.pointer("/items/0/id").and_then(Value::as_str).map(ToOwned::to_owned)
    })
    .await;
    eventually("errors that Prometheus sees", async || {
        lab.prometheus("http_error_ratio{service=\"shop\"}").parse::<f64>().ok().filter(|ratio| *ratio > 0.05)
    })
    .await;

    let agent = Agent::connect(&house.base, house.token("triage-agent")).await;
    drain(&house, &lab, &agent, &incident).await;
    let change = dns(&house, &lab, &agent, &incident).await;
    proved(&house, &change).await;
}

async fn drain(house: &Installation, lab: &Lab, agent: &Agent, incident: &str) {
    let answer = agent
        .call(
            "propose_change",
            json!({
                "action": "pool.drain_host", "target": "host/web-2", "inputs": {}, "confidence_bp": 9300,
                "reason": "web-2 is dead, its peer is well", "incident": incident,
                "evidence": [{"kind": "fact", "name": "backend_down"}],
            }),
        )
        .await;
    let change = answer.get("change").and_then(Value::as_str).unwrap_or_else(|| panic!("{answer}")).to_owned();
    let word = house.finished("bob", &change).await;
    assert_eq!(word, "succeeded", "{}", house.get("bob", &format!("/api/v1/changes/{change}/record")).await);

    let state = succeeds("sh", &["-c", &format!("echo 'show servers state shop' | socat stdio '{}'", lab.at("HAPROXY_SOCKET"))]);
    let row: Vec<&str> = state.lines().find(|line| line.contains(" web-2 ")).unwrap().split_whitespace().collect();
    assert_eq!(row.get(6), Some(&"8"), "srv_admin_state of web-2 is not drain: {state}");
    for _ in 0..10 {
        succeeds("curl", &["-fsS", "-o", "/dev/null", lab.at("HAPROXY_URL")]);
    }
}

async fn dns(house: &Installation, lab: &Lab, agent: &Agent, incident: &str) -> String {
    assert_eq!(lab.dig("www.example.test"), "192.0.2.10");
    let answer = agent
        .call(
            "propose_change",
            json!({
                "action": "dns.update", "target": "zone/example.test", "confidence_bp": 10_000, "incident": incident,
                "inputs": {"name": "www.example.test", "from": "192.0.2.10", "to": "192.0.2.20"},
                "reason": "use the standby address while web-2 is repaired",
            }),
        )
        .await;
    let change = answer.get("change").and_then(Value::as_str).unwrap_or_else(|| panic!("{answer}")).to_owned();
    let view = house.get("bob", &format!("/api/v1/changes/{change}")).await;
    assert_eq!(view.get("word").and_then(Value::as_str), Some("awaiting_approval"), "{view}");
    assert_eq!(lab.dig("www.example.test"), "192.0.2.10", "nobody has signed yet");
    for person in ["alice", "bob"] {
        let key = house.text(&format!("people/{person}"));
        let output = house.lineclear(person, &["approve", &change, "--key", &key, "--yes", "--reason", "checked the standby"]);
        let code = output.status.code();
        assert!(matches!(code, Some(0 | 5)), "{person}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let word = house.finished("bob", &change).await;
    assert_eq!(word, "escalated", "{}", house.get("bob", &format!("/api/v1/changes/{change}/record")).await);
    assert_eq!(lab.dig("www.example.test"), "192.0.2.20", "BIND itself answers with the new address");
    assert_eq!(lab.prometheus("dns_answer_matches{name=\"www.example.test\"}"), "1", "the independent probe agrees");
    let declared = house.lineclear("alice", &["declare", &change, "success", "--reason", "www answers from the standby"]);
    assert!(declared.status.success(), "{}", String::from_utf8_lossy(&declared.stderr));
    change
}

/// The record names two people who signed, and the whole log stands up to the offline verifier.
pub async fn proved(house: &Installation, change: &str) {
    let record = house.get("bob", &format!("/api/v1/changes/{change}/record")).await;
    let approvers = record.get("approvers").and_then(Value::as_array).unwrap();
    assert!(approvers.len() == 2 && approvers.iter().all(|one| one.get("grade") == Some(&json!("ssh"))), "{record}");
    let head = house.path("head.note");
    let printed = house.lineclear("bob", &["ledger", "head"]);
    std::fs::write(&head, printed.stdout).unwrap();
    let (status, _) =
        house.ask("bob", Method::PUT, "/api/v1/posture", Some(json!({"posture": "advise-only", "reason": "end of the test"})), &[]).await;
    assert_eq!(status, 200);
    let export = house.text("export");
    succeeds(
        super::installation::LINECLEAR,
        &["ledger", "export", &export, "--data", &house.text("data"), "--estate", &house.text("estate")],
    );
    let verified = run(super::installation::LINECLEAR, &["ledger", "verify", &export, "--kept", head.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert!(verified.status.success() && said.starts_with("valid, witnessed"), "{said}");
}
