//! What senders post: one pure reader for each format, from bytes and headers to signals, or to news of changes.
//!
//! Every reader is strict where a mistake would change what is acted on, tolerant where its sender grows, and bounded.
//! Nothing of a body that is not understood is taken.

mod argocd;
mod checkly;
mod cloudevents;
mod cloudwatch;
mod datadog;
mod deployment;
mod draft;
mod github;
mod gitlab;
mod grafana;
mod mapped;
mod netbox;
mod pagerduty;
mod places;
mod presets;
mod prometheus;
mod sentry;
#[cfg(test)]
mod tests;
mod times;

use lineclear_core::Timestamp;
use lineclear_core::deployment::Report;
use lineclear_core::signal::{Mapping, Signal, SourceKind};

use crate::alertmanager::{ALERTS_MAX, document};
use crate::{WebhookError, alertmanager};

pub use cloudwatch::is_sns;
pub(crate) use draft::service_of;

/// The headers of a request, names in lower case. A name that is there twice has no value: which of the two was meant?
#[derive(Debug, Clone, Copy)]
pub struct Headers<'a>(&'a [(&'a str, &'a str)]);

impl<'a> Headers<'a> {
    /// Headers by name, in lower case.
    pub const fn new(pairs: &'a [(&'a str, &'a str)]) -> Self {
        Self(pairs)
    }

    /// The one value of this name.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        let mut found = self.0.iter().filter(|(given, _)| *given == name);
        match (found.next(), found.next()) {
            (Some((_, value)), None) => Some(value),
            (_, _) => None,
        }
    }
}

/// What a body holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// Signals, in its order.
    Signals(Vec<Signal>),
    /// News of changes that others made.
    Reports(Vec<Report>),
    /// Nothing that concerns us, and why.
    Nothing(&'static str),
    /// A topic asks whether it may send: nothing is fetched here.
    Confirm {
        /// Which topic.
        topic: String,
        /// What to open in order to agree.
        url: String,
    },
}

/// Reads a body in the format of its source; `source` is the name under which its signals are kept.
///
/// # Errors
/// See [`WebhookError`].
pub fn read(
    source: &str,
    kind: SourceKind,
    mapping: Option<&Mapping>,
    headers: Headers<'_>,
    body: &[u8],
    now: Timestamp,
) -> Result<Heard, WebhookError> {
    let root = if kind == SourceKind::Alertmanager { None } else { Some(document(body)?) };
    let Some(root) = root else {
        let signals = alertmanager::parse(body)?;
        return Ok(Heard::Signals(signals.into_iter().map(|signal| Signal { source: source.into(), ..signal }).collect()));
    };
    let heard = match kind {
        SourceKind::Alertmanager => Heard::Nothing("read above"),
        SourceKind::Prometheus => Heard::Signals(prometheus::read(source, &root, now)?),
        SourceKind::Pagerduty => pagerduty::read(source, &root)?,
        SourceKind::Grafana => Heard::Signals(grafana::read(source, &root)?),
        SourceKind::Datadog => Heard::Signals(datadog::read(source, &root)?),
        SourceKind::Cloudwatch => cloudwatch::read(source, &root)?,
        SourceKind::Sentry => sentry::read(source, headers, &root)?,
        SourceKind::Checkly => checkly::read(source, &root)?,
        SourceKind::Cloudevents => cloudevents::read(source, headers, mapping, root)?,
        SourceKind::Axiom
        | SourceKind::Checkmk
        | SourceKind::Coralogix
        | SourceKind::Dash0
        | SourceKind::Gcp
        | SourceKind::Graylog
        | SourceKind::Librenms
        | SourceKind::Signalfx
        | SourceKind::Thousandeyes
        | SourceKind::Wazuh => Heard::Signals(mapped::read(source, &presets::preset(kind), &root)?),
        SourceKind::Json => match mapping {
            Some(mapping) => Heard::Signals(mapped::read(source, mapping, &root)?),
            None => Heard::Nothing("no mapping reads it"),
        },
        SourceKind::Github => github::read(source, headers, &root)?,
        SourceKind::Gitlab => gitlab::read(source, &root)?,
        SourceKind::Argocd => argocd::read(source, &root)?,
        SourceKind::Netbox => netbox::read(source, &root)?,
        SourceKind::Deployment => deployment::read(source, &root)?,
    };
    match &heard {
        Heard::Signals(list) if list.len() > ALERTS_MAX => Err(WebhookError::TooMany { count: list.len() }),
        Heard::Reports(list) if list.len() > ALERTS_MAX => Err(WebhookError::TooMany { count: list.len() }),
        Heard::Signals(_) | Heard::Reports(_) | Heard::Nothing(_) | Heard::Confirm { .. } => Ok(heard),
    }
}
