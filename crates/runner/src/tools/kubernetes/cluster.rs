//! One API server, by its own HTTP protocol (`apps/v1`): an object is read, changed, and put back with the `resourceVersion` that it had;
//! the server answers 409 when somebody came in between.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use reqwest::{Certificate, Client, RequestBuilder, Url};
use serde_json::Value;

use crate::config::KubernetesConfig;
use crate::secret::Secret;
use crate::tools::ToolError;
use crate::tools::args::{Args, cut};
use crate::tools::exchange::exchange;
use crate::tools::http::{base, client, closed};

/// Largest answer: a list of replica sets.
const ANSWER_MAX: usize = 8 * 1024 * 1024;
/// How long one question may take.
const ASK_TIMEOUT: Duration = Duration::from_secs(5);
/// Most replica sets that are looked through: Kubernetes keeps ten of a deployment unless told otherwise.
const SETS_MAX: usize = 500;
/// Where Kubernetes numbers the versions of a deployment.
const REVISION: &str = "/metadata/annotations/deployment.kubernetes.io~1revision";
/// As it stands in messages.
const WHO: &str = "the API server";

/// One cluster.
pub(super) struct Cluster {
    client: Client,
    url: Url,
    token: Secret,
    deployments: BTreeMap<String, BTreeSet<String>>,
}

/// A deployment's place.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) title: &'a str,
    pub(super) namespace: &'a str,
    pub(super) name: &'a str,
}

/// A deployment, as the server shows it.
pub(super) struct Deployment(pub(super) Value);

impl Cluster {
    pub(super) fn new(config: &KubernetesConfig) -> Result<Self, String> {
        let url = base(&config.url)?;
        let client = match &config.roots {
            None => client(std::slice::from_ref(&url))?,
            Some(path) => {
                let bytes = std::fs::read(path).map_err(|error| format!("`{}` cannot be read: {error}", path.display()))?;
                let roots = Certificate::from_pem_bundle(&bytes).map_err(|_| format!("`{}` holds no roots", path.display()))?;
                closed().tls_certs_only(roots).build().map_err(|error| error.to_string())?
            }
        };
        Ok(Self { client, url, token: config.token.clone(), deployments: config.deployments.clone() })
    }

    fn at(&self, path: &str) -> Result<Url, ToolError> {
        let text = format!("{}/apis/apps/v1/namespaces/{path}", self.url.as_str().trim_end_matches('/'));
        Url::parse(&text).map_err(|error| ToolError::NotApplied(error.to_string()))
    }

    fn authorised(&self, request: RequestBuilder) -> RequestBuilder {
        let request = request.header("accept", "application/json");
        match std::str::from_utf8(self.token.expose()) {
            Ok(token) => request.bearer_auth(token),
            Err(_) => request,
        }
    }

    async fn get(&self, path: &str) -> Result<Value, String> {
        let url = self.at(path).map_err(|error| error.to_string())?;
        let asked = exchange(self.authorised(self.client.get(url)), WHO, ANSWER_MAX);
        let answer = tokio::time::timeout(ASK_TIMEOUT, asked).await.map_err(|_| format!("{WHO} did not answer in time"))?;
        let answer = answer.map_err(|error| error.to_string())?;
        if !answer.is_good() {
            return Err(format!("{WHO} answered {}", answer.status));
        }
        serde_json::from_slice(&answer.body).map_err(|_| format!("the answer of {WHO} was not understood"))
    }

    async fn put(&self, path: &str, object: &Value) -> Result<Value, ToolError> {
        let answer = exchange(self.authorised(self.client.put(self.at(path)?).json(object)), WHO, ANSWER_MAX).await?;
        if answer.status == 409 {
            return Err(ToolError::NotApplied(format!("{WHO} refuses: it has changed since it was looked at")));
        }
        let answer = answer.changed(WHO)?;
        serde_json::from_slice(&answer.body).map_err(|_| ToolError::Unknown(format!("the answer of {WHO} was not understood")))
    }
}

impl<'a> At<'a> {
    pub(super) fn read(clusters: &'a BTreeMap<String, Cluster>, args: Args<'a>) -> Result<Self, String> {
        let title = args.text("cluster")?;
        let cluster = clusters.get(title).ok_or_else(|| format!("`{}` is no cluster of this runner", cut(title, 80)))?;
        let (namespace, name) = (args.text("namespace")?, args.text("deployment")?);
        if cluster.deployments.get(namespace).is_some_and(|names| names.contains(name)) {
            Ok(Self { cluster, title, namespace, name })
        } else {
            Err(format!("`{}/{}` is no deployment of this runner", cut(namespace, 80), cut(name, 80)))
        }
    }

    /// As people say it: `prod/shop/web`.
    pub(super) fn shown(&self) -> String {
        format!("{}/{}/{}", self.title, self.namespace, self.name)
    }

    pub(super) async fn look(&self) -> Result<Deployment, String> {
        self.cluster.get(&format!("{}/deployments/{}", self.namespace, self.name)).await.map(Deployment)
    }

    /// Puts it back as it was changed, if nobody else has changed it.
    pub(super) async fn replace(&self, deployment: &Deployment) -> Result<Deployment, ToolError> {
        self.cluster.put(&format!("{}/deployments/{}", self.namespace, self.name), &deployment.0).await.map(Deployment)
    }

    /// Sets the number of replicas, on the condition that the deployment is the one that was seen.
    pub(super) async fn scale(&self, seen: &Deployment, to: u64) -> Result<(), ToolError> {
        let scale = serde_json::json!({
            "apiVersion": "autoscaling/v1", "kind": "Scale",
            "metadata": {"name": self.name, "namespace": self.namespace, "resourceVersion": seen.text("/metadata/resourceVersion")},
            "spec": {"replicas": to},
        });
        self.cluster.put(&format!("{}/deployments/{}/scale", self.namespace, self.name), &scale).await.map(|_| ())
    }

    /// The pods of an earlier version, as its replica set keeps them.
    pub(super) async fn template(&self, deployment: &Deployment, revision: u64) -> Result<Value, String> {
        let listed = self.cluster.get(&format!("{}/replicasets?limit={SETS_MAX}", self.namespace)).await?;
        let uid = deployment.text("/metadata/uid");
        let sets = listed.pointer("/items").and_then(Value::as_array).ok_or_else(|| format!("the answer of {WHO} was not understood"))?;
        let ours = |set: &&Value| {
            let owners = set.pointer("/metadata/ownerReferences").and_then(Value::as_array);
            owners.is_some_and(|owners| owners.iter().any(|owner| !uid.is_empty() && owner.get("uid").and_then(Value::as_str) == Some(uid)))
        };
        let numbered =
            |set: &&Value| set.pointer(REVISION).and_then(Value::as_str).and_then(|text| text.parse::<u64>().ok()) == Some(revision);
        let found = sets.iter().filter(ours).find(numbered).and_then(|set| set.pointer("/spec/template")).cloned();
        let mut template = found.ok_or_else(|| format!("`{}` has no version {revision} any more", self.shown()))?;
        // The replica set's own mark.
        if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
            labels.remove("pod-template-hash");
        }
        Ok(template)
    }
}

impl Deployment {
    pub(super) fn text(&self, pointer: &str) -> &str {
        self.0.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    fn number(&self, pointer: &str) -> u64 {
        self.0.pointer(pointer).and_then(Value::as_u64).unwrap_or_default()
    }

    pub(super) fn replicas(&self) -> u64 {
        // One is what a deployment has that says nothing.
        self.0.pointer("/spec/replicas").and_then(Value::as_u64).unwrap_or(1)
    }

    pub(super) fn revision(&self) -> Option<u64> {
        self.text(REVISION).parse().ok()
    }

    /// Whether every replica is of the present version and serves, and none of another is left.
    pub(super) fn is_out(&self) -> bool {
        let wanted = self.replicas();
        let counts = ["replicas", "updatedReplicas", "availableReplicas"].map(|name| self.number(&format!("/status/{name}")));
        self.number("/status/observedGeneration") >= self.number("/metadata/generation") && counts == [wanted; 3]
    }

    pub(super) fn shown(&self) -> Value {
        serde_json::json!({
            "replicas": self.replicas(), "available": self.number("/status/availableReplicas"), "revision": self.revision(), "out": self.is_out(),
        })
    }
}
