//! `catalog/*.yaml`: Backstage entities. Components and resources become things, groups teams, users people, and a component
//! of type `ai-agent` an agent. Systems and domains are checked and group things for people only.

mod annotations;
mod reference;

use lineclear_core::id::{AgentId, OperatorId};
use lineclear_core::name::{EntityName, Login, TeamName};
use lineclear_core::topology::{Entity, EntityKind, EntityRef};

use crate::catalog::annotations::{Annotations, annotations};
pub(crate) use crate::catalog::reference::CatalogRef;
use crate::fault::{At, Faults, LoadError, Place, Text};
use crate::members::{Members, choice, parsed};
use crate::suggest::suggest;
use crate::yaml::{Node, documents};

/// What one or many catalog files describe.
#[derive(Debug, Default)]
pub(crate) struct CatalogDraft {
    pub(crate) things: Vec<ThingDraft>,
    pub(crate) groups: Vec<At<TeamName>>,
    pub(crate) users: Vec<UserDraft>,
    pub(crate) agents: Vec<AgentDraft>,
    pub(crate) systems: Vec<At<EntityName>>,
}

/// A thing whose references are not yet linked.
#[derive(Debug)]
pub(crate) struct ThingDraft {
    /// `part_of` and `depends_on` are empty until links are known.
    pub(crate) entity: Entity,
    pub(crate) name: Place,
    pub(crate) reference: CatalogRef,
    pub(crate) owner: Place,
    pub(crate) part_of: Vec<At<CatalogRef>>,
    pub(crate) depends_on: Vec<At<CatalogRef>>,
    pub(crate) system: Option<At<CatalogRef>>,
}

/// A person without roles and keys.
#[derive(Debug)]
pub(crate) struct UserDraft {
    pub(crate) id: At<OperatorId>,
    pub(crate) login: At<Login>,
    pub(crate) name: String,
    pub(crate) member_of: Vec<At<TeamName>>,
}

/// An agent whose owner is not yet linked.
#[derive(Debug)]
pub(crate) struct AgentDraft {
    pub(crate) id: At<AgentId>,
    pub(crate) login: At<Login>,
    pub(crate) owner: At<CatalogRef>,
}

/// Reads one file of `catalog/`; the things come without `part_of` and `depends_on`, which need the other files.
///
/// # Errors
/// Everything that this file alone shows to be wrong.
pub fn parse_catalog(path: &str, text: &str) -> Result<Vec<Entity>, LoadError> {
    let faults = Faults::default();
    let mut draft = CatalogDraft::default();
    read(path, text, &mut draft, &faults);
    faults.settle(Some(draft.things.into_iter().map(|thing| thing.entity).collect()))
}

pub(crate) fn read(path: &str, text: &str, into: &mut CatalogDraft, faults: &Faults) {
    let text = Text::new(path, text);
    for node in documents(&text, faults).unwrap_or_default() {
        entity(&node, into, faults);
    }
}

#[derive(Clone, Copy)]
enum Sort {
    Component,
    Resource,
    System,
    Domain,
    Group,
    User,
}

/// The envelope that every Backstage entity shares.
struct Head {
    name: Place,
    text: String,
    title: Option<String>,
    annotations: Annotations,
}

fn entity(node: &Node, into: &mut CatalogDraft, faults: &Faults) -> Option<()> {
    let of = Members::of(node, "an entity", faults)?;
    of.choice("apiVersion", &[("backstage.io/v1alpha1", ()), ("backstage.io/v1beta1", ())]);
    let sorts = [
        ("Component", Sort::Component),
        ("Resource", Sort::Resource),
        ("System", Sort::System),
        ("Domain", Sort::Domain),
        ("Group", Sort::Group),
        ("User", Sort::User),
    ];
    let sort = of.choice("kind", &sorts);
    let head = of.need("metadata").and_then(|node| head(node, faults));
    let spec = of.need("spec").and_then(|node| Members::of(node, "`spec`", faults));
    of.finish();
    let (sort, head, spec) = (sort?, head?, spec?);
    match sort {
        Sort::Component | Sort::Resource => thing(sort, head, &spec, into),
        Sort::System | Sort::Domain => system(sort, &head, &spec, into),
        Sort::Group => group(&head, &spec, into),
        Sort::User => user(&head, &spec, into),
    };
    spec.finish();
    Some(())
}

fn head(node: &Node, faults: &Faults) -> Option<Head> {
    let of = Members::of(node, "`metadata`", faults)?;
    let name = of.parsed::<EntityName>("name");
    if let Some(namespace) = of.maybe("namespace") {
        choice(namespace, &[("default", ())], faults);
    }
    let title = of.maybe("title").map(|_| of.title());
    // Read by people and by Backstage, not by us.
    for free in ["description", "labels", "tags", "links"] {
        of.maybe(free);
    }
    let annotations = annotations(&of);
    of.finish();
    let name = name?;
    let title = match title {
        Some(read) => Some(read?),
        None => None,
    };
    Some(Head { name: name.place, text: name.value.to_string(), title, annotations })
}

fn thing(sort: Sort, head: Head, spec: &Members<'_>, into: &mut CatalogDraft) -> Option<()> {
    let faults = spec.faults();
    spec.maybe("lifecycle");
    let component: &[(&'static str, Option<EntityKind>)] =
        &[("service", Some(EntityKind::Service)), ("website", Some(EntityKind::Service)), ("ai-agent", None)];
    let resource = EntityKind::ALL.map(|kind| (kind.as_str(), Some(kind)));
    let resource: Vec<_> = resource.into_iter().filter(|(word, _)| *word != "service").collect();
    let (kind, word) = match sort {
        Sort::Component => (spec.choice("type", component), "component"),
        Sort::Resource | Sort::System | Sort::Domain | Sort::Group | Sort::User => (spec.choice("type", &resource), "resource"),
    };
    let owner = spec.parsed::<CatalogRef>("owner");
    let depends_on = spec.names::<CatalogRef>("dependsOn");
    let system = spec.maybe("system").and_then(|node| parsed::<CatalogRef>(node, faults));
    let (kind, owner) = (kind?, owner?);
    let Some(kind) = kind else {
        let id = head.annotations.id::<AgentId>(&head.name, faults);
        let login = At { value: head.text.parse().ok()?, place: head.name.clone() };
        into.agents.push(AgentDraft { id: id?, login, owner: owner.kinded("user", faults)? });
        return Some(());
    };
    let owner = owner.kinded("group", faults)?;
    let name: EntityName = head.text.parse().ok()?;
    let entity = Entity {
        reference: EntityRef { kind, name },
        title: head.title.unwrap_or_else(|| head.text.clone()),
        owner: owner.value.name.parse().ok()?,
        environment: head.annotations.environment,
        regions: head.annotations.regions,
        customers: head.annotations.customers,
        customer_data: head.annotations.customer_data,
        money_path: head.annotations.money_path,
        part_of: std::collections::BTreeSet::new(),
        depends_on: std::collections::BTreeSet::new(),
        runs_on: head.annotations.runs_on,
    };
    into.things.push(ThingDraft {
        entity,
        name: head.name,
        reference: CatalogRef { kind: Some(word.to_owned()), name: head.text },
        owner: owner.place,
        part_of: head.annotations.part_of,
        depends_on,
        system,
    });
    Some(())
}

fn system(sort: Sort, head: &Head, spec: &Members<'_>, into: &mut CatalogDraft) -> Option<()> {
    spec.parsed::<CatalogRef>("owner");
    spec.maybe("domain");
    if let Sort::System = sort {
        into.systems.push(At { value: head.text.parse().ok()?, place: head.name.clone() });
    }
    Some(())
}

fn group(head: &Head, spec: &Members<'_>, into: &mut CatalogDraft) -> Option<()> {
    spec.need("type");
    // Backstage asks for it; who belongs to a group is said by its people.
    for free in ["children", "profile", "parent", "members"] {
        spec.maybe(free);
    }
    into.groups.push(At { value: head.text.parse().ok()?, place: head.name.clone() });
    Some(())
}

fn user(head: &Head, spec: &Members<'_>, into: &mut CatalogDraft) -> Option<()> {
    let faults = spec.faults();
    let profile = spec.need("profile").and_then(|node| Members::of(node, "`profile`", faults));
    let name = profile.and_then(|of| {
        let name = of.text("displayName");
        of.maybe("email");
        of.maybe("picture");
        of.finish();
        name
    });
    let member_of = spec.names::<CatalogRef>("memberOf").into_iter().filter_map(|team| {
        let team = team.kinded("group", faults)?;
        Some(At { value: team.value.name.parse().ok()?, place: team.place })
    });
    let member_of = member_of.collect();
    let id = head.annotations.id::<OperatorId>(&head.name, faults);
    let login = At { value: head.text.parse().ok()?, place: head.name.clone() };
    into.users.push(UserDraft { id: id?, login, name: name?.value, member_of });
    Some(())
}

impl CatalogDraft {
    /// Reports a team that no group describes.
    pub(crate) fn team(&self, team: &TeamName, place: &Place, faults: &Faults) {
        if !self.groups.iter().any(|group| group.value == *team) {
            let known = self.groups.iter().map(|group| group.value.as_str());
            faults.at(place, format!("`{team}` is no team of this catalog"), suggest(team.as_str(), known));
        }
    }
}
