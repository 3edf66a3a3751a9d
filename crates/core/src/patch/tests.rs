//! The table of drafts, and what people can and cannot do with them.

use std::collections::BTreeSet;

use super::{Command, OFFERED_TTL, Patch, Refusal};
use crate::id::RevisionId;
use crate::machine::Machine as _;
use crate::sample::{id, patch_events, patch_states, person, second, table, words};

#[test]
fn the_table_of_states_and_events() {
    insta::assert_snapshot!(table(&patch_states(), &patch_events()));
}

#[test]
fn no_event_and_no_state_is_missing_from_the_table() {
    let events: BTreeSet<String> = patch_events().iter().map(|(_, event)| event.word().into()).collect();
    assert_eq!(events, words(include_str!("event.rs"), "impl Event {"));
    let states: BTreeSet<String> = patch_states().iter().map(|(_, state)| state.word().into()).collect();
    assert_eq!(states, words(include_str!("../patch.rs"), "impl Machine for Patch"));
}

fn offered() -> Patch {
    patch_states().remove(0).1
}

#[test]
fn a_draft_is_taken_up_once_or_declined_with_a_reason_or_lapses() {
    let take = || Command::TakeUp { by: person(1), revision: RevisionId::new(id(60)) };
    let decline = |reason: &str| Command::Decline { by: person(1), reason: reason.into() };
    let draft = offered();
    assert_eq!(draft.decide(decline("  "), second(1)), Err(Refusal::Unreasoned));
    assert_eq!(draft.decide(decline(&"x".repeat(2_001)), second(1)), Err(Refusal::Unreasoned));
    for command in [take(), decline("we have one")] {
        let events = draft.decide(command, second(1)).unwrap();
        let ended = draft.clone().apply(&events[0]).unwrap();
        assert!(!ended.open() && ended.due().is_none());
        assert!(matches!(ended.decide(take(), second(2)), Err(Refusal::Ended { .. })));
        assert_eq!(ended.decide(Command::Tick, second(2)), Ok(Vec::new()));
    }
    assert_eq!(draft.decide(Command::Tick, second(1)), Ok(Vec::new()));
    let late = draft.offered + OFFERED_TTL;
    assert!(matches!(draft.decide(take(), late), Err(Refusal::Ended { state: "lapsed", .. })));
    assert_eq!(draft.due(), Some(late));
    let lapsed = draft.decide(Command::Tick, late).unwrap();
    assert_eq!(draft.apply(&lapsed[0]).unwrap().word(), "lapsed");
}
