//! The path that a page walks, as it was when the page began, and the steps of that walk.

use serde::{Deserialize, Serialize};

use crate::escalation::{EscalationPath, Tier, Whom};
use crate::name::PathName;
use crate::page::LAST_MAX;
use crate::time::Span;

/// The last resort has as long as this before it is told again.
const LAST_WITHIN: Span = Span::from_secs(900);
/// The least time that a tier of a request has to answer: below it nobody could.
const WITHIN_MIN: Span = Span::from_secs(1);

/// The path that a page walks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The escalation path.
    pub path: PathName,
    /// Its tiers, each with the time that it has here.
    pub tiers: Vec<Tier>,
    /// How many times more they are walked when nobody answers.
    pub repeat: u8,
    /// Who is told when nobody is on call, and at the end; none is everybody whom the tiers name.
    pub last_resort: Option<Whom>,
    /// How long the last resort has before it is told again.
    pub last_within: Span,
    /// How long whoever has answered may do nothing.
    pub act_within: Span,
    /// Whether a tier is reminded at half its time.
    pub reminds: bool,
}

/// A step of the walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// A tier of the path.
    Tier {
        /// In which walk, from 0.
        walk: u8,
        /// Which tier, from 0.
        tier: u8,
    },
    /// The last resort.
    Last {
        /// How often it was told before.
        round: u16,
    },
}

impl Step {
    /// Where every walk begins.
    pub const FIRST: Self = Self::Tier { walk: 0, tier: 0 };
}

impl Plan {
    /// The path for an incident: as it is written.
    pub fn for_incident(path: &EscalationPath) -> Self {
        Self {
            path: path.name.clone(),
            tiers: path.tiers.clone(),
            repeat: path.repeat,
            last_resort: path.last_resort.clone(),
            last_within: LAST_WITHIN,
            act_within: path.act_within,
            reminds: false,
        }
    }

    /// The path for a request that lapses after `time`. It is walked once, and where it would take longer than three quarters of
    /// that time every tier has its share of them: everybody is asked while there is still time to answer.
    pub fn for_request(path: &EscalationPath, time: Span) -> Self {
        let micros = |span: Span| u128::from(span.as_micros());
        let (once, room) = (path.tiers.iter().map(|tier| micros(tier.within)).sum::<u128>(), micros(time) * 3 / 4);
        let share = |within: Span| {
            let least = micros(within).min(micros(within).saturating_mul(room).checked_div(once).unwrap_or(0));
            // Whole milliseconds, so that a plan reads well.
            Span::from_millis(u64::try_from(least / 1_000).unwrap_or(u64::MAX)).max(WITHIN_MIN)
        };
        let tiers = path.tiers.iter().map(|tier| Tier { within: share(tier.within), ..tier.clone() }).collect();
        let quarter = Span::from_millis(time.as_micros() / 4_000).max(WITHIN_MIN);
        Self {
            tiers,
            repeat: 0,
            act_within: path.act_within.min(quarter),
            last_within: LAST_WITHIN.min(quarter),
            reminds: true,
            ..Self::for_incident(path)
        }
    }

    /// Whom a step tells; none for a last resort that nobody has written down.
    pub fn whom(&self, step: Step) -> Option<&Whom> {
        match step {
            Step::Tier { tier, .. } => self.tiers.get(usize::from(tier)).map(|tier| &tier.whom),
            Step::Last { .. } => self.last_resort.as_ref(),
        }
    }

    /// How long a step has.
    pub fn within(&self, step: Step) -> Span {
        match step {
            Step::Tier { tier, .. } => self.tiers.get(usize::from(tier)).map_or(self.last_within, |tier| tier.within),
            Step::Last { .. } => self.last_within,
        }
    }

    /// The step after one; none when the last resort was told often enough.
    pub fn next(&self, step: Step) -> Option<Step> {
        match step {
            Step::Tier { walk, tier } if usize::from(tier) + 1 < self.tiers.len() => {
                Some(Step::Tier { walk, tier: tier.saturating_add(1) })
            }
            Step::Tier { walk, .. } if walk < self.repeat => Some(Step::Tier { walk: walk.saturating_add(1), tier: 0 }),
            Step::Tier { .. } => Some(Step::Last { round: 0 }),
            Step::Last { round } => Some(Step::Last { round: round.saturating_add(1) }).filter(|_| round < LAST_MAX),
        }
    }
}
