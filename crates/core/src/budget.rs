//! How much failure an objective still allows, and how fast it is used up: the multi-window burn rates of Google's "The Site
//! Reliability Workbook", chapter 5, in integers.

mod measured;

use serde::{Deserialize, Serialize};

pub use measured::{Measured, Over, worst};

use crate::time::Span;

/// The whole, in parts per million.
pub const WHOLE_PPM: u32 = 1_000_000;
/// The whole, in basis points.
const WHOLE_BP: i64 = 10_000;
/// The emptiest that a budget is told: a hundred times overdrawn says no more than that.
pub const OVERDRAWN_BP: i64 = -100 * WHOLE_BP;
/// How far what is left may move, in basis points, before whoever approved a change is asked again: a twentieth of the budget.
/// It moves all the time, so that less than this says nothing new.
pub const STEP_BP: u64 = 500;

/// What an objective allows, over which period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Objective {
    allowed_ppm: u32,
    period: Span,
}

/// How fast the budget is used up; a later one is worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Burn {
    /// No faster than the objective allows for long.
    Steady,
    /// A tenth of it within days: somebody must look during working hours.
    Slow,
    /// A fiftieth of it within an hour, or a twentieth within six: somebody must look now.
    Fast,
}

/// What is left, and how fast it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// What is left of the period's budget in basis points: 10,000 untouched, 0 used up, below 0 overdrawn.
    pub remaining_bp: i64,
    /// How fast it goes.
    pub burn: Burn,
}

/// Two windows over which the same share of the budget would be used up; both must burn, so that what is over does not page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watch {
    /// The long window, which makes sure that it matters.
    pub long: Span,
    /// The short one, a twelfth of it, which makes sure that it goes on.
    pub short: Span,
    /// The share of the whole budget that the long window uses up at this rate, in percent.
    pub percent: u64,
    /// What it means.
    pub burn: Burn,
}

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// The workbook's recommended pairs, worst first.
pub const WATCHES: [Watch; 3] = [
    Watch { long: Span::from_secs(HOUR), short: Span::from_secs(5 * MINUTE), percent: 2, burn: Burn::Fast },
    Watch { long: Span::from_secs(6 * HOUR), short: Span::from_secs(30 * MINUTE), percent: 5, burn: Burn::Fast },
    Watch { long: Span::from_secs(72 * HOUR), short: Span::from_secs(6 * HOUR), percent: 10, burn: Burn::Slow },
];

/// Why an objective cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ObjectiveError {
    /// A budget of nothing or of everything cannot be used up.
    #[error("the target is {0} parts per million, and must be between 1 and 999,999")]
    Target(u32),
    /// The longest window of [`WATCHES`] would be longer than the whole.
    #[error("the period is {} s, and must be at least {} s", .0.as_secs(), 72 * HOUR)]
    Period(Span),
}

impl Burn {
    /// As the policies see it: 0 (steady) to 2 (fast), so that order is part of the proofs.
    pub const fn rank(self) -> i64 {
        match self {
            Self::Steady => 0,
            Self::Slow => 1,
            Self::Fast => 2,
        }
    }
}

impl Budget {
    /// Of the objectives of several things the worst of each.
    #[must_use]
    pub fn worse(self, other: Self) -> Self {
        Self { remaining_bp: self.remaining_bp.min(other.remaining_bp), burn: self.burn.max(other.burn) }
    }

    /// Whether it is another ground to act on than what was shown before: it burns otherwise, it is used up or no longer so, or
    /// what is left moved by [`STEP_BP`].
    pub fn moved_from(self, shown: Self) -> bool {
        let used_up = |budget: Self| budget.remaining_bp <= 0;
        self.burn != shown.burn || used_up(self) != used_up(shown) || self.remaining_bp.abs_diff(shown.remaining_bp) >= STEP_BP
    }
}

impl Objective {
    /// An objective of `target_ppm` good over `period`.
    ///
    /// # Errors
    /// When nothing could be used up, or the period is shorter than three days.
    pub fn new(target_ppm: u32, period: Span) -> Result<Self, ObjectiveError> {
        if target_ppm == 0 || target_ppm >= WHOLE_PPM {
            return Err(ObjectiveError::Target(target_ppm));
        }
        if period.as_secs() < 72 * HOUR {
            return Err(ObjectiveError::Period(period));
        }
        Ok(Self { allowed_ppm: WHOLE_PPM - target_ppm, period })
    }

    /// How many times faster than allowed this share of failures uses the budget up, in hundredths.
    pub fn burn_centi(&self, failed_ppm: u32) -> u64 {
        u64::from(failed_ppm) * 100 / u64::from(self.allowed_ppm)
    }

    /// Over how long it is kept.
    pub const fn period(&self) -> Span {
        self.period
    }

    /// Every window whose error ratio [`Objective::budget`] asks for, shortest first, the period last.
    pub fn windows(&self) -> Vec<Span> {
        let mut windows: Vec<Span> = WATCHES.iter().flat_map(|watch| [watch.long, watch.short]).chain([self.period]).collect();
        windows.sort();
        windows.dedup();
        windows
    }

    /// The budget, from the share of failures over each window in parts per million. None when the share over any window
    /// cannot be told: what is not known is not taken for good.
    pub fn budget(&self, mut failed_ppm: impl FnMut(Span) -> Option<u32>) -> Option<Budget> {
        let mut burn = Burn::Steady;
        for watch in WATCHES {
            let (long, short) = (failed_ppm(watch.long)?, failed_ppm(watch.short)?);
            if self.burns(long, watch) && self.burns(short, watch) {
                burn = burn.max(watch.burn);
            }
        }
        let used = i64::from(failed_ppm(self.period)?).saturating_mul(WHOLE_BP) / i64::from(self.allowed_ppm);
        Some(Budget { remaining_bp: (WHOLE_BP - used).max(OVERDRAWN_BP), burn })
    }

    /// Whether this share of failures uses the budget up at least as fast as the watch says: over the period of 30 days,
    /// 2 % in one hour is 14.4 times what the objective allows.
    fn burns(&self, failed_ppm: u32, watch: Watch) -> bool {
        let rate = u128::from(failed_ppm) * 100 * u128::from(watch.long.as_secs());
        let limit = u128::from(watch.percent) * u128::from(self.period.as_secs()) * u128::from(self.allowed_ppm);
        rate >= limit
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MONTH: Span = Span::from_secs(30 * 24 * HOUR);

    fn objective() -> Objective {
        Objective::new(999_000, MONTH).unwrap()
    }

    fn budget(shares: &[(u64, u32)]) -> Option<Budget> {
        objective()
            .budget(|window| shares.iter().find(|(seconds, _)| *seconds == window.as_secs()).map_or(Some(0), |(_, share)| Some(*share)))
    }

    #[track_caller]
    fn check(shares: &[(u64, u32)], expected: Burn) {
        assert_eq!(budget(shares).unwrap().burn, expected, "{shares:?}");
    }

    #[test]
    fn the_rates_are_those_of_the_workbook() {
        // 99.9 % over 30 days: 14.4, 6 and 1 times the allowed 1,000 parts per million.
        check(&[(HOUR, 14_400), (5 * MINUTE, 14_400)], Burn::Fast);
        check(&[(HOUR, 14_399), (5 * MINUTE, 14_400)], Burn::Steady);
        check(&[(HOUR, 14_400), (5 * MINUTE, 14_399)], Burn::Steady);
        check(&[(6 * HOUR, 6_000), (30 * MINUTE, 6_000)], Burn::Fast);
        check(&[(6 * HOUR, 5_999), (30 * MINUTE, 6_000)], Burn::Steady);
        check(&[(72 * HOUR, 1_000), (6 * HOUR, 1_000)], Burn::Slow);
        check(&[(72 * HOUR, 999), (6 * HOUR, 1_000)], Burn::Steady);
    }

    #[test]
    fn a_burst_that_is_over_pages_nobody() {
        check(&[(HOUR, 500_000), (6 * HOUR, 90_000), (72 * HOUR, 7_000)], Burn::Slow);
        check(&[(HOUR, 500_000)], Burn::Steady);
    }

    #[test]
    fn what_is_left_is_counted_over_the_period() {
        let left = |share| budget(&[(MONTH.as_secs(), share)]).unwrap().remaining_bp;
        assert_eq!([left(0), left(250), left(1_000), left(2_000), left(1_000_000)], [10_000, 7_500, 0, -10_000, OVERDRAWN_BP]);
    }

    #[test]
    fn a_window_without_an_answer_leaves_no_budget() {
        for missing in objective().windows() {
            assert_eq!(objective().budget(|window| (window != missing).then_some(0)), None, "{missing:?}");
        }
    }

    #[track_caller]
    fn check_moved(shown: (i64, Burn), now: (i64, Burn), expected: bool) {
        let budget = |(remaining_bp, burn)| Budget { remaining_bp, burn };
        assert_eq!(budget(now).moved_from(budget(shown)), expected, "{shown:?} {now:?}");
    }

    #[test]
    fn what_always_moves_is_new_only_by_a_step_a_pace_or_when_nothing_is_left() {
        use Burn::{Fast, Slow, Steady};
        check_moved((8_000, Steady), (7_999, Steady), false);
        check_moved((8_000, Steady), (7_501, Steady), false);
        check_moved((8_000, Steady), (7_500, Steady), true);
        check_moved((8_000, Steady), (8_500, Steady), true);
        check_moved((8_000, Steady), (8_000, Slow), true);
        check_moved((8_000, Fast), (8_000, Slow), true);
        check_moved((1, Steady), (0, Steady), true);
        check_moved((0, Steady), (1, Steady), true);
        check_moved((-1, Steady), (0, Steady), false);
    }

    #[test]
    fn an_objective_leaves_something_to_use_up() {
        assert_eq!(Objective::new(0, MONTH), Err(ObjectiveError::Target(0)));
        assert_eq!(Objective::new(WHOLE_PPM, MONTH), Err(ObjectiveError::Target(WHOLE_PPM)));
        let short = Span::from_secs(72 * HOUR - 1);
        assert_eq!(Objective::new(999_000, short), Err(ObjectiveError::Period(short)));
    }

    proptest! {
        #[test]
        fn more_failure_never_leaves_more_or_burns_less(
            target in 1_u32..WHOLE_PPM,
            days in 3_u64..90,
            shares in prop::collection::vec(0_u32..=WHOLE_PPM, 7),
            more in prop::collection::vec(0_u32..=WHOLE_PPM, 7),
        ) {
            let objective = Objective::new(target, Span::from_secs(days * 24 * HOUR)).unwrap();
            let windows = objective.windows();
            let at = |shares: &[u32], window| windows.iter().position(|one| *one == window).map(|place| shares[place]);
            let worse: Vec<u32> = shares.iter().zip(&more).map(|(share, more)| share.saturating_add(*more).min(WHOLE_PPM)).collect();
            let (before, after) = (objective.budget(|window| at(&shares, window)).unwrap(), objective.budget(|window| at(&worse, window)).unwrap());
            prop_assert!(after.remaining_bp <= before.remaining_bp && after.burn >= before.burn);
        }
    }
}
