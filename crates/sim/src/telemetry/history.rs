//! What the simulated Prometheus remembers. A real one has weeks of samples; this one has been up for a minute. So that error budgets can
//! be asked over thirty days, **everything before the start counts as having been as it was at the start**: a simulated past in
//! which all was well. What happened since is kept as it really was, up to a bound.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::series::{Series, now_series};
use crate::clock;
use crate::world::Shared;

/// How often everything is looked at: as often as the error ratio looks back.
const EVERY: Duration = Duration::from_secs(5);
/// Half a day; what is older is forgotten, and counts as the start does.
const MOMENTS_MAX: usize = 8_640;
/// How long a sample speaks for a series that has no newer one, in seconds, as Prometheus' own look-back.
const LOOK_BACK: i64 = 300;

/// The values of one moment, by the number of their series.
type Moment = (Timestamp, Vec<(usize, f64)>);

/// The samples since the start.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    numbers: BTreeMap<BTreeMap<String, String>, usize>,
    labels: Vec<BTreeMap<String, String>>,
    first: Option<Moment>,
    moments: VecDeque<Moment>,
}

impl History {
    /// Remembers what is there now.
    pub fn keep(&mut self, now: Timestamp, series: &[Series]) {
        let values = series.iter().map(|one| (self.number(&one.labels), one.value)).collect::<Vec<_>>();
        if self.first.is_none() {
            self.first = Some((now, values.clone()));
        }
        if self.moments.len() >= MOMENTS_MAX {
            self.moments.pop_front();
        }
        self.moments.push_back((now, values));
    }

    /// When it begins.
    pub fn begins(&self) -> Option<Timestamp> {
        self.moments.front().map(|(at, _)| *at)
    }

    /// What was there then.
    pub fn at(&self, at: Timestamp) -> Vec<Series> {
        let place = self.moments.partition_point(|(kept, _)| *kept <= at);
        let kept = place.checked_sub(1).and_then(|place| self.moments.get(place));
        let found = match kept {
            Some(moment) => (at.as_second() - moment.0.as_second() <= LOOK_BACK).then_some(moment),
            None => self.first.as_ref(),
        };
        let show = |(number, value): &(usize, f64)| Some(Series { labels: self.labels.get(*number)?.clone(), value: *value, at });
        found.map(|(_, values)| values.iter().filter_map(show).collect()).unwrap_or_default()
    }

    fn number(&mut self, labels: &BTreeMap<String, String>) -> usize {
        if let Some(known) = self.numbers.get(labels) {
            return *known;
        }
        let number = self.labels.len();
        self.labels.push(labels.clone());
        self.numbers.insert(labels.clone(), number);
        number
    }
}

/// Looks at everything until `stop`.
pub(crate) async fn keep(world: Shared, stop: CancellationToken) {
    let mut beat = tokio::time::interval(EVERY);
    beat.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = beat.tick() => look(&world),
        }
    }
}

/// Remembers this moment.
pub(crate) fn look(world: &Shared) {
    world.with(|world| {
        let now = clock::now();
        let series = now_series(world, now);
        std::sync::Arc::make_mut(&mut world.history).keep(now, &series);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn up(value: f64) -> Vec<Series> {
        vec![Series { labels: [("__name__".to_owned(), "up".to_owned())].into(), value, at: at(0) }]
    }

    #[test]
    fn what_was_before_the_start_is_as_at_the_start_and_what_is_gone_is_gone() {
        let mut history = History::default();
        assert!(history.at(at(0)).is_empty() && history.begins().is_none());
        history.keep(at(100), &up(1.0));
        history.keep(at(105), &up(0.0));
        history.keep(at(110), &[]);
        let value = |second| history.at(at(second)).first().map(|one| one.value);
        assert_eq!([value(-1_000_000), value(100), value(104), value(105), value(110)], [Some(1.0), Some(1.0), Some(1.0), Some(0.0), None]);
        assert_eq!(history.begins(), Some(at(100)));
    }

    #[test]
    fn a_hole_longer_than_the_look_back_is_a_hole() {
        let mut history = History::default();
        history.keep(at(100), &up(1.0));
        assert_eq!([history.at(at(400)).len(), history.at(at(401)).len()], [1, 0]);
    }
}
