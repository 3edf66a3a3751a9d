//! From texts to checked rules: each file alone, ids from `@id`, strict validation, no warnings, no names of nothing.

use std::collections::BTreeMap;

use cedar_policy::{Effect, Policy, PolicyId, PolicySet, Schema, ValidationMode, Validator};
use lineclear_core::estate::Estate;
use lineclear_core::name::PolicyName;

use crate::base::Base;
use crate::conjunct::Anatomy;
use crate::limit::{self, POLICIES_MAX, TITLE_MAX};
use crate::opening::openings;
use crate::source::{Diagnostic, Place, Source};
use crate::vocabulary::Vocabulary;

/// Attribute reads reach the principal, the resource and no further, so that these two and what is above them are enough.
const LEVEL: u32 = 1;

/// One checked policy.
#[derive(Debug)]
pub(crate) struct Rule<'a> {
    pub source: &'a Source,
    pub place: Place,
    pub title: String,
    pub forbids: bool,
    /// Under its own name.
    pub policy: Policy,
    pub anatomy: Anatomy,
}

/// Checked policies by name.
pub(crate) type Rules<'a> = BTreeMap<PolicyName, Rule<'a>>;

/// Reads and checks all files; what comes back as faults is in the order of files and places.
pub(crate) fn load<'a>(base: &Base, sources: &'a [Source]) -> Result<Rules<'a>, Vec<Diagnostic>> {
    let Base { estate, schema, vocabulary, validator, .. } = base;
    let (mut rules, mut faults) = (Rules::new(), Vec::new());
    for source in sources {
        match read(source) {
            Ok(list) => list.into_iter().for_each(|(name, rule)| admit(&mut rules, &mut faults, name, rule)),
            Err(found) => faults.extend(found),
        }
    }
    if faults.is_empty() {
        faults.extend(overall(sources, &rules));
    }
    if faults.is_empty() {
        faults.extend(validate(validator, &rules));
        faults.extend(rules.values().flat_map(|rule| names_of_nothing(estate, vocabulary, rule)));
    }
    if faults.is_empty() {
        faults.extend(rules.values().flat_map(|rule| absences(estate, schema, vocabulary, rule)));
    }
    faults.sort();
    faults.dedup_by(|later, first| same(later, first));
    if faults.is_empty() { Ok(rules) } else { Err(faults) }
}

/// Cedar complains once per action; one complaint per place and advice is enough.
fn same(a: &Diagnostic, b: &Diagnostic) -> bool {
    a == b || (a.help.is_some() && (&a.path, a.offset, a.len, &a.help) == (&b.path, b.offset, b.len, &b.help))
}

fn overall(sources: &[Source], rules: &Rules<'_>) -> Option<Diagnostic> {
    let nowhere = Source { path: sources.first().map_or_else(|| "policies".into(), |s| s.path.clone()), text: String::new() };
    let start = Place { offset: 0, len: 0 };
    if rules.is_empty() {
        return Some(nowhere.complain(start, "there is no policy at all", Some("an empty set satisfies every `never`".into())));
    }
    (rules.len() > POLICIES_MAX).then(|| nowhere.complain(start, format!("at most {POLICIES_MAX} policies, not {}", rules.len()), None))
}

fn admit<'a>(rules: &mut Rules<'a>, faults: &mut Vec<Diagnostic>, name: PolicyName, rule: Rule<'a>) {
    if let Some(first) = rules.get(&name) {
        let help = Some(format!("the other one is in `{}`", first.source.path));
        faults.push(rule.source.complain(rule.place, format!("a second policy `{name}`"), help));
    } else {
        rules.insert(name, rule);
    }
}

/// One file: parsed alone, because ids restart and byte offsets belong to this text.
fn read(source: &Source) -> Result<Vec<(PolicyName, Rule<'_>)>, Vec<Diagnostic>> {
    let all = Place { offset: 0, len: source.text.len() };
    if let Some((place, message)) = limit::excess(&source.text) {
        return Err(vec![source.complain(place, message, None)]);
    }
    let raw: PolicySet = source
        .text
        .parse()
        .map_err(|errors: cedar_policy::ParseErrors| errors.iter().map(|error| source.relay(error, all)).collect::<Vec<_>>())?;
    if raw.templates().next().is_some() {
        return Err(vec![source.complain(all, "a template: write out each policy", None)]);
    }
    if raw.is_empty() {
        return Err(vec![source.complain(all, "this file holds no policy", Some("remove the file, or put its policies back".into()))]);
    }
    let (mut found, mut faults) = (Vec::new(), Vec::new());
    for policy in raw.policies() {
        match rule(source, policy, all) {
            Ok(rule) => found.push(rule),
            Err(fault) => faults.push(fault),
        }
    }
    found.sort_by_key(|(_, rule)| rule.place.offset);
    if faults.is_empty() { Ok(found) } else { Err(faults) }
}

fn rule<'a>(source: &'a Source, policy: &Policy, all: Place) -> Result<(PolicyName, Rule<'a>), Diagnostic> {
    let place = policy.as_ref().loc().map_or(all, |loc| Place { offset: loc.start(), len: loc.end() - loc.start() });
    let id = policy.annotation("id").filter(|id| !id.is_empty());
    let id = id.ok_or_else(|| source.complain(place, "a policy without `@id`", Some("write `@id(\"some-name\")` above it".into())))?;
    let name: PolicyName = id.parse().map_err(|e: lineclear_core::name::NameError| source.complain(place, e.to_string(), None))?;
    let title = policy.annotation("title").map(str::trim).filter(|t| !t.is_empty());
    let help = || Some("write `@title(\"What it says, in one line\")` above it".to_owned());
    let title = title.ok_or_else(|| source.complain(place, format!("policy `{name}` has no `@title`"), help()))?;
    if title.chars().count() > TITLE_MAX || title.chars().any(char::is_control) {
        return Err(source.complain(place, format!("the title of `{name}` is one line of at most {TITLE_MAX} characters"), None));
    }
    let anatomy = Anatomy::of(policy).map_err(|_| source.complain(place, format!("policy `{name}` cannot be taken apart"), None))?;
    let forbids = policy.effect() == Effect::Forbid;
    let rule = Rule { source, place, title: title.to_owned(), forbids, policy: policy.new_id(PolicyId::new(name.as_str())), anatomy };
    Ok((name, rule))
}

fn validate(validator: &Validator, rules: &Rules<'_>) -> Vec<Diagnostic> {
    let mut set = PolicySet::new();
    for rule in rules.values() {
        if set.add(rule.policy.clone()).is_err() {
            return vec![rule.source.complain(rule.place, "a second policy of this name", None)];
        }
    }
    let report = validator.validate_with_level(&set, ValidationMode::Strict, LEVEL);
    let relay = |id: &PolicyId, report: &dyn miette::Diagnostic| {
        let text: &str = id.as_ref();
        text.parse::<PolicyName>()
            .ok()
            .and_then(|name| rules.get(&name))
            .map_or_else(|| Diagnostic::of_schema(report.to_string()), |rule| rule.source.relay(report, rule.place))
    };
    // A warning about a policy that has an error only repeats it in other words; alone it is a refusal.
    let errors: Vec<_> = report.validation_errors().map(|error| relay(error.policy_id(), error)).collect();
    if !errors.is_empty() {
        return errors;
    }
    report.validation_warnings().map(|warning| relay(warning.policy_id(), warning)).collect()
}

/// Entities that the policy names and the estate lacks. Cedar only knows the members of enumerated types.
fn names_of_nothing(estate: &Estate, vocabulary: &Vocabulary, rule: &Rule<'_>) -> Vec<Diagnostic> {
    let known = vocabulary.known(estate);
    let literals = rule.policy.entity_literals().into_iter();
    let strange = literals.filter(|uid| !known.contains(uid) && !vocabulary.is_listed(uid.type_name(), estate));
    strange
        .map(|uid| {
            let written = uid.to_string();
            let inside = rule.source.text.get(rule.place.offset..).and_then(|text| text.find(&written));
            let place = inside.map_or(rule.place, |at| Place { offset: rule.place.offset + at, len: written.len() });
            let help = vocabulary.by_login(&uid, estate).map(|meant| format!("did you mean `{meant}`?"));
            rule.source.complain(place, format!("`{written}` is not in the estate"), help)
        })
        .collect()
}

fn absences(estate: &Estate, schema: &Schema, vocabulary: &Vocabulary, rule: &Rule<'_>) -> Vec<Diagnostic> {
    let help = "make it a required fact of that action, narrow the policy's actions, or write it so that false closes";
    let found = openings(estate, schema, vocabulary, &rule.policy).into_iter();
    found.map(|message| rule.source.complain(rule.place, message, Some(help.into()))).collect()
}
