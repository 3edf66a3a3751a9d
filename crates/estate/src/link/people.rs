//! People and agents with their roles, teams, keys and owners.

use std::collections::{BTreeMap, BTreeSet};

use lineclear_core::authority::{Agent, Directory, Operator};
use lineclear_core::id::OperatorId;
use lineclear_core::name::{Login, RoleName};

use crate::fault::Faults;
use crate::link::{Drafts, known, once};
use crate::suggest::suggest;

/// Everyone the estate knows.
pub(super) fn directory(drafts: &Drafts, faults: &Faults) -> Directory {
    let (users, agents) = (&drafts.catalog.users, &drafts.catalog.agents);
    let logins = users.iter().map(|user| (&user.login.value, &user.login.place));
    once(logins.chain(agents.iter().map(|agent| (&agent.login.value, &agent.login.place))), "login", faults);
    once(users.iter().map(|user| (&user.id.value, &user.id.place)), "person", faults);
    once(agents.iter().map(|agent| (&agent.id.value, &agent.id.place)), "agent", faults);
    let people: BTreeMap<&Login, OperatorId> = users.iter().map(|user| (&user.login.value, user.id.value)).collect();
    let (roles, keys) = (roles(drafts, faults), keys(drafts, &people, faults));
    let mut directory = Directory::default();
    for user in users {
        for team in &user.member_of {
            drafts.catalog.team(&team.value, &team.place, faults);
        }
        let login = &user.login.value;
        directory.operators.insert(
            user.id.value,
            Operator {
                id: user.id.value,
                login: login.clone(),
                name: user.name.clone(),
                roles: roles.get(login).cloned().unwrap_or_default(),
                teams: user.member_of.iter().map(|team| team.value.clone()).collect(),
                keys: keys.get(login).cloned().unwrap_or_default(),
            },
        );
    }
    for agent in agents {
        let owner = people.iter().find(|(login, _)| login.as_str() == agent.owner.value.name).map(|(_, id)| *id);
        let Some(owner) = owner else {
            let name = &agent.owner.value.name;
            let help = suggest(name, people.keys().map(|login| login.as_str()));
            faults.at(&agent.owner.place, format!("`{name}` is no person of this catalog"), help);
            continue;
        };
        directory.agents.insert(agent.id.value, Agent { id: agent.id.value, login: agent.login.value.clone(), owner });
    }
    directory
}

fn roles(drafts: &Drafts, faults: &Faults) -> BTreeMap<Login, BTreeSet<RoleName>> {
    let mut roles: BTreeMap<Login, BTreeSet<RoleName>> = BTreeMap::new();
    let Some(authority) = &drafts.authority else { return roles };
    for (role, holders) in &authority.holders {
        for login in holders {
            known(&login.value, &login.place, drafts.catalog.users.iter().map(|user| &user.login.value), "person", faults);
            roles.entry(login.value.clone()).or_default().insert(role.clone());
        }
    }
    roles
}

fn keys(drafts: &Drafts, people: &BTreeMap<&Login, OperatorId>, faults: &Faults) -> BTreeMap<Login, Vec<String>> {
    let mut found: BTreeMap<Login, Vec<String>> = BTreeMap::new();
    let mut holders: BTreeMap<&[u8], &Login> = BTreeMap::new();
    for draft in &drafts.keys {
        let Some(login) = &draft.login else { continue };
        if !people.contains_key(&login.value) {
            let help = suggest(login.value.as_str(), people.keys().map(|login| login.as_str()));
            faults.at(&login.place, format!("`{}` is no person of this catalog", login.value), help);
        }
        for (key, raw) in &draft.keys {
            // Two people with one key would let one of them be two of "two distinct people".
            match holders.insert(raw, &login.value) {
                Some(other) => faults.at(&key.place, format!("this key is already a key of `{other}`"), None),
                None => found.entry(login.value.clone()).or_default().push(key.value.clone()),
            }
        }
    }
    found
}
