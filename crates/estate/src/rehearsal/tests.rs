//! What the format refuses, what a test that does not hold says, and that the machine that is played is the real one.

use lineclear_core::run::{Direction, Event, Resolution, Run};

use super::{Answer, Decision, End, Fakes, Look, Rehearsal, Reply, Script};
use crate::runbook::{EVERYTHING, parse_runbook_tests};

/// The runbook that uses every member, with other tests.
fn with(tests: &str) -> String {
    let (head, _) = EVERYTHING.split_once("\ntests:\n").unwrap();
    format!("{head}\ntests:\n{tests}")
}

fn one(members: &str) -> String {
    with(&format!("  - {{ name: t, target: host/web-1, inputs: {{ mode: careful, load: 20 }}, {members} }}\n"))
}

/// The report of a host that is up.
const UP: &str = "look.do: { report: { answer: { state: up, open: 12, word: a } } }";

fn refused(text: &str, expected: &str) {
    match parse_runbook_tests("a.yaml", text) {
        Ok(_) => panic!("it was read; expected: {expected}"),
        Err(error) => {
            let said: Vec<String> =
                error.faults().iter().map(|fault| format!("{} {}", fault.message, fault.help.as_deref().unwrap_or(""))).collect();
            assert!(said.iter().any(|one| one.contains(expected)), "expected {expected} in {said:#?}");
            assert!(error.faults().iter().all(|fault| fault.line > 40), "{said:#?}");
        }
    }
}

#[test]
fn whatever_a_test_names_must_be_there() {
    let ok = "expect: { outcome: done, reached: [look, drain] }";
    refused(&one(&format!("fakes: {{ drian.do: ok }}, {ok}")), "did you mean `drain.do`?");
    refused(&one(&format!("fakes: {{ look.undo: ok }}, {ok}")), "`look.undo` is no call of this runbook");
    refused(&one(&format!("fakes: {{ drain.do: not_aplied }}, {ok}")), "did you mean `not_applied`?");
    refused(&one(&format!("fakes: {{ drain.verify: ok }}, {ok}")), "is not one of the words known here");
    refused(&one(&format!("fakes: {{ drain.do: [] }}, {ok}")), "1 to 32 items");
    refused(&one(&format!("fakes: {{ drain.do: {{ reprt: 1 }} }}, {ok}")), "did you mean `report`?");
    refused(&one(&format!("fakes: {{ drain.do: {{ report: 0.5 }} }}, {ok}")), "a whole number is wanted here");
    refused(&one(&format!("people: skp, {ok}")), "did you mean `skip`?");
    refused(&one(&format!("{ok}, fake: {{}}")), "did you mean `fakes`?");
    refused(&one("expect: { outcome: done }"), "`expect` lacks `reached`");
    refused(&one("expect: { outcome: don, reached: [look] }"), "did you mean `done`?");
    refused(&one("expect: { outcome: done, reached: [lok] }"), "did you mean `look`?");
    refused(&one("expect: { outcome: undone, reached: [look], undone: [look] }"), "step `look` has no `undo`");
    refused(&one("expect: { outcome: stuck, reached: [look] }"), "`stuck` without saying where");
    refused(&one("expect: { outcome: done, at: look.do, reached: [look] }"), "`at` goes with `outcome: stuck` only");
    refused(&one("expect: { outcome: stuck, at: drain.verify, reached: [look] }"), "write `drain.do`");
    refused(&with("  []\n"), "1 to 50 tests are wanted here");
    refused(
        &with("  - { name: t, target: host/web-1, inputs: { mode: careful }, expect: { outcome: done, reached: [] } }\n"),
        "`load` is missing",
    );
    refused(
        &with("  - { name: t, target: web-1, inputs: { mode: slow, load: 1, x: 1 }, expect: { outcome: done, reached: [] } }\n"),
        "input `mode` must be",
    );
    let same = format!("  - {{ name: t, target: host/web-1, inputs: {{ mode: fast, load: 1 }}, {ok} }}\n");
    refused(&with(&same.repeat(2)), "another test has this name");
    refused(&with(&same.repeat(51)), "not 51");
}

/// What the one test of a text says; nothing when it holds.
fn told(members: &str) -> Option<String> {
    let text = one(members);
    let (runbook, tests) = parse_runbook_tests("a.yaml", &text).unwrap_or_else(|error| panic!("{error}"));
    tests[0].tell(&runbook).fault.map(|fault| format!("{}:{} {}", fault.line, fault.column, fault.message))
}

fn fails(members: &str, expected: &str) {
    let told = told(members).unwrap_or_else(|| panic!("it holds: {members}"));
    assert!(told.contains(expected), "expected {expected} in {told}");
}

fn holds(members: &str) {
    assert_eq!(told(members), None, "{members}");
}

#[test]
fn a_test_holds_only_when_everything_it_says_came_true() {
    holds(&format!("fakes: {{ {UP} }}, expect: {{ outcome: done, reached: [look, drain] }}"));
    fails(&format!("fakes: {{ {UP} }}, expect: {{ outcome: undone, reached: [look, drain] }}"), "it is: done; reached `look`, `drain`");
    fails(&format!("fakes: {{ {UP} }}, expect: {{ outcome: done, reached: [look] }}"), "it is: done; reached `look`, `drain`");
    fails(&format!("fakes: {{ {UP} }}, expect: {{ outcome: done, reached: [look, drain], undone: [drain] }}"), "took back nothing");
    // A fake of a step that is never reached proves nothing.
    fails(
        &format!("fakes: {{ {UP}, stop-taking.do: partial }}, expect: {{ outcome: done, reached: [look, drain] }}"),
        "`stop-taking.do` has a fake, and nothing asked for it",
    );
    fails(
        &format!("fakes: {{ {UP}, drain.do: [ok, ok] }}, expect: {{ outcome: done, reached: [look, drain] }}"),
        "`drain.do` has more answers than it was asked for: 1",
    );
    fails(
        "fakes: { look.do: [not_applied] }, expect: { outcome: stuck, at: look.do, reached: [look] }",
        "`look.do` is asked once more than its fake has answers: 1",
    );
    fails(
        &format!("fakes: {{ {UP} }}, people: [take_back, abort], expect: {{ outcome: undone, reached: [look, drain], undone: [drain] }}"),
        "1 of 2 decisions were asked of nobody",
    );
    // What the machine refuses, a test cannot do.
    fails("fakes: { look.do: partial }, people: retry, expect: { outcome: done, reached: [look] }", "expected: done");
}

#[test]
fn conditions_waits_branches_and_people_go_as_the_machine_goes() {
    // What nobody reported is neither true nor false: a person decides.
    holds("expect: { outcome: stuck, at: drain.do, reached: [look] }");
    holds("fakes: { look.do: not_applied }, expect: { outcome: stuck, at: look.do, reached: [look] }");
    holds("fakes: { look.do: [not_applied, not_applied, not_applied] }, expect: { outcome: stuck, at: look.do, reached: [look] }");
    holds(&format!(
        "fakes: {{ {UP}, drain.do: [not_applied, unknown, not_applied, ok], drain.verify: [fails, holds] }}, expect: {{ outcome: done, reached: [look, drain] }}"
    ));
    holds(&format!(
        "fakes: {{ {UP}, drain.do: partial, stop-taking.verify: silent }}, expect: {{ outcome: stopped, reached: [look, drain, stop-taking] }}"
    ));
    holds(&format!(
        "fakes: {{ {UP}, drain.do: refused }}, people: [hand_over, retry, abort], expect: {{ outcome: aborted, reached: [look, drain] }}"
    ));
    holds(&format!("fakes: {{ {UP}, drain.do: gone }}, people: [skip], expect: {{ outcome: done, reached: [look, drain] }}"));
    holds(&format!(
        "fakes: {{ {UP}, drain.do: unknown, drain.verify: silent, drain.undo: gone }}, people: [undo, skip], expect: {{ outcome: aborted, reached: [look, drain] }}"
    ));
    holds(&format!(
        "fakes: {{ {UP}, drain.do: [unknown], drain.verify: silent, drain.undo: [not_applied, not_applied, not_applied, ok] }}, people: undo, expect: {{ outcome: undone, reached: [look, drain], undone: [drain] }}"
    ));
}

#[test]
fn an_undo_counts_as_rehearsed_only_by_a_test_that_holds() {
    let missing = |tests: &str| {
        let (runbook, tests) = parse_runbook_tests("a.yaml", &with(tests)).unwrap_or_else(|error| panic!("{error}"));
        let missing: Vec<String> = super::unrehearsed(&runbook, &tests).iter().map(ToString::to_string).collect();
        assert_eq!(runbook.rehearsed, missing.is_empty());
        missing
    };
    let test = |outcome: &str, undone: &str| {
        format!(
            "  - {{ name: \"{outcome} {undone}\", target: host/web-1, inputs: {{ mode: careful, load: 20 }}, fakes: {{ {UP}, drain.verify: fails }}, people: take_back, \
                 expect: {{ outcome: {outcome}, reached: [look, drain, stop-taking], undone: [{undone}] }} }}\n"
        )
    };
    assert_eq!(missing(&test("undone", "stop-taking, drain")), Vec::<String>::new());
    assert_eq!(missing(&test("done", "stop-taking, drain")), ["drain", "stop-taking"]);
    assert_eq!(missing(&test("undone", "drain")), ["drain", "stop-taking"]);
}

#[test]
fn its_events_are_those_of_the_machine_and_fold_to_the_same_run() {
    let (runbook, tests) = parse_runbook_tests("a.yaml", EVERYTHING).unwrap();
    let step = |name: &str| name.parse().unwrap();
    let up = Reply { answer: Answer::Ok, report: serde_json::json!({ "answer": { "state": "up", "open": 1, "word": "a" } }) };
    let fakes = Fakes::default()
        .call(step("look"), Direction::Do, Script::Always(up))
        .call(step("drain"), Direction::Do, Script::Each(vec![Answer::Unknown.into(), Answer::Ok.into()]))
        .look(step("drain"), Script::Each(vec![Look::Fails, Look::Silent]));
    let people = [Decision::Resolve(Resolution::Abort)];
    let live = Rehearsal::begin(&runbook, &tests[0].target, &tests[0].inputs, fakes, &people).unwrap().finish().unwrap();
    let events: Vec<&Event> = live.commits().iter().flatten().collect();
    let words: Vec<&str> = events.iter().map(|event| event.word()).collect();
    assert!(words.contains(&"became_unknown") && words.contains(&"probed") && words.contains(&"branched"), "{words:?}");
    assert_eq!(lineclear_core::machine::fold::<Run>(events).unwrap().as_ref(), Some(live.run()));
    assert_eq!(live.trail().unwrap().end, End::Done);
    assert_eq!((live.left_over(), live.undecided()), (Vec::new(), 1));
}
