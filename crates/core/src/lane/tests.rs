//! The table of lanes, and that one lane never holds two runs.

use proptest::prelude::*;

use super::*;
use crate::sample::{after, id, second, table};

fn taken(run: u128) -> Event {
    Event::Taken {
        key: "dns:example.test".into(),
        number: 0,
        run: RunId::new(id(run)),
        change: ChangeId::new(id(run + 100)),
        at: second(1),
    }
}

fn left(run: u128) -> Event {
    Event::Left { run: RunId::new(id(run)), at: second(2) }
}

#[test]
fn the_table_of_states_and_events() {
    let states = [("held", after::<Lane>(&[taken(1)])), ("free", after(&[taken(1), left(1)]))];
    let events = [("taken", taken(1)), ("taken by another", taken(2)), ("left", left(1)), ("left by another", left(2))];
    insta::assert_snapshot!(table(&states, &events), @r"
               taken  taken by another  left  left by another
    (nothing)  held   held              ·     ·
    held       ·      ·                 free  ·
    free       held   held              ·     ·
    ");
}

#[test]
fn one_key_is_one_lane_and_another_key_another() {
    assert_eq!(Lane::of("dns:a", 0), Lane::of("dns:a", 0));
    assert_ne!(Lane::of("dns:a", 0), Lane::of("dns:b", 0));
    assert_ne!(Lane::of("dns:a", 0), Lane::of("dns:a", 1));
    let mixed = Event::Taken { key: "other".into(), number: 0, run: RunId::new(id(1)), change: ChangeId::new(id(2)), at: second(1) };
    assert!(after::<Lane>(&[taken(1), left(1)]).apply(&mixed).is_err());
}

#[test]
fn a_lane_that_had_its_turns_takes_nobody_and_its_last_event_says_so() {
    let mut lane = after::<Lane>(&[taken(1), left(1)]);
    for _ in 1..TURNS_MAX {
        lane = lane.apply(&taken(1)).unwrap().apply(&left(1)).unwrap();
    }
    assert!(lane.apply(&taken(1)).is_err());
    assert_eq!(Lane::last_event(), u64::from(TURNS_MAX) * 2 - 1);
}

proptest! {
    #[test]
    fn whoever_comes_and_goes_one_lane_holds_one_run(acts in prop::collection::vec((0_u128..4, any::<bool>()), 0..60)) {
        let (mut lane, mut inside): (Option<Lane>, Option<u128>) = (None, None);
        for (who, comes) in acts {
            let holder = Holder { run: RunId::new(id(who)), change: ChangeId::new(id(who + 100)) };
            let event = if comes {
                match Lane::take(lane.as_ref(), ("k", 0), holder, second(1)) {
                    Ok(event) if inside.is_none() => Some(event),
                    Ok(_) => { prop_assert_eq!(inside, Some(who), "taken over somebody who is in it"); None }
                    Err(held) => { prop_assert_eq!(Some(held.holder.run), inside.map(|run| RunId::new(id(run)))); None }
                }
            } else {
                lane.as_ref().and_then(|lane| lane.leave(holder.run, second(2)))
            };
            if let Some(event) = event {
                inside = comes.then_some(who);
                lane = Some(match lane { None => Lane::begin(&event).unwrap(), Some(lane) => lane.apply(&event).unwrap() });
            }
            prop_assert_eq!(lane.as_ref().and_then(|lane| lane.holder).map(|holder| holder.run), inside.map(|run| RunId::new(id(run))));
        }
    }
}
