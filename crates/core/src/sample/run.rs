//! Samples of runs.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{MARK, after, digest, id, person, second};
use crate::catalogue::{InputKind, InputValue, Risk};
use crate::id::{ChangeId, RunId, RunnerId, WarrantId};
use crate::label::Labels;
use crate::name::OutputName;
use crate::permission::Permissions;
use crate::plan::{EffectClass, Plan, PlannedStep, Preview, ToolCall};
use crate::run::{Applied, Attempt, AttemptKey, Command, Direction, Event, Found, Order, Resolution, Run, RunEnd, SEMANTICS, StepRule};
use crate::runbook::{Condition, Flow, OnFailure, OnUnknown, Output, Retry, RetryOn, Subject, Test};
use crate::time::Span;

/// What a step of a sample is like.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    pub effect: EffectClass,
    pub undo: bool,
    pub attempts: u8,
    /// How long it waits before it is tried again, in seconds.
    pub wait: u64,
    /// Whether it is tried again although something may have been changed.
    pub again_partly: bool,
    pub on_failure: Failing,
    pub on_unknown: OnUnknown,
    /// The branch that it belongs to.
    pub branch: Option<&'static str>,
    /// The step that must have reported `state: up`.
    pub when: Option<usize>,
}

/// What follows a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failing {
    Stop,
    Undo,
    Person,
    Goto(&'static str),
}

impl Failing {
    fn rule(self) -> OnFailure {
        match self {
            Self::Stop => OnFailure::Stop,
            Self::Undo => OnFailure::Undo,
            Self::Person => OnFailure::Person,
            Self::Goto(branch) => OnFailure::Goto(branch.parse().unwrap()),
        }
    }
}

impl Step {
    /// Changes something, can be taken back, is tried once.
    pub const EFFECT: Self = Self {
        effect: EffectClass::Converge,
        undo: true,
        attempts: 1,
        wait: 0,
        again_partly: false,
        on_failure: Failing::Undo,
        on_unknown: OnUnknown::Verify,
        branch: None,
        when: None,
    };
    /// Changes nothing.
    pub const READ: Self = Self { effect: EffectClass::Read, undo: false, ..Self::EFFECT };
    /// Asks a person when it fails.
    pub const ASKING: Self = Self { on_failure: Failing::Person, ..Self::EFFECT };
}

fn flow(step: &Step) -> Flow {
    let state = || -> OutputName { "state".parse().unwrap() };
    let is_up = |earlier: usize| Condition {
        of: Subject::Output { step: format!("step-{earlier}").parse().unwrap(), output: state() },
        test: Test::Is(InputValue::Text("up".into())),
    };
    let output = Output { at: "/state".into(), kind: InputKind::Text { max: 40 } };
    Flow {
        branch: step.branch.map(|branch| branch.parse().unwrap()),
        goto: step.on_failure.rule().goto().cloned(),
        when: step.when.map(is_up).into_iter().collect(),
        outputs: if step.effect == EffectClass::Read { BTreeMap::from([(state(), output)]) } else { BTreeMap::new() },
    }
}

fn retry(step: &Step) -> Retry {
    let mut retry = Retry::times(step.attempts);
    retry.waits.extend((step.wait > 0).then(|| Span::from_secs(step.wait)));
    retry.on.extend(step.again_partly.then_some(RetryOn::Partly));
    retry
}

/// An order that begins at second 0 and may start steps until second 600; each step may take ten seconds.
pub(crate) fn order(steps: &[Step]) -> Order {
    let call = |tool: &str| ToolCall { tool: tool.parse().unwrap(), with: BTreeMap::from([(MARK.into(), json!({"text": MARK, "n": 3}))]) };
    let planned = steps.iter().enumerate().map(|(index, step)| PlannedStep {
        step: format!("step-{index}").parse().unwrap(),
        call: call("dns_update"),
        verify: Some(call("dns_query")),
        undo: step.undo.then(|| call("dns_undo")),
        effect: step.effect,
        preview: Preview {
            before: json!(MARK),
            after: json!([MARK, 2, null, true]),
            targets: vec![MARK.into()],
            reversible: step.undo,
            summary: MARK.into(),
        },
        flow: flow(step),
    });
    let rules = steps.iter().map(|step| StepRule {
        timeout: Span::from_secs(10),
        retry: retry(step),
        on_failure: step.on_failure.rule(),
        on_unknown: step.on_unknown,
    });
    let runbook = "move-dns".parse().unwrap();
    Order {
        id: RunId::new(id(30)),
        change: ChangeId::new(id(1)),
        bundle: digest("bundle"),
        plan: Plan {
            runbook,
            runbook_digest: digest("runbook"),
            steps: planned.collect(),
            left_out: Vec::new(),
            permissions: Permissions::none(),
            concurrency_key: None,
            runs_on: Labels::default(),
            read: second(0),
        },
        rules: rules.collect(),
        begun: second(0),
        deadline: second(600),
        semantics: SEMANTICS,
        risk: Risk::Medium,
        emergency: None,
    }
}

/// One step that goes to the branch `spare`, and that branch.
pub(crate) const BRANCHED: [Step; 2] =
    [Step { on_failure: Failing::Goto("spare"), ..Step::EFFECT }, Step { branch: Some("spare"), ..Step::EFFECT }];

fn attempt(number: u32, direction: Direction) -> Attempt {
    let run = Run::begin_of(&[Step::EFFECT]);
    let intend = Command::Intend { warrant: WarrantId::new(id(60)), epoch: 3 };
    let events = run.decide(intend, second(1)).unwrap();
    let Some(Event::Intended { attempt, .. }) = events.into_iter().next() else { panic!("an attempt was to be intended") };
    Attempt { key: AttemptKey { direction, number, ..attempt.key.clone() }, ..attempt }
}

impl Run {
    /// A run that has just begun.
    pub fn begin_of(steps: &[Step]) -> Self {
        after(&[Event::Begun { order: Box::new(order(steps)) }])
    }
}

pub(crate) fn run_events() -> Vec<(&'static str, Event)> {
    use Event as E;
    let (at, why, output) = (second(5), || MARK.to_owned(), || json!({"said": MARK, "n": 5, "none": Value::Null}));
    let failed = |applied| E::Failed { applied, why: why(), at };
    let probed = |found| E::Probed { found, output: output(), at };
    let resolved = |resolution| E::Resolved {
        by: person(1),
        resolution,
        reason: why(),
        evidence: Some(MARK.into()).filter(|_| resolution == Resolution::MarkApplied),
        to: Some(person(2)).filter(|_| resolution == Resolution::HandOver),
        asked_by: None,
        at,
    };
    vec![
        ("begun", E::Begun { order: Box::new(order(&[Step::EFFECT])) }),
        ("intended", E::Intended { attempt: attempt(1, Direction::Do), at }),
        ("intended back", E::Intended { attempt: attempt(1, Direction::Undo), at }),
        ("dispatched", E::Dispatched { runner: RunnerId::new(id(61)), warrant: digest("warrant"), at }),
        ("accepted", E::Accepted { at }),
        ("started", E::Started { at }),
        ("succeeded", E::Succeeded { output: output(), at }),
        ("failed, no", failed(Applied::No)),
        ("failed, partly", failed(Applied::Partly)),
        ("refused", E::Refused { code: MARK.into(), why: why(), at }),
        ("became_unknown", E::BecameUnknown { why: why(), at }),
        ("never_started", probed(Found::NeverStarted)),
        ("applied", probed(Found::Applied)),
        ("not_applied", probed(Found::NotApplied)),
        ("inconclusive", probed(Found::Inconclusive)),
        ("retried", E::Retried { due: None, at }),
        ("retried later", E::Retried { due: Some(second(9)), at }),
        ("skipped", E::Skipped { step: "step-0".parse().unwrap(), why: why(), at }),
        ("branched", E::Branched { to: "spare".parse().unwrap(), with_current: true, at }),
        ("turned", E::Turned { with_current: false, at }),
        ("turned, with", E::Turned { with_current: true, at }),
        ("got_stuck", E::GotStuck { why: why(), at }),
        ("retry", resolved(Resolution::Retry)),
        ("mark_applied", resolved(Resolution::MarkApplied)),
        ("mark_not_applied", resolved(Resolution::MarkNotApplied)),
        ("skip", resolved(Resolution::Skip)),
        ("continue", resolved(Resolution::Continue)),
        ("undo", resolved(Resolution::Undo)),
        ("abort", resolved(Resolution::Abort)),
        ("hand_over", resolved(Resolution::HandOver)),
        ("second_asked", E::SecondAsked { by: person(1), resolution: Resolution::Skip, reason: why(), at }),
        ("ended done", E::Ended { how: RunEnd::Done, at }),
        ("ended undone", E::Ended { how: RunEnd::Undone, at }),
        ("ended aborted", E::Ended { how: RunEnd::Aborted, at }),
        ("ended stopped", E::Ended { how: RunEnd::Stopped, at }),
    ]
}

/// A run of one step under a condition, one that stops when it fails, or one with a branch.
fn begun(steps: &[Step]) -> Event {
    Event::Begun { order: Box::new(order(steps)) }
}

/// Runs of a single step that changes something, unless their label says more.
pub(crate) fn run_states() -> Vec<(&'static str, Run)> {
    let all: BTreeMap<_, _> = run_events().into_iter().collect();
    let of = |label, path: &[&'static str]| {
        let events: Vec<_> = std::iter::once(&"begun").chain(path).map(|word| all[word].clone()).collect();
        (label, after::<Run>(&events))
    };
    let back = ["intended", "dispatched", "failed, partly", "turned, with"];
    let then = |label, path: &[&'static str]| of(label, &[&back[..], path].concat());
    let as_well = |label, steps: &[Step], path: &[&'static str]| {
        let events: Vec<_> = std::iter::once(begun(steps)).chain(path.iter().map(|word| all[word].clone())).collect();
        (label, after::<Run>(&events))
    };
    let failed = ["intended", "dispatched", "failed, no"];
    vec![
        of("ready", &[]),
        of("waiting", &[&failed[..], &["retried later"]].concat()),
        as_well("ready, conditional", &[Step { when: Some(1), ..Step::EFFECT }], &[]),
        as_well("failed, stops", &[Step { on_failure: Failing::Stop, ..Step::EFFECT }], &failed),
        as_well("failed, with a branch", &BRANCHED, &failed),
        as_well("ready, on the branch", &BRANCHED, &[&failed[..], &["branched"]].concat()),
        as_well("stopped", &[Step { on_failure: Failing::Stop, ..Step::EFFECT }], &[&failed[..], &["ended stopped"]].concat()),
        of("intended", &["intended"]),
        of("dispatched", &["intended", "dispatched"]),
        of("accepted", &["intended", "dispatched", "accepted"]),
        of("started", &["intended", "dispatched", "started"]),
        of("unknown", &["intended", "dispatched", "became_unknown"]),
        of("failed", &["intended", "dispatched", "failed, no"]),
        of("stuck", &["intended", "dispatched", "refused"]),
        of("stuck, asked", &["intended", "dispatched", "refused", "second_asked"]),
        of("stuck, handed over", &["intended", "dispatched", "refused", "hand_over"]),
        of("ready, all applied", &["intended", "dispatched", "started", "succeeded"]),
        of("done", &["intended", "dispatched", "started", "succeeded", "ended done"]),
        then("undoing", &[]),
        then("undoing: intended", &["intended back"]),
        then("undoing: started", &["intended back", "dispatched", "started"]),
        then("undoing: unknown", &["intended back", "dispatched", "became_unknown"]),
        then("undoing: failed", &["intended back", "dispatched", "failed, no"]),
        then("undoing: stuck", &["intended back", "dispatched", "refused"]),
        then("undoing: all taken back", &["intended back", "dispatched", "started", "succeeded"]),
        then("undoing: left", &["intended back", "dispatched", "refused", "skip"]),
        then("undone", &["intended back", "dispatched", "started", "succeeded", "ended undone"]),
        of("aborted", &["intended", "dispatched", "refused", "abort"]),
    ]
}
