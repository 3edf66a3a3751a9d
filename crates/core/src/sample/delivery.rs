//! Samples of deliveries.

use std::collections::BTreeMap;

use super::{MARK, after, id, person, second};
use crate::delivery::{Delivery, Event, Failure, How, Order, Receipt, Settlement, Why};
use crate::id::ApprovalId;
use crate::notice::{Kind, Notice, Recipient};
use crate::record::Stream;

fn notice() -> Notice {
    let about = Stream::Approval(ApprovalId::new(id(20)));
    Notice::new(Kind::Asked, about, MARK, MARK, "/changes/change_1").line("Risk", MARK).check_words(MARK.into()).until(second(1_000))
}

pub(crate) fn delivery_events() -> Vec<(&'static str, Event)> {
    let at = second(1);
    let failure = Failure::new(Why::Unreachable, MARK);
    let settled = |how| Event::Superseded { settlement: Settlement { how, by: Some(person(1)) }, at };
    let order = Order::new(notice(), "chat".parse().unwrap(), Recipient::Person(person(1)));
    vec![
        ("queued", Event::Queued { order: Box::new(order), at }),
        ("sent", Event::Sent { receipt: Receipt { handle: Some(MARK.into()) }, at }),
        ("failed", Event::Failed { failure: failure.clone(), due: second(9), at }),
        ("buried", Event::Buried { failure, at }),
        ("taken", settled(How::Acknowledged)),
        ("settled", settled(How::Granted)),
        ("edited", Event::Edited { at }),
        ("retried", Event::Retried { by: person(1), at }),
        ("dismissed", Event::Dismissed { by: person(1), reason: MARK.into(), at }),
    ]
}

pub(crate) fn delivery_states() -> Vec<(&'static str, Delivery)> {
    let all: BTreeMap<_, _> = delivery_events().into_iter().collect();
    let of = |label, path: &[&'static str]| {
        let events: Vec<_> = path.iter().map(|word| all[word].clone()).collect();
        (label, after::<Delivery>(&events))
    };
    vec![
        of("queued", &["queued"]),
        of("failed", &["queued", "failed"]),
        of("sent", &["queued", "sent"]),
        of("sent, taken", &["queued", "sent", "taken", "edited"]),
        of("superseded", &["queued", "sent", "settled"]),
        of("superseded, taken", &["queued", "sent", "taken"]),
        of("closed", &["queued", "sent", "settled", "edited"]),
        of("dead", &["queued", "buried"]),
        of("dead, editing", &["queued", "sent", "settled", "buried"]),
        of("dismissed", &["queued", "buried", "dismissed"]),
    ]
}
