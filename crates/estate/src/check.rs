//! What a second reader would say of a loaded estate: whether its stories hold, and what looks careless.

use std::collections::BTreeSet;
use std::fmt;

use lineclear_core::authority::{Grade, Rung};
use lineclear_core::catalogue::{Action, Reversibility, Risk};
use lineclear_core::estate::Estate;
use lineclear_core::name::{ActionName, FactName, RunbookName};
use lineclear_core::runbook::Runbook;

use crate::load::Loaded;
use crate::rehearsal::{Test, unrehearsed};
use crate::story::Outcome;
use crate::tool::changes;

/// Something that is allowed and looks careless.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// What it concerns: ``action `dns.update` ``.
    pub subject: String,
    /// What looks careless.
    pub message: String,
}

/// What there is, how the stories came out, and what looks careless.
#[derive(Debug, Clone)]
pub struct Report {
    /// How many things, people, agents, actions, runbooks, facts, rungs.
    pub counts: Vec<(&'static str, usize)>,
    /// Every story, in order of file and line.
    pub outcomes: Vec<Outcome>,
    /// Every test of a runbook, runbook by runbook.
    pub rehearsals: Vec<Outcome>,
    /// Everything that looks careless.
    pub warnings: Vec<Warning>,
}

/// Tells every story, plays every test and looks for what is careless.
pub fn check(loaded: &Loaded) -> Report {
    let estate = &loaded.estate;
    let counts = vec![
        ("things", estate.topology.iter().count()),
        ("people", estate.directory.operators.len()),
        ("agents", estate.directory.agents.len()),
        ("actions", estate.catalogue.actions.len()),
        ("runbooks", estate.runbooks.len()),
        ("facts", estate.facts.len()),
        ("rungs", estate.authority.rungs.len()),
        ("stories", loaded.stories.len()),
        ("tests of runbooks", loaded.tests.values().map(Vec::len).sum()),
    ];
    let told: BTreeSet<&ActionName> = loaded.stories.iter().map(|story| &story.case.action).collect();
    let mut warnings = Vec::new();
    for action in estate.catalogue.actions.values() {
        warn_action(action, estate, &mut warnings);
        if !told.contains(&action.name) {
            warnings.push(Warning::of("action", &action.name, "no story says who may do it"));
        }
    }
    for runbook in estate.runbooks.values() {
        let tests = loaded.tests.get(&runbook.id).map_or(&[][..], Vec::as_slice);
        let actions = estate.catalogue.actions.values().filter(|action| action.runbook.as_ref() == Some(&runbook.id)).count();
        warnings.extend(lint(runbook, tests, Some(actions)));
    }
    for rung in &estate.authority.rungs {
        warn_rung(rung, estate, &mut warnings);
    }
    for fact in unused_facts(estate) {
        warnings.push(Warning::of("fact", fact, "nothing uses it"));
    }
    let outcomes = loaded.stories.iter().map(|story| story.tell(&loaded.policies)).collect();
    Report { counts, outcomes, rehearsals: rehearsals(loaded), warnings }
}

impl Report {
    /// Whether every story and every test of a runbook holds.
    pub fn holds(&self) -> bool {
        self.outcomes.iter().chain(&self.rehearsals).all(|outcome| outcome.fault.is_none())
    }
}

impl Warning {
    fn of(kind: &str, name: impl fmt::Display, message: impl Into<String>) -> Self {
        Self { subject: format!("{kind} `{name}`"), message: message.into() }
    }
}

fn warn_action(action: &Action, estate: &Estate, warnings: &mut Vec<Warning>) {
    let mut warn = |message: &str| warnings.push(Warning::of("action", &action.name, message));
    let runbook = action.runbook.as_ref().and_then(|name| estate.runbooks.get(name));
    let changing = runbook.is_some_and(|book| book.steps.iter().any(|step| changes(&step.call)));
    if action.risk == Risk::High && !action.never_routine {
        warn("high risk, and it may become routine");
    }
    if action.risk == Risk::Low && changing {
        warn("low risk, and its runbook changes something");
    }
    if action.risk > Risk::Low && action.runbook.is_none() {
        warn("no runbook: it is advice, whatever its risk says");
    }
    if action.risk > Risk::Low && !action.facts.iter().any(|need| need.required) {
        warn("no fact is required: it is judged on words alone");
    }
    if action.risk > Risk::Low && runbook.is_some_and(|book| book.verification.goals.is_empty()) {
        warn("nothing verifies that it helped");
    }
    if action.reversibility == Reversibility::Reversible
        && runbook.is_some_and(|book| book.steps.iter().any(|step| changes(&step.call) && step.undo.is_none()))
    {
        warn("called reversible, and a step of its runbook has no undo");
    }
}

/// What looks careless about one runbook; `actions` is how many it carries out, where an estate says so.
pub fn lint(runbook: &Runbook, tests: &[Test], actions: Option<usize>) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let mut warn = |message: String| warnings.push(Warning::of("runbook", &runbook.id, message));
    if actions == Some(0) {
        warn("no action uses it".into());
    }
    for (_, step) in runbook.all_steps().filter(|(_, step)| changes(&step.call)) {
        if step.undo.is_none() {
            warn(format!("step `{}` has no undo", step.id));
        }
        if step.verify.is_none() {
            warn(format!("step `{}` has no check", step.id));
        }
    }
    for step in unrehearsed(runbook, tests) {
        warn(format!("no test that holds takes back step `{step}`, so it cannot become routine"));
    }
    warnings
}

fn rehearsals(loaded: &Loaded) -> Vec<Outcome> {
    let played = |(name, tests): (&RunbookName, &Vec<Test>)| {
        let runbook = loaded.estate.runbooks.get(name)?;
        Some(tests.iter().map(|test| test.tell(runbook)).collect::<Vec<_>>())
    };
    loaded.tests.iter().filter_map(played).flatten().collect()
}

fn warn_rung(rung: &Rung, estate: &Estate, warnings: &mut Vec<Warning>) {
    let people = || estate.directory.operators.values().filter(|person| rung.grade < Grade::Ssh || !person.keys.is_empty());
    let mut warn = |message: String| warnings.push(Warning::of("rung", &rung.name, message));
    let able = people().count();
    if able < usize::from(rung.humans) {
        let how = if rung.grade >= Grade::Ssh { " with a key" } else { "" };
        warn(format!("asks for {} people, and the estate has {able}{how}", rung.humans));
        return;
    }
    for role in &rung.roles {
        if !people().any(|person| person.roles.contains(role)) {
            warn(format!("asks for role `{role}`, which nobody who can answer holds"));
        }
    }
}

fn unused_facts(estate: &Estate) -> impl Iterator<Item = &FactName> {
    let needs = estate.catalogue.actions.values().flat_map(|action| action.facts.iter().map(|need| &need.fact));
    let verified = estate.runbooks.values().flat_map(|book| book.verification.goals.iter().chain(&book.verification.neighbours));
    let used: BTreeSet<&FactName> = needs.chain(verified).collect();
    estate.facts.keys().filter(move |fact| !used.contains(fact))
}
