//! The second pass: everything that one file says about another, checked, and the estate put together.

mod people;
mod promises;
mod rotations;
mod things;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use lineclear_core::Digest;
use lineclear_core::catalogue::Catalogue;
use lineclear_core::estate::Estate;
use lineclear_core::name::{ActionName, FactName, RunbookName};
use lineclear_core::topology::{EntityRef, Topology};

use crate::actions::ActionDraft;
use crate::authority::AuthorityDraft;
use crate::calendar::CalendarDraft;
use crate::catalog::CatalogDraft;
use crate::escalation::PathDraft;
use crate::facts::FactDraft;
use crate::fault::{At, Faults, Place};
use crate::freezes::FreezeDraft;
use crate::keys::KeysDraft;
use crate::maintenance::MaintenanceDraft;
use crate::mapping::MappingDraft;
use crate::rotation::RotationDraft;
use crate::runbook::RunbookDraft;
use crate::settings::SettingsDraft;
use crate::severity::SeverityDraft;
use crate::slo::SloDrafts;
use crate::suggest::suggest;

/// Everything that the first pass read.
#[derive(Debug, Default)]
pub(crate) struct Drafts {
    pub(crate) settings: Option<SettingsDraft>,
    pub(crate) authority: Option<AuthorityDraft>,
    pub(crate) catalog: CatalogDraft,
    pub(crate) actions: Vec<ActionDraft>,
    pub(crate) facts: Vec<FactDraft>,
    pub(crate) runbooks: Vec<RunbookDraft>,
    pub(crate) freezes: Vec<FreezeDraft>,
    pub(crate) keys: Vec<KeysDraft>,
    pub(crate) maintenance: Vec<MaintenanceDraft>,
    pub(crate) mappings: Vec<MappingDraft>,
    pub(crate) slos: SloDrafts,
    pub(crate) severity: Option<SeverityDraft>,
    pub(crate) escalation: Vec<PathDraft>,
    pub(crate) rotations: Vec<RotationDraft>,
    pub(crate) calendars: Vec<CalendarDraft>,
}

/// Checks every reference and puts the estate together; none when something it cannot be without is missing.
pub(crate) fn link(drafts: Drafts, digest: Digest, faults: &Faults) -> Option<Estate> {
    once(drafts.actions.iter().map(|draft| (&draft.action.name, &draft.name)), "action", faults);
    once(drafts.runbooks.iter().map(|draft| (&draft.runbook.id, &draft.id)), "runbook", faults);
    facts(&drafts, faults);
    runbooks(&drafts, faults);
    actions(&drafts, faults);
    let things = things::things(&drafts.catalog, faults);
    let directory = people::directory(&drafts, faults);
    promises::severity(&drafts, faults);
    signals(&drafts, faults);
    notices(&drafts, faults);
    let rotations = rotations::rotations(&drafts, faults);
    let (mut slos, mut escalation) = (BTreeMap::new(), BTreeMap::new());
    if let Some(topology) = &things {
        drafts.freezes.iter().flat_map(|draft| &draft.targets).for_each(|at| target(&at.value, &at.place, topology, faults));
        drafts.runbooks.iter().flat_map(|draft| &draft.serves.things).for_each(|at| target(&at.value, &at.place, topology, faults));
        drafts.maintenance.iter().flat_map(|draft| &draft.targets).for_each(|at| target(&at.value, &at.place, topology, faults));
        (slos, escalation) = (promises::slos(&drafts, topology, faults), promises::escalation(&drafts, topology, faults));
    }
    let (SettingsDraft { settings, .. }, authority, topology) = (drafts.settings?, drafts.authority?, things?);
    Some(Estate {
        title: settings.title,
        digest,
        origin: settings.origin,
        catalogue: Catalogue { actions: drafts.actions.into_iter().map(|draft| (draft.action.name.clone(), draft.action)).collect() },
        topology,
        authority: authority.authority,
        directory,
        facts: drafts.facts.into_iter().map(|draft| (draft.spec.name.clone(), draft.spec)).collect(),
        runbooks: drafts.runbooks.into_iter().map(|draft| (draft.runbook.id.clone(), draft.runbook)).collect(),
        freezes: drafts.freezes.into_iter().map(|draft| draft.freeze).collect(),
        sources: settings.sources,
        posture: settings.posture,
        slos,
        severity: drafts.severity.map(|draft| draft.table),
        escalation,
        rotations,
        signals: settings.signals,
        notices: settings.notices,
        mappings: drafts.mappings.into_iter().map(|draft| (draft.name, draft.mapping)).collect(),
        maintenance: drafts.maintenance.into_iter().map(|draft| draft.window).collect(),
    })
}

/// Reports a thing that is not in the catalog.
fn target(reference: &EntityRef, place: &Place, topology: &Topology, faults: &Faults) {
    if topology.get(reference).is_none() {
        let known: Vec<String> = topology.iter().map(|thing| thing.reference.to_string()).collect();
        let help = suggest(&reference.to_string(), known.iter().map(String::as_str));
        faults.at(place, format!("`{reference}` is not in this catalog"), help);
    }
}

/// Reports every name after its first.
pub(crate) fn once<'a, T: Ord + fmt::Display + 'a>(names: impl Iterator<Item = (&'a T, &'a Place)>, what: &str, faults: &Faults) {
    let mut seen: BTreeMap<&T, &Place> = BTreeMap::new();
    for (name, place) in names {
        match seen.get(name) {
            Some(first) => {
                let help = format!("the first stands in `{}`", first.text.path);
                faults.at(place, format!("{what} `{name}` is described twice"), Some(help));
            }
            None => {
                seen.insert(name, place);
            }
        }
    }
}

/// Reports a name that is not among the known ones.
pub(crate) fn known<'a, T: fmt::Display + PartialEq<T> + 'a>(
    name: &T,
    place: &Place,
    among: impl Iterator<Item = &'a T>,
    what: &str,
    faults: &Faults,
) {
    let among: Vec<&T> = among.collect();
    if !among.contains(&name) {
        let words: Vec<String> = among.iter().map(ToString::to_string).collect();
        faults.at(place, format!("`{name}` is no {what} of this estate"), suggest(&name.to_string(), words.iter().map(String::as_str)));
    }
}

fn source(name: &At<String>, drafts: &Drafts, faults: &Faults) {
    if let Some(settings) = &drafts.settings {
        known(&name.value, &name.place, settings.settings.sources.keys(), "source", faults);
    }
}

/// The people whose places in channels are named.
fn notices(drafts: &Drafts, faults: &Faults) {
    for login in drafts.settings.iter().flat_map(|draft| &draft.people) {
        known(&login.value, &login.place, drafts.catalog.users.iter().map(|user| &user.login.value), "person", faults);
    }
}

/// The mappings that senders name, and the people who answer for windows.
fn signals(drafts: &Drafts, faults: &Faults) {
    once(drafts.mappings.iter().map(|draft| (&draft.name, &draft.place)), "mapping", faults);
    for name in drafts.settings.iter().flat_map(|draft| &draft.mappings) {
        known(&name.value, &name.place, drafts.mappings.iter().map(|draft| &draft.name), "mapping", faults);
    }
    for draft in &drafts.maintenance {
        known(&draft.by.value, &draft.by.place, drafts.catalog.users.iter().map(|user| &user.login.value), "person", faults);
    }
}

fn facts(drafts: &Drafts, faults: &Faults) {
    for draft in &drafts.facts {
        source(&At { value: draft.spec.source.clone(), place: draft.source.clone() }, drafts, faults);
    }
}

fn runbooks(drafts: &Drafts, faults: &Faults) {
    let vocabulary: Vec<&FactName> = drafts.facts.iter().map(|draft| &draft.spec.name).collect();
    for draft in &drafts.runbooks {
        drafts.catalog.team(&draft.runbook.owner, &draft.owner, faults);
        draft.sources.iter().for_each(|name| source(name, drafts, faults));
        for fact in &draft.facts {
            known(&fact.value, &fact.place, vocabulary.iter().copied(), "fact", faults);
        }
        for action in &draft.serves.actions {
            called(action, draft, drafts, faults);
        }
    }
}

/// An action that a runbook names exists, and calls it.
fn called(action: &At<ActionName>, runbook: &RunbookDraft, drafts: &Drafts, faults: &Faults) {
    known(&action.value, &action.place, drafts.actions.iter().map(|draft| &draft.action.name), "action", faults);
    let found = drafts.actions.iter().find(|draft| draft.action.name == action.value);
    let other = found.filter(|draft| draft.action.runbook.as_ref() != Some(&runbook.runbook.id));
    if let Some(other) = other {
        let calls = other.action.runbook.as_ref().map_or_else(|| "no runbook".into(), |name| format!("`{name}`"));
        let message = format!("action `{}` does not call this runbook", action.value);
        faults.at(&action.place, message, Some(format!("it calls {calls}")));
    }
}

fn actions(drafts: &Drafts, faults: &Faults) {
    let vocabulary: BTreeMap<&FactName, &FactDraft> = drafts.facts.iter().map(|draft| (&draft.spec.name, draft)).collect();
    let runbooks: BTreeMap<&RunbookName, &RunbookDraft> = drafts.runbooks.iter().map(|draft| (&draft.runbook.id, draft)).collect();
    for draft in &drafts.actions {
        for fact in &draft.facts {
            known(&fact.value, &fact.place, vocabulary.keys().copied(), "fact", faults);
        }
        let runbook = draft.runbook.as_ref().and_then(|name| {
            known(&name.value, &name.place, runbooks.keys().copied(), "runbook", faults);
            runbooks.get(&name.value).copied()
        });
        if let Some(runbook) = runbook {
            agree(draft, runbook, faults);
            admitted(draft, runbook, faults);
        }
        let verified = runbook.map_or(&[][..], |runbook| &runbook.facts);
        for fact in draft.facts.iter().chain(verified) {
            asks(draft, fact, &vocabulary, faults);
        }
    }
}

/// A runbook that names its callers is called by nobody else.
fn admitted(action: &ActionDraft, runbook: &RunbookDraft, faults: &Faults) {
    let callers = &runbook.runbook.serves.actions;
    if let Some(name) = action.runbook.as_ref().filter(|_| !callers.is_empty() && !callers.contains(&action.action.name)) {
        let message = format!("runbook `{}` does not name action `{}` among its callers", name.value, action.action.name);
        let help = "add it to `serves.actions` there, and have its owners review that".into();
        faults.at(&name.place, message, Some(help));
    }
}

/// A fact's query can only use inputs that the action asks for.
fn asks(action: &ActionDraft, fact: &At<FactName>, vocabulary: &BTreeMap<&FactName, &FactDraft>, faults: &Faults) {
    let wanted = vocabulary.get(&fact.value).map_or(&[][..], |draft| &draft.inputs);
    for input in wanted.iter().filter(|input| !action.inputs.contains_key(*input)) {
        let message = format!("fact `{}` asks with `${{inputs.{input}}}`, which action `{}` has not", fact.value, action.action.name);
        faults.at(&fact.place, message, Some("use another fact, or give the action this input".into()));
    }
}

/// An action and its runbook ask for the same inputs, each of the same kind.
fn agree(action: &ActionDraft, runbook: &RunbookDraft, faults: &Faults) {
    let names: BTreeSet<_> = action.inputs.keys().chain(runbook.inputs.keys()).collect();
    for name in names {
        match (action.inputs.get(name), runbook.inputs.get(name)) {
            (Some(ours), Some(theirs)) if ours.value != theirs.value => {
                let help = format!("runbook `{}` asks for {}", runbook.runbook.id, theirs.value);
                faults.at(&ours.place, format!("input `{name}` is {} here", ours.value), Some(help));
            }
            // An input of the action alone is for its facts.
            (Some(_), _) | (None, None) => {}
            (None, Some(_)) => {
                let message = format!("action `{}` lacks input `{name}`", action.action.name);
                faults.at(&action.name, message, Some(format!("runbook `{}` asks for it", runbook.runbook.id)));
            }
        }
    }
}
