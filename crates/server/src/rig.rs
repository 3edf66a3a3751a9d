//! An installation in memory for tests: the example estate, a clock that can be moved, telemetry that always answers, and a
//! runner that looks at plans and never acts.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use http::{HeaderMap, Method, Request, StatusCode};
use lineclear_core::estate::Estate;
use lineclear_core::fact::Reading;
use lineclear_core::measure::Measure;
use lineclear_core::name::Login;
use lineclear_core::plan::{EffectClass, Preview};
use lineclear_core::signal::{Signal, SignalState};
use lineclear_core::{AgentId, Digest, IncidentId, OperatorId, RunnerId, Span, Timestamp};
use lineclear_engine::{Caller, Clock, Engine, Estates as _, Files, Parts, SystemClock, SystemIds, Telemetry};
use lineclear_ledger::LogKey;
use lineclear_policy::Policies;
use lineclear_store::Memory;
use lineclear_testkit::FakeEstates;
use lineclear_warrant::{Answer, Poll, WarrantKey, Work};
use serde_json::{Value, json};
use ssh_key::private::Ed25519Keypair;
use ssh_key::{HashAlg, LineEnding, PrivateKey};
use tokio_util::sync::{CancellationToken, DropGuard};
use tower::ServiceExt as _;

use crate::session::hex;
use crate::{AgentToken, App, Auth, Issued, Settings, WebhookToken};

/// The token of the triage agent; of `capacity-agent`, and one that has expired.
pub(crate) const AGENT: &str = "triage-token";
pub(crate) const OTHER_AGENT: &str = "capacity-token";
pub(crate) const EXPIRED_AGENT: &str = "expired-token";
/// The token with which signals are sent.
pub(crate) const WEBHOOK: &str = "webhook-token";
/// The host that requests name, and the origin that browsers say they are from.
pub(crate) const HOST: &str = "127.0.0.1:7171";

/// Senders of signals, beside the example's own.
const SENDERS: &str = "
[signals.pager]
kind = \"pagerduty\"
secret_file = \"pager.secret\"

[signals.code]
kind = \"github\"
proof = \"signature\"
secret_env = \"CODE_SECRET\"

[signals.metrics]
kind = \"prometheus\"

[signals.own]
kind = \"deployment\"
proof = \"signature\"
secret_file = \"own.secret\"

[signals.aws]
kind = \"cloudwatch\"
secret_file = \"aws.secret\"
topics = [\"arn:aws:sns:eu-central-1:1:alarms\"]

[signals.open]
kind = \"checkly\"
proof = \"none\"

[signals.forgotten]
kind = \"datadog\"
secret_file = \"nobody-put-it-there\"
";

/// The machine's clock, moved.
#[derive(Default)]
pub(crate) struct Moved {
    clock: SystemClock,
    by: AtomicI64,
}

impl Clock for Moved {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.clock.now().as_micros() + self.by.load(Ordering::SeqCst))
    }
}

/// Every source answers 1, just now; but nothing fails, so that no error budget is used.
struct Ones;

impl Telemetry for Ones {
    fn ask<'a>(&'a self, _: &'a str, query: &'a str, now: Timestamp) -> Pin<Box<dyn Future<Output = Reading> + Send + 'a>> {
        let failed = query.starts_with("avg_over_time(http_error_ratio");
        Box::pin(async move { Reading::Value { value: Measure::whole(i64::from(!failed)), observed: now } })
    }
}

fn estate() -> &'static (Arc<Estate>, Arc<Policies>, Files) {
    static ESTATE: OnceLock<(Arc<Estate>, Arc<Policies>, Files)> = OnceLock::new();
    ESTATE.get_or_init(|| {
        let from = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../estate/example");
        let copy = tempfile::tempdir().unwrap();
        copy_tree(&from, copy.path());
        std::fs::create_dir_all(copy.path().join("keys")).unwrap();
        for (seed, login) in (1..).zip(["alice", "bob", "carol", "dave", "erin", "frank"]) {
            let public = key(seed).public_key().to_openssh().unwrap();
            std::fs::write(copy.path().join(format!("keys/{login}.pub")), public + "\n").unwrap();
        }
        let settings = copy.path().join("lineclear.toml");
        let text = std::fs::read_to_string(&settings).unwrap();
        std::fs::write(&settings, text + SENDERS).unwrap();
        let files = lineclear_estate::read_files(copy.path()).unwrap();
        let loaded = lineclear_estate::load_files(&files).unwrap_or_else(|error| panic!("{error:?}"));
        (loaded.estate, Arc::new(loaded.policies), files)
    })
}

fn copy_tree(from: &std::path::Path, to: &std::path::Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir_all(&target).unwrap();
            copy_tree(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), &target).unwrap();
        }
    }
}

fn key(seed: u8) -> PrivateKey {
    PrivateKey::from(Ed25519Keypair::from_seed(&[seed; 32]))
}

/// Signs a statement as this person does: 1 is alice, 2 bob, …
pub(crate) fn sign(seed: u8, statement: &str) -> Value {
    let signature = key(seed).sign("approval@lineclear", HashAlg::Sha512, statement.as_bytes()).unwrap();
    json!({"grade": "ssh", "armored": signature.to_pem(LineEnding::LF).unwrap()})
}

/// An installation in memory.
pub(crate) struct Rig {
    pub app: App,
    pub clock: Arc<Moved>,
    router: Router,
    performs: bool,
    /// Ends what runs beside it; only held, for its drop.
    stop: Option<DropGuard>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// Status and the problem's code, pointer and detail.
    pub fn problem(&self) -> String {
        let body = self.json();
        assert_eq!(self.headers[http::header::CONTENT_TYPE], "application/problem+json");
        assert_eq!(body["status"], self.status.as_u16());
        let pointer = body["pointer"].as_str().map(|pointer| format!(" at {pointer}")).unwrap_or_default();
        format!("{} {}{pointer}: {}", self.status.as_u16(), body["code"].as_str().unwrap(), body["detail"].as_str().unwrap())
    }
}

impl Rig {
    /// An installation whose engine records and does not act.
    pub async fn quiet() -> Self {
        Self::new("http://127.0.0.1:7171").await
    }

    /// The same, reached by this URL.
    pub async fn new(url: &str) -> Self {
        let (estate, policies, files) = estate();
        let estates = Arc::new(FakeEstates::default());
        estates.keep(files).await.unwrap();
        let log = LogKey::from_seed(&estate.origin, &[1; 32]).unwrap();
        let clock = Arc::new(Moved::default());
        let parts = Parts {
            log: log.verifier(),
            store: Arc::new(Memory::new(log)),
            estate: Arc::clone(estate),
            policies: Arc::clone(policies),
            estates: Arc::clone(&estates) as _,
            telemetry: Arc::new(Ones),
            tell: Arc::new(lineclear_testkit::FakeChannels::default()),
            clock: clock.clone(),
            ids: Arc::new(SystemIds),
            warrant_key: WarrantKey::from_seed([2; 32]),
            runners: vec![runner()],
            version: "test".into(),
        };
        let engine = Engine::start(parts).await.unwrap();
        let now = clock.now();
        let token = |login: &str, text: &str, expires| AgentToken { agent: agent(login), hash: Digest::of(text.as_bytes()), expires };
        let later = now + Span::from_secs(30 * 86_400);
        let agents = vec![
            token("triage-agent", AGENT, later),
            token("capacity-agent", OTHER_AGENT, later),
            token("triage-agent", EXPIRED_AGENT, now),
        ];
        let webhooks = vec![WebhookToken { hash: Digest::of(WEBHOOK.as_bytes()), expires: later }];
        let auth = Auth::new(Issued { agents, webhooks, ..Issued::default() });
        let app = App::new(engine, auth, Settings::new(url).unwrap());
        Self { router: crate::router(&app), app, clock, performs: false, stop: None }
    }

    /// An installation whose engine performs what is owed, with a runner that answers questions about plans.
    pub async fn busy() -> Self {
        let mut rig = Self::quiet().await;
        let stop = CancellationToken::new();
        let engine = rig.app.engine.clone();
        tokio::spawn({
            let (engine, stop) = (engine.clone(), stop.clone());
            async move { engine.run(stop).await }
        });
        tokio::spawn(look(engine, stop.clone()));
        rig.performs = true;
        rig.stop = Some(stop.drop_guard());
        rig
    }

    /// Moves the clock.
    pub fn wait(&self, span: Span) {
        self.clock.by.fetch_add(i64::try_from(span.as_micros()).unwrap(), Ordering::SeqCst);
    }

    /// Signs a person in as a browser does, and gives the cookie.
    pub async fn sign_in(&self, login: &str) -> String {
        let link = self.app.auth.invite(operator(login), self.app.engine.now(), self.app.engine.random());
        let reply = self.send(Method::POST, &link, &[("sec-fetch-site", "same-origin")], None).await;
        assert_eq!(reply.status, StatusCode::SEE_OTHER, "{}", reply.text);
        let set = reply.headers[http::header::SET_COOKIE].to_str().unwrap();
        set.split(';').next().unwrap().to_owned()
    }

    /// A bearer token for a person's command line.
    pub fn operator_token(&self, login: &str) -> String {
        self.app.auth.operator_token(operator(login), self.app.engine.now(), self.app.engine.random())
    }

    /// Sends one request.
    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Option<&str>) -> Reply {
        let response = self.open(method, path, headers, body).await;
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, 16 << 20).await.unwrap();
        Reply { status: parts.status, headers: parts.headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
    }

    /// Sends one request and leaves the body unread.
    pub async fn open(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Option<&str>) -> http::Response<Body> {
        let mut request = Request::builder().method(method).uri(path);
        if !headers.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", HOST);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if body.is_some() && !headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header("content-type", "application/json");
        }
        let request = request.body(body.map_or_else(Body::empty, |text| Body::from(text.to_owned()))).unwrap();
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// Sends one request with a bearer token.
    pub async fn bearer(&self, token: &str, method: Method, path: &str, body: Option<&Value>) -> Reply {
        let text = body.map(Value::to_string);
        self.send(method, path, &[("authorization", &format!("Bearer {token}"))], text.as_deref()).await
    }

    /// A change that the triage agent proposed.
    pub async fn propose(&self, body: &Value) -> String {
        let token = format!("Bearer {AGENT}");
        let headers = [("authorization", token.as_str()), ("prefer", "wait=20")];
        let headers = if self.performs { &headers[..] } else { &headers[..1] };
        let reply = self.send(Method::POST, "/api/v1/changes", headers, Some(&body.to_string())).await;
        assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text);
        reply.json()["id"].as_str().unwrap().to_owned()
    }

    /// An incident of its own group.
    pub async fn incident(&self, group: &str) -> IncidentId {
        let signal = Signal {
            source: "alertmanager".into(),
            fingerprint: group.into(),
            group: group.into(),
            state: SignalState::Firing,
            title: "shop is slow".into(),
            stated_severity: "warning".into(),
            severity: None,
            service: None,
            starts: self.app.engine.now(),
            labels: [].into(),
            annotations: [].into(),
        };
        self.app.engine.receive(vec![signal]).await.unwrap().incidents[0]
    }
}

async fn look(engine: Engine, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let poll = Poll { runner: runner(), nonce: hex(&[7; 32]), head: None };
        let work = tokio::select! { work = engine.poll(poll) => work, () = stop.cancelled() => return };
        if let Ok(Work::Preview { question, call, .. }) = work {
            let preview = Preview {
                before: json!("before"),
                after: json!("after"),
                targets: vec!["something".into()],
                reversible: true,
                summary: format!("calls {}", call.tool),
            };
            let _ = engine.answer(runner(), Answer::Preview { question, result: Ok((EffectClass::Cas, preview)) });
        }
    }
}

fn runner() -> RunnerId {
    "runner_0193f0c4a1007a3e8b11d2c3b4a70001".parse().unwrap()
}

/// An agent of the estate.
pub(crate) fn agent(login: &str) -> AgentId {
    let login: Login = login.parse().unwrap();
    estate().0.directory.agents.values().find(|agent| agent.login == login).unwrap().id
}

/// An operator of the estate.
pub(crate) fn operator(login: &str) -> OperatorId {
    let login: Login = login.parse().unwrap();
    estate().0.directory.operators.values().find(|person| person.login == login).unwrap().id
}

/// A high-risk proposal: two people, one of the owning team, must sign.
pub(crate) fn dns() -> Value {
    let inputs = json!({"name": "www.example.test", "from": "192.0.2.1", "to": "192.0.2.2"});
    json!({"action": "dns.update", "target": "zone/example.test", "inputs": inputs, "confidence_bp": 9000, "reason": "the old address does not answer"})
}

/// A medium-risk proposal: one operator is enough.
pub(crate) fn scale() -> Value {
    json!({"action": "service.scale", "target": "service/shop", "inputs": {"replicas": 4}, "confidence_bp": 9000, "reason": "load grows"})
}

/// A caller, as the engine takes one.
pub(crate) fn triage() -> Caller {
    Caller::Agent(agent("triage-agent"))
}

/// Longest wait for a condition.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
