use std::collections::BTreeMap;

use super::*;
use crate::Digest;
use crate::change::{self, Change};
use crate::id::{ChangeId, RunId};
use crate::run;
use crate::sample::{Step, after, change_events, digest, id, order, run_events, second};

/// The installation of the samples.
const HERE: &str = "lineclear.example.test";
const DAY: u64 = 86_400;

/// A change of the samples that took this path, in words of `sample::change_events`, after it was proposed.
fn change(path: &[&str], bend: impl Fn(&mut change::Event)) -> (Change, Vec<change::Event>) {
    let all: BTreeMap<_, _> = change_events().into_iter().collect();
    let mut events: Vec<change::Event> = std::iter::once(&"proposed").chain(path).map(|word| all[word].clone()).collect();
    events.iter_mut().for_each(bend);
    (after::<Change>(&events), events)
}

fn run_of(path: &[&str]) -> Vec<run::Event> {
    let all: BTreeMap<_, _> = run_events().into_iter().collect();
    path.iter().map(|word| all[word].clone()).collect()
}

fn mark(path: &[&str], run: &[&str], origin: &str, bend: impl Fn(&mut change::Event)) -> Option<Mark> {
    let ((change, events), run) = (change(path, bend), run_of(run));
    let (events, run): (Vec<_>, Vec<_>) = (events.iter().collect(), run.iter().collect());
    Past::of(&change, &events, &run, origin).map(|past| past.mark)
}

#[track_caller]
fn check(path: &[&str], run: &[&str], expected: Option<Mark>) {
    assert_eq!(mark(path, run, HERE, |_| ()), expected, "{path:?} {run:?}");
}

const RAN: [&str; 3] = ["cleared", "started", "run_ended done"];
const WELL: [&str; 4] = ["begun", "intended", "succeeded", "ended done"];

#[test]
fn a_record_says_whether_a_run_was_good_bad_or_neither() {
    let and = |more: &[&'static str]| [&RAN[..], more].concat();
    check(&["denied"], &[], None);
    check(&["asked", "rejected"], &[], None);
    check(&and(&["judged, closes"]), &WELL, Some(Mark::Good));
    check(&and(&["judged, closes"]), &["begun", "intended", "got_stuck", "ended done"], Some(Mark::Bad(Flaw::Stuck)));
    check(&and(&["judged, closes", "declared failure"]), &WELL, Some(Mark::Bad(Flaw::Declared)));
    check(&and(&["judged"]), &WELL, Some(Mark::Bad(Flaw::Worse)));
    check(&and(&["judged", "declared success"]), &WELL, Some(Mark::Bad(Flaw::Worse)));
    check(&["cleared", "started"], &["begun", "intended"], Some(Mark::Aside(Aside::Open)));
    check(&RAN, &WELL, Some(Mark::Aside(Aside::Open)));
    check(&["cleared", "started", "run_ended undone"], &["begun", "turned", "ended undone"], Some(Mark::Bad(Flaw::Undone)));
    check(&["cleared", "started", "run_ended aborted"], &["begun", "ended aborted"], Some(Mark::Bad(Flaw::Aborted)));
    check(&["cleared", "started", "run_ended stopped"], &["begun", "ended stopped"], Some(Mark::Bad(Flaw::Aborted)));
}

/// An escalated change whose result was judged this way.
fn judged(judgement: Judgement) -> impl Fn(&mut change::Event) {
    move |event| {
        if let change::Event::Judged { judgement: held, .. } = event {
            *held = judgement;
        }
    }
}

use crate::change::Judgement;

#[test]
fn what_nobody_could_verify_is_no_good_outcome_whatever_a_person_declares() {
    let path = [&RAN[..], &["judged", "declared success"]].concat();
    for judgement in [Judgement::Unchanged, Judgement::Inconclusive] {
        assert_eq!(mark(&path, &WELL, HERE, judged(judgement)), Some(Mark::Bad(Flaw::Unverified)));
    }
    assert_eq!(mark(&path, &WELL, HERE, judged(Judgement::Improved)), Some(Mark::Good), "a person closed what had improved");
}

#[test]
fn an_improvement_that_a_person_takes_back_is_a_drill_and_no_flaw() {
    let path = [&RAN[..], &["judged", "taken_back", "run_ended undone"]].concat();
    let back = ["begun", "intended", "succeeded", "turned", "intended back", "succeeded", "ended undone"];
    assert_eq!(mark(&path, &back, HERE, judged(Judgement::Improved)), Some(Mark::Aside(Aside::Drill)));
    assert_eq!(mark(&path, &back, HERE, judged(Judgement::Unchanged)), Some(Mark::Bad(Flaw::Unverified)));
    let open = &path[..path.len() - 1];
    assert_eq!(mark(open, &back[..4], HERE, judged(Judgement::Improved)), Some(Mark::Aside(Aside::Open)));
}

#[test]
fn runs_of_another_installation_of_an_emergency_and_of_nothing_count_for_nothing() {
    let path = [&RAN[..], &["judged, closes"]].concat();
    assert_eq!(mark(&path, &WELL, "simulated.example.test", |_| ()), Some(Mark::Aside(Aside::Elsewhere)));
    let emergency = |event: &mut change::Event| {
        if let change::Event::Started { dossier, .. } = event {
            dossier.situation.emergency = true;
        }
    };
    assert_eq!(mark(&path, &WELL, HERE, emergency), Some(Mark::Aside(Aside::Emergency)));
    let no_op = |event: &mut change::Event| {
        if let change::Event::Started { dossier, .. } = event {
            for step in dossier.plan.iter_mut().flat_map(|plan| &mut plan.steps) {
                step.preview.after = step.preview.before.clone();
            }
        }
    };
    assert_eq!(mark(&path, &WELL, HERE, no_op), Some(Mark::Aside(Aside::Nothing)));
    let unread = |event: &mut change::Event| {
        if let change::Event::Started { dossier, .. } = event {
            for step in dossier.plan.iter_mut().flat_map(|plan| &mut plan.steps) {
                (step.preview.before, step.preview.after) = (serde_json::Value::Null, serde_json::Value::Null);
            }
        }
    };
    assert_eq!(mark(&path, &WELL, HERE, unread), Some(Mark::Good), "what could not be read may have changed");
    let blind = |event: &mut change::Event| {
        if let change::Event::Judged { judgement, .. } = event {
            *judgement = Judgement::Inconclusive;
        }
    };
    assert_eq!(mark(&path, &WELL, HERE, blind), Some(Mark::Aside(Aside::Unseen)));
}

#[track_caller]
fn check_drill(path: &[&str], expected: bool) {
    let events = run_of(path);
    let drill = Drill::of(&events.iter().collect::<Vec<_>>());
    let whole = Drill { runbook: digest("runbook"), change: ChangeId::new(id(1)), run: RunId::new(id(30)), at: second(5) };
    assert_eq!(drill, expected.then_some(whole), "{path:?}");
}

#[test]
fn an_undo_counts_as_drilled_when_it_was_run_to_its_end_and_nobody_had_to_help() {
    check_drill(&["begun", "intended", "succeeded", "turned", "intended back", "succeeded", "ended undone"], true);
    check_drill(
        &["begun", "intended", "failed, partly", "turned, with", "intended back", "became_unknown", "applied", "ended undone"],
        true,
    );
    check_drill(&["begun", "intended", "failed, no", "turned", "ended undone"], false);
    check_drill(
        &["begun", "intended", "succeeded", "turned", "intended back", "got_stuck", "undo", "intended back", "succeeded", "ended undone"],
        false,
    );
    check_drill(&["begun", "intended", "succeeded", "turned", "intended back", "succeeded"], false);
    check_drill(&["begun", "intended", "succeeded", "ended done"], false);
}

#[test]
fn a_drill_takes_back_every_step_that_has_an_undo() {
    let mut events = run_of(&["begun", "intended", "succeeded", "turned", "intended back", "succeeded", "ended undone"]);
    events[0] = run::Event::Begun { order: Box::new(order(&[Step::EFFECT, Step::EFFECT])) };
    assert_eq!(Drill::of(&events.iter().collect::<Vec<_>>()), None, "one of two");
    events[0] = run::Event::Begun { order: Box::new(order(&[Step::EFFECT, Step::READ])) };
    assert!(Drill::of(&events.iter().collect::<Vec<_>>()).is_some(), "what only reads has nothing to take back");
}

/// Three runs within thirty days, a day apart.
const STANDARD: Standard = Standard { runs: 3, within: Span::from_secs(30 * DAY), spread: Span::from_secs(DAY) };

fn days(days: f64) -> Timestamp {
    #[expect(clippy::cast_possible_truncation, reason = "a few days")]
    second((days * 86_400.0) as i64)
}

fn past(number: u128, ended: f64, mark: Mark, replicas: i64) -> Past {
    let inputs = Inputs::from([
        ("replicas".parse().unwrap(), InputValue::Integer(replicas)),
        ("zone".parse().unwrap(), InputValue::Text("a".into())),
    ]);
    Past { change: ChangeId::new(id(number)), runbook: digest("runbook"), inputs, ended: days(ended), mark }
}

fn runbook() -> Runbook {
    Runbook {
        id: "scale".parse().unwrap(),
        title: "Scale".into(),
        owner: "shop".parse().unwrap(),
        serves: crate::runbook::Serves::default(),
        inputs: BTreeMap::new(),
        deadline: Span::from_secs(60),
        concurrency_key: None,
        runs_on: crate::label::Labels::default(),
        steps: Vec::new(),
        fallbacks: BTreeMap::new(),
        verification: crate::runbook::Verification::default(),
        permissions: crate::permission::Permissions::none(),
        sandbox: None,
        rehearsed: true,
        digest: digest("runbook"),
    }
}

struct Asked {
    standard: Option<Standard>,
    never: bool,
    rehearsed: bool,
    undo: bool,
    drilled: Option<Digest>,
    replicas: i64,
    zone: &'static str,
    now: f64,
}

const ASKED: fn() -> Asked = || Asked {
    standard: Some(STANDARD),
    never: false,
    rehearsed: true,
    undo: true,
    drilled: Some(digest("runbook")),
    replicas: 3,
    zone: "a",
    now: 10.0,
};

fn answer(asked: &Asked, past: &[Past]) -> Routine {
    let runbook = Runbook { rehearsed: asked.rehearsed, ..runbook() };
    let plan = order(&[Step { undo: asked.undo, ..Step::EFFECT }, Step::READ]).plan;
    let inputs = Inputs::from([
        ("replicas".parse().unwrap(), InputValue::Integer(asked.replicas)),
        ("zone".parse().unwrap(), InputValue::Text(asked.zone.into())),
    ]);
    let drill = asked.drilled.map(|runbook| Drill { runbook, change: ChangeId::new(id(9)), run: RunId::new(id(9)), at: days(0.0) });
    let (standard, never, now) = (asked.standard, asked.never, days(asked.now));
    Question { standard, never, runbook: Some(&runbook), plan: Some(&plan), inputs: &inputs, drill, now }.answer(past)
}

/// What is lacking, in words.
#[track_caller]
fn lacks(asked: &Asked, past: &[Past], expected: &[&str]) {
    let routine = answer(asked, past);
    let told: Vec<String> = routine.lacks.iter().map(ToString::to_string).collect();
    assert_eq!(told, expected);
    assert_eq!(routine.earned, expected.is_empty());
}

fn three() -> Vec<Past> {
    vec![past(1, 1.0, Mark::Good, 2), past(2, 2.0, Mark::Good, 3), past(3, 3.0, Mark::Good, 5)]
}

#[test]
fn it_is_earned_by_enough_good_runs_and_told_by_which() {
    lacks(&ASKED(), &three(), &[]);
    let runs: Vec<ChangeId> = answer(&ASKED(), &three()).runs.iter().map(|run| run.change).collect();
    assert_eq!(runs, [1, 2, 3].map(|number| ChangeId::new(id(number))));
    lacks(&ASKED(), &three()[..2], &["2 of 3 good runs"]);
    lacks(&ASKED(), &[], &["0 of 3 good runs"]);
}

#[test]
fn one_bad_outcome_loses_it_and_it_is_earned_again_from_there() {
    let mut all = three();
    all.push(past(4, 4.0, Mark::Bad(Flaw::Undone), 3));
    lacks(&ASKED(), &all, &["0 of 3 good runs"]);
    assert_eq!(answer(&ASKED(), &all).lost, Some(Lost { change: ChangeId::new(id(4)), flaw: Flaw::Undone, at: days(4.0) }));
    all.extend([past(5, 5.0, Mark::Good, 3), past(6, 6.0, Mark::Good, 3)]);
    lacks(&ASKED(), &all, &["2 of 3 good runs"]);
    all.push(past(7, 7.0, Mark::Good, 3));
    lacks(&ASKED(), &all, &[]);
}

#[test]
fn what_is_neither_good_nor_bad_changes_nothing() {
    let mut all = three();
    for (number, aside) in (10..).zip([Aside::Open, Aside::Emergency, Aside::Elsewhere, Aside::Nothing, Aside::Unseen, Aside::Drill]) {
        all.push(past(number, 5.0, Mark::Aside(aside), 99));
    }
    lacks(&ASKED(), &all, &[]);
    assert_eq!(answer(&ASKED(), &all), answer(&ASKED(), &three()));
}

#[test]
fn many_runs_within_a_day_say_what_one_says() {
    let burst: Vec<Past> = (0..20_u32).map(|n| past(u128::from(n), 9.0 + f64::from(n) / 100.0, Mark::Good, 3)).collect();
    lacks(&ASKED(), &burst, &["1 of 3 good runs"]);
    let mut spread = burst;
    spread.extend([past(30, 7.0, Mark::Good, 3), past(31, 8.0, Mark::Good, 3)]);
    lacks(&ASKED(), &spread, &[]);
}

#[test]
fn another_text_of_the_runbook_starts_again_with_its_runs_and_its_drill() {
    let mut all = three();
    for past in &mut all {
        past.runbook = digest("an older text");
    }
    lacks(&ASKED(), &all, &["0 of 3 good runs"]);
    lacks(&Asked { drilled: Some(digest("an older text")), ..ASKED() }, &three(), &["the undo of this runbook was never run to its end"]);
    all.push(Past { mark: Mark::Bad(Flaw::Worse), ended: days(9.0), ..all[0].clone() });
    all.extend(three());
    lacks(&ASKED(), &all, &[]);
}

#[test]
fn old_runs_count_no_longer() {
    lacks(&Asked { now: 31.0, ..ASKED() }, &three(), &[]);
    lacks(&Asked { now: 31.1, ..ASKED() }, &three(), &["2 of 3 good runs"]);
}

#[test]
fn only_what_lies_inside_what_was_done_before_is_routine() {
    lacks(&Asked { replicas: 2, ..ASKED() }, &three(), &[]);
    lacks(&Asked { replicas: 4, ..ASKED() }, &three(), &[]);
    lacks(&Asked { replicas: 1, ..ASKED() }, &three(), &["`replicas` is `1`, and was 2 to 5 before"]);
    lacks(&Asked { replicas: 6, ..ASKED() }, &three(), &["`replicas` is `6`, and was 2 to 5 before"]);
    lacks(&Asked { zone: "b", ..ASKED() }, &three(), &["`zone` is `b`, and was `a` before"]);
}

#[test]
fn the_way_back_must_exist_be_rehearsed_and_be_drilled() {
    lacks(&Asked { undo: false, ..ASKED() }, &three(), &["step `step-0` has no undo that could be drilled"]);
    lacks(&Asked { rehearsed: false, ..ASKED() }, &three(), &["no test of the runbook takes back every step"]);
    lacks(&Asked { drilled: None, ..ASKED() }, &three(), &["the undo of this runbook was never run to its end"]);
}

#[test]
fn never_is_never_and_what_nobody_defined_is_nothing() {
    lacks(&Asked { never: true, ..ASKED() }, &three(), &["the catalogue says that it never becomes routine"]);
    lacks(&Asked { standard: None, ..ASKED() }, &three(), &["the estate does not say what makes something routine"]);
}

#[test]
fn a_standard_that_no_runs_can_meet_is_known() {
    let standard = |runs, within, spread| Standard { runs, within: Span::from_secs(within), spread: Span::from_secs(spread) };
    assert!(standard(5, 5 * DAY, DAY).reachable());
    assert!(!standard(6, 5 * DAY, DAY).reachable());
    assert!(!standard(0, 5 * DAY, DAY).reachable());
}
