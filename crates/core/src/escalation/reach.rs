//! Whom a step reaches at an instant, and which path concerns a thing.

use std::collections::BTreeSet;

use super::{EscalationPath, Whom};
use crate::estate::Estate;
use crate::id::OperatorId;
use crate::name::{Login, TeamName};
use crate::time::Timestamp;
use crate::topology::EntityRef;

/// What somebody is told about, as far as it decides who is told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Concern {
    /// The teams that own the things it is about.
    pub owners: BTreeSet<TeamName>,
    /// Who commands the incident.
    pub commander: Option<OperatorId>,
    /// People who are of no use here: they may not approve what is asked, or have done so already.
    pub without: BTreeSet<OperatorId>,
}

impl Concern {
    /// What is about these things.
    pub fn about<'t>(things: impl IntoIterator<Item = &'t EntityRef>, estate: &Estate) -> Self {
        let owners = things.into_iter().filter_map(|thing| estate.topology.get(thing)).map(|thing| thing.owner.clone()).collect();
        Self { owners, ..Self::default() }
    }
}

impl Whom {
    /// The people that it is at this instant; nobody is an answer, too. Who is no longer in the directory is nobody.
    pub fn reached(&self, concern: &Concern, estate: &Estate, at: Timestamp) -> BTreeSet<OperatorId> {
        let rotations = self.on_call.iter().filter_map(|name| estate.rotations.get(name));
        let on_call: BTreeSet<Login> = rotations.flat_map(|rotation| rotation.on_call(at)).collect();
        let theirs = estate.directory.operators.values().filter(|person| {
            self.people.contains(&person.login)
                || on_call.contains(&person.login)
                || !self.roles.is_disjoint(&person.roles)
                || (self.owner && !concern.owners.is_disjoint(&person.teams))
                || (self.commander && concern.commander == Some(person.id))
        });
        theirs.map(|person| person.id).filter(|person| !concern.without.contains(person)).collect()
    }
}

impl Estate {
    /// The escalation path of a thing: its own, or that of what holds it; where there is none, the one of everything else.
    pub fn path_of(&self, thing: &EntityRef) -> Option<&EscalationPath> {
        let mut reach = self.topology.ancestors(thing);
        reach.insert(thing.clone());
        let own = self.escalation.values().find(|path| path.targets.contains(thing));
        own.or_else(|| self.escalation.values().find(|path| path.targets.iter().any(|target| reach.contains(target))))
            .or_else(|| self.path_otherwise())
    }

    /// The path of everything that has none of its own.
    pub fn path_otherwise(&self) -> Option<&EscalationPath> {
        self.escalation.values().find(|path| path.otherwise)
    }
}
