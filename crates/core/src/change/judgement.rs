//! Gate 3: what the samples of a soak say about the result.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::name::FactName;
use crate::time::{Span, Timestamp};

/// What the goals and the neighbours looked like at one moment: true when fresh and as wanted, false when fresh and not,
/// none when missing or stale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// When.
    pub at: Timestamp,
    /// What the change is for.
    pub goals: BTreeMap<FactName, Option<bool>>,
    /// What must not suffer.
    pub neighbours: BTreeMap<FactName, Option<bool>>,
}

/// What became of the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Judgement {
    /// Every goal held and no neighbour suffered, for the whole soak without a break.
    Improved,
    /// Goals that did not hold before do not hold now.
    Unchanged,
    /// A goal that held before does not hold now.
    Worse,
    /// The goals hold, and a neighbour that was well no longer is.
    Shifted,
    /// Too little was seen, or it moved back and forth.
    Inconclusive,
}

impl Judgement {
    /// One word for records and pages.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Improved => "improved",
            Self::Unchanged => "unchanged",
            Self::Worse => "worse",
            Self::Shifted => "shifted",
            Self::Inconclusive => "inconclusive",
        }
    }
}

/// Judges what was seen so far; `before` is what was seen at dispatch. Improvement counts once every goal has held and no
/// neighbour has suffered for the whole `soak`, without a break; green for less does not count. Everything else is judged
/// when the time is `over`; none means: keep looking.
pub fn judge(before: &Sample, samples: &[Sample], soak: Span, over: bool) -> Option<Judgement> {
    // Nothing to watch is nothing to wait for, and nothing that speaks for success.
    if samples.last().is_some_and(|last| last.goals.is_empty() && last.neighbours.is_empty()) {
        return Some(Judgement::Inconclusive);
    }
    let was_well = |name: &FactName, facts: &BTreeMap<FactName, Option<bool>>| facts.get(name).copied().flatten() == Some(true);
    let suffers = |sample: &Sample| sample.neighbours.iter().any(|(name, now)| *now == Some(false) && was_well(name, &before.neighbours));
    let seen = |sample: &Sample| sample.goals.values().chain(sample.neighbours.values()).all(Option::is_some);
    let reached = |sample: &Sample| !sample.goals.is_empty() && sample.goals.values().all(|now| *now == Some(true));
    let green = |sample: &&Sample| seen(sample) && reached(sample) && !suffers(sample);
    let lasting = samples.iter().rev().take_while(green).last().zip(samples.last()).map(|(first, last)| last.at.since(first.at));
    if lasting.is_some_and(|lasting| lasting >= soak) {
        return Some(Judgement::Improved);
    }
    let last = samples.last().filter(|_| over);
    let Some(last) = last else { return over.then_some(Judgement::Inconclusive) };
    Some(if !seen(last) || last.goals.is_empty() {
        Judgement::Inconclusive
    } else if last.goals.iter().any(|(name, now)| *now == Some(false) && was_well(name, &before.goals)) {
        Judgement::Worse
    } else if !reached(last) {
        Judgement::Unchanged
    } else if suffers(last) {
        Judgement::Shifted
    } else {
        Judgement::Inconclusive
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(second: i64, goal: Option<bool>, neighbour: Option<bool>) -> Sample {
        Sample {
            at: Timestamp::from_micros(second * 1_000_000),
            goals: BTreeMap::from([("goal".parse().unwrap(), goal)]),
            neighbours: BTreeMap::from([("neighbour".parse().unwrap(), neighbour)]),
        }
    }

    /// One sample a second, a soak of two seconds, judged when the time is over.
    fn check(before: (bool, bool), seen: &[(Option<bool>, Option<bool>)], expected: Judgement) {
        let samples: Vec<Sample> = (0..).zip(seen).map(|(second, (goal, neighbour))| sample(second, *goal, *neighbour)).collect();
        let before = sample(-1, Some(before.0), Some(before.1));
        assert_eq!(judge(&before, &samples, Span::from_secs(2), true), Some(expected), "{before:?} {seen:?}");
    }

    const YES: Option<bool> = Some(true);
    const NO: Option<bool> = Some(false);

    #[test]
    fn the_samples_decide_and_a_neighbour_that_suffers_is_no_success() {
        check((false, true), &[(YES, YES), (YES, YES), (YES, YES)], Judgement::Improved);
        check((false, true), &[(NO, YES), (YES, YES), (YES, YES), (YES, YES)], Judgement::Improved);
        check((false, true), &[(NO, YES), (YES, YES), (YES, YES)], Judgement::Inconclusive);
        check((false, true), &[(YES, YES), (YES, YES), (NO, YES)], Judgement::Unchanged);
        check((true, true), &[(YES, YES), (YES, YES), (NO, YES)], Judgement::Worse);
        check((false, true), &[(YES, YES), (YES, NO), (YES, NO), (YES, NO)], Judgement::Shifted);
        check((false, false), &[(YES, NO), (YES, NO), (YES, NO)], Judgement::Improved);
        check((false, true), &[(YES, YES), (YES, YES), (None, YES)], Judgement::Inconclusive);
        check((false, true), &[(YES, YES), (YES, YES), (YES, None)], Judgement::Inconclusive);
        check((false, true), &[], Judgement::Inconclusive);
    }

    #[test]
    fn without_anything_to_watch_a_person_is_asked_at_once() {
        let blind = |second| Sample { at: Timestamp::from_micros(second), goals: BTreeMap::new(), neighbours: BTreeMap::new() };
        assert_eq!(judge(&blind(0), &[blind(1)], Span::from_secs(60), false), Some(Judgement::Inconclusive));
    }

    #[test]
    fn before_the_time_is_over_only_lasting_improvement_is_judged() {
        let before = sample(-1, NO, YES);
        let early = [sample(0, YES, YES), sample(1, YES, YES)];
        assert_eq!(judge(&before, &early, Span::from_secs(2), false), None);
        assert_eq!(judge(&before, &early, Span::from_secs(1), false), Some(Judgement::Improved));
        assert_eq!(judge(&before, &[sample(0, NO, YES)], Span::ZERO, false), None);
    }
}
