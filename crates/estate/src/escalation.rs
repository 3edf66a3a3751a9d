//! `escalation/*.yaml`: who is told, in which order, and how long each has to answer. Read and checked here; nothing pages by it.

use lineclear_core::Span;
use lineclear_core::escalation::{EscalationPath, Tier};
use lineclear_core::name::{Login, PathName, RoleName};
use lineclear_core::topology::EntityRef;

use crate::fault::{At, Faults, LoadError, Place, Text};
use crate::members::Members;
use crate::yaml::{Node, document};

/// Most tiers: further ones would be told when the night is over.
const TIERS_MAX: usize = 8;
/// Longest time to answer.
const WITHIN_MAX: Span = Span::from_secs(3_600);
/// Most repetitions of a path.
const REPEAT_MAX: i64 = 5;

/// A path with the places of everyone it names.
#[derive(Debug)]
pub(crate) struct PathDraft {
    pub(crate) path: EscalationPath,
    pub(crate) name: Place,
    pub(crate) people: Vec<At<Login>>,
    pub(crate) roles: Vec<At<RoleName>>,
    pub(crate) targets: Vec<At<EntityRef>>,
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
    let items = of.items("tiers");
    if let Some(node) = of.maybe("tiers").filter(|_| items.is_empty() || items.len() > TIERS_MAX) {
        faults.at(&node.place, format!("a path has 1 to {TIERS_MAX} tiers, not {}", items.len()), None);
    }
    let (mut people, mut roles) = (Vec::new(), Vec::new());
    let tiers: Option<Vec<Tier>> = items.iter().map(|node| tier(node, &mut people, &mut roles, faults)).collect();
    let repeat = of.integer_or("repeat", 0, 0, REPEAT_MAX);
    of.finish();
    let name = name?;
    let path = EscalationPath {
        name: name.value,
        title: title?,
        targets: targets.iter().map(|target| target.value.clone()).collect(),
        tiers: tiers?,
        repeat: u8::try_from(repeat?).ok()?,
    };
    Some(PathDraft { path, name: name.place, people, roles, targets })
}

fn tier(node: &Node, people: &mut Vec<At<Login>>, roles: &mut Vec<At<RoleName>>, faults: &Faults) -> Option<Tier> {
    let of = Members::of(node, "a tier", faults)?;
    let title = of.title();
    let (named, held) = (of.names::<Login>("people"), of.names::<RoleName>("roles"));
    let owner = of.flag_or("owner", false);
    let within = of.duration("within", Span::from_secs(60), WITHIN_MAX);
    of.finish();
    let owner = owner?;
    if named.is_empty() && held.is_empty() && !owner {
        faults.at(&node.place, "the tier tells nobody", Some("name `people` or `roles`, or write `owner: true`".into()));
    }
    let tier = Tier {
        title: title?,
        people: named.iter().map(|login| login.value.clone()).collect(),
        roles: held.iter().map(|role| role.value.clone()).collect(),
        owner,
        within: within?,
    };
    people.extend(named);
    roles.extend(held);
    Some(tier)
}
