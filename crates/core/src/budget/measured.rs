//! One objective as it was measured for one change: what a person sees, and what the folded budget was made of.

use serde::{Deserialize, Serialize};

use super::{Budget, Objective};
use crate::name::SloName;
use crate::time::{Span, Timestamp};
use crate::topology::EntityRef;

/// One goal of one objective with its readings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measured {
    /// Which objective.
    pub slo: SloName,
    /// For people.
    pub title: String,
    /// Which of its goals, when it is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goal: Option<String>,
    /// The service that promises it.
    pub service: EntityRef,
    /// The share that must be good, in parts per million.
    pub target_ppm: u32,
    /// Over how long.
    pub period: Span,
    /// Where it was asked.
    pub source: String,
    /// The query over the period; each shorter window is asked the same of itself.
    pub query: String,
    /// When Lineclear asked.
    pub asked: Timestamp,
    /// How old the newest sample was, in seconds by the source's own clock; none when the query does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_s: Option<u64>,
    /// What failed over each window, shortest first.
    pub over: Vec<Over>,
    /// What that leaves; none when a window has no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
}

/// What failed over one window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Over {
    /// How far back it looks.
    pub window: Span,
    /// The share that failed, in parts per million; none when the source did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_ppm: Option<u32>,
    /// How many times faster than allowed that uses the budget up, in hundredths: 1,440 is the workbook's 14.4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burn_centi: Option<u64>,
}

impl Over {
    /// The share over one window, and the rate at which it uses the budget up.
    pub fn of(objective: &Objective, window: Span, failed_ppm: Option<u32>) -> Self {
        Self { window, failed_ppm, burn_centi: failed_ppm.map(|failed| objective.burn_centi(failed)) }
    }
}

/// The worst of what is known: none when nobody promised anything, or nothing could be measured.
pub fn worst(measured: &[Measured]) -> Option<Budget> {
    measured.iter().filter_map(|one| one.budget).reduce(Budget::worse)
}

#[cfg(test)]
mod tests {
    use super::super::Burn;
    use super::*;

    fn measured(budget: Option<Budget>) -> Measured {
        Measured {
            slo: "shop-requests".parse().unwrap(),
            title: "The shop answers".into(),
            goal: None,
            service: "service/shop".parse().unwrap(),
            target_ppm: 999_000,
            period: Span::from_secs(30 * 86_400),
            source: "prometheus".into(),
            query: "q".into(),
            asked: Timestamp::from_micros(0),
            age_s: Some(1),
            over: Vec::new(),
            budget,
        }
    }

    #[test]
    fn of_several_objectives_the_worst_of_each_counts_and_what_is_unknown_is_not_taken_for_good() {
        let (left, fast) = (Budget { remaining_bp: 100, burn: Burn::Steady }, Budget { remaining_bp: 9_000, burn: Burn::Fast });
        let all = [measured(Some(left)), measured(None), measured(Some(fast))];
        assert_eq!(worst(&all), Some(Budget { remaining_bp: 100, burn: Burn::Fast }));
        assert_eq!(worst(&all[1..2]), None);
        assert_eq!(worst(&[]), None);
    }

    #[test]
    fn the_rate_is_told_in_hundredths() {
        let objective = Objective::new(999_000, Span::from_secs(30 * 86_400)).unwrap();
        assert_eq!(Over::of(&objective, Span::from_secs(300), Some(14_400)).burn_centi, Some(1_440));
        assert_eq!(Over::of(&objective, Span::from_secs(300), None).burn_centi, None);
    }
}
