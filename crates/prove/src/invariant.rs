//! What must never be permitted, as people wrote it: `invariants/*.cedar`, each one a `forbid` that describes the bad region.

use cedar_policy::pst::Effect as PstEffect;
use cedar_policy::{Effect, Policy, PolicyId, PolicySet, Schema, ValidationMode, Validator};
use lineclear_policy::{Diagnostic, Place, Source};

use crate::rewrite::build;

/// One thing that must never be permitted.
#[derive(Debug)]
pub(crate) struct Invariant {
    /// Its `@id`.
    pub name: String,
    /// Its `@title`.
    pub title: String,
    /// A permit of exactly what it forbids.
    pub region: PolicySet,
}

/// Reads and checks all of them; what comes back as faults is in the order of files.
pub(crate) fn read(schema: &Schema, sources: &[Source]) -> Result<Vec<Invariant>, Vec<Diagnostic>> {
    let (mut found, mut faults): (Vec<Invariant>, Vec<Diagnostic>) = (Vec::new(), Vec::new());
    for source in sources {
        let set: PolicySet = match source.text.parse() {
            Ok(set) => set,
            Err(error) => {
                let errors: cedar_policy::ParseErrors = error;
                faults.extend(errors.iter().map(|error| source.relay(error, all(source))));
                continue;
            }
        };
        if set.templates().next().is_some() {
            faults.push(source.complain(all(source), "a template: write out each invariant", None));
        }
        let mut policies: Vec<(Place, &Policy)> = set.policies().map(|policy| (place(source, policy), policy)).collect();
        policies.sort_by_key(|(place, _)| place.offset);
        for (place, policy) in policies {
            match one(schema, source, place, policy) {
                Ok(invariant) if found.iter().any(|known| known.name == invariant.name) => {
                    faults.push(source.complain(place, format!("a second invariant `{}`", invariant.name), None));
                }
                Ok(invariant) => found.push(invariant),
                Err(fault) => faults.push(fault),
            }
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    if faults.is_empty() { Ok(found) } else { Err(faults) }
}

const fn all(source: &Source) -> Place {
    Place { offset: 0, len: source.text.len() }
}

/// Where an invariant stands, annotations included.
fn place(source: &Source, policy: &Policy) -> Place {
    policy.as_ref().loc().map_or(all(source), |loc| Place { offset: loc.start(), len: loc.end() - loc.start() })
}

fn one(schema: &Schema, source: &Source, place: Place, policy: &Policy) -> Result<Invariant, Diagnostic> {
    let annotation = |key: &str| policy.annotation(key).map(str::trim).filter(|text| !text.is_empty()).map(ToOwned::to_owned);
    let complain = |message: String, help: &str| source.complain(place, message, Some(help.to_owned()));
    let name = annotation("id").ok_or_else(|| complain("an invariant without `@id`".into(), "write `@id(\"some-name\")` above it"))?;
    let untitled = || complain(format!("invariant `{name}` has no `@title`"), "write `@title(\"What must never be\")` above it");
    let title = annotation("title").ok_or_else(untitled)?;
    if policy.effect() != Effect::Forbid {
        return Err(complain(format!("invariant `{name}` is a `permit`"), "describe what must never be permitted, as a `forbid`"));
    }
    let region = region(policy, &name).ok_or_else(|| source.complain(place, format!("invariant `{name}` cannot be taken apart"), None))?;
    // Checked as it was written, so that complaints point into this very text; what it is turned into has the same conditions.
    let written = PolicySet::from_policies([policy.new_id(PolicyId::new(&name))]);
    let written = written.map_err(|error| source.complain(place, error.to_string(), None))?;
    let report = Validator::new(schema.clone()).validate(&written, ValidationMode::Strict);
    let error = report.validation_errors().map(|error| source.relay(error, place)).next();
    let fault = error.or_else(|| report.validation_warnings().map(|warning| source.relay(warning, place)).next());
    fault.map_or(Ok(Invariant { name, title, region }), Err)
}

/// The same scope and conditions, permitted.
fn region(policy: &Policy, name: &str) -> Option<PolicySet> {
    let whole = policy.new_id(PolicyId::new(name)).to_pst().ok()?;
    let mut body = whole.body().clone();
    body.effect = PstEffect::Permit;
    PolicySet::from_policies([build(body).ok()?]).ok()
}
