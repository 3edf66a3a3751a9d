//! The table of deliveries, and that no notice is lost, repeated without end, or edited before it was sent.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::machine::fold;
use crate::sample::{delivery_events, delivery_states, person, second, table, words};

#[test]
fn the_table_of_states_and_events() {
    insta::assert_snapshot!(table(&delivery_states(), &delivery_events()));
}

#[test]
fn no_event_and_no_state_is_missing_from_the_table() {
    let events: BTreeSet<String> = delivery_events().iter().map(|(_, event)| event.word().into()).collect();
    assert_eq!(events, words(include_str!("event.rs"), "impl Event {"));
    let states: BTreeSet<String> = delivery_states().iter().map(|(_, state)| state.word().into()).collect();
    assert_eq!(states, words(include_str!("../delivery.rs"), "impl Machine for Delivery"));
}

fn state(label: &str) -> Delivery {
    delivery_states().into_iter().find(|(known, _)| *known == label).unwrap().1
}

fn does(delivery: &Delivery, command: Command, now: i64) -> Delivery {
    delivery.decide(command, second(now)).unwrap().iter().fold(delivery.clone(), |it, event| it.apply(event).unwrap())
}

fn settled(how: How) -> Command {
    Command::Settle(Settlement { how, by: None })
}

#[test]
fn one_occasion_one_channel_one_person_is_one_delivery() {
    let order = state("queued").order;
    let again = Order::new(order.notice.clone(), order.channel.clone(), order.to);
    assert_eq!(again.id, order.id);
    let room = Order::new(order.notice.clone(), order.channel.clone(), Recipient::Room);
    let mail = Order::new(order.notice.clone(), "mail".parse().unwrap(), order.to);
    assert_eq!(BTreeSet::from([order.id, room.id, mail.id]).len(), 3);
}

#[test]
fn a_channel_that_is_away_is_tried_for_hours_and_then_laid_before_people() {
    let (mut it, mut now, mut tries) = (state("queued"), second(1), 0);
    while it.open() {
        now = it.due().unwrap();
        assert_eq!(it.effects(now), [Effect::Send]);
        let failed = it.decide(Command::Failed(Failure::new(Why::Unreachable, "dark"), None), now).unwrap();
        it = it.apply(&failed[0]).unwrap();
        tries += 1;
    }
    assert_eq!((tries, it.word()), (PAUSES.len() + 1, "dead"));
    assert!(now.since(second(1)) > Span::from_secs(3 * 3_600));
    let again = does(&it, Command::Retry(person(1)), 50_000);
    assert_eq!((again.word(), again.due(), again.retries), ("queued", Some(second(50_000)), 1));
}

#[test]
fn what_trying_again_cannot_mend_is_laid_before_people_at_once() {
    for why in [Why::Refused, Why::Unrouted, Why::NoSecret] {
        assert_eq!(does(&state("queued"), Command::Failed(Failure::new(why, "no"), None), 2).word(), "dead", "{why:?}");
    }
    assert_eq!(does(&state("queued"), Command::Failed(Failure::new(Why::Busy, "later"), None), 2).word(), "failed");
}

#[test]
fn a_receiver_may_ask_for_patience_but_not_for_a_day() {
    let due = |wait| does(&state("queued"), Command::Failed(Failure::new(Why::Busy, ""), Some(wait)), 0).due();
    assert_eq!(due(Span::from_secs(30)), Some(second(30)));
    assert_eq!(due(Span::ZERO), Some(second(0) + PAUSES[0]));
    assert_eq!(due(Span::from_secs(90_000)), Some(second(0) + PAUSE_MAX));
}

#[test]
fn what_is_decided_before_it_is_sent_is_never_sent_and_afterwards_is_edited_once() {
    let never = does(&state("failed"), settled(How::Granted), 5);
    assert_eq!((never.word(), never.effects(second(99))), ("closed", vec![]));
    let sent = does(&does(&state("sent"), settled(How::Rejected), 5), settled(How::Rejected), 6);
    assert!(matches!(sent.effects(second(6))[..], [Effect::Edit { .. }]));
    let done = does(&sent, Command::Edited, 7);
    assert_eq!((done.word(), does(&done, settled(How::Granted), 8)), ("closed", done.clone()));
}

#[test]
fn who_takes_a_page_does_not_end_it() {
    let taken = does(&does(&state("sent"), settled(How::Acknowledged), 5), Command::Edited, 6);
    assert_eq!(taken.word(), "sent");
    assert_eq!(does(&taken, settled(How::Acknowledged), 7), taken, "it says so already");
    assert_eq!(does(&does(&taken, settled(How::Resolved), 8), Command::Edited, 9).word(), "closed");
    assert_eq!(does(&state("queued"), settled(How::Acknowledged), 5).word(), "queued", "others still want to know");
}

#[test]
fn a_person_retries_what_is_dead_and_dismisses_with_a_reason() {
    assert!(matches!(state("sent").decide(Command::Retry(person(1)), second(5)), Err(Refusal::NotDead { state: "sent", .. })));
    assert_eq!(does(&state("dead, editing"), Command::Retry(person(1)), 5).word(), "superseded");
    let dismissed = |label: &str, reason: &str| state(label).decide(Command::Dismiss(person(1), reason.into()), second(5));
    assert_eq!(dismissed("dead", " "), Err(Refusal::Unreasoned));
    assert!(matches!(dismissed("closed", "old"), Err(Refusal::NotWaiting { .. })));
    assert_eq!(does(&state("failed"), Command::Dismiss(person(1), "old".into()), 5).word(), "dismissed");
    let worn = Delivery { retries: RETRIES_MAX, ..state("dead") };
    assert_eq!(worn.decide(Command::Retry(person(1)), second(5)), Err(Refusal::TooOften(worn.order.id)));
}

proptest! {
    #[test]
    fn whatever_happens_it_folds_back_and_nothing_is_edited_that_was_not_sent(commands in prop::collection::vec((0_u8..9, 0_i64..500), 0..60)) {
        let begun = delivery_events().remove(0).1;
        let (mut it, mut history, mut now) = (Delivery::begin(&begun).unwrap(), vec![begun], 1);
        let (mut sent, mut tries) = (0, 0);
        for (kind, pause) in commands {
            now += pause;
            let command = match kind {
                0 => Command::Sent(Receipt { handle: Some("x".repeat(300)) }),
                1 => Command::Edited,
                2 | 3 => Command::Failed(Failure::new(Why::Unreachable, "dark"), None),
                4 => Command::Failed(Failure::new(Why::Refused, "no"), None),
                5 => settled(How::Acknowledged),
                6 => settled(How::Granted),
                7 => Command::Retry(person(1)),
                _ => Command::Dismiss(person(1), "old".into()),
            };
            for event in it.decide(command, second(now)).unwrap_or_default() {
                it = it.apply(&event).unwrap();
                sent += usize::from(matches!(event, Event::Sent { .. }));
                tries = if matches!(event, Event::Failed { .. }) { tries + 1 } else { 0 };
                let edited = matches!(event, Event::Edited { .. });
                prop_assert!(sent > 0 || !edited);
                prop_assert!(tries <= PAUSES.len());
                if let Event::Sent { receipt, .. } = &event { prop_assert_eq!(&receipt.handle, &None, "it was too long"); }
                history.push(event);
            }
            prop_assert!(sent <= 1, "what is on record as sent is not sent again");
            prop_assert_eq!(it.due().is_some(), it.open());
            prop_assert!(it.open() || it.effects(second(99_999)).is_empty());
        }
        prop_assert_eq!(fold::<Delivery>(&history).unwrap(), Some(it));
    }
}
