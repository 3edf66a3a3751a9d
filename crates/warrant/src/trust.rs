//! What a runner trusts, in its own words: whose log, whose warrants, whose keys, and what may be done to what. Pure data; it
//! comes from the runner's own file, never from the control plane.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use lineclear_core::authority::Grade;
use lineclear_core::catalogue::Risk;
use lineclear_core::name::{ActionName, ToolName};
use lineclear_core::passkey::Passkey;
use lineclear_core::plan::ToolCall;
use lineclear_core::topology::{EntityKind, EntityRef};
use lineclear_core::{OperatorId, RunnerId};
use lineclear_ledger::Verifier;

use crate::envelope::WarrantVerifier;
use crate::signature::{KEYS_MAX, key_of};

/// Most people that one runner knows.
pub const APPROVERS_MAX: usize = 1_000;
/// Most actions that one runner allows.
pub const RULES_MAX: usize = 1_000;

/// Stands for the name of the target, as it does in runbooks.
pub const TARGET_NAME: &str = "${target.name}";

/// Which targets a rule covers: `zone/example.test` is one, `host/*` is all of a kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum TargetRule {
    /// This one.
    One(EntityRef),
    /// Every one of this kind.
    Every(EntityKind),
}

/// What a runner says of one action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its risk, in the runner's own word; the control plane's counts only when it is higher.
    pub risk: Risk,
    /// The tools that its calls, undos and checks may use.
    pub tools: BTreeSet<ToolName>,
    /// The services that its calls may name, for the tools that reach services by name.
    pub services: BTreeSet<String>,
    /// Arguments that calls of a tool must carry, by tool and name: one of these texts, in which [`TARGET_NAME`] stands for the
    /// target's own name. A tool that reaches many things can then only be aimed at the target.
    pub with: BTreeMap<ToolName, BTreeMap<String, BTreeSet<String>>>,
    /// On what.
    pub targets: BTreeSet<TargetRule>,
    /// How many distinct people must have approved.
    pub humans: u8,
    /// The weakest grade that counts.
    pub grade: Grade,
}

/// What a [`Trust`] is made from.
#[derive(Debug, Clone)]
pub struct TrustDraft {
    /// Which runner this is.
    pub runner: RunnerId,
    /// The installation, which is the origin of its log.
    pub audience: String,
    /// The log's key.
    pub log: Verifier,
    /// The key of warrants.
    pub warrants: WarrantVerifier,
    /// OpenSSH public keys and passkeys of the people whose approval counts.
    pub approvers: BTreeMap<OperatorId, Vec<String>>,
    /// What may be done.
    pub allow: BTreeMap<ActionName, Rule>,
}

/// What a runner trusts.
#[derive(Debug, Clone)]
// INVARIANT: `new` has checked everything in `draft`.
pub struct Trust {
    draft: TrustDraft,
}

/// Why a draft is not to be trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// The log's key is that of another log.
    #[error("the log's key is that of `{key}`, not of `{origin}`")]
    Origin {
        /// What the key is for.
        key: String,
        /// What was asked for.
        origin: String,
    },
    /// More than there can be.
    #[error("more than {APPROVERS_MAX} approvers, {RULES_MAX} actions, or {KEYS_MAX} keys of one person")]
    TooMany,
    /// A line that is no key, or one of a kind that cannot vote.
    #[error("key {number} of `{person}` is no `ssh-ed25519`, `sk-ssh-ed25519@openssh.com` or `passkey` line")]
    Key {
        /// Whose.
        person: OperatorId,
        /// Which, from 1.
        number: usize,
    },
    /// One key for two people would make two people of one.
    #[error("`{first}` and `{second}` have the same key")]
    Shared {
        /// One.
        first: OperatorId,
        /// The other.
        second: OperatorId,
    },
    /// A high-risk action without a person's signature.
    #[error("`{0}` is of high risk: it needs at least one person and the grade `ssh`")]
    Unguarded(ActionName),
    /// More people than are known.
    #[error("`{action}` needs {humans} people, and {known} have a key here")]
    TooFew {
        /// The action.
        action: ActionName,
        /// What it needs.
        humans: u8,
        /// How many there are.
        known: usize,
    },
    /// More people with a passkey than are known.
    #[error("`{action}` needs {humans} people with a passkey, and {known} have one here")]
    TooFewPasskeys {
        /// The action.
        action: ActionName,
        /// What it needs.
        humans: u8,
        /// How many there are.
        known: usize,
    },
    /// People are needed, but any signed-in session would do, or nobody.
    #[error("`{0}` needs people of no grade: write `session` or `ssh`")]
    NoGrade(ActionName),
    /// Nothing that it could do.
    #[error("`{0}` allows no tool or no target")]
    Empty(ActionName),
    /// Arguments of a tool that it does not allow, or an argument that may be nothing.
    #[error("`{0}` pins arguments of `{1}`, which it does not allow, or pins one to nothing")]
    Pinned(ActionName, ToolName),
}

/// A text that names no targets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no targets: write `zone/example.test` for one, or `host/*` for every one of a kind")]
pub struct TargetRuleError(String);

impl Trust {
    /// Checks everything that can be wrong before the first warrant comes.
    ///
    /// # Errors
    /// The first fault.
    pub fn new(draft: TrustDraft) -> Result<Self, TrustError> {
        if draft.log.name() != draft.audience {
            return Err(TrustError::Origin { key: draft.log.name().into(), origin: draft.audience });
        }
        if draft.approvers.len() > APPROVERS_MAX || draft.allow.len() > RULES_MAX {
            return Err(TrustError::TooMany);
        }
        check_keys(&draft.approvers)?;
        let known = draft.approvers.values().filter(|keys| !keys.is_empty()).count();
        let passkey = |keys: &&Vec<String>| keys.iter().any(|line| line.parse::<Passkey>().is_ok());
        let passkeys = draft.approvers.values().filter(passkey).count();
        draft.allow.iter().try_for_each(|(action, rule)| check_rule(action, rule, known, passkeys))?;
        Ok(Self { draft })
    }

    /// The keys of a person; none for a stranger.
    pub fn keys_of(&self, person: &OperatorId) -> Option<&[String]> {
        self.approvers.get(person).map(Vec::as_slice)
    }

    /// What is said of an action; none when it is not allowed at all.
    pub fn rule(&self, action: &ActionName) -> Option<&Rule> {
        self.allow.get(action)
    }
}

/// Whoever holds a trust may read it, and nobody may change it.
impl std::ops::Deref for Trust {
    type Target = TrustDraft;

    fn deref(&self) -> &TrustDraft {
        &self.draft
    }
}

impl Rule {
    /// Whether it covers this target.
    pub fn covers(&self, target: &EntityRef) -> bool {
        self.targets.iter().any(|rule| match rule {
            TargetRule::One(one) => one == target,
            TargetRule::Every(kind) => *kind == target.kind,
        })
    }

    /// Whether these calls may be made for this action on this target.
    ///
    /// # Errors
    /// The first thing that is not allowed, in words.
    pub fn allows<'c>(&self, action: &ActionName, target: &EntityRef, calls: impl IntoIterator<Item = &'c ToolCall>) -> Result<(), String> {
        for call in calls {
            if !self.tools.contains(&call.tool) {
                return Err(format!("the tool `{}` for `{action}`", call.tool));
            }
            // One tool reaches many services, and some of them are far riskier than the action that is allowed here.
            if let Some(service) = call.with.get("service")
                && !service.as_str().is_some_and(|service| self.services.contains(service))
            {
                return Err(format!("the service {service} for `{action}`"));
            }
            if let Some(name) = self.mismatch(call, target) {
                return Err(format!("the argument `{name}` of `{}` for `{action}` on `{target}`", call.tool));
            }
        }
        if self.covers(target) { Ok(()) } else { Err(format!("`{action}` on `{target}`")) }
    }

    /// The first argument of a call that is not what [`Rule::with`] says; none when all are.
    pub fn mismatch(&self, call: &ToolCall, target: &EntityRef) -> Option<&str> {
        let fits = |name: &str, texts: &BTreeSet<String>| {
            let given = call.with.get(name).and_then(serde_json::Value::as_str);
            given.is_some_and(|given| texts.iter().any(|text| text.replace(TARGET_NAME, target.name.as_str()) == given))
        };
        let pinned = self.with.get(&call.tool)?;
        pinned.iter().find(|(name, texts)| !fits(name, texts)).map(|(name, _)| name.as_str())
    }
}

impl fmt::Display for TargetRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(one) => one.fmt(f),
            Self::Every(kind) => write!(f, "{}/*", kind.as_str()),
        }
    }
}

impl FromStr for TargetRule {
    type Err = TargetRuleError;

    fn from_str(text: &str) -> Result<Self, TargetRuleError> {
        let every = text.strip_suffix("/*").and_then(|kind| EntityKind::ALL.into_iter().find(|known| known.as_str() == kind));
        match every {
            Some(kind) => Ok(Self::Every(kind)),
            None => text.parse().map(Self::One).map_err(|_| TargetRuleError(text.chars().take(80).collect())),
        }
    }
}

fn check_keys(approvers: &BTreeMap<OperatorId, Vec<String>>) -> Result<(), TrustError> {
    let mut owners: BTreeMap<Vec<u8>, OperatorId> = BTreeMap::new();
    for (person, keys) in approvers {
        if keys.len() > KEYS_MAX {
            return Err(TrustError::TooMany);
        }
        for (at, line) in keys.iter().enumerate() {
            let broken = TrustError::Key { person: *person, number: at + 1 };
            let Some(bytes) = key_of(line) else { return Err(broken) };
            if let Some(first) = owners.insert(bytes, *person).filter(|first| first != person) {
                return Err(TrustError::Shared { first, second: *person });
            }
        }
    }
    Ok(())
}

fn check_rule(action: &ActionName, rule: &Rule, known: usize, passkeys: usize) -> Result<(), TrustError> {
    if rule.tools.is_empty() || rule.targets.is_empty() {
        return Err(TrustError::Empty(action.clone()));
    }
    if let Some((tool, _)) =
        rule.with.iter().find(|(tool, pinned)| !rule.tools.contains(*tool) || pinned.is_empty() || pinned.values().any(BTreeSet::is_empty))
    {
        return Err(TrustError::Pinned(action.clone(), tool.clone()));
    }
    if rule.grade > Grade::Ssh && usize::from(rule.humans) > passkeys {
        return Err(TrustError::TooFewPasskeys { action: action.clone(), humans: rule.humans, known: passkeys });
    }
    if rule.risk == Risk::High && (rule.humans == 0 || rule.grade < Grade::Ssh) {
        return Err(TrustError::Unguarded(action.clone()));
    }
    if rule.humans > 0 && rule.grade == Grade::None {
        return Err(TrustError::NoGrade(action.clone()));
    }
    if usize::from(rule.humans) > known {
        return Err(TrustError::TooFew { action: action.clone(), humans: rule.humans, known });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::fixture::{World, person, ssh_line};

    fn check(change: impl FnOnce(&mut TrustDraft), expected: &str) {
        let mut draft = World::new().trust_draft();
        change(&mut draft);
        let said = Trust::new(draft).map_or_else(|error| error.to_string(), |_| "trusted".into());
        assert!(said.contains(expected), "{said}");
    }

    fn rule(draft: &mut TrustDraft) -> &mut Rule {
        draft.allow.get_mut(&"dns.update".parse().unwrap()).unwrap()
    }

    #[test]
    fn a_draft_is_trusted_only_when_nothing_in_it_is_wrong() {
        check(|_| {}, "trusted");
        check(|draft| draft.audience = "elsewhere/g1".into(), "not of `elsewhere/g1`");
        check(|draft| rule(draft).humans = 0, "is of high risk");
        check(|draft| rule(draft).grade = Grade::Session, "is of high risk");
        check(|draft| rule(draft).grade = Grade::Passkey, "have one here");
        check(|draft| rule(draft).humans = 9, "needs 9 people, and 3 have a key here");
        check(|draft| rule(draft).tools = BTreeSet::new(), "no tool or no target");
        check(|draft| rule(draft).targets = BTreeSet::new(), "no tool or no target");
        check(|draft| drop(draft.approvers.insert(person(9), vec!["ssh-rsa AAAA".into()])), "key 1 of");
        check(|draft| drop(draft.approvers.insert(person(9), vec![ssh_line(1)])), "have the same key");
        check(|draft| drop(draft.approvers.insert(person(9), vec![ssh_line(9); KEYS_MAX + 1])), "more than");
        let pin = |draft: &mut TrustDraft, tool: &str, texts: &[&str]| {
            let pinned = BTreeMap::from([("zone".to_owned(), texts.iter().map(|text| (*text).to_owned()).collect())]);
            rule(draft).with = BTreeMap::from([(tool.parse().unwrap(), pinned)]);
        };
        check(|draft| pin(draft, "dns_update", &["${target.name}"]), "trusted");
        check(|draft| pin(draft, "dns_update", &[]), "pins arguments of `dns_update`");
        check(|draft| pin(draft, "shell", &["x"]), "pins arguments of `shell`");
        let medium = |draft: &mut TrustDraft| (rule(draft).risk, rule(draft).grade) = (Risk::Medium, Grade::None);
        check(medium, "people of no grade");
    }

    #[test]
    fn a_target_rule_covers_one_thing_or_a_kind() {
        let mut one = World::new().trust_draft().allow.remove(&"dns.update".parse().unwrap()).unwrap();
        one.targets = BTreeSet::from(["zone/example.test".parse().unwrap(), "host/*".parse().unwrap()]);
        for (target, covered) in [("zone/example.test", true), ("zone/other.test", false), ("host/web-1", true), ("pool/web-1", false)] {
            assert_eq!(one.covers(&target.parse().unwrap()), covered, "{target}");
        }
        for bad in ["", "*", "*/*", "hosts/*", "zone/", "zone", "zone/*x"] {
            assert!(bad.parse::<TargetRule>().is_err(), "{bad}");
        }
        assert_eq!("host/*".parse::<TargetRule>().unwrap().to_string(), "host/*");
    }
}
