use std::collections::BTreeSet;
use std::sync::Mutex;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, put};
use lineclear_core::Timestamp;
use lineclear_core::run::{AttemptKey, Direction};

use super::*;
use crate::control::{call, id};
use crate::secret::Secret;

/// A fake of the API server, which says so: one deployment and its replica sets, in the shape in which Kubernetes 1.31 shows them, with the
/// server's rule that an update of another `resourceVersion` is 409, and a controller that is done at the third look.
#[derive(Clone)]
struct Fake(Arc<Mutex<World>>);

struct World {
    deployment: Value,
    sets: Vec<Value>,
    /// Looks until the controller has caught up; none: it never does.
    lag: Option<u32>,
    seen: Vec<String>,
}

fn template(image: &str) -> Value {
    json!({
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "web", "image": image, "ports": [{"containerPort": 80, "protocol": "TCP"}]}], "restartPolicy": "Always"},
    })
}

fn set(revision: u64, image: &str, owner: &str) -> Value {
    let mut template = template(image);
    template["metadata"]["labels"]["pod-template-hash"] = json!(format!("hash{revision}"));
    json!({
        "metadata": {
            "name": format!("web-hash{revision}"), "annotations": {"deployment.kubernetes.io/revision": revision.to_string()},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": owner, "controller": true}],
        },
        "spec": {"replicas": 0, "template": template},
    })
}

impl Fake {
    fn new() -> Self {
        let deployment = json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {
                "name": "web", "namespace": "shop", "uid": "7f3c", "resourceVersion": "4711", "generation": 9,
                "annotations": {"deployment.kubernetes.io/revision": "5", "fake": "true"},
            },
            "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "web"}}, "template": template("web:5")},
            "status": {"observedGeneration": 9, "replicas": 3, "updatedReplicas": 3, "readyReplicas": 3, "availableReplicas": 3},
        });
        let sets = vec![set(5, "web:5", "7f3c"), set(4, "other:4", "another"), set(4, "web:4", "7f3c")];
        Self(Arc::new(Mutex::new(World { deployment, sets, lag: Some(2), seen: Vec::new() })))
    }

    async fn serve(&self) -> String {
        let router = Router::new()
            .route("/apis/apps/v1/namespaces/shop/deployments/{name}", get(show).put(replace))
            .route("/apis/apps/v1/namespaces/shop/deployments/{name}/scale", put(scale))
            .route("/apis/apps/v1/namespaces/shop/replicasets", get(sets))
            .with_state(self.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    }

    fn with<T>(&self, act: impl FnOnce(&mut World) -> T) -> T {
        act(&mut self.0.lock().unwrap())
    }

    fn puts(&self) -> usize {
        self.with(|world| world.seen.iter().filter(|line| line.starts_with("PUT")).count())
    }
}

impl World {
    /// Whoever has no token gets nothing; an update of another version is refused.
    fn admit(&mut self, line: &str, headers: &HeaderMap, sent: Option<&Value>) -> Option<Response> {
        self.seen.push(line.to_owned());
        if headers.get("authorization").is_none_or(|value| value != "Bearer the token of a robot") {
            return Some((StatusCode::UNAUTHORIZED, r#"{"kind":"Status","code":401,"reason":"Unauthorized"}"#).into_response());
        }
        let version = |value: &Value| value.pointer("/metadata/resourceVersion").cloned();
        match sent {
            Some(sent) if version(sent) != version(&self.deployment) => {
                Some((StatusCode::CONFLICT, r#"{"kind":"Status","code":409,"reason":"Conflict"}"#).into_response())
            }
            Some(_) | None => None,
        }
    }

    fn moved(&mut self) {
        let version: u64 = self.deployment["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap();
        self.deployment["metadata"]["resourceVersion"] = json!((version + 1).to_string());
        self.deployment["metadata"]["generation"] = json!(self.deployment["metadata"]["generation"].as_u64().unwrap() + 1);
        self.lag = self.lag.map(|_| 2);
    }

    /// What the controller does between two looks.
    fn control(&mut self) {
        match self.lag {
            Some(0) => {
                let replicas = self.deployment["spec"]["replicas"].clone();
                for name in ["replicas", "updatedReplicas", "readyReplicas", "availableReplicas"] {
                    self.deployment["status"][name] = replicas.clone();
                }
                self.deployment["status"]["observedGeneration"] = self.deployment["metadata"]["generation"].clone();
            }
            Some(left) => self.lag = Some(left - 1),
            None => {}
        }
    }
}

async fn show(State(fake): State<Fake>, Path(name): Path<String>, headers: HeaderMap) -> Response {
    fake.with(|world| {
        world.control();
        let refused = world.admit(&format!("GET {name}"), &headers, None);
        refused.unwrap_or_else(|| world.deployment.to_string().into_response())
    })
}

async fn replace(State(fake): State<Fake>, Path(name): Path<String>, headers: HeaderMap, body: Bytes) -> Response {
    let sent: Value = serde_json::from_slice(&body).unwrap();
    fake.with(|world| {
        if let Some(refused) = world.admit(&format!("PUT {name}"), &headers, Some(&sent)) {
            return refused;
        }
        if world.deployment["spec"]["template"] != sent["spec"]["template"] {
            let revision =
                world.deployment["metadata"]["annotations"]["deployment.kubernetes.io/revision"].as_str().unwrap().parse::<u64>().unwrap();
            world.deployment["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = json!((revision + 1).to_string());
        }
        world.deployment["spec"] = sent["spec"].clone();
        world.moved();
        world.deployment.to_string().into_response()
    })
}

async fn scale(State(fake): State<Fake>, Path(name): Path<String>, headers: HeaderMap, body: Bytes) -> Response {
    let sent: Value = serde_json::from_slice(&body).unwrap();
    fake.with(|world| {
        if let Some(refused) = world.admit(&format!("PUT {name}/scale {}", sent["kind"]), &headers, Some(&sent)) {
            return refused;
        }
        world.deployment["spec"]["replicas"] = sent["spec"]["replicas"].clone();
        world.moved();
        sent.to_string().into_response()
    })
}

async fn sets(State(fake): State<Fake>, headers: HeaderMap) -> Response {
    fake.with(|world| {
        let refused = world.admit("GET replicasets", &headers, None);
        refused.unwrap_or_else(|| json!({"kind": "ReplicaSetList", "items": world.sets}).to_string().into_response())
    })
}

fn site(millis: u64, number: u32) -> Site {
    let key = AttemptKey { run: id("run", 1), step: "roll".parse().unwrap(), direction: Direction::Do, number };
    Site { key, budget: Duration::from_millis(millis) }
}

async fn tools(fake: &Fake, token: &str) -> [Kubernetes; 3] {
    let deployments = [("shop".to_owned(), BTreeSet::from(["web".to_owned()]))].into();
    let config = KubernetesConfig { url: fake.serve().await, roots: None, token: Secret::new(token), deployments };
    let clock: Clock = Arc::new(|| Timestamp::from_micros(1_795_400_000_000_000));
    let all = Arc::new(Clusters::new(&[("prod".to_owned(), config)].into(), &clock).unwrap());
    [Kind::Scale, Kind::Restart, Kind::Rollback].map(|kind| Kubernetes(kind, Arc::clone(&all)))
}

const TOKEN: &str = "the token of a robot";

fn ask(tool: &str, more: &Value) -> ToolCall {
    let mut with = json!({"cluster": "prod", "namespace": "shop", "deployment": "web"});
    with.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    call(tool, with)
}

fn to(from: u64, to: u64) -> ToolCall {
    ask("kubernetes_scale", &json!({"from": from, "to": to}))
}

fn refused(said: &Result<Value, ToolError>, why: &str) {
    assert!(matches!(said, Err(ToolError::NotApplied(text)) if text.contains(why)), "{why}: {said:?}");
}

#[tokio::test]
async fn a_deployment_is_scaled_from_what_was_seen_and_waited_for() {
    let fake = Fake::new();
    let [scale, ..] = tools(&fake, TOKEN).await;
    let preview = scale.preview(Args::of(&to(3, 5)), Some(&to(5, 3))).await.unwrap();
    assert_eq!((preview.summary.as_str(), preview.reversible), ("`prod/shop/web` goes from 3 to 5 replicas", true));
    assert_eq!(fake.puts(), 0, "a preview changes nothing");
    let done = scale.call(Args::of(&to(3, 5)), &site(20_000, 1)).await.unwrap();
    assert_eq!((&done["now"]["available"], &done["already"]), (&json!(5), &json!(false)));
    assert!(scale.check(Args::of(&ask("kubernetes_scale", &json!({"expect": 5})))).await.unwrap().holds);
    assert_eq!(scale.call(Args::of(&to(3, 5)), &site(20_000, 2)).await.unwrap()["already"], true);
    refused(&scale.call(Args::of(&to(3, 4)), &site(20_000, 1)).await, "has 5 replicas, not 3");
    assert!(scale.preview(Args::of(&to(3, 4)), None).await.is_err());
    // Somebody is faster between the look and the update: the server refuses.
    let there = to(5, 4);
    let at = At::read(&scale.1.clusters, Args::of(&there)).unwrap();
    let seen = at.look().await.unwrap();
    fake.with(World::moved);
    let said = at.scale(&seen, 4).await;
    assert!(matches!(&said, Err(ToolError::NotApplied(why)) if why.contains("has changed since it was looked at")), "{said:?}");
    assert_eq!(fake.with(|world| world.deployment["spec"]["replicas"].clone()), 5);
    // A rollout that does not end is told.
    fake.with(|world| world.lag = None);
    let said = scale.call(Args::of(&to(5, 2)), &site(2_500, 3)).await;
    assert!(matches!(&said, Err(ToolError::Partly(why)) if why.contains("its rollout is not over")), "{said:?}");
    assert!(!scale.check(Args::of(&ask("kubernetes_scale", &json!({"expect": 2})))).await.unwrap().holds);
}

#[tokio::test]
async fn a_restart_of_one_step_happens_once_however_often_it_is_tried() {
    let fake = Fake::new();
    let [_, restart, _] = tools(&fake, TOKEN).await;
    let asked = ask("kubernetes_restart", &json!({}));
    assert_eq!(restart.effect(&Args::of(&asked)), Ok(EffectClass::Converge));
    restart.call(Args::of(&asked), &site(20_000, 1)).await.unwrap();
    assert_eq!(restart.call(Args::of(&asked), &site(20_000, 2)).await.unwrap()["already"], true);
    assert_eq!(fake.puts(), 1);
    let annotations = fake.with(|world| world.deployment["spec"]["template"]["metadata"]["annotations"].clone());
    assert!(annotations[RESTARTED_AT].as_str().unwrap().starts_with("2026-"), "{annotations}");
    assert!(annotations[RESTARTED_BY].as_str().unwrap().ends_with("/roll"), "{annotations}");
    assert!(restart.check(Args::of(&asked)).await.unwrap().holds);
}

#[tokio::test]
async fn going_back_takes_the_pods_of_the_version_that_is_named() {
    let fake = Fake::new();
    let [.., rollback] = tools(&fake, TOKEN).await;
    let back = |from: u64, to: u64| ask("kubernetes_rollback", &json!({"from": from, "to": to}));
    let preview = rollback.preview(Args::of(&back(5, 4)), None).await.unwrap();
    assert_eq!((preview.summary.as_str(), preview.reversible), ("`prod/shop/web` goes back from version 5 to 4", false));
    assert!(rollback.preview(Args::of(&back(5, 3)), None).await.unwrap_err().contains("has no version 3 any more"));
    refused(&rollback.call(Args::of(&back(6, 4)), &site(20_000, 1)).await, "is version 5, not 6");
    rollback.call(Args::of(&back(5, 4)), &site(20_000, 1)).await.unwrap();
    assert_eq!(fake.with(|world| world.deployment["spec"]["template"].clone()), template("web:4"), "and not those of another deployment");
    assert!(rollback.check(Args::of(&ask("kubernetes_rollback", &json!({"expect": 6})))).await.unwrap().holds);
    // The second of the same is refused: the version has another number now.
    refused(&rollback.call(Args::of(&back(5, 4)), &site(20_000, 2)).await, "is version 6, not 5");
    assert_eq!(fake.puts(), 1);
}

#[tokio::test]
async fn another_token_another_place_and_a_server_that_is_gone_change_nothing() {
    let fake = Fake::new();
    let [scale, restart, rollback] = tools(&fake, "another one").await;
    refused(&scale.call(Args::of(&to(3, 5)), &site(5_000, 1)).await, "401");
    let [scale, ..] = tools(&fake, TOKEN).await;
    let before = fake.with(|world| world.seen.len());
    for (name, value) in [
        ("cluster", json!("other")),
        ("namespace", json!("kube-system")),
        ("deployment", json!("web/../db")),
        ("to", json!(1_001)),
        ("to", json!(3)),
        ("to", json!("4")),
        ("force", json!(true)),
    ] {
        let mut call = to(3, 5);
        call.with.insert(name.into(), value.clone());
        assert!(scale.effect(&Args::of(&call)).is_err(), "{name} {value}");
        refused(&scale.call(Args::of(&call), &site(5_000, 1)).await, "");
    }
    assert!(restart.effect(&Args::of(&to(3, 5))).is_err());
    assert!(rollback.effect(&Args::of(&ask("kubernetes_rollback", &json!({"from": 4, "to": 5})))).is_err());
    assert_eq!(fake.with(|world| world.seen.len()), before, "nobody was asked");
    let deployments = [("shop".to_owned(), BTreeSet::from(["web".to_owned()]))].into();
    let config = KubernetesConfig { url: "http://127.0.0.1:1".into(), roots: None, token: Secret::new(TOKEN), deployments };
    let clock: Clock = Arc::new(|| Timestamp::from_micros(0));
    let gone = Arc::new(Clusters::new(&[("prod".to_owned(), config)].into(), &clock).unwrap());
    refused(&Kubernetes(Kind::Scale, gone).call(Args::of(&to(3, 5)), &site(5_000, 1)).await, "does not answer");
}
