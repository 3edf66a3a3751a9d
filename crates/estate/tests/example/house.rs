//! The example estate as it is shipped, and what its own catalog says of an action on a thing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;

use lineclear_core::catalogue::{Action, Reversibility};
use lineclear_core::measure::Confidence;
use lineclear_core::posture::Posture;
use lineclear_core::situation::{Actor, Case, Situation};
use lineclear_core::topology::{Entity, EntityRef};
use lineclear_core::verdict::Verdict;
use lineclear_estate::{Loaded, load};

pub(crate) fn directory() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../estate/example"))
}

static EXAMPLE: LazyLock<Loaded> = LazyLock::new(|| load(directory()).unwrap_or_else(|error| panic!("{error}")));

/// The estate as shipped, read once.
pub(crate) fn example() -> &'static Loaded {
    &EXAMPLE
}

/// A machine.
pub(crate) fn agent(loaded: &Loaded) -> Actor {
    Actor::Agent(*loaded.estate.directory.agents.keys().next().unwrap())
}

/// A person.
pub(crate) fn person(loaded: &Loaded) -> Actor {
    Actor::Operator(*loaded.estate.directory.operators.keys().next().unwrap())
}

/// Every thing that the action can act on.
pub(crate) fn targets<'a>(loaded: &'a Loaded, action: &'a Action) -> impl Iterator<Item = &'a Entity> {
    loaded.estate.topology.iter().filter(|thing| thing.reference.kind == action.resource)
}

/// A quiet day: what the estate itself says of the action on the target, and all facts alike.
pub(crate) fn case(loaded: &Loaded, principal: Actor, action: &Action, target: &EntityRef, confirmed: bool) -> Case {
    let blast = loaded.estate.topology.blast(target);
    let evidence: BTreeMap<_, _> = action.facts.iter().map(|need| (need.fact.clone(), confirmed)).collect();
    let situation = Situation {
        confidence: Confidence::try_from(9_000).unwrap(),
        confirmed: if confirmed { u32::try_from(evidence.len()).unwrap() } else { 0 },
        evidence,
        conflicting: false,
        hosts: blast.hosts,
        services: blast.services,
        customers: blast.customers,
        regions: u32::try_from(blast.regions.len()).unwrap(),
        fleet_bp: blast.fleet_bp,
        money_path: blast.money_path,
        customer_data: blast.customer_data,
        reversible: action.reversibility == Reversibility::Reversible,
        undo_drilled: false,
        budget: None,
        posture: Posture::Full,
        freeze: false,
        in_flight: 0,
        severity: 0,
        emergency: false,
        routine: false,
        permissions: runbook_of(loaded, action),
    };
    Case { principal, action: action.name.clone(), target: target.clone(), situation }
}

/// What the runbook of the action can get, as far as its text names it.
fn runbook_of(loaded: &Loaded, action: &Action) -> BTreeSet<String> {
    let runbook = action.runbook.as_ref().and_then(|name| loaded.estate.runbooks.get(name));
    runbook.map(|runbook| runbook.permissions.atoms()).unwrap_or_default()
}

/// The verdict in one word: `clear`, a rung, or `denied`.
pub(crate) fn word(loaded: &Loaded, case: &Case) -> String {
    match loaded.policies.judge(case).unwrap() {
        Verdict::Clear { .. } => "clear".into(),
        Verdict::NeedsApproval { rung, .. } => rung.to_string(),
        Verdict::Denied { .. } => "denied".into(),
    }
}
