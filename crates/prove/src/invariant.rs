//! What must never be permitted, as people wrote it: `invariants/*.cedar`, each one a `forbid` that describes the bad region.

use cedar_policy::pst::Effect as PstEffect;
use cedar_policy::{Effect, Policy, PolicyId, PolicySet, Schema, ValidationMode, Validator};
use lineclear_policy::{Diagnostic, Source};

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
                let error: cedar_policy::ParseErrors = error;
                faults.push(complain(source, error.to_string(), None));
                continue;
            }
        };
        if set.templates().next().is_some() {
            faults.push(complain(source, "a template: write out each invariant".into(), None));
        }
        for policy in set.policies() {
            match one(schema, source, policy) {
                Ok(invariant) if found.iter().any(|known| known.name == invariant.name) => {
                    faults.push(complain(source, format!("a second invariant `{}`", invariant.name), None));
                }
                Ok(invariant) => found.push(invariant),
                Err(fault) => faults.push(fault),
            }
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    if faults.is_empty() { Ok(found) } else { Err(faults) }
}

fn complain(source: &Source, message: String, help: Option<&str>) -> Diagnostic {
    Diagnostic { path: source.path.clone(), offset: 0, len: 0, message, help: help.map(ToOwned::to_owned) }
}

fn one(schema: &Schema, source: &Source, policy: &Policy) -> Result<Invariant, Diagnostic> {
    let annotation = |key: &str| policy.annotation(key).map(str::trim).filter(|text| !text.is_empty()).map(ToOwned::to_owned);
    let name = annotation("id")
        .ok_or_else(|| complain(source, "an invariant without `@id`".into(), Some("write `@id(\"some-name\")` above it")))?;
    let untitled =
        || complain(source, format!("invariant `{name}` has no `@title`"), Some("write `@title(\"What must never be\")` above it"));
    let title = annotation("title").ok_or_else(untitled)?;
    if policy.effect() != Effect::Forbid {
        let help = "describe what must never be permitted, as a `forbid`";
        return Err(complain(source, format!("invariant `{name}` is a `permit`"), Some(help)));
    }
    let region = region(policy, &name).ok_or_else(|| complain(source, format!("invariant `{name}` cannot be taken apart"), None))?;
    let report = Validator::new(schema.clone()).validate(&region, ValidationMode::Strict);
    let first = report.validation_errors().map(ToString::to_string).chain(report.validation_warnings().map(ToString::to_string)).next();
    match first {
        Some(message) => Err(complain(source, message, None)),
        None => Ok(Invariant { name, title, region }),
    }
}

/// The same scope and conditions, permitted.
fn region(policy: &Policy, name: &str) -> Option<PolicySet> {
    let whole = policy.new_id(PolicyId::new(name)).to_pst().ok()?;
    let mut body = whole.body().clone();
    body.effect = PstEffect::Permit;
    PolicySet::from_policies([build(body).ok()?]).ok()
}
