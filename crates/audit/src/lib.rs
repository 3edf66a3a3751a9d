//! What happened, asked again: drift and back-tests. Pure over records: no I/O, no clock, no threads.
//!
//! [`Auditor`] decides recorded verdicts again, under the estate that made them and under the active one. [`Backtest`] asks policy
//! about incidents that happened before there was any record.

mod backtest;
mod drift;
mod level;
mod memo;
mod record;
mod row;
mod versions;

pub use backtest::{Backtest, BacktestReport, Differing, IncidentSum, Side, Sum};
pub use drift::{ALARMS_MAX, Alarm, Assessment, Auditor, Dead, DriftReport, Group, Move, Tally, Tier};
pub use level::Course;
pub use record::{RecordFault, shard, wanted};
pub use row::{Acted, Format, InputError, Outcome, Place, Principal, ROWS_MAX, Row, read_rows};
pub use versions::Versions;
