//! From a directory, or from files already in memory, to an estate with its policies and stories.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use lineclear_core::estate::Estate;
use lineclear_core::name::RunbookName;
use lineclear_policy::{Policies, Source};

use crate::digest::digest;
use crate::fault::{Fault, Faults, LoadError, Place, Text};
use crate::files::{FILE_BYTES_MAX, FILES_MAX, read_files};
use crate::link::{Drafts, link};
use crate::rehearsal::{self, Test};
use crate::story::{self, Story};
use crate::suggest::suggest;
use crate::{
    actions, authority, calendar, catalog, escalation, facts, freezes, invariant, keys, maintenance, mapping, rotation, runbook, settings,
    severity, slo,
};

/// An estate that can be used: parsed, linked, its policies validated.
#[derive(Debug)]
pub struct Loaded {
    /// What people own and review.
    pub estate: Arc<Estate>,
    /// The policies, validated against this very estate.
    pub policies: Policies,
    /// What must never be permitted (`invariants/*.cedar`), each a `forbid`; read here, proved elsewhere.
    pub invariants: Vec<Source>,
    /// The tests of each runbook, in the order of its file; [`crate::check`] plays them.
    pub tests: BTreeMap<RunbookName, Vec<Test>>,
    /// The stories of `policies/cases`, not yet told; [`crate::check`] tells them.
    pub stories: Vec<Story>,
}

/// Reads an estate directory.
///
/// # Errors
/// Everything that is wrong: unreadable files, members, types, references, policies.
pub fn load(directory: &Path) -> Result<Loaded, LoadError> {
    load_files(&read_files(directory)?)
}

/// Reads an estate from its files, by path relative to its directory.
///
/// # Errors
/// As [`load`].
pub fn load_files(files: &BTreeMap<String, Vec<u8>>) -> Result<Loaded, LoadError> {
    let faults = Faults::default();
    let mut reading = Reading::default();
    if files.len() > FILES_MAX {
        faults.push(Fault::of_file(".", format!("an estate has at most {FILES_MAX} files"), None));
        return faults.settle(None);
    }
    for (path, bytes) in files {
        match std::str::from_utf8(bytes) {
            Ok(_) if bytes.len() > FILE_BYTES_MAX => {
                faults.push(Fault::of_file(path, format!("larger than {} KiB", FILE_BYTES_MAX / 1024), None));
            }
            Ok(text) => reading.file(path, text, &faults),
            Err(error) => faults.push(Fault::of_file(path, format!("not UTF-8 after {} bytes", error.valid_up_to()), None)),
        }
    }
    missing(files, &faults);
    let Reading { mut drafts, policies: sources, invariants, cases } = reading;
    // What one file gets wrong would only echo in the links, and what the links get wrong in the policies.
    faults.settle(Some(()))?;
    let faults = Faults::default();
    let tests = drafts.runbooks.iter_mut().map(|draft| (draft.runbook.id.clone(), std::mem::take(&mut draft.tests))).collect();
    let estate = link(drafts, digest(files), &faults);
    if let Some(estate) = &estate {
        rehearsal::targets(&tests, estate, &faults);
    }
    let estate = Arc::new(faults.settle(estate)?);
    let policies =
        Policies::load(Arc::clone(&estate), &sources).map_err(|found| LoadError::new(found.iter().map(|d| told(d, &sources)).collect()))?;
    invariant::check(&estate, &invariants)?;
    let faults = Faults::default();
    let stories = cases.iter().flat_map(|text| story::read(text, &estate, &faults)).collect();
    faults.settle(Some(Loaded { estate, policies, invariants, tests, stories }))
}

pub(crate) fn told(found: &lineclear_policy::Diagnostic, sources: &[Source]) -> Fault {
    let source = sources.iter().find(|source| source.path == found.path);
    match source {
        Some(source) => {
            let place = Place::new(&Text::new(&source.path, &source.text), found.offset..found.offset.saturating_add(found.len));
            Fault::at(&place, found.message.clone(), found.help.clone())
        }
        None => Fault::of_file(&found.path, found.message.clone(), found.help.clone()),
    }
}

#[derive(Default)]
struct Reading {
    drafts: Drafts,
    policies: Vec<Source>,
    invariants: Vec<Source>,
    cases: Vec<Arc<Text>>,
}

impl Reading {
    fn file(&mut self, path: &str, text: &str, faults: &Faults) {
        let drafts = &mut self.drafts;
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
        match (folder, name, ending) {
            ("", "lineclear.toml", _) => drafts.settings = settings::read(path, text, faults),
            ("", "authority.yaml", _) => drafts.authority = authority::read(path, text, faults),
            ("", "facts.yaml", _) => drafts.facts = facts::read(path, text, faults),
            ("", "maintenance.yaml", _) => drafts.maintenance = maintenance::read(path, text, faults),
            ("signals", _, "yaml") => drafts.mappings.extend(mapping::read(path, text, faults)),
            ("", "freezes.yaml", _) => drafts.freezes = freezes::read(path, text, faults),
            ("", "severity.yaml", _) => drafts.severity = severity::read(path, text, faults),
            ("catalog", _, "yaml") => catalog::read(path, text, &mut drafts.catalog, faults),
            ("actions", _, "yaml") => drafts.actions.extend(actions::read(path, text, faults)),
            ("runbooks", _, "yaml") => drafts.runbooks.extend(runbook::read(path, text, faults)),
            ("slos", _, "yaml") => slo::read(path, text, &mut drafts.slos, faults),
            ("escalation", _, "yaml") => drafts.escalation.extend(escalation::read(path, text, faults)),
            ("rotations", _, "yaml") => drafts.rotations.extend(rotation::read(path, text, faults)),
            ("rotations", _, "ics") => drafts.calendars.push(calendar::read(path, text, faults)),
            ("keys", _, "pub") => drafts.keys.push(keys::read(path, text, faults)),
            ("policies", _, "cedar") => self.policies.push(Source { path: path.to_owned(), text: text.to_owned() }),
            ("invariants", _, "cedar") => self.invariants.push(Source { path: path.to_owned(), text: text.to_owned() }),
            ("policies/cases", _, "toml") => self.cases.push(Text::new(path, text)),
            // Notes for people stand anywhere; they are part of the content address like everything else.
            (_, _, "md") => {}
            _ => faults.push(Fault::of_file(path, "nothing of this name belongs to an estate", nearest(path))),
        }
    }
}

/// Reports what no estate can be without.
fn missing(files: &BTreeMap<String, Vec<u8>>, faults: &Faults) {
    for path in ["lineclear.toml", "authority.yaml", "facts.yaml"] {
        if !files.contains_key(path) {
            faults.push(Fault::of_file(path, "the file is missing", None));
        }
    }
    for (folder, form) in [("catalog", "catalog/*.yaml"), ("actions", "actions/*.yaml"), ("policies", "policies/*.cedar")] {
        if !files.keys().any(|path| path.rsplit_once('/').is_some_and(|(at, _)| at == folder)) {
            faults.push(Fault::of_file(form, "there is no such file", None));
        }
    }
}

fn nearest(path: &str) -> Option<String> {
    if let Some(stem) = path.strip_suffix(".yml") {
        return Some(format!("name it `{stem}.yaml`"));
    }
    let known = ["lineclear.toml", "authority.yaml", "facts.yaml", "freezes.yaml", "maintenance.yaml", "severity.yaml"];
    let folders = [
        "catalog",
        "actions",
        "runbooks",
        "keys",
        "policies",
        "policies/cases",
        "invariants",
        "slos",
        "escalation",
        "rotations",
        "signals",
    ];
    match path.rsplit_once('/') {
        Some((folder, _)) if !folders.contains(&folder) => suggest(folder, folders),
        Some((folder, _)) => Some(match folder {
            "rotations" => "rotations end in `.yaml`, and their calendars in `.ics`".into(),
            "keys" => "keys are named `<login>.pub`".into(),
            "policies" => "policies end in `.cedar`, their stories in `cases/*.toml`".into(),
            "invariants" => "invariants end in `.cedar`".into(),
            "policies/cases" => "stories end in `.toml`".into(),
            _ => "files here end in `.yaml`".into(),
        }),
        None => suggest(path, known),
    }
}
