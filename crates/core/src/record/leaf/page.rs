//! What of a page's event goes into its leaf.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Parts, digest_of, link};
use crate::page::{About, Event, Step};

pub(super) fn page(event: &Event) -> Parts {
    let body = match event {
        Event::Opened { about, plan, severity, held, carried, .. } => {
            let body = json!({
                "path": plan.path, "plan": digest_of(plan), "tiers": plan.tiers.len(), "repeat": plan.repeat, "severity": severity, "held": held,
                "carried": carried.is_some(),
            });
            return (body, of(about));
        }
        Event::Told { step: at_step, people, instead, until, .. } => {
            json!({"step": step(*at_step), "people": people, "instead": instead, "until": until})
        }
        Event::Reminded { step: at_step, people, .. } => json!({"step": step(*at_step), "people": people}),
        Event::Acknowledged { by, until, .. } => json!({"by": by, "until": until}),
        Event::AnsweredLate { by, .. } | Event::Forgotten { by, .. } => json!({ "by": by }),
        Event::HandedOver { by, to, until, .. } => json!({"by": by, "to": to, "until": until}),
        Event::Acted { by, acted, until, .. } => json!({"by": by, "acted": acted, "until": until}),
        Event::CommanderLeft { left, .. } => json!({ "left": left }),
        Event::Regraded { severity, released, .. } => json!({"severity": severity, "released": released}),
        Event::Rerouted { plan, .. } => json!({"path": plan.path, "plan": digest_of(plan), "tiers": plan.tiers.len()}),
        Event::Rested { .. } => json!({}),
        Event::Resumed { until, .. } => json!({ "until": until }),
        Event::Ended { why, .. } => json!({ "why": why.word() }),
    };
    (body, BTreeMap::new())
}

fn of(about: &About) -> BTreeMap<String, String> {
    match about {
        About::Incident { incident } => link("incident", incident),
        About::Request { approval, subject, .. } => {
            let mut links = link("approval", approval);
            links.insert(subject.kind().into(), subject.id());
            links
        }
    }
}

/// Tiers and walks are counted from one, as people do.
fn step(step: Step) -> Value {
    match step {
        Step::Tier { walk, tier } => json!({"tier": u16::from(tier) + 1, "walk": u16::from(walk) + 1}),
        Step::Last { round } => json!({"last_resort": u32::from(round) + 1}),
    }
}
