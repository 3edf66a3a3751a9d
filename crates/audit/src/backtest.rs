//! The back-test: what an estate would have said of what was done in past incidents, and what that would have cost.

mod case;
mod report;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use lineclear_core::catalogue::Risk;
use lineclear_core::name::ActionName;
use lineclear_core::topology::EntityRef;
use lineclear_policy::Policies;

pub use report::{BacktestReport, Differing, IncidentSum, Side, Sum};

use crate::backtest::case::Cases;
use crate::level::Level;
use crate::memo::{ANSWERS_MAX, Memo};
use crate::row::{Acted, Outcome, Row};

/// How often an action must have helped on a target, without ever hurting, to count as a routine fix in a back-test.
pub const ROUTINE_MIN: u32 = 3;
/// Most places that are told of one kind; the rest is counted.
pub const PLACES_MAX: usize = 20;

/// What one estate says of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Said {
    /// This rung, or no rung; with the word that people read.
    Answer { level: Level, word: String },
    /// It cannot be judged, for this reason.
    Nothing(String),
}

/// An estate on trial, and another to compare it with.
#[derive(Debug)]
pub struct Backtest<'a> {
    tried: Judge<'a>,
    against: Option<Judge<'a>>,
}

#[derive(Debug)]
struct Judge<'a> {
    memo: Memo<'a>,
    cases: Cases<'a>,
}

/// How an action on a target fared in the whole history.
#[derive(Debug, Default, Clone, Copy)]
struct Record {
    improved: u32,
    worse: u32,
}

type Records<'r> = BTreeMap<(&'r ActionName, &'r EntityRef), Record>;

impl<'a> Backtest<'a> {
    /// Tries the estate of `tried`, beside `against` when there is one.
    pub fn new(tried: &'a Policies, against: Option<&'a Policies>) -> Self {
        Self { tried: Judge::new(tried), against: against.map(Judge::new) }
    }

    /// Judges every row. The same rows give the same report.
    pub fn run(&mut self, rows: &[Row]) -> BacktestReport {
        let mut records: Records<'_> = BTreeMap::new();
        for acted in rows.iter().filter_map(|row| row.acted.as_ref()) {
            let record = records.entry((&acted.action, &acted.target)).or_default();
            match acted.outcome {
                Outcome::Improved => record.improved += 1,
                Outcome::Worse => record.worse += 1,
                Outcome::Unchanged => {}
            }
        }
        let mut report = BacktestReport::new(self.tried.side(), self.against.as_ref().map(Judge::side));
        for row in rows {
            report.row(row);
            let Some(acted) = &row.acted else { continue };
            let tried = self.tried.said(acted);
            report.estate.count(row, acted, &tried, self.tried.is_routine(acted, &records));
            if let Some(against) = &mut self.against {
                let other = against.said(acted);
                let routine = against.is_routine(acted, &records);
                report.compare(row, acted, &tried, &other, routine);
            }
        }
        report.settle();
        report
    }
}

impl<'a> Judge<'a> {
    fn new(policies: &'a Policies) -> Self {
        Self { memo: Memo::new(policies, Arc::default(), ANSWERS_MAX, false), cases: Cases::new(policies.estate()) }
    }

    fn side(&self) -> Side {
        let estate = self.memo.policies.estate();
        Side::new(estate.title.clone(), estate.digest)
    }

    fn said(&mut self, acted: &Acted) -> Said {
        let case = match self.cases.case(acted) {
            Ok(case) => case,
            Err(why) => return Said::Nothing(why.to_string()),
        };
        match self.memo.answer(&case).as_ref() {
            Ok(answer) => Said::Answer { level: answer.level, word: answer.level.word(&self.memo.policies.estate().authority) },
            Err(why) => Said::Nothing(why.to_string()),
        }
    }

    /// A safe routine fix: not of high risk, allowed to become routine, and in this history often good and never bad.
    fn is_routine(&self, acted: &Acted, records: &Records<'_>) -> bool {
        let action = self.memo.policies.estate().catalogue.actions.get(&acted.action);
        let tame = action.is_some_and(|action| action.risk < Risk::High && !action.never_routine);
        tame && records.get(&(&acted.action, &acted.target)).is_some_and(|r| r.improved >= ROUTINE_MIN && r.worse == 0)
    }
}
