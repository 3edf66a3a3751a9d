//! The table of pages, and the laws of the walk: in order, no tier left out, on time, and one at a time.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::escalation::{ACT_WITHIN, EscalationPath, Tier, Whom};
use crate::machine::{Machine as _, fold};
use crate::sample::{about, asked, opened, page_events, page_states, person, plan, second, table, words};
use crate::time::Span;

#[test]
fn the_table_of_states_and_events() {
    insta::assert_snapshot!(table(&page_states(), &page_events()));
}

#[test]
fn no_event_and_no_state_is_missing_from_the_table() {
    let events: BTreeSet<String> = page_events().iter().map(|(_, event)| event.word().into()).collect();
    assert_eq!(events, words(include_str!("event.rs"), "impl Event {"));
    let states: BTreeSet<String> = page_states().iter().map(|(_, state)| state.word().into()).collect();
    assert_eq!(states, words(include_str!("transition.rs"), "impl Machine for Page"));
}

/// A page with its history.
#[derive(Clone)]
struct Walk {
    page: Page,
    events: Vec<Event>,
}

impl Walk {
    fn of(about: About, plan: Plan) -> Self {
        let first = opened(about, plan);
        Self { page: Page::begin(&first).unwrap(), events: vec![first] }
    }

    fn ask(&mut self, command: Command, at: i64) -> Result<usize, Refusal> {
        let events = self.page.decide(command, second(at))?;
        for event in &events {
            self.page = self.page.clone().apply(event).unwrap();
        }
        self.events.extend(events.iter().cloned());
        Ok(events.len())
    }

    /// What the engine does at this second.
    fn beat(&mut self, at: i64, acted: Option<Act>) {
        for _ in 0..50 {
            let Some(effect) = self.page.effects(second(at)).into_iter().next() else { return };
            let command = match effect {
                Effect::Tell(Step::Last { .. }) => Command::Tell { people: [person(7)].into(), instead: false },
                Effect::Tell(_) => Command::Tell { people: [person(1), person(2)].into(), instead: false },
                Effect::Remind => Command::Remind,
                Effect::Look => Command::Look(acted),
            };
            assert_eq!(self.ask(command, at), Ok(1), "what is owed leads to something: {effect:?}");
        }
        panic!("it never comes to rest");
    }

    fn steps(&self) -> Vec<(Step, i64)> {
        let told = self.events.iter().filter_map(|event| if let Event::Told { step, at, .. } = event { Some((*step, *at)) } else { None });
        told.map(|(step, at)| (step, i64::try_from(at.since(second(0)).as_secs()).unwrap())).collect()
    }
}

const fn tier(walk: u8, tier: u8) -> Step {
    Step::Tier { walk, tier }
}

#[test]
fn silence_climbs_tier_by_tier_twice_and_ends_at_the_last_resort() {
    let mut walk = Walk::of(about(), plan(&[60, 120], 1));
    for at in 0..=600 {
        walk.beat(at, None);
    }
    let last = |round| Step::Last { round };
    assert_eq!(
        walk.steps(),
        [(tier(0, 0), 0), (tier(0, 1), 60), (tier(1, 0), 180), (tier(1, 1), 240), (last(0), 360), (last(1), 450), (last(2), 540)]
    );
}

#[test]
fn who_has_answered_and_does_nothing_is_passed_by_and_who_acts_is_not() {
    let mut walk = Walk::of(about(), plan(&[60, 120], 0));
    walk.beat(0, None);
    walk.ask(Command::Acknowledge(person(1)), 10).unwrap();
    for at in 11..310 {
        walk.beat(at, None);
    }
    assert_eq!(walk.steps(), [(tier(0, 0), 0)], "it is believed for as long as the path says");
    let act = Act { at: second(200), by: person(1) };
    walk.beat(310, Some(act));
    assert_eq!(walk.page.holder(), Some(person(1)), "something was done");
    for at in 311..=500 {
        walk.beat(at, Some(act));
    }
    assert_eq!(walk.steps(), [(tier(0, 0), 0), (tier(0, 1), 500)], "and then nothing any more");
    assert_eq!(walk.page.holder(), None);
}

#[test]
fn what_is_handed_over_has_to_be_answered_by_whoever_gets_it() {
    let mut walk = Walk::of(about(), plan(&[60, 120], 0));
    walk.beat(0, None);
    let hand = |by, to: u128, reason: &str| Command::HandOver { by: person(by), to: person(to), reason: reason.into() };
    assert_eq!(walk.ask(hand(3, 4, "bed"), 1), Err(Refusal::NotYours(walk.page.id)));
    walk.ask(Command::Acknowledge(person(1)), 10).unwrap();
    assert_eq!(walk.ask(hand(2, 4, "bed"), 11), Err(Refusal::NotYours(walk.page.id)));
    assert_eq!(walk.ask(hand(1, 4, " "), 11), Err(Refusal::Unreasoned(walk.page.id)));
    walk.ask(hand(1, 4, "bed"), 20).unwrap();
    assert_eq!(walk.page.holder(), None);
    for at in 21..=80 {
        walk.beat(at, None);
    }
    assert_eq!(walk.steps(), [(tier(0, 0), 0), (tier(0, 1), 80)]);
}

#[test]
fn a_late_answer_is_recorded_and_changes_nothing() {
    let mut walk = Walk::of(about(), plan(&[60], 0));
    walk.beat(0, None);
    walk.ask(Command::Acknowledge(person(1)), 10).unwrap();
    let before = walk.page.clone();
    walk.ask(Command::Acknowledge(person(2)), 11).unwrap();
    assert_eq!(walk.page, Page { late: 1, ..before });
    walk.ask(Command::End(End::Closed), 12).unwrap();
    for at in 13..28 {
        walk.ask(Command::Acknowledge(person(2)), at).unwrap();
    }
    assert_eq!(walk.page.state, State::Over { why: End::Closed });
    assert_eq!(walk.ask(Command::Acknowledge(person(2)), 99), Err(Refusal::Over(walk.page.id)), "and there is an end to that, too");
}

#[test]
fn whoever_may_not_approve_cannot_silence_a_request() {
    let mut walk = Walk::of(asked(), plan(&[60], 0));
    walk.beat(0, None);
    assert_eq!(walk.ask(Command::Acknowledge(person(9)), 1), Err(Refusal::Recused(walk.page.id)));
    let to_nine = Command::HandOver { by: person(1), to: person(9), reason: "r".into() };
    assert_eq!(walk.ask(to_nine, 1), Err(Refusal::ToRecused(walk.page.id)));
}

#[test]
fn what_fires_again_goes_on_with_whoever_had_answered() {
    let mut walk = Walk::of(about(), plan(&[60], 0));
    walk.beat(0, None);
    walk.ask(Command::Rest, 1).unwrap();
    walk.beat(400, None);
    assert_eq!(walk.steps().len(), 1, "nobody is looked for while nothing fires");
    walk.ask(Command::Resume, 500).unwrap();
    walk.beat(500, None);
    assert_eq!(walk.steps(), [(tier(0, 0), 0), (tier(0, 0), 500)]);
    walk.ask(Command::Acknowledge(person(1)), 510).unwrap();
    walk.ask(Command::Rest, 520).unwrap();
    walk.ask(Command::Resume, 900).unwrap();
    assert_eq!(walk.page.holder(), Some(person(1)));
}

#[test]
fn a_commander_who_leaves_is_looked_for_anew_and_once() {
    let mut walk = Walk::of(about(), plan(&[60, 60], 0));
    walk.beat(0, None);
    walk.ask(Command::Acknowledge(person(1)), 10).unwrap();
    assert_eq!(walk.ask(Command::CommanderLeft(second(20)), 20), Ok(1));
    walk.beat(20, None);
    assert_eq!(walk.steps(), [(tier(0, 0), 0), (tier(0, 0), 20)]);
    assert_eq!(walk.ask(Command::CommanderLeft(second(20)), 21), Ok(0), "the same gap is one gap");
}

#[test]
fn where_a_tier_reaches_nobody_it_climbs_on_at_once() {
    let mut walk = Walk::of(about(), plan(&[60, 60], 0));
    walk.ask(Command::Tell { people: BTreeSet::new(), instead: true }, 0).unwrap();
    assert_eq!(walk.page.effects(second(0)), [Effect::Tell(tier(0, 1))]);
}

#[test]
fn a_request_is_walked_once_within_three_quarters_of_its_time() {
    let tier = |seconds| Tier { title: "t".into(), whom: Whom::default(), within: Span::from_secs(seconds) };
    let path = EscalationPath {
        name: "a".parse().unwrap(),
        title: "t".into(),
        targets: BTreeSet::new(),
        otherwise: false,
        tiers: vec![tier(300), tier(600), tier(900)],
        repeat: 3,
        act_within: ACT_WITHIN,
        last_resort: None,
        quiet: Vec::new(),
    };
    let within =
        |seconds| Plan::for_request(&path, Span::from_secs(seconds)).tiers.iter().map(|tier| tier.within.as_secs()).collect::<Vec<_>>();
    assert_eq!(within(7_200), [300, 600, 900], "there is time enough");
    assert_eq!(within(900), [112, 225, 337]);
    assert_eq!(within(60), [7, 15, 22]);
    let plan = Plan::for_request(&path, Span::from_secs(900));
    assert_eq!((plan.repeat, plan.act_within, plan.last_within), (0, Span::from_secs(225), Span::from_secs(225)));
}

/// What may happen at a second.
#[derive(Debug, Clone)]
enum Turn {
    Wait(i64),
    Answer(u128),
    HandOver(u128, u128),
    Rest,
    Resume,
}

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let turn = prop_oneof![
        6 => (1_i64..200).prop_map(Turn::Wait),
        2 => (1_u128..4).prop_map(Turn::Answer),
        1 => ((1_u128..4), (1_u128..4)).prop_map(|(by, to)| Turn::HandOver(by, to)),
        1 => Just(Turn::Rest),
        1 => Just(Turn::Resume),
    ];
    prop::collection::vec(turn, 0..60)
}

proptest! {
    #[test]
    fn tiers_are_told_in_order_none_is_left_out_and_none_is_early_or_late(
        within in prop::collection::vec(5_u64..120, 1..5), repeat in 0_u8..3, turns in turns(),
    ) {
        let mut walk = Walk::of(about(), plan(&within, repeat));
        let mut at = 0;
        walk.beat(at, None);
        for turn in turns {
            match turn {
                Turn::Wait(seconds) => for _ in 0..seconds {
                    at += 1;
                    walk.beat(at, None);
                },
                Turn::Answer(who) => drop(walk.ask(Command::Acknowledge(person(who)), at)),
                Turn::HandOver(by, to) => drop(walk.ask(Command::HandOver { by: person(by), to: person(to), reason: "r".into() }, at)),
                Turn::Rest => drop(walk.ask(Command::Rest, at)),
                Turn::Resume => drop(walk.ask(Command::Resume, at)),
            }
            walk.beat(at, None);
        }
        // Folded events are the live state.
        prop_assert_eq!(fold::<Page>(&walk.events).unwrap().unwrap(), walk.page.clone());
        let plan = &walk.page.plan;
        let mut standing: Option<(Step, i64)> = None;
        let mut live: Option<Page> = None;
        for event in &walk.events {
            let second_of = |time: crate::time::Timestamp| i64::try_from(time.since(second(0)).as_secs()).unwrap();
            if let Event::Told { step, until, at, .. } = event {
                if let Some((before, due)) = standing {
                    prop_assert_eq!(Some(*step), plan.next(before), "the next one, and no other");
                    prop_assert_eq!(second_of(*at), due, "when its time was over, to the second");
                } else {
                    prop_assert_eq!(*step, Step::FIRST);
                }
                prop_assert_eq!(*until, *at + plan.within(*step));
                standing = Some((*step, second_of(*until)));
            } else if let Event::Acknowledged { until, .. } | Event::HandedOver { until, .. } = event {
                standing = Some((standing.map_or(Step::FIRST, |(step, _)| step), second_of(*until)));
            } else if let Event::Rested { .. } = event {
                standing = None;
            } else if let Event::Resumed { until, .. } = event
                && live.as_ref().is_some_and(|page| page.holder().is_some())
            {
                standing = Some((Step::FIRST, second_of(*until)));
            }
            live = Some(match live {
                None => Page::begin(event).unwrap(),
                Some(page) => page.apply(event).unwrap(),
            });
        }
    }
}
