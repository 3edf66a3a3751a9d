//! A signal on its way: whatever a reader found, bounded and made harmless when it is done.

use std::collections::BTreeMap;

use lineclear_core::deployment::{Kind, Progress, Report};
use lineclear_core::incident::Severity;
use lineclear_core::signal::{LABEL_MAX, LABELS_MAX, Signal, SignalState};
use lineclear_core::{Digest, Timestamp};

use crate::alertmanager::{FINGERPRINT_MAX, SEVERITY_MAX, TITLE_MAX, key};
use crate::text::{one_line, paragraph};

/// Most bytes of labels, and of annotations, that one signal keeps: some hundred lines. One event holds many signals.
const KEPT_MAX: usize = 24 * 1024;
/// Longest address of a link, in characters.
const LINK_MAX: usize = 500;

/// Labels that name a service, most telling first.
const SERVICES: &[&str] = &["service", "service.name", "service_name", "app", "application", "component", "project", "job"];

/// What the labels call the service.
pub(crate) fn service_of(labels: &BTreeMap<String, String>) -> Option<String> {
    let named = SERVICES.iter().filter_map(|name| labels.get(*name));
    named.map(|service| service.trim()).find(|service| !service.is_empty()).map(|service| one_line(service, TITLE_MAX))
}

/// What a reader found.
#[derive(Debug, Default)]
pub(super) struct Draft {
    /// What makes it the same thing; all parts together.
    pub fingerprint: Vec<String>,
    pub group: Option<String>,
    pub resolved: bool,
    pub title: Option<String>,
    pub word: Option<String>,
    pub severity: Option<Severity>,
    pub service: Option<String>,
    pub starts: Option<Timestamp>,
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
}

impl Draft {
    /// A label, where there is something to say.
    pub fn label(&mut self, name: &str, value: Option<String>) {
        if let Some(value) = value {
            self.labels.entry(name.to_owned()).or_insert(value);
        }
    }

    /// An annotation, where there is something to say.
    pub fn note(&mut self, name: &str, value: Option<String>) {
        if let Some(value) = value {
            self.annotations.entry(name.to_owned()).or_insert(value);
        }
    }

    /// The signal. Without a fingerprint it is known by everything that does not change with its state.
    pub fn seal(self, source: &str) -> Signal {
        let labels = kept(&self.labels, one_line);
        let title = self.title.as_deref().map(str::trim).filter(|title| !title.is_empty());
        let title = one_line(title.unwrap_or("an alert without a name"), TITLE_MAX);
        let mut fingerprint = self.fingerprint.join("/");
        if fingerprint.is_empty() {
            let parts = labels.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]).chain([title.as_str()]);
            fingerprint = Digest::of(parts.collect::<Vec<_>>().join("\u{1f}").as_bytes()).to_string();
        }
        let fingerprint = key(&fingerprint, FINGERPRINT_MAX);
        Signal {
            source: source.to_owned(),
            group: self.group.filter(|group| !group.is_empty()).map_or_else(|| fingerprint.clone(), |group| key(&group, LABEL_MAX)),
            fingerprint,
            state: if self.resolved { SignalState::Resolved } else { SignalState::Firing },
            title,
            stated_severity: one_line(self.word.as_deref().unwrap_or(""), SEVERITY_MAX),
            severity: self.severity,
            service: self.service.map(|service| one_line(&service, TITLE_MAX)).or_else(|| service_of(&labels)),
            starts: self.starts.unwrap_or(Signal::UNSTATED),
            labels,
            annotations: kept(&self.annotations, paragraph),
        }
    }
}

/// As many as fit, names and values harmless.
fn kept(given: &BTreeMap<String, String>, shown: fn(&str, usize) -> String) -> BTreeMap<String, String> {
    let (mut kept, mut bytes) = (BTreeMap::new(), 0_usize);
    for (name, value) in given.iter().take(LABELS_MAX) {
        let (name, value) = (one_line(name, LABEL_MAX), shown(value, LABEL_MAX));
        bytes = bytes.saturating_add(name.len()).saturating_add(value.len());
        if bytes > KEPT_MAX {
            break;
        }
        kept.entry(name).or_insert(value);
    }
    kept
}

/// What a reader found of a change.
#[derive(Debug, Default)]
pub(super) struct Change {
    pub fingerprint: Vec<String>,
    pub kind: Option<Kind>,
    pub title: Option<String>,
    pub service: Option<String>,
    pub environment: Option<String>,
    pub revision: Option<String>,
    pub author: Option<String>,
    pub link: Option<String>,
    pub progress: Option<Progress>,
    pub at: Option<Timestamp>,
}

impl Change {
    /// The report.
    pub fn seal(self, source: &str) -> Report {
        let line = |text: Option<String>| text.map(|text| one_line(text.trim(), TITLE_MAX)).filter(|text| !text.is_empty());
        let title = line(self.title).unwrap_or_else(|| "a change without a name".into());
        let mut fingerprint = self.fingerprint.join("/");
        if fingerprint.is_empty() {
            fingerprint = Digest::of(format!("{title}\u{1f}{:?}", self.at).as_bytes()).to_string();
        }
        Report {
            source: source.to_owned(),
            fingerprint: key(&fingerprint, FINGERPRINT_MAX),
            kind: self.kind.unwrap_or(Kind::Other),
            title,
            service: line(self.service),
            environment: line(self.environment),
            revision: line(self.revision),
            author: line(self.author),
            link: self.link.filter(|link| is_link(link)),
            progress: self.progress.unwrap_or(Progress::Succeeded),
            at: self.at.unwrap_or(Signal::UNSTATED),
        }
    }
}

/// Whether people may be given it to click on.
fn is_link(text: &str) -> bool {
    let web = text.starts_with("https://") || text.starts_with("http://");
    web && text.len() <= LINK_MAX && text.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'<' | b'>' | b'\\'))
}
