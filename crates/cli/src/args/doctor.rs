//! What can be typed after `lineclear doctor`.

use std::path::PathBuf;

use clap::Args as ClapArgs;

use super::WithSolver;

/// Look at this machine.
#[derive(Debug, ClapArgs)]
pub struct Doctor {
    /// A data directory: is it private, is its disk fit for it, is it in use?
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// A runner's own file; `runner/runner.toml` of the data directory otherwise.
    #[arg(long, value_name = "FILE")]
    pub runner: Option<PathBuf>,
    /// Which solver.
    #[command(flatten)]
    pub solver: WithSolver,
}
