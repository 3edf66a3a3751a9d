//! JSON of no format that is known here, read by a mapping.

use lineclear_core::signal::{Mapping, Pointer, Signal};

use super::draft::Draft;
use super::places::{pointed, scalar};
use super::times::time;
use crate::WebhookError;
use crate::alertmanager::{ALERTS_MAX, expected};
use crate::json::{Json, Place};

/// The signals of a body.
pub(super) fn read(source: &str, mapping: &Mapping, root: &Json) -> Result<Vec<Signal>, WebhookError> {
    let one = std::slice::from_ref(root);
    let items = match (&mapping.items, root) {
        (Some(pointer), _) => match pointed(root, pointer) {
            Some(Json::List(items)) => items.as_slice(),
            _ => return Err(WebhookError::Member { at: crate::text::one_line(&pointer.to_string(), 200), expected: "a list of alerts" }),
        },
        (None, Json::List(items)) => items.as_slice(),
        (None, _) => one,
    };
    if items.len() > ALERTS_MAX {
        return Err(WebhookError::TooMany { count: items.len() });
    }
    items.iter().enumerate().map(|(index, item)| signal(source, mapping, index, item)).collect()
}

fn signal(source: &str, mapping: &Mapping, index: usize, item: &Json) -> Result<Signal, WebhookError> {
    let first = |places: &[Pointer]| places.iter().find_map(|pointer| pointed(item, pointer).and_then(scalar));
    let all = |places: &[Pointer]| places.iter().filter_map(|pointer| pointed(item, pointer).and_then(scalar)).collect::<Vec<_>>();
    let fingerprint = all(&mapping.fingerprint);
    if fingerprint.is_empty() {
        // What cannot be known again would be new each time.
        let place = mapping.fingerprint.first().map(ToString::to_string).unwrap_or_default();
        return Err(expected(
            &Place::Member(&Place::Item(&Place::Root, index), place.trim_start_matches('/')),
            "what makes it the same thing",
        ));
    }
    let word = first(&mapping.severity);
    let state = first(&mapping.state).map(|state| state.to_lowercase());
    let draft = Draft {
        fingerprint,
        group: Some(all(&mapping.group).join("/")),
        resolved: state.is_some_and(|state| mapping.resolved.contains(&state)),
        title: first(&mapping.title),
        severity: word.as_ref().and_then(|word| mapping.severities.get(&word.to_lowercase()).copied()),
        word,
        service: first(&mapping.service),
        starts: first(&mapping.starts).and_then(|text| time(&text)),
        labels: mapping
            .labels
            .iter()
            .filter_map(|(name, pointer)| Some((name.clone(), pointed(item, pointer).and_then(scalar)?)))
            .collect(),
        annotations: mapping
            .annotations
            .iter()
            .filter_map(|(name, pointer)| Some((name.clone(), pointed(item, pointer).and_then(scalar)?)))
            .collect(),
    };
    Ok(draft.seal(source))
}
