//! `serves`: what a runbook is for, and which actions may call it.

use lineclear_core::name::ActionName;
use lineclear_core::runbook::Serves;
use lineclear_core::topology::EntityRef;

use crate::fault::At;
use crate::members::{Members, bounded, list};

/// Longest name of an alert, in characters: what senders write on one line.
const ALERT_MAX: usize = 200;
/// Most alerts, things or actions of one runbook.
const SERVES_MAX: usize = 64;

/// What a runbook is for, with the places that links are checked at.
#[derive(Debug, Default)]
pub(crate) struct ServesDraft {
    pub(crate) serves: Serves,
    pub(crate) things: Vec<At<EntityRef>>,
    pub(crate) actions: Vec<At<ActionName>>,
}

/// The member `serves`: `{ things: [service/shop], alerts: [ShopErrors], actions: [pool.drain_host] }`.
pub(super) fn serves(of: &Members<'_>) -> ServesDraft {
    let faults = of.faults();
    let Some(of) = of.maybe("serves").and_then(|node| Members::of(node, "`serves`", faults)) else { return ServesDraft::default() };
    let (things, actions) = (of.names::<EntityRef>("things"), of.names::<ActionName>("actions"));
    let mut serves = Serves {
        things: things.iter().map(|at| at.value.clone()).collect(),
        actions: actions.iter().map(|at| at.value.clone()).collect(),
        ..Serves::default()
    };
    for node in of.maybe("alerts").and_then(|node| list(node, faults)).unwrap_or(&[]) {
        let Some(alert) = bounded(node, ALERT_MAX, faults) else { continue };
        if alert.contains('\n') {
            faults.at(&node.place, "the name of an alert is one line", None);
        }
        if !serves.alerts.insert(alert.clone()) {
            faults.at(&node.place, format!("`{alert}` is listed twice"), None);
        }
    }
    let most = [serves.things.len(), serves.alerts.len(), serves.actions.len()].into_iter().max().unwrap_or(0);
    if most > SERVES_MAX {
        faults.at(of.place(), format!("a runbook serves at most {SERVES_MAX} of a kind, not {most}"), None);
    }
    of.finish();
    ServesDraft { serves, things, actions }
}
