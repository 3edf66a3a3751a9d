//! `authority.yaml`: roles, who holds them, and the ladder.

use std::collections::{BTreeMap, BTreeSet};

use lineclear_core::Span;
use lineclear_core::authority::{Authority, Grade, Rung};
use lineclear_core::emergency;
use lineclear_core::name::{Login, RoleName, RungName};
use lineclear_core::routine::Standard;

use crate::duration::DURATION_MAX;
use crate::fault::{At, Faults, LoadError, Place, Text};
use crate::members::{Members, integer, list, parsed};
use crate::suggest::suggest;
use crate::yaml::{Node, document};

/// Longest wait for people; a request older than this describes another world.
const APPROVAL_TTL_MAX: Span = Span::from_secs(24 * 3_600);
/// Most rungs: a ladder that nobody can recite protects nobody.
const RUNGS_MAX: usize = 16;
/// Most people that one rung may ask for.
const HUMANS_MAX: i64 = 9;
/// Fewest and most runs that make a routine: one good run is luck, and beyond a hundred nobody waits.
const ROUTINE_RUNS: (i64, i64) = (2, 100);
/// Closest that two runs may lie to count as two: an hour; within less time an agent repeats itself and learns nothing.
const ROUTINE_SPREAD_MIN: Span = Span::from_secs(3_600);

/// The ladder, and who holds which role.
#[derive(Debug)]
pub(crate) struct AuthorityDraft {
    pub(crate) authority: Authority,
    pub(crate) holders: BTreeMap<RoleName, Vec<At<Login>>>,
}

/// Reads `authority.yaml`; who holds which role is checked when the estate is linked.
///
/// # Errors
/// Everything that this file alone shows to be wrong.
pub fn parse_authority(path: &str, text: &str) -> Result<Authority, LoadError> {
    let faults = Faults::default();
    let draft = read(path, text, &faults);
    faults.settle(draft.map(|draft| draft.authority))
}

pub(crate) fn read(path: &str, text: &str, faults: &Faults) -> Option<AuthorityDraft> {
    let text = Text::new(path, text);
    let node = document(&text, faults)?;
    let of = Members::of(&node, "authority", faults)?;
    let ttl = of.duration("approval_ttl", Span::from_secs(60), APPROVAL_TTL_MAX);
    let single = of.flag_or("single_operator", false);
    let roles: BTreeMap<RoleName, (Place, &Node)> = of.named("roles");
    of.need("roles");
    let rungs: Vec<At<Rung>> = of.items("rungs").iter().filter_map(|item| rung(item, &roles, faults)).collect();
    let activation = of.maybe("activation").and_then(|node| activation(node, &rungs, faults));
    let routine = of.maybe("routine").and_then(|node| routine(node, faults));
    let emergencies = of.maybe("emergencies").and_then(|node| emergencies(node, &roles, faults));
    of.finish();
    if rungs.len() > RUNGS_MAX {
        faults.at(&Place::start(&text), format!("a ladder has at most {RUNGS_MAX} rungs"), None);
    }
    let holders = roles.iter().map(|(role, (_, node))| (role.clone(), holders(node, faults))).collect();
    let authority = Authority {
        roles: roles.keys().cloned().collect(),
        rungs: rungs.iter().map(|rung| rung.value.clone()).collect(),
        approval_ttl: ttl?,
        single_operator: single?,
        activation,
        routine,
        emergencies,
    };
    ladder(&authority, &rungs, faults);
    Some(AuthorityDraft { authority, holders })
}

/// What makes an action on a target routine.
fn routine(node: &Node, faults: &Faults) -> Option<Standard> {
    let of = Members::of(node, "`routine`", faults)?;
    let runs = of.need("runs").and_then(|node| integer(node, ROUTINE_RUNS.0, ROUTINE_RUNS.1, faults));
    let within = of.duration("within", ROUTINE_SPREAD_MIN, DURATION_MAX);
    let spread = of.duration("spread", ROUTINE_SPREAD_MIN, DURATION_MAX);
    let place = of.place().clone();
    of.finish();
    let standard = Standard { runs: u8::try_from(runs?).ok()?, within: within?, spread: spread? };
    if !standard.reachable() {
        let help = "make `within` longer, or ask for fewer `runs` or a shorter `spread`";
        let says = format!("{} runs that lie {} apart never lie within {}", standard.runs, standard.spread, standard.within);
        faults.at(&place, says, Some(help.into()));
        return None;
    }
    Some(standard)
}

/// Whether and how an emergency may be declared.
fn emergencies(node: &Node, roles: &BTreeMap<RoleName, (Place, &Node)>, faults: &Faults) -> Option<emergency::Rules> {
    let of = Members::of(node, "`emergencies`", faults)?;
    let longest = of.duration("longest", emergency::LASTS_MIN, emergency::LASTS_MAX);
    let open = of.need("open_reviews").and_then(|node| integer(node, 1, i64::from(emergency::REVIEWS_MAX), faults));
    let named = of.names::<RoleName>("roles");
    of.finish();
    known_roles(&named, roles, faults);
    let roles = named.into_iter().map(|role| role.value).collect();
    Some(emergency::Rules { longest: longest?, open_reviews: u8::try_from(open?).ok()?, roles })
}

fn known_roles(asked: &[At<RoleName>], roles: &BTreeMap<RoleName, (Place, &Node)>, faults: &Faults) {
    for role in asked.iter().filter(|role| !roles.contains_key(&role.value)) {
        let known = roles.keys().map(RoleName::as_str);
        faults.at(&role.place, format!("`{}` is no role of this estate", role.value), suggest(role.value.as_str(), known));
    }
}

/// The rung of people who bring another version into force: one that asks for people.
fn activation(node: &Node, rungs: &[At<Rung>], faults: &Faults) -> Option<RungName> {
    let of = Members::of(node, "`activation`", faults)?;
    let named = of.parsed::<RungName>("rung");
    of.finish();
    let named = named?;
    match rungs.iter().find(|rung| rung.value.name == named.value) {
        None => {
            let known = rungs.iter().map(|rung| rung.value.name.as_str());
            faults.at(&named.place, format!("`{}` is no rung of this ladder", named.value), suggest(named.value.as_str(), known));
        }
        Some(rung) if rung.value.humans == 0 => {
            let help = "name a rung with `humans`: nothing else may replace an estate";
            faults.at(&named.place, format!("rung `{}` asks for nobody, and an estate needs people", named.value), Some(help.into()));
        }
        Some(_) => return Some(named.value),
    }
    None
}

fn holders(node: &Node, faults: &Faults) -> Vec<At<Login>> {
    list(node, faults).unwrap_or(&[]).iter().filter_map(|item| parsed(item, faults)).collect()
}

fn rung(node: &Node, roles: &BTreeMap<RoleName, (Place, &Node)>, faults: &Faults) -> Option<At<Rung>> {
    let of = Members::of(node, "a rung", faults)?;
    let name = of.parsed::<RungName>("name");
    let title = of.title();
    let humans = of.integer_or("humans", 0, 0, HUMANS_MAX);
    let asked = of.names::<RoleName>("roles");
    let owner = of.flag_or("owner", false);
    let grades = [("none", Grade::None), ("session", Grade::Session), ("ssh", Grade::Ssh), ("passkey", Grade::Passkey)];
    let grade = of.choice_or("grade", Grade::None, &grades);
    of.finish();
    known_roles(&asked, roles, faults);
    let (name, humans, owner, grade) = (name?, humans?, owner?, grade?);
    if humans == 0 && (owner || !asked.is_empty() || grade > Grade::None) {
        faults.at(
            &name.place,
            format!("rung `{}` asks for a role, an owner or a grade, but for nobody", name.value),
            Some("set `humans`".into()),
        );
    }
    if humans > 0 && grade == Grade::None {
        let help = "set `grade: session`, `ssh` or `passkey`";
        faults.at(&name.place, format!("rung `{}` asks for people, but not how they answer", name.value), Some(help.into()));
    }
    let roles: BTreeSet<RoleName> = asked.into_iter().map(|role| role.value).collect();
    let value = Rung { name: name.value, title: title?, humans: u8::try_from(humans).ok()?, roles, owner, grade };
    Some(At { value, place: name.place })
}

/// The lowest rung brings nobody, names are unique, and each rung brings at least what the one below it brings.
fn ladder(authority: &Authority, rungs: &[At<Rung>], faults: &Faults) {
    if let Some(lowest) = rungs.first().filter(|rung| rung.value.humans > 0) {
        let help = "begin with a rung that asks for nobody; policies decide what it may do";
        faults.at(&lowest.place, format!("the lowest rung, `{}`, asks for people", lowest.value.name), Some(help.into()));
    }
    let mut seen = BTreeSet::new();
    for rung in rungs {
        if !seen.insert(&rung.value.name) {
            faults.at(&rung.place, format!("rung `{}` is described twice", rung.value.name), None);
        }
    }
    let unordered = authority.first_unordered();
    let upper = unordered.and_then(|(low, high)| Some((low, rungs.iter().find(|rung| rung.value.name == high.name)?)));
    if let Some((low, high)) = upper {
        let help = "rungs stand lowest first; each has the people, roles, owner and grade of the one below it";
        faults.at(&high.place, format!("rung `{}` brings less than `{}` below it", high.value.name, low.name), Some(help.into()));
    }
}
