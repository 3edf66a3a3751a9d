//! What Statuspage's public API gives for incidents (`/api/v2/incidents.json`), as far as it can be known from there.
//!
//! A status page says when customers were told what, never what was done: so an incident becomes a row without an action, which
//! counts as not judgeable. What it does say is how long the fix took: from the beginning until the first update that says
//! `monitoring` (a fix is in place), or `resolved` when none does.

use lineclear_core::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{InputError, Place, Row, bounded};

/// Statuses after which a fix is in place, and which hence end the wait.
const FIXED: [&str; 4] = ["monitoring", "resolved", "postmortem", "completed"];

/// The members that matter; others come and go with Statuspage's versions.
#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    incidents: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Incident {
    id: String,
    name: String,
    created_at: Timestamp,
    started_at: Option<Timestamp>,
    resolved_at: Option<Timestamp>,
    #[serde(default, rename = "incident_updates")]
    updates: Vec<Update>,
}

#[derive(Deserialize)]
struct Update {
    status: String,
    created_at: Timestamp,
    display_at: Option<Timestamp>,
}

/// One row for each incident.
pub(super) fn rows(text: &str) -> Result<Vec<Row>, InputError> {
    let page: Page<'_> = serde_json::from_str(text).map_err(|error| InputError::whole(&error))?;
    let mut rows = Vec::new();
    for (at, item) in page.incidents.into_iter().enumerate() {
        let place = Place::Pointer(format!("/incidents/{at}"));
        bounded(at, &place)?;
        let incident: Incident = serde_json::from_str(item.get()).map_err(|error| InputError::json(&place, &error))?;
        rows.push(incident.row(place)?);
    }
    Ok(rows)
}

impl Incident {
    fn row(&self, place: Place) -> Result<Row, InputError> {
        let began = self.started_at.unwrap_or(self.created_at);
        let fixed = self.updates.iter().filter(|update| FIXED.contains(&update.status.as_str()));
        let fixed = fixed.map(|update| update.display_at.unwrap_or(update.created_at)).chain(self.resolved_at).min();
        if fixed.is_some_and(|fixed| fixed < began) {
            return Err(InputError::at(place, "it was fixed before it began"));
        }
        let waited_minutes = fixed.map(|fixed| u32::try_from(fixed.since(began).as_secs() / 60).unwrap_or(u32::MAX));
        // A name can hold anything; the row's own rules cut it down and `id` keeps it apart from others of the same name.
        let name: String = self.name.chars().filter(|c| !c.is_control()).take(120).collect();
        let id: String = self.id.chars().filter(|c| !c.is_control()).take(40).collect();
        Ok(Row { place, time: began, incident: format!("{id} {name}"), waited_minutes, acted: None })
    }
}
