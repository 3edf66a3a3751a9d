//! How severity follows from what is happening: a table that people can read, and the cases that page whatever it says.

use serde::{Deserialize, Serialize};

use crate::incident::Severity;
use crate::name::PathName;
use crate::time::Span;

/// What is happening, by the five factors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Impact {
    /// How many customers notice.
    pub customers: u32,
    /// For how long so far.
    pub lasting: Span,
    /// In how many regions.
    pub regions: u32,
    /// Whether somebody is where they must not be.
    pub security: Doubt,
    /// What becomes of the revenue.
    pub revenue: Loss,
}

/// How sure one is of a breach; a later one is worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// Nothing points to it.
    None,
    /// Something does.
    Suspected,
    /// It is known.
    Confirmed,
}

/// What becomes of the revenue; a later one is worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// Nothing.
    None,
    /// Some of it is lost.
    Reduced,
    /// No money comes in.
    Stopped,
}

/// A line of the table: everything that it names is at least this bad. It names something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// At least so many customers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customers: Option<u32>,
    /// At least so long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lasting: Option<Span>,
    /// At least so many regions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regions: Option<u32>,
    /// At least so sure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security: Option<Doubt>,
    /// At least so much lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revenue: Option<Loss>,
}

/// One severity and what is of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// The severity.
    pub severity: Severity,
    /// For people.
    pub title: String,
    /// One of these lines is enough; never empty.
    pub any: Vec<Line>,
}

/// A case that pages whatever the table says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageRule {
    /// For people.
    pub title: String,
    /// One of these lines is enough; never empty.
    pub any: Vec<Line>,
    /// Whom it pages.
    pub path: PathName,
}

/// From impact to severity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeverityTable {
    /// Worst first, each severity at most once.
    pub levels: Vec<Level>,
    /// What no level speaks of; milder than each of them.
    pub otherwise: Severity,
    /// The cases that always page.
    #[serde(default)]
    pub pages: Vec<PageRule>,
}

impl Line {
    /// Whether it names anything at all; a line that names nothing would be true of everything.
    pub const fn says_something(&self) -> bool {
        self.customers.is_some() || self.lasting.is_some() || self.regions.is_some() || self.security.is_some() || self.revenue.is_some()
    }

    /// Whether the impact is at least as bad in everything that the line names.
    pub fn met(&self, impact: &Impact) -> bool {
        self.customers.is_none_or(|least| impact.customers >= least)
            && self.lasting.is_none_or(|least| impact.lasting >= least)
            && self.regions.is_none_or(|least| impact.regions >= least)
            && self.security.is_none_or(|least| impact.security >= least)
            && self.revenue.is_none_or(|least| impact.revenue >= least)
    }
}

impl SeverityTable {
    /// The severity of an impact: the worst level of which one line is met.
    pub fn grade(&self, impact: &Impact) -> Severity {
        let met = self.levels.iter().find(|level| level.any.iter().any(|line| line.met(impact)));
        met.map_or(self.otherwise, |level| level.severity)
    }

    /// The rules that page for it, whatever its severity.
    pub fn pages<'t>(&'t self, impact: &'t Impact) -> impl Iterator<Item = &'t PageRule> {
        self.pages.iter().filter(|rule| rule.any.iter().any(|line| line.met(impact)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOTHING: Line = Line { customers: None, lasting: None, regions: None, security: None, revenue: None };

    fn severity(number: u8) -> Severity {
        Severity::try_from(number).unwrap()
    }

    fn table() -> SeverityTable {
        let level = |number, any| Level { severity: severity(number), title: "t".into(), any };
        SeverityTable {
            levels: vec![
                level(
                    1,
                    vec![
                        Line { security: Some(Doubt::Confirmed), ..NOTHING },
                        Line { customers: Some(1_000), regions: Some(2), ..NOTHING },
                    ],
                ),
                level(2, vec![Line { customers: Some(100), lasting: Some(Span::from_secs(300)), ..NOTHING }]),
                level(3, vec![Line { customers: Some(1), ..NOTHING }, Line { revenue: Some(Loss::Reduced), ..NOTHING }]),
            ],
            otherwise: severity(5),
            pages: vec![PageRule {
                title: "t".into(),
                any: vec![Line { security: Some(Doubt::Suspected), ..NOTHING }],
                path: "security".parse().unwrap(),
            }],
        }
    }

    fn impact() -> impl Strategy<Value = Impact> {
        let doubt = prop::sample::select(vec![Doubt::None, Doubt::Suspected, Doubt::Confirmed]);
        let loss = prop::sample::select(vec![Loss::None, Loss::Reduced, Loss::Stopped]);
        (0_u32..2_000, 0_u64..600, 0_u32..4, doubt, loss).prop_map(|(customers, seconds, regions, security, revenue)| Impact {
            customers,
            lasting: Span::from_secs(seconds),
            regions,
            security,
            revenue,
        })
    }

    fn check(customers: u32, seconds: u64, regions: u32, security: Doubt, expected: (u8, usize)) {
        let impact = Impact { customers, lasting: Span::from_secs(seconds), regions, security, revenue: Loss::None };
        let table = table();
        assert_eq!((table.grade(&impact).number(), table.pages(&impact).count()), expected);
    }

    #[test]
    fn the_worst_line_that_is_met_counts() {
        check(0, 0, 0, Doubt::None, (5, 0));
        check(1, 0, 1, Doubt::None, (3, 0));
        check(100, 299, 1, Doubt::None, (3, 0));
        check(100, 300, 1, Doubt::None, (2, 0));
        check(1_000, 0, 2, Doubt::None, (1, 0));
        check(0, 0, 0, Doubt::Suspected, (5, 1));
        check(0, 0, 0, Doubt::Confirmed, (1, 1));
    }

    proptest! {
        #[test]
        fn what_is_worse_in_everything_is_never_graded_milder(a in impact(), b in impact()) {
            let both = Impact {
                customers: a.customers.max(b.customers),
                lasting: a.lasting.max(b.lasting),
                regions: a.regions.max(b.regions),
                security: a.security.max(b.security),
                revenue: a.revenue.max(b.revenue),
            };
            prop_assert!(table().grade(&both) <= table().grade(&a).min(table().grade(&b)));
        }
    }
}
