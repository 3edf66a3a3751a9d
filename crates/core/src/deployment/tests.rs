//! The table of reported changes, and that hearing a thing twice is no news.

use std::collections::BTreeSet;

use super::{Deployment, Event, MOVES_MAX, Progress, Report};
use crate::machine::{Machine as _, fold};
use crate::sample::{deployment_events, deployment_states, second, table, words};

#[test]
fn the_table_of_states_and_events() {
    insta::assert_snapshot!(table(&deployment_states(), &deployment_events()));
}

#[test]
fn no_event_and_no_state_is_missing_from_the_table() {
    let source = include_str!("../deployment.rs");
    let events: BTreeSet<String> = deployment_events().iter().map(|(_, event)| event.word().into()).collect();
    assert_eq!(events, words(source, "impl Event {"));
    let states: BTreeSet<String> = deployment_states().iter().map(|(_, state)| state.word().into()).collect();
    assert_eq!(states, words(source, "impl Machine for Deployment"));
}

fn begun() -> Deployment {
    let events: Vec<Event> = deployment_events().into_iter().take(1).map(|(_, event)| event).collect();
    fold::<Deployment>(&events).unwrap().unwrap()
}

#[test]
fn what_was_heard_already_is_no_news_and_a_late_beginning_begins_nothing_anew() {
    let started = begun();
    let said = |progress, at| Report { progress, at: second(at), ..started.report.clone() };
    assert_eq!(started.hear(&said(Progress::Started, 5), second(9)), []);
    let done = started.hear(&said(Progress::Succeeded, 5), second(9));
    assert_eq!(done.len(), 1);
    let done = started.clone().apply(&done[0]).unwrap();
    assert_eq!(done.hear(&said(Progress::Started, 6), second(9)), []);
    assert_eq!(done.hear(&said(Progress::Failed, 4), second(9)), [], "it was said before");
    assert_eq!(done.hear(&said(Progress::Failed, 6), second(9)).len(), 1);
}

#[test]
fn a_report_that_never_stops_moving_is_bounded() {
    let mut it = begun();
    for number in 0..100 {
        let progress = if number % 2 == 0 { Progress::Succeeded } else { Progress::Failed };
        let report = Report { progress, at: second(number), ..it.report.clone() };
        for event in it.hear(&report, second(number)) {
            it = it.apply(&event).unwrap();
        }
    }
    assert_eq!(it.moves, MOVES_MAX);
}
