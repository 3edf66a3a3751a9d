//! What can be typed to look back: `lineclear audit …` and `lineclear estate backtest`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

/// Commands of `audit`.
#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Decide every recorded verdict of an export again, under its own estate and under the active one.
    ///
    /// Ends with 0 when every record holds and autonomy did not grow, 6 when a record disagrees with its own estate, 3 when the active
    /// estate asks for less than was asked then, 1 when some records could not be decided again.
    Drift(Drift),
}

/// Arguments of `audit drift`.
#[derive(Debug, ClapArgs)]
pub struct Drift {
    /// The export's directory, as `lineclear ledger export` wrote it.
    pub export: PathBuf,
    /// The directory of the active estate.
    #[arg(long, value_name = "DIR")]
    pub estate: PathBuf,
    /// Directories of estates that were active before; records name them by digest. `DATA/estates` of an installation holds all
    /// of its own.
    #[arg(long, value_name = "DIR", num_args = 1..)]
    pub old_estates: Vec<PathBuf>,
}

/// Arguments of `estate backtest`.
#[derive(Debug, ClapArgs)]
pub struct BacktestArgs {
    /// Past incidents: `.jsonl`, `.csv`, or `.json` (an array, or an export of Statuspage); `docs/backtest.md` describes them.
    pub incidents: PathBuf,
    /// The directory of the estate on trial.
    #[arg(long, value_name = "DIR")]
    pub estate: PathBuf,
    /// The directory of an estate to compare it with.
    #[arg(long, value_name = "DIR")]
    pub against: Option<PathBuf>,
}
