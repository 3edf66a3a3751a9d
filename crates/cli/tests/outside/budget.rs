//! Error budgets from a real Prometheus: its history is made with `promtool`, its answers are asked again with `curl`, and a
//! change is judged by them while it is there, is gone, and comes back with worse news.

use std::fmt::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::agent::Agent;
use super::installation::{Installation, eventually, example, succeeds};

const DAY: u64 = 86_400;
const HOUR: u64 = 3_600;

/// What is promised: 99.9 % of the shop's requests in thirty days, counted.
const OBJECTIVES: &str = r#"apiVersion: openslo/v1
kind: SLO
metadata: { name: shop-requests, displayName: The shop answers without errors }
spec:
  service: shop
  indicator:
    spec:
      ratioMetric:
        counter: true
        bad: { metricSource: { spec: { query: 'http_requests_total{service="shop",code="500"}' } } }
        total: { metricSource: { spec: { query: 'sum(http_requests_total{service="shop"})' } } }
  timeWindow: [{ duration: 30d, isRolling: true }]
  budgetingMethod: Occurrences
  objectives: [{ target: 0.999 }]
"#;

/// Who may roll back what, for the runner; nothing is ever sent to that address here.
const RULES: &str = "[[allow]]\naction = \"deploy.rollback\"\nrisk = \"high\"\ntools = [\"http\"]\nservices = [\"deployer\"]\ntargets = [\"service/*\"]\nhumans = 1\ngrade = \"ssh\"\n\n[services.deployer]\nurl = \"http://127.0.0.1:9\"\n";

/// A Prometheus that scrapes nothing: all it knows is its history.
struct Prometheus {
    process: Option<Child>,
    port: u16,
    folder: tempfile::TempDir,
    lives: u32,
}

impl Prometheus {
    fn new() -> Self {
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let folder = tempfile::Builder::new().prefix("prometheus-").tempdir().unwrap();
        std::fs::write(folder.path().join("p.yml"), "global: { scrape_interval: 1m }\n").unwrap();
        Self { process: None, port, folder, lives: 0 }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Starts with this history, and nothing that an earlier life knew.
    async fn starts(&mut self, history: &str) {
        self.lives += 1;
        let data = self.folder.path().join(format!("data-{}", self.lives));
        let written = self.folder.path().join("history.txt");
        std::fs::write(&written, history).unwrap();
        let [from, to] = [&written, &data].map(|path| path.to_str().unwrap());
        succeeds("promtool", &["tsdb", "create-blocks-from", "openmetrics", "--quiet", "--max-block-duration=1000h", from, to]);
        self.process = Some(self.command(&data).spawn().unwrap());
        let query = "service_version_info";
        eventually("the history of Prometheus", async || self.value(query).parse::<f64>().ok()).await;
    }

    fn command(&self, data: &Path) -> Command {
        let mut command = Command::new("prometheus");
        command
            .arg(format!("--config.file={}", self.folder.path().join("p.yml").display()))
            .arg(format!("--storage.tsdb.path={}", data.display()))
            .args(["--storage.tsdb.retention.time=100d", "--log.level=error"])
            .arg(format!("--web.listen-address=127.0.0.1:{}", self.port));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn dies(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// What `curl` reads; empty when there is nothing.
    fn value(&self, query: &str) -> String {
        let asked = format!("query={query}");
        let output = Command::new("curl").args(["-fsS", "--data-urlencode", &asked, &format!("{}/api/v1/query", self.url())]).output();
        let answer: Value = serde_json::from_slice(&output.unwrap().stdout).unwrap_or_default();
        answer.pointer("/data/result/0/value/1").and_then(Value::as_str).unwrap_or_default().to_owned()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        self.dies();
    }
}

/// Thirty-one days of the shop, one sample a minute and some minutes ahead, so that a slow machine finds it fresh. `failed` says
/// which share of its twenty requests a second failed, so many seconds ago; none when it counts no requests at all.
#[expect(clippy::disallowed_methods, reason = "a history ends when the test runs")]
fn history(failed: Option<fn(u64) -> f64>) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let moments = || ((now - 31 * DAY)..(now + 1_200)).step_by(60);
    let mut text = String::new();
    for (name, labels, value) in
        [("http_error_ratio", "service=\"shop\"", "0.2"), ("service_version_info", "service=\"shop\",version=\"v2\"", "1")]
    {
        let _ = writeln!(text, "# TYPE {name} gauge");
        for at in moments() {
            let _ = writeln!(text, "{name}{{{labels}}} {value} {at}");
        }
    }
    if let Some(failed) = failed {
        let _ = writeln!(text, "# TYPE http_requests counter");
        for (code, bad) in [("200", false), ("500", true)] {
            let mut count = 0.0;
            for at in moments() {
                let share = failed(now.saturating_sub(at));
                count += 1_200.0 * if bad { share } else { 1.0 - share };
                let _ = writeln!(text, "http_requests_total{{service=\"shop\",code=\"{code}\"}} {count} {at}");
            }
        }
    }
    text + "# EOF\n"
}

const STEADY: fn(u64) -> f64 = |_| 0.000_1;
/// For two hours three of a hundred requests fail: thirty times what is allowed.
const BURNING: fn(u64) -> f64 = |ago| if ago < 2 * HOUR { 0.03 } else { 0.000_1 };

async fn roll_back(agent: &Agent) -> String {
    let asked = json!({
        "action": "deploy.rollback", "target": "service/shop", "confidence_bp": 9_300,
        "inputs": { "from": "v2", "to": "v1" }, "reason": "v2 fails a fifth of the requests",
    });
    let answer = agent.call("propose_change", asked).await;
    answer.get("change").and_then(Value::as_str).unwrap_or_else(|| panic!("{answer}")).to_owned()
}

/// What gate 1 found, once the change stands where it is expected.
async fn found(house: &Installation, change: &str, word: &str) -> Value {
    eventually(word, async || {
        let view = house.get("bob", &format!("/api/v1/changes/{change}")).await;
        let state = view.pointer("/change/state").cloned().unwrap_or_default();
        let dossier = state.pointer("/gate/dossier").or_else(|| state.get("dossier")).cloned();
        dossier.filter(|_| view.get("word").and_then(Value::as_str) == Some(word))
    })
    .await
}

async fn rung(house: &Installation, change: &str) -> String {
    let request = house.get("bob", &format!("/api/v1/changes/{change}/request")).await;
    request.pointer("/request/needs/rung").and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The share that failed over the period, as the dossier holds it and as `curl` reads it now.
fn agree(prometheus: &Prometheus, dossier: &Value) {
    let measured = dossier.pointer("/budgets/0").unwrap_or_else(|| panic!("{dossier}"));
    let over = measured.get("over").and_then(Value::as_array).unwrap();
    assert_eq!(over.len(), 6, "{measured}");
    let held = over.last().unwrap().get("failed_ppm").and_then(Value::as_f64).unwrap();
    let asked = prometheus.value(measured.get("query").and_then(Value::as_str).unwrap()).parse::<f64>().unwrap() * 1_000_000.0;
    assert!((held - asked).abs() < 5.0, "{held} {asked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_prometheus_decides_how_many_must_sign_and_without_it_nobody_is_asked() {
    let mut prometheus = Prometheus::new();
    prometheus.starts(&history(Some(STEADY))).await;
    let mut files = example(&prometheus.url());
    files.insert("slos/services.yaml".into(), OBJECTIVES.into());
    let mut house = Installation::new(&files, &["alice", "bob"], &["triage-agent"], RULES);
    house.start();
    let agent = Agent::connect(&house.base, house.token("triage-agent")).await;

    let steady = roll_back(&agent).await;
    let dossier = found(&house, &steady, "awaiting_approval").await;
    assert_eq!(rung(&house, &steady).await, "owner-signed");
    let budget = dossier.pointer("/situation/budget").cloned().unwrap_or_default();
    let left = budget.get("remaining_bp").and_then(Value::as_i64).unwrap_or_default();
    assert!((8_900..=9_100).contains(&left) && budget.get("burn") == Some(&json!("steady")), "a tenth is used: {budget}");
    agree(&prometheus, &dossier);
    let page = house.page("bob", &format!("/changes/{steady}")).await;
    assert!(page.contains("shop-requests") && page.contains("of the error budget is left"), "a person sees it");

    prometheus.dies();
    let blind = roll_back(&agent).await;
    let dossier = found(&house, &blind, "blocked").await;
    let told = dossier.get("faults").and_then(Value::as_array).unwrap();
    let fault = told.iter().find(|fault| fault.get("fault") == Some(&json!("no_budget"))).unwrap_or_else(|| panic!("{dossier}"));
    assert_eq!(fault.get("slo"), Some(&json!("shop-requests")));
    assert!(fault.get("why").and_then(Value::as_str).is_some_and(|why| why.starts_with("source unreachable")), "{fault}");

    prometheus.starts(&history(Some(BURNING))).await;
    let dossier = found(&house, &blind, "awaiting_approval").await;
    assert_eq!(dossier.pointer("/situation/budget/burn"), Some(&json!("fast")), "{dossier}");
    assert_eq!(rung(&house, &blind).await, "two-signed");
    agree(&prometheus, &dossier);

    prometheus.dies();
    prometheus.starts(&history(None)).await;
    let uncounted = roll_back(&agent).await;
    let dossier = found(&house, &uncounted, "blocked").await;
    let told = dossier.get("faults").and_then(Value::as_array).unwrap();
    let why: Vec<&Value> = told.iter().filter_map(|fault| fault.get("why")).collect();
    assert_eq!(why, [&json!("no series when asked for its newest sample")], "what nobody counts is not taken for good");
}
