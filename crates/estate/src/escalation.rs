//! `escalation/*.yaml`: who is told, in which order, how long each has to answer, and who is told when nobody does.

use std::collections::BTreeSet;

use lineclear_core::Span;
use lineclear_core::escalation::{ACT_WITHIN, EscalationPath, QuietHours, Tier, Whom};
use lineclear_core::incident::Severity;
use lineclear_core::name::{Login, PathName, RoleName, RotationName};
use lineclear_core::topology::EntityRef;

use crate::fault::{At, Faults, LoadError, Place, Text};
use crate::members::{Members, integer, list};
use crate::rotation::{hours, zone};
use crate::yaml::{Node, document};

/// Most tiers: further ones would be told when the night is over.
const TIERS_MAX: usize = 8;
/// Shortest time to answer: nobody wakes faster.
const WITHIN_MIN: Span = Span::from_secs(60);
/// Longest time to answer.
const WITHIN_MAX: Span = Span::from_secs(3_600);
/// Longest time in which whoever has answered may do nothing: half a night.
const ACT_MAX: Span = Span::from_secs(4 * 3_600);
/// Most repetitions of a path.
const REPEAT_MAX: i64 = 5;
/// Most quiet hours of a path: nights, weekends, and room.
const QUIET_MAX: usize = 8;

/// A path with the places of everyone it names.
#[derive(Debug)]
pub(crate) struct PathDraft {
    pub(crate) path: EscalationPath,
    pub(crate) name: Place,
    pub(crate) named: Named,
    pub(crate) targets: Vec<At<EntityRef>>,
    /// Where it says that it is the path of everything else, when it does.
    pub(crate) otherwise: Option<Place>,
}

/// Everyone that a path names, with places.
#[derive(Debug, Default)]
pub(crate) struct Named {
    pub(crate) people: Vec<At<Login>>,
    pub(crate) roles: Vec<At<RoleName>>,
    pub(crate) rotations: Vec<At<RotationName>>,
}

/// Reads one escalation path.
///
/// # Errors
/// Everything that this file alone shows to be wrong.
pub fn parse_escalation(path: &str, text: &str) -> Result<EscalationPath, LoadError> {
    let faults = Faults::default();
    let draft = read(path, text, &faults);
    faults.settle(draft.map(|draft| draft.path))
}

pub(crate) fn read(path: &str, text: &str, faults: &Faults) -> Option<PathDraft> {
    let text = Text::new(path, text);
    let node = document(&text, faults)?;
    let of = Members::of(&node, "an escalation path", faults)?;
    let name = of.parsed::<PathName>("path");
    let title = of.title();
    let targets = of.names::<EntityRef>("targets");
    let otherwise = of.flag_or("otherwise", false);
    let otherwise_at = of.maybe("otherwise").filter(|_| otherwise == Some(true)).map(|node| node.place.clone());
    let items = of.items("tiers");
    if let Some(node) = of.maybe("tiers").filter(|_| items.is_empty() || items.len() > TIERS_MAX) {
        faults.at(&node.place, format!("a path has 1 to {TIERS_MAX} tiers, not {}", items.len()), None);
    }
    let mut named = Named::default();
    let tiers: Option<Vec<Tier>> = items.iter().map(|node| tier(node, &mut named, faults)).collect();
    let repeat = of.integer_or("repeat", 0, 0, REPEAT_MAX);
    let act_within = of.duration_or("act_within", ACT_WITHIN, WITHIN_MIN, ACT_MAX);
    let last_resort = of.maybe("last_resort").map(|node| last_resort(node, &mut named, faults));
    let quiet = quiet(&of);
    of.finish();
    let name = name?;
    let path = EscalationPath {
        name: name.value,
        title: title?,
        targets: targets.iter().map(|target| target.value.clone()).collect(),
        otherwise: otherwise?,
        tiers: tiers?,
        repeat: u8::try_from(repeat?).ok()?,
        act_within: act_within?,
        last_resort: last_resort.map_or(Some(None), |given| given.map(Some))?,
        quiet,
    };
    Some(PathDraft { path, name: name.place, named, targets, otherwise: otherwise_at })
}

fn tier(node: &Node, named: &mut Named, faults: &Faults) -> Option<Tier> {
    let of = Members::of(node, "a tier", faults)?;
    let title = of.title();
    let owner = of.flag_or("owner", false);
    let commander = of.flag_or("commander", false);
    let whom = people(&of, named);
    let within = of.duration("within", WITHIN_MIN, WITHIN_MAX);
    of.finish();
    let whom = Whom { owner: owner?, commander: commander?, ..whom };
    if whom == Whom::default() {
        let help = "name `people`, `roles` or `on_call`, or write `owner: true`";
        faults.at(&node.place, "the tier tells nobody", Some(help.into()));
    }
    Some(Tier { title: title?, whom, within: within? })
}

/// People who are there whatever happens: names, roles and rotations.
fn last_resort(node: &Node, named: &mut Named, faults: &Faults) -> Option<Whom> {
    let of = Members::of(node, "the last resort", faults)?;
    let whom = people(&of, named);
    of.finish();
    if whom.people.is_empty() && whom.roles.is_empty() {
        let help = "name `people` or `roles`; rotations alone may have nobody on call";
        faults.at(&node.place, "the last resort may be nobody", Some(help.into()));
        return None;
    }
    Some(whom)
}

fn people(of: &Members<'_>, named: &mut Named) -> Whom {
    let (people, roles) = (of.names::<Login>("people"), of.names::<RoleName>("roles"));
    let on_call = of.names::<RotationName>("on_call");
    let whom = Whom {
        people: people.iter().map(|login| login.value.clone()).collect(),
        roles: roles.iter().map(|role| role.value.clone()).collect(),
        on_call: on_call.iter().map(|rotation| rotation.value.clone()).collect(),
        owner: false,
        commander: false,
    };
    named.people.extend(people);
    named.roles.extend(roles);
    named.rotations.extend(on_call);
    whom
}

fn quiet(of: &Members<'_>) -> Vec<QuietHours> {
    let faults = of.faults();
    let Some(node) = of.maybe("quiet") else { return Vec::new() };
    let items = list(node, faults).unwrap_or(&[]);
    if items.is_empty() || items.len() > QUIET_MAX {
        faults.at(&node.place, format!("1 to {QUIET_MAX} quiet hours stand here, not {}", items.len()), None);
    }
    items.iter().filter_map(|item| quiet_hours(item, faults)).collect()
}

fn quiet_hours(node: &Node, faults: &Faults) -> Option<QuietHours> {
    let of = Members::of(node, "quiet hours", faults)?;
    let items = of.items("severities");
    let severities: BTreeSet<Severity> = items.iter().filter_map(|item| severity(item, faults)).collect();
    let (hours, zone) = (hours(&of), zone(&of));
    of.finish();
    if items.is_empty() {
        faults.at(&node.place, "the quiet hours are for no severity", Some("write `severities: [4, 5]`".into()));
    }
    Some(QuietHours { severities, hours: hours?, zone: zone? })
}

/// Severities 1 and 2 wake somebody whenever it is.
fn severity(node: &Node, faults: &Faults) -> Option<Severity> {
    let number = u8::try_from(integer(node, 3, 5, faults)?).ok()?;
    Severity::try_from(number).ok()
}
