//! Reads `tests:` of a runbook: strict, with places, and nothing named that the runbook has not.

use std::collections::{BTreeMap, BTreeSet};

use lineclear_core::catalogue::{InputValue, Inputs};
use lineclear_core::estate::Estate;
use lineclear_core::name::{InputName, RunbookName, StepName};
use lineclear_core::run::Direction;
use lineclear_core::runbook::{Runbook, Step};
use lineclear_core::topology::{EntityKind, EntityRef};
use serde_json::Value;

use super::case::{Expected, Places};
use super::fake::{Answer, Fakes, Look, Reply, Script};
use super::part::{Part, Role};
use super::trail::End;
use super::{Decision, Test};
use crate::fault::{Faults, Place};
use crate::members::{Members, bounded, choice, cut, list, parsed};
use crate::suggest::suggest;
use crate::yaml::{Kind, Node};

/// Most tests of one runbook: four for each of a dozen steps.
pub(super) const TESTS_MAX: usize = 50;
/// Most answers of one fake: a step is never tried more often.
const ANSWERS_MAX: usize = 32;
/// Longest name, in characters.
const NAME_MAX: usize = 120;

/// How a rehearsal can end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EndWord {
    Done,
    Undone,
    Aborted,
    Stopped,
    Stuck,
}

/// The ends with their words.
pub(super) const END_WORDS: [(&str, EndWord); 5] = [
    ("done", EndWord::Done),
    ("undone", EndWord::Undone),
    ("aborted", EndWord::Aborted),
    ("stopped", EndWord::Stopped),
    ("stuck", EndWord::Stuck),
];

/// Reads the list of tests against their runbook.
pub(crate) fn read(node: &Node, runbook: &Runbook, faults: &Faults) -> Vec<Test> {
    let Some(items) = list(node, faults) else { return Vec::new() };
    if items.is_empty() || items.len() > TESTS_MAX {
        faults.at(&node.place, format!("1 to {TESTS_MAX} tests are wanted here, not {}", items.len()), None);
        return Vec::new();
    }
    let reading = Reading { runbook, faults };
    let tests: Vec<Test> = items.iter().filter_map(|item| reading.test(item)).collect();
    let mut seen = BTreeSet::new();
    for test in &tests {
        if !seen.insert(&test.name) {
            faults.at(&test.places.name, "another test has this name", None);
        }
    }
    tests
}

/// Checks that every test acts on a thing of the catalog, of a kind that an action of its runbook acts on.
pub(crate) fn targets(tests: &BTreeMap<RunbookName, Vec<Test>>, estate: &Estate, faults: &Faults) {
    for (name, tests) in tests {
        let actions = estate.catalogue.actions.values().filter(|action| action.runbook.as_ref() == Some(name));
        let kinds: BTreeSet<EntityKind> = actions.map(|action| action.resource).collect();
        for target in tests.iter().map(Test::target_at) {
            if estate.topology.get(target.value).is_none() {
                let known: Vec<String> = estate.topology.iter().map(|thing| thing.reference.to_string()).collect();
                let help = suggest(&target.value.to_string(), known.iter().map(String::as_str));
                faults.at(&target.place, format!("`{}` is not in this catalog", target.value), help);
            } else if !kinds.is_empty() && !kinds.contains(&target.value.kind) {
                let able: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
                let message = format!("no action with runbook `{name}` acts on `{}`", target.value);
                faults.at(&target.place, message, Some(format!("its actions act on: {}", able.join(", "))));
            }
        }
    }
}

struct Reading<'r> {
    runbook: &'r Runbook,
    faults: &'r Faults,
}

/// Fakes with their places.
type Faked = (Fakes, BTreeMap<Part, Place>);

impl Reading<'_> {
    /// Every step, those of branches included.
    fn all(&self) -> impl Iterator<Item = &Step> {
        self.runbook.all_steps().map(|(_, step)| step)
    }

    fn test(&self, node: &Node) -> Option<Test> {
        let before = self.faults.count();
        let of = Members::of(node, "a test", self.faults)?;
        let name = of.need("name").and_then(|node| Some((bounded(node, NAME_MAX, self.faults)?, node.place.clone())));
        let target = of.parsed::<EntityRef>("target");
        let inputs = self.inputs(&of);
        let fakes = of.maybe("fakes").map_or_else(|| Some(Faked::default()), |node| self.fakes(node));
        let people = of.maybe("people");
        let decisions =
            people.map_or_else(|| Some(Vec::new()), |node| self.several(node, |node| choice(node, &Decision::WORDS, self.faults)));
        let expected = of.need("expect").and_then(|node| self.expected(node));
        let people = people.map_or_else(|| node.place.clone(), |node| node.place.clone());
        of.finish();
        if self.faults.count() > before {
            return None;
        }
        let ((name, at), target, (fakes, places), (expected, ending)) = (name?, target?, fakes?, expected?);
        let places = Places { name: at, target: target.place, expected: ending, fakes: places, people };
        Some(Test { name, target: target.value, inputs: inputs?, fakes, people: decisions?, expected, places })
    }

    fn inputs(&self, of: &Members<'_>) -> Option<Inputs> {
        let mut inputs = Inputs::new();
        for (name, (place, node)) in of.named::<InputName>("inputs") {
            let Some(kind) = self.runbook.inputs.get(&name) else {
                let help = suggest(name.as_str(), self.runbook.inputs.keys().map(InputName::as_str));
                self.faults.at(&place, format!("`{name}` is no input of this runbook"), help);
                continue;
            };
            let value = match &node.kind {
                Kind::Integer(n) => Some(InputValue::Integer(*n)),
                Kind::Text(text) => Some(InputValue::Text(text.clone())),
                Kind::List(items) => names(items).map(InputValue::Names),
                Kind::Nothing | Kind::Flag(_) | Kind::Number | Kind::Map(_) => None,
            };
            match value.filter(|value| kind.admits(value)) {
                Some(value) => drop(inputs.insert(name, value)),
                None => self.faults.at(&node.place, format!("input `{name}` must be {kind}"), None),
            }
        }
        if let Some(missing) = self.runbook.inputs.keys().find(|name| !inputs.contains_key(*name)) {
            self.faults.at(of.place(), format!("input `{missing}` is missing"), Some(format!("add it under `inputs`: `{missing}: …`")));
            return None;
        }
        Some(inputs)
    }

    fn fakes(&self, node: &Node) -> Option<Faked> {
        let Kind::Map(members) = &node.kind else {
            self.faults.at(&node.place, format!("`fakes` is written as members, not as {}", node.called()), None);
            return None;
        };
        let (mut fakes, mut places) = Faked::default();
        for (key, value) in members {
            let Some(part) = self.part(&key.text, &key.place) else { continue };
            let step = part.step.clone();
            fakes = match part.role {
                Role::Do => fakes.call(step, Direction::Do, self.script(value, |node| self.reply(node))?),
                Role::Undo => fakes.call(step, Direction::Undo, self.script(value, |node| self.reply(node))?),
                Role::Verify => fakes.look(step, self.script(value, |node| choice(node, &Look::WORDS, self.faults))?),
            };
            places.insert(part, key.place.clone());
        }
        Some((fakes, places))
    }

    fn script<T>(&self, node: &Node, one: impl Fn(&Node) -> Option<T>) -> Option<Script<T>> {
        match &node.kind {
            Kind::List(_) => self.several(node, one).map(Script::Each),
            Kind::Text(_) | Kind::Nothing | Kind::Flag(_) | Kind::Integer(_) | Kind::Number | Kind::Map(_) => one(node).map(Script::Always),
        }
    }

    /// One item, or a list of them.
    fn several<T>(&self, node: &Node, one: impl Fn(&Node) -> Option<T>) -> Option<Vec<T>> {
        let Kind::List(items) = &node.kind else { return one(node).map(|one| vec![one]) };
        if items.is_empty() || items.len() > ANSWERS_MAX {
            self.faults.at(&node.place, format!("1 to {ANSWERS_MAX} items are wanted here, not {}", items.len()), None);
            return None;
        }
        items.iter().map(one).collect()
    }

    /// A word, or what the tool reports when it went well: `{ report: { output: … } }`.
    fn reply(&self, node: &Node) -> Option<Reply> {
        let Kind::Map(_) = &node.kind else { return choice(node, &Answer::WORDS, self.faults).map(Reply::from) };
        let of = Members::of(node, "an answer", self.faults)?;
        let report = of.need("report").and_then(|node| json(node, self.faults));
        of.finish();
        Some(Reply { answer: Answer::Ok, report: report? })
    }

    fn expected(&self, node: &Node) -> Option<(Expected, Place)> {
        let of = Members::of(node, "`expect`", self.faults)?;
        let outcome = of.choice("outcome", &END_WORDS);
        let at = of.maybe("at");
        let reached = of.need("reached").and_then(|node| self.steps(node));
        let undone = of.maybe("undone").map_or_else(|| Some(Vec::new()), |node| self.steps(node));
        of.finish();
        let end = match (outcome?, at) {
            (EndWord::Stuck, Some(node)) => End::Stuck { at: self.place(node)? },
            (EndWord::Stuck, None) => {
                let help = "add `at: …` with the call where a person has to decide, as in `at: switch.undo`";
                self.faults.at(&node.place, "`stuck` without saying where", Some(help.into()));
                return None;
            }
            (EndWord::Done | EndWord::Undone | EndWord::Aborted | EndWord::Stopped, Some(node)) => {
                self.faults.at(&node.place, "`at` goes with `outcome: stuck` only", None);
                return None;
            }
            (EndWord::Done, None) => End::Done,
            (EndWord::Undone, None) => End::Undone,
            (EndWord::Aborted, None) => End::Aborted,
            (EndWord::Stopped, None) => End::Stopped,
        };
        let undone = undone?;
        for step in undone.iter().filter(|step| self.all().any(|known| known.id == **step && known.undo.is_none())) {
            self.faults.at(&node.place, format!("step `{step}` has no `undo`, so nothing takes it back"), None);
        }
        Some((Expected { end, reached: reached?, undone }, node.place.clone()))
    }

    fn place(&self, node: &Node) -> Option<Part> {
        let part = self.part(crate::members::text(node, self.faults)?, &node.place)?;
        if part.role == Role::Verify {
            let help = format!("write `{}.do`", part.step);
            self.faults.at(&node.place, "a run waits at a `do` or an `undo`, not at a check", Some(help));
            return None;
        }
        Some(part)
    }

    fn steps(&self, node: &Node) -> Option<Vec<StepName>> {
        let names: Vec<_> = list(node, self.faults)?.iter().map(|item| parsed::<StepName>(item, self.faults)).collect::<Option<_>>()?;
        let known = || self.all().map(|step| step.id.as_str());
        for name in names.iter().filter(|name| known().all(|known| known != name.value.as_str())) {
            let help = suggest(name.value.as_str(), known());
            self.faults.at(&name.place, format!("`{}` is no step of this runbook", name.value), help);
        }
        Some(names.into_iter().map(|name| name.value).collect())
    }

    /// `switch.undo`: a call that this runbook has. A step may have dots in its name; the last one counts.
    fn part(&self, text: &str, place: &Place) -> Option<Part> {
        let calls = |step: &Step| {
            let has = [(Role::Do, true), (Role::Verify, step.verify.is_some()), (Role::Undo, step.undo.is_some())];
            let step = step.id.clone();
            has.into_iter().filter(|(_, there)| *there).map(move |(role, _)| Part { step: step.clone(), role })
        };
        let known: Vec<Part> = self.all().flat_map(calls).collect();
        let found = known.iter().find(|part| part.to_string() == text);
        if found.is_none() {
            let words: Vec<String> = known.iter().map(ToString::to_string).collect();
            let help = suggest(text, words.iter().map(String::as_str));
            self.faults.at(place, format!("`{}` is no call of this runbook", cut(text)), help);
        }
        found.cloned()
    }
}

/// Any value, as a tool could report it.
fn json(node: &Node, faults: &Faults) -> Option<Value> {
    Some(match &node.kind {
        Kind::Nothing => Value::Null,
        Kind::Flag(flag) => Value::Bool(*flag),
        Kind::Integer(n) => Value::from(*n),
        Kind::Text(text) => Value::String(text.clone()),
        Kind::List(items) => Value::Array(items.iter().map(|item| json(item, faults)).collect::<Option<_>>()?),
        Kind::Map(members) => {
            Value::Object(members.iter().map(|(key, item)| Some((key.text.clone(), json(item, faults)?))).collect::<Option<_>>()?)
        }
        Kind::Number => {
            faults.at(&node.place, "a whole number is wanted here, or text", None);
            return None;
        }
    })
}

/// A list of texts and nothing else.
fn names(items: &[Node]) -> Option<Vec<String>> {
    items.iter().map(|item| if let Kind::Text(text) = &item.kind { Some(text.clone()) } else { None }).collect()
}
