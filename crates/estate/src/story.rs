//! `policies/cases/*.toml`: stories that the policies must decide as people expect.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use lineclear_core::budget::{Budget, Burn};
use lineclear_core::catalogue::Action;
use lineclear_core::estate::Estate;
use lineclear_core::measure::Confidence;
use lineclear_core::name::{ActionName, FactName, Login, PolicyName, RungName};
use lineclear_core::posture::Posture;
use lineclear_core::situation::{Actor, Case, Situation};
use lineclear_core::topology::EntityRef;
use lineclear_core::verdict::Verdict;
use lineclear_policy::Policies;
use serde::Deserialize;
use toml::Spanned;

use crate::fault::{Fault, Faults, LoadError, Place, Text};
use crate::members::cut;
use crate::suggest::suggest;

/// Most stories in one file.
const STORIES_MAX: usize = 500;

/// One story: a case, and what people expect policy to say of it.
#[derive(Debug, Clone)]
pub struct Story {
    /// What happens, in one sentence.
    pub title: String,
    /// What policy is asked.
    pub case: Case,
    /// What it must answer.
    pub expected: Expected,
    /// Policies that must be among its reasons.
    pub because: BTreeSet<PolicyName>,
    place: Place,
}

/// What a story expects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// Nobody needs to be asked.
    Clear,
    /// This rung, and none below it.
    Rung(RungName),
    /// No approval helps.
    Denied,
}

/// How a story came out.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The story's title.
    pub title: String,
    /// Its file.
    pub path: String,
    /// Its line.
    pub line: usize,
    /// What was expected: `clear`, `needs two-operators`, `denied`.
    pub expected: String,
    /// What policy said, with its reasons, one a line.
    pub found: String,
    /// What differs; none when the story holds.
    pub fault: Option<Fault>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    case: Vec<Spanned<Raw>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    title: String,
    principal: Spanned<String>,
    action: Spanned<String>,
    target: Spanned<String>,
    confidence: Spanned<u32>,
    confirmed: Option<Vec<Spanned<String>>>,
    #[serde(default)]
    given: Given,
    expect: Spanned<String>,
    rung: Option<Spanned<String>>,
    #[serde(default)]
    because: Vec<Spanned<String>>,
}

/// What differs from what the estate itself says of the action and the target.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "the members are the situation's own, and each is a fact of its own")]
struct Given {
    conflicting: bool,
    hosts: Option<u32>,
    services: Option<u32>,
    customers: Option<u32>,
    regions: Option<u32>,
    fleet_bp: Option<u32>,
    money_path: Option<bool>,
    customer_data: Option<bool>,
    reversible: Option<bool>,
    undo_drilled: bool,
    budget: Option<i64>,
    burn: Option<Burn>,
    posture: Option<Posture>,
    freeze: bool,
    in_flight: u32,
    severity: u8,
    emergency: bool,
    routine: bool,
}

/// Reads the stories of one file against an estate.
///
/// # Errors
/// Everything that is wrong: members, types, and names that the estate does not know.
pub fn parse_stories(path: &str, text: &str, estate: &Estate) -> Result<Vec<Story>, LoadError> {
    let faults = Faults::default();
    let stories = read(&Text::new(path, text), estate, &faults);
    faults.settle(Some(stories))
}

pub(crate) fn read(text: &Arc<Text>, estate: &Estate, faults: &Faults) -> Vec<Story> {
    let Some(file) = crate::settings::toml::<RawFile>(text, faults) else { return Vec::new() };
    if file.case.len() > STORIES_MAX {
        faults.at(&Place::start(text), format!("one file has at most {STORIES_MAX} stories"), None);
        return Vec::new();
    }
    let scope = Scope { text, estate, faults };
    file.case.into_iter().filter_map(|case| scope.story(Place::new(text, case.span()), case.into_inner())).collect()
}

struct Scope<'a> {
    text: &'a Arc<Text>,
    estate: &'a Estate,
    faults: &'a Faults,
}

impl Scope<'_> {
    fn unknown<T>(&self, word: &Spanned<T>, message: String, help: Option<String>) {
        self.faults.at(&Place::new(self.text, word.span()), message, help);
    }

    fn story(&self, place: Place, raw: Raw) -> Option<Story> {
        let (principal, expected) = (self.principal(&raw.principal), self.expected(&raw));
        let action = self.action(&raw.action);
        let target = self.target(&raw.target, action);
        let confidence = Confidence::try_from(*raw.confidence.get_ref());
        let confidence = confidence.map_err(|error| self.unknown(&raw.confidence, error.to_string(), None)).ok();
        let because: Option<BTreeSet<PolicyName>> = raw.because.iter().map(|word| self.parsed(word)).collect();
        let (action, target, confidence) = (action?, target?, confidence?);
        let evidence = self.evidence(action, raw.confirmed.as_deref())?;
        let situation = self.situation(action, &target, confidence, evidence, &raw.given);
        let case = Case { principal: principal?, action: action.name.clone(), target, situation };
        Some(Story { title: raw.title, case, expected: expected?, because: because?, place })
    }

    fn parsed<T: std::str::FromStr<Err: fmt::Display>>(&self, word: &Spanned<String>) -> Option<T> {
        word.get_ref().parse().map_err(|error: T::Err| self.unknown(word, error.to_string(), None)).ok()
    }

    fn principal(&self, word: &Spanned<String>) -> Option<Actor> {
        let login: Login = self.parsed(word)?;
        let directory = &self.estate.directory;
        let agent = directory.agent(&login).map(|agent| Actor::Agent(agent.id));
        let found = agent.or_else(|| directory.operator(&login).map(|person| Actor::Operator(person.id)));
        if found.is_none() {
            let people = directory.operators.values().map(|person| person.login.as_str());
            let known = people.chain(directory.agents.values().map(|agent| agent.login.as_str()));
            self.unknown(word, format!("`{login}` is neither a person nor an agent of this estate"), suggest(login.as_str(), known));
        }
        found
    }

    fn action(&self, word: &Spanned<String>) -> Option<&Action> {
        let name: ActionName = self.parsed(word)?;
        let found = self.estate.catalogue.actions.get(&name);
        if found.is_none() {
            let known = self.estate.catalogue.actions.keys().map(ActionName::as_str);
            self.unknown(word, format!("`{name}` is no action of this estate"), suggest(name.as_str(), known));
        }
        found
    }

    fn target(&self, word: &Spanned<String>, action: Option<&Action>) -> Option<EntityRef> {
        let target: EntityRef = self.parsed(word)?;
        if self.estate.topology.get(&target).is_none() {
            let known: Vec<String> = self.estate.topology.iter().map(|thing| thing.reference.to_string()).collect();
            let help = suggest(&target.to_string(), known.iter().map(String::as_str));
            self.unknown(word, format!("`{target}` is not in this catalog"), help);
            return None;
        }
        if let Some(action) = action.filter(|action| action.resource != target.kind) {
            self.unknown(word, format!("`{}` acts on a {}, not on `{target}`", action.name, action.resource.as_str()), None);
            return None;
        }
        Some(target)
    }

    fn expected(&self, raw: &Raw) -> Option<Expected> {
        match (raw.expect.get_ref().as_str(), &raw.rung) {
            ("clear", None) => Some(Expected::Clear),
            ("denied", None) => Some(Expected::Denied),
            ("needs_approval", Some(word)) => {
                let rung: RungName = self.parsed(word)?;
                if self.estate.authority.rung(&rung).is_none() {
                    let known = self.estate.authority.rungs.iter().map(|rung| rung.name.as_str());
                    self.unknown(word, format!("`{rung}` is no rung of this estate"), suggest(rung.as_str(), known));
                    return None;
                }
                Some(Expected::Rung(rung))
            }
            ("needs_approval", None) => {
                self.unknown(&raw.expect, "`needs_approval` without a `rung`".into(), Some("add `rung = \"…\"`".into()));
                None
            }
            ("clear" | "denied", Some(word)) => {
                self.unknown(word, "a rung is only expected with `needs_approval`".into(), None);
                None
            }
            (other, _) => {
                let help = suggest(other, ["clear", "needs_approval", "denied"]);
                self.unknown(&raw.expect, format!("`{}` is no verdict", cut(other)), help);
                None
            }
        }
    }

    /// Which of the action's facts are confirmed; all of them when the story does not say.
    fn evidence(&self, action: &Action, confirmed: Option<&[Spanned<String>]>) -> Option<BTreeMap<FactName, bool>> {
        let mut evidence: BTreeMap<FactName, bool> = action.facts.iter().map(|need| (need.fact.clone(), confirmed.is_none())).collect();
        for word in confirmed.unwrap_or(&[]) {
            let fact: FactName = self.parsed(word)?;
            if let Some(value) = evidence.get_mut(&fact) {
                *value = true;
                continue;
            }
            let known: Vec<String> = evidence.keys().map(ToString::to_string).collect();
            let help = suggest(fact.as_str(), known.iter().map(String::as_str));
            self.unknown(word, format!("`{}` does not use fact `{fact}`", action.name), help);
            return None;
        }
        Some(evidence)
    }

    /// The situation as the estate gives it, with what the story says otherwise.
    fn situation(
        &self,
        action: &Action,
        target: &EntityRef,
        confidence: Confidence,
        evidence: BTreeMap<FactName, bool>,
        given: &Given,
    ) -> Situation {
        let blast = self.estate.topology.blast(target);
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let runbook = action.runbook.as_ref().and_then(|name| self.estate.runbooks.get(name));
        let undoable = runbook.is_none_or(|book| book.steps.iter().all(|step| step.undo.is_some() || !crate::tool::changes(&step.call)));
        Situation {
            confidence,
            confirmed: count(evidence.values().filter(|confirmed| **confirmed).count()),
            evidence,
            conflicting: given.conflicting,
            hosts: given.hosts.unwrap_or(blast.hosts),
            services: given.services.unwrap_or(blast.services),
            customers: given.customers.unwrap_or(blast.customers),
            regions: given.regions.unwrap_or(count(blast.regions.len())),
            fleet_bp: given.fleet_bp.unwrap_or(blast.fleet_bp),
            money_path: given.money_path.unwrap_or(blast.money_path),
            customer_data: given.customer_data.unwrap_or(blast.customer_data),
            reversible: given.reversible.unwrap_or(undoable),
            undo_drilled: given.undo_drilled,
            budget: given.budget.map(|remaining_bp| Budget { remaining_bp, burn: given.burn.unwrap_or(Burn::Steady) }),
            posture: given.posture.unwrap_or(Posture::Full),
            freeze: given.freeze,
            in_flight: given.in_flight,
            severity: given.severity,
            emergency: given.emergency,
            routine: given.routine,
            // A story names no inputs, so references stay as they are.
            permissions: runbook.map(|book| book.permissions.atoms()).unwrap_or_default(),
        }
    }
}

impl Story {
    /// Asks the policies and compares.
    pub fn tell(&self, policies: &Policies) -> Outcome {
        let expected = self.expected.to_string();
        let (found, reasons, named) = match policies.judge(&self.case) {
            Ok(verdict) => {
                let found = match &verdict {
                    Verdict::Clear { .. } => Expected::Clear.to_string(),
                    Verdict::NeedsApproval { rung, .. } => Expected::Rung(rung.clone()).to_string(),
                    Verdict::Denied { .. } => Expected::Denied.to_string(),
                };
                let reasons: Vec<String> = verdict.because().iter().map(ToString::to_string).collect();
                let named: BTreeSet<PolicyName> = verdict.because().iter().filter_map(|reason| reason.policy.clone()).collect();
                (found, reasons, named)
            }
            Err(error) => (format!("no answer: {error}"), Vec::new(), BTreeSet::new()),
        };
        let missing: Vec<&PolicyName> = self.because.difference(&named).collect();
        let told = std::iter::once(found.clone()).chain(reasons).collect::<Vec<_>>().join(
            "
  ",
        );
        let message = if found == expected {
            missing.first().map(|policy| format!("`{policy}` is not among the reasons"))
        } else {
            Some(format!("expected: {expected}; policy says: {found}"))
        };
        let fault = message.map(|message| Fault::at(&self.place, format!("{}: {message}", self.title), Some(told.clone())));
        let at = Fault::at(&self.place, "", None);
        Outcome { title: self.title.clone(), path: at.path, line: at.line, expected, found: told, fault }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clear => f.write_str("clear"),
            Self::Rung(rung) => write!(f, "needs {rung}"),
            Self::Denied => f.write_str("denied"),
        }
    }
}
