//! What happened to a page, in sentences.

use std::collections::BTreeSet;

use lineclear_core::OperatorId;
use lineclear_core::page::{About, End, Event, Step};
use lineclear_core::situation::Actor;

use super::Names;

/// The sentence of an event.
pub(super) fn page(event: &Event, names: Names<'_>) -> String {
    let person = |by: &OperatorId| names(Actor::Operator(*by));
    match event {
        Event::Opened { plan, carried: Some(_), .. } => {
            format!("The search for a person goes on here, by escalation path `{}`.", plan.path)
        }
        Event::Opened { plan, held: Some(until), .. } => {
            format!("A person is looked for by escalation path `{}`, when the quiet hours are over: {until}.", plan.path)
        }
        Event::Opened { about, plan, .. } => {
            let what = match about {
                About::Incident { .. } => "A person",
                About::Request { .. } => "Somebody who may approve",
            };
            format!("{what} is looked for by escalation path `{}`.", plan.path)
        }
        Event::Told { step, people, .. } if people.is_empty() => format!("{}: nobody could be told.", at(*step)),
        Event::Told { step, people, instead, until, .. } => {
            let why = if *instead { ", because nobody else is on call" } else { "" };
            format!("{}: told {}{why}, who have until {until}.", at(*step), all(people, names))
        }
        Event::Reminded { people, .. } => format!("Reminded {}.", all(people, names)),
        Event::Acknowledged { by, until, .. } => format!("{} answered; it climbs on at {until} if nothing is done.", person(by)),
        Event::AnsweredLate { by, .. } => format!("{} answered, too late to change anything.", person(by)),
        Event::HandedOver { by, to, reason, .. } => format!("{} handed it over to {}, who has to answer: {reason}", person(by), person(to)),
        Event::Acted { by, .. } => format!("{} did something about it.", person(by)),
        Event::Forgotten { by, .. } => format!("{} answered and did nothing about it in time: it climbs on.", person(by)),
        Event::CommanderLeft { .. } => "Nobody commands it any more: a person is looked for again.".into(),
        Event::Regraded { severity, released: false, .. } => format!("It is of severity {} now.", severity.number()),
        Event::Regraded { severity, released: true, .. } => {
            format!("It is of severity {} now, and no longer waits for the morning.", severity.number())
        }
        Event::Rerouted { plan, .. } => format!("A rule of the estate tells others: escalation path `{}` from its beginning.", plan.path),
        Event::Rested { .. } => "Every signal has resolved: nobody is looked for.".into(),
        Event::Resumed { .. } => "Something fires again: the search goes on.".into(),
        Event::Ended { why, .. } => format!("Nobody is looked for any more: {}.", ended(*why)),
    }
}

/// A step as people count.
pub(crate) fn at(step: Step) -> String {
    match step {
        Step::Tier { walk: 0, tier } => format!("Tier {}", u16::from(tier) + 1),
        Step::Tier { walk, tier } => format!("Tier {}, walk {}", u16::from(tier) + 1, u16::from(walk) + 1),
        Step::Last { round: 0 } => "The last resort, because nobody answered".into(),
        Step::Last { round } => format!("The last resort for the {}. time", u32::from(round) + 1),
    }
}

fn all(people: &BTreeSet<OperatorId>, names: Names<'_>) -> String {
    people.iter().map(|person| names(Actor::Operator(*person))).collect::<Vec<_>>().join(", ")
}

const fn ended(why: End) -> &'static str {
    match why {
        End::Closed => "the incident is closed",
        End::Merged => "the incident is part of another one, and the search goes on there",
        End::Decided => "people have decided",
        End::Lapsed => "the request lapsed; silence is neither yes nor no",
        End::Withdrawn => "the request is no longer asked",
    }
}
