//! What has changed between the estate of a record and the active one, record by record or not: what each rung asks for, and what
//! facts are judged by. A ladder that was lowered in silence is found here even where no verdict has needed it yet.

use std::collections::BTreeMap;

use lineclear_core::authority::{Grade, Rung};
use lineclear_core::name::FactName;
use lineclear_policy::Policies;
use serde::Serialize;

use super::report::Changed;
use super::{Group, Tally, thresholds};
use crate::level::Course;
use crate::record::Threshold;
use crate::versions::Versions;

/// A rung that asks for something else today.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tier {
    /// Which way.
    pub course: Course,
    /// The rung.
    pub rung: String,
    /// What it asked for then.
    pub then: String,
    /// What it asks for today; `gone` when there is no such rung.
    pub now: String,
    /// The recorded verdicts that needed it.
    #[serde(flatten)]
    pub group: Group,
}

/// The rungs of recorded estates that ask for something else in the active one, by name.
pub(super) fn tiers(tally: &Tally, versions: &Versions<'_>) -> Vec<Tier> {
    let active = &versions.active().estate().authority;
    let mut all: BTreeMap<(Course, String, String, String), Group> = BTreeMap::new();
    for (estate, rung) in recorded(tally, versions).flat_map(|one| one.estate().authority.rungs.iter().map(move |rung| (one, rung))) {
        let needed = tally.needed.get(&(estate.estate().digest, rung.name.to_string())).copied().unwrap_or(Group::NOTHING);
        let (course, now) = match active.rung(&rung.name) {
            None => (Course::Sideways, "gone".to_owned()),
            Some(now) if now.brings() == rung.brings() => continue,
            Some(now) => {
                let course = match (now.met_by(&rung.brings()), rung.met_by(&now.brings())) {
                    (true, _) => Course::Wider,
                    (false, true) => Course::Narrower,
                    (false, false) => Course::Sideways,
                };
                (course, asks(now))
            }
        };
        needed.join(&mut all, (course, rung.name.to_string(), asks(rung), now));
    }
    all.into_iter().map(|((course, rung, then, now), group)| Tier { course, rung, then, now, group }).collect()
}

/// The facts that recorded estates judged otherwise than the active one does; with the records that rest on them.
pub(super) fn judged(tally: &Tally, versions: &Versions<'_>) -> Vec<Changed> {
    let today = thresholds(&versions.active().estate().facts);
    let word = |held: Option<&Threshold>| held.map_or_else(|| "none".into(), ToString::to_string);
    let mut all: BTreeMap<(FactName, String, String), Group> = tally.thresholds.clone();
    for estate in recorded(tally, versions) {
        for (fact, then) in thresholds(&estate.estate().facts).iter().filter(|(fact, then)| today.get(*fact) != Some(then)) {
            Group::NOTHING.join(&mut all, (fact.clone(), then.to_string(), word(today.get(fact))));
        }
    }
    let told = |((fact, then, now), group): ((FactName, String, String), Group)| Changed {
        what: fact.to_string(),
        how: format!("then {then}, today {now}"),
        group,
    };
    all.into_iter().map(told).collect()
}

/// The estates that records were decided under, but for the active one.
fn recorded<'a>(tally: &'a Tally, versions: &'a Versions<'a>) -> impl Iterator<Item = &'a Policies> {
    let active = versions.active().estate().digest;
    versions.iter().filter(move |one| {
        let digest = one.estate().digest;
        digest != active && tally.needed.keys().any(|(estate, _)| *estate == digest)
    })
}

/// What a rung asks for, in words.
fn asks(rung: &Rung) -> String {
    if rung.humans == 0 {
        return "nobody".into();
    }
    let mut told = vec![if rung.humans == 1 { "one person".to_owned() } else { format!("{} people", rung.humans) }];
    if !rung.roles.is_empty() {
        let roles: Vec<String> = rung.roles.iter().map(|role| format!("`{role}`")).collect();
        told.push(format!("as {}", roles.join(" and ")));
    }
    if rung.owner {
        told.push("with the owning team".into());
    }
    match rung.grade {
        Grade::None => {}
        Grade::Session => told.push("signed in".into()),
        Grade::Ssh => told.push("signed with a key".into()),
        Grade::Passkey => told.push("signed with a passkey".into()),
    }
    told.join(", ")
}
