//! How events change a page: the only way.

use std::collections::BTreeSet;

use super::{Event, Page, State, Step};
use crate::machine::{IllegalTransition, Machine};
use crate::time::{Span, Timestamp};

impl Machine for Page {
    type Event = Event;

    fn begin(event: &Event) -> Result<Self, IllegalTransition> {
        let Event::Opened { id, about, title, plan, severity, held, carried, at } = event else {
            return Err(IllegalTransition { machine: "page", from: "nothing", event: event.word() });
        };
        let (state, told) = match (carried, held) {
            (Some(carried), _) => (**carried).clone(),
            (None, Some(until)) => (State::Held { until: *until }, BTreeSet::new()),
            (None, None) => (first(*at), BTreeSet::new()),
        };
        let (plan, about, title) = (plan.clone(), about.clone(), title.clone());
        Ok(Self { id: *id, about, title, plan, severity: *severity, state, told, gap: None, late: 0, answers: 0, opened: *at })
    }

    fn apply(mut self, event: &Event) -> Result<Self, IllegalTransition> {
        let illegal = IllegalTransition { machine: "page", from: self.word(), event: event.word() };
        let step = self.step();
        self.state = match (self.state, event) {
            (state @ (State::Over { .. } | State::Acknowledged { .. } | State::Resting { .. }), Event::AnsweredLate { .. }) => {
                self.late = self.late.saturating_add(1);
                state
            }
            (State::Over { .. }, _) | (_, Event::Opened { .. }) | (State::Resting { .. }, Event::Rested { .. }) => return Err(illegal),
            (State::Held { .. } | State::Owed { .. } | State::Calling { .. }, Event::Told { step, people, until, at, .. }) => {
                self.told.extend(people);
                State::Calling { step: *step, people: people.clone(), since: *at, until: *until, reminded: false }
            }
            (State::Calling { step, people, since, until, .. }, Event::Reminded { .. }) => {
                State::Calling { step, people, since, until, reminded: true }
            }
            (
                State::Held { .. } | State::Owed { .. } | State::Calling { .. } | State::Acknowledged { .. },
                Event::Acknowledged { by, until, at },
            ) => {
                self.answers = self.answers.saturating_add(1);
                State::Acknowledged { step, by: *by, since: *at, until: *until }
            }
            (State::Calling { .. } | State::Acknowledged { .. }, Event::HandedOver { to, until, at, .. }) => {
                self.answers = self.answers.saturating_add(1);
                self.told.insert(*to);
                State::Calling { step, people: BTreeSet::from([*to]), since: *at, until: *until, reminded: false }
            }
            (State::Acknowledged { step, by, .. }, Event::Acted { acted, until, .. }) => {
                self.answers = self.answers.saturating_add(1);
                State::Acknowledged { step, by, since: *acted, until: *until }
            }
            (State::Acknowledged { step, .. }, Event::Forgotten { at, .. }) => {
                State::Owed { step: self.plan.next(step).unwrap_or(Step::FIRST), since: *at }
            }
            (state, Event::CommanderLeft { left, at }) => {
                self.gap = Some(*left);
                if matches!(state, State::Acknowledged { .. }) { first(*at) } else { state }
            }
            (state, Event::Regraded { severity, released, at }) => {
                self.severity = Some(*severity);
                if *released && matches!(state, State::Held { .. }) { first(*at) } else { state }
            }
            (_, Event::Rerouted { plan, at }) => {
                self.plan = plan.clone();
                first(*at)
            }
            (State::Acknowledged { by, .. }, Event::Rested { .. }) => State::Resting { by: Some(by) },
            (_, Event::Rested { .. }) => State::Resting { by: None },
            (State::Resting { by: Some(by) }, Event::Resumed { until, at }) => {
                State::Acknowledged { step: Step::FIRST, by, since: *at, until: *until }
            }
            (State::Resting { by: None }, Event::Resumed { at, .. }) => first(*at),
            (_, Event::Ended { why, .. }) => State::Over { why: *why },
            (_, _) => return Err(illegal),
        };
        Ok(self)
    }

    fn word(&self) -> &'static str {
        match self.state {
            State::Held { .. } => "held",
            State::Owed { .. } => "owed",
            State::Calling { .. } => "calling",
            State::Acknowledged { .. } => "acknowledged",
            State::Resting { .. } => "resting",
            State::Over { .. } => "over",
        }
    }

    fn open(&self) -> bool {
        !matches!(self.state, State::Over { .. })
    }

    fn due(&self) -> Option<Timestamp> {
        match &self.state {
            State::Held { until } | State::Acknowledged { until, .. } => Some(*until),
            State::Owed { since, .. } => Some(*since),
            State::Calling { step, until, .. } => {
                let climbs = self.plan.next(*step).map(|_| *until);
                self.reminder().into_iter().chain(climbs).min()
            }
            State::Resting { .. } | State::Over { .. } => None,
        }
    }
}

impl Page {
    /// When whoever was told is to be reminded; none when they were, or need not be.
    pub(super) fn reminder(&self) -> Option<Timestamp> {
        let State::Calling { people, since, until, reminded: false, .. } = &self.state else { return None };
        let half = Span::from_millis(until.since(*since).as_micros() / 2_000);
        (self.plan.reminds && !people.is_empty() && half > Span::ZERO).then_some(*since + half)
    }
}

/// The walk begins.
const fn first(since: Timestamp) -> State {
    State::Owed { step: Step::FIRST, since }
}
