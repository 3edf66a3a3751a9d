//! Who may send signals, in which format, and how a sender shows that it is the one: what `lineclear.toml` says of each
//! source. The secret itself is never part of it, only its name.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::time::Span;

/// The format that a source speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// Alertmanager's webhook, version 4.
    Alertmanager,
    /// What Prometheus itself posts to an Alertmanager (API v2).
    Prometheus,
    /// What a sender posts to `PagerDuty` (Events API v2, alerts and changes).
    Pagerduty,
    /// Grafana alerting's webhook.
    Grafana,
    /// Datadog's webhook integration.
    Datadog,
    /// `CloudWatch` alarms by way of SNS.
    Cloudwatch,
    /// Sentry's issue and metric alerts.
    Sentry,
    /// Checkly's webhook.
    Checkly,
    /// `CloudEvents` 1.0 over HTTP, structured, binary or batched.
    Cloudevents,
    /// Axiom's monitors.
    Axiom,
    /// Checkmk's notifications.
    Checkmk,
    /// Coralogix' alerts.
    Coralogix,
    /// Dash0's alerts.
    Dash0,
    /// Google Cloud Monitoring's incidents.
    Gcp,
    /// Graylog's event notifications.
    Graylog,
    /// `LibreNMS`' alerts.
    Librenms,
    /// `SignalFx` (Splunk Observability) detectors.
    Signalfx,
    /// `ThousandEyes`' alert notifications.
    Thousandeyes,
    /// Wazuh's alerts.
    Wazuh,
    /// Any JSON, read by a mapping of the estate.
    Json,
    /// GitHub's deployments, releases and pushes.
    Github,
    /// GitLab's deployments, releases and pushes.
    Gitlab,
    /// Argo CD's notifications.
    Argocd,
    /// `NetBox`' event rules: what changed in the inventory.
    Netbox,
    /// A deployment or change, in Lineclear's own few members.
    Deployment,
}

impl SourceKind {
    /// Every kind with the word that people write.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("alertmanager", Self::Alertmanager),
        ("prometheus", Self::Prometheus),
        ("pagerduty", Self::Pagerduty),
        ("grafana", Self::Grafana),
        ("datadog", Self::Datadog),
        ("cloudwatch", Self::Cloudwatch),
        ("sentry", Self::Sentry),
        ("checkly", Self::Checkly),
        ("cloudevents", Self::Cloudevents),
        ("axiom", Self::Axiom),
        ("checkmk", Self::Checkmk),
        ("coralogix", Self::Coralogix),
        ("dash0", Self::Dash0),
        ("gcp", Self::Gcp),
        ("graylog", Self::Graylog),
        ("librenms", Self::Librenms),
        ("signalfx", Self::Signalfx),
        ("thousandeyes", Self::Thousandeyes),
        ("wazuh", Self::Wazuh),
        ("json", Self::Json),
        ("github", Self::Github),
        ("gitlab", Self::Gitlab),
        ("argocd", Self::Argocd),
        ("netbox", Self::Netbox),
        ("deployment", Self::Deployment),
    ];

    /// The word that people write.
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or("unknown", |(word, _)| word)
    }
}

impl fmt::Display for SourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Where the shared secret of a source lies; the secret is never in the estate.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretName {
    /// A file of this name in the folder `secrets` of the data directory.
    File(String),
    /// A variable of this name in the environment of the server.
    Env(String),
}

/// How a sender shows that it is the one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "by")]
pub enum Proof {
    /// A token made with `lineclear token webhook`: as bearer, as the password of basic authentication, or in the header
    /// that the sender's product uses for it.
    Token,
    /// A shared secret: the same places, and for `PagerDuty`'s format the `routing_key`.
    Secret {
        /// Which secret.
        secret: SecretName,
    },
    /// A signature over the body with a shared secret, by the rule of the sender's product; by Standard Webhooks where it
    /// has none.
    Signature {
        /// Which secret.
        secret: SecretName,
    },
    /// None: whoever reaches the address may send. It must be said in so many words.
    Nothing,
}

/// A source of signals, or of news of changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignalSource {
    /// What it speaks.
    pub kind: SourceKind,
    /// How it shows that it is the one.
    pub proof: Proof,
    /// How old a signed message may be, where the format has a time.
    pub replay: Span,
    /// The mapping that reads it, for kind `json`.
    pub mapping: Option<String>,
    /// Whether its signals page anybody at all.
    pub pages: bool,
    /// For kind `cloudwatch`: the topics that may send, and whose subscription is confirmed by itself.
    pub topics: Vec<String>,
}
