//! What can be typed after `lineclear estate`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

use super::audit::BacktestArgs;
use super::revision::{Activate, ApproveRevision, ProposeEstate, RejectRevision, Revisions, ShowRevision, WithdrawRevision};

/// Commands of `estate`.
#[derive(Debug, Subcommand)]
pub enum Estate {
    /// Lint an estate directory, validate its policies, tell its stories, play the tests of its runbooks and prove its laws.
    ///
    /// Proofs need an SMT solver: scripts/solver.sh installs it. Without one everything else is checked, and this is said.
    Check(Check),
    /// Say what a new estate permits that the old one did not, and what it refuses.
    ///
    /// Every kind of request that opens or closes is told with one example. Ends with 3 when anything opens.
    Diff(Diff),
    /// Print the JSON Schemas of an estate's files, or that of one kind, for editors.
    Schema {
        /// Which kind: `actions`, `catalog`, `runbook`, …
        kind: Option<String>,
    },
    /// Ask an estate about past incidents: what would have run alone and hurt, and what people waited for.
    Backtest(BacktestArgs),
    /// Propose a directory as the estate of a running installation. People only.
    ///
    /// Every file is sent; the installation examines it against the estate in force and asks the people whom that one names.
    /// Ends with 3 when it cannot come into force, and with 5 when people are asked.
    Propose(ProposeEstate),
    /// List proposed versions of the estate, newest first.
    Revisions(Revisions),
    /// Show a proposed version: what it opens and closes, what else moves, what is proved.
    Show(ShowRevision),
    /// Approve a proposed version with your own signature.
    Approve(ApproveRevision),
    /// Reject a proposed version, with a reason.
    Reject(RejectRevision),
    /// Bring a version that enough people approved into force.
    Activate(Activate),
    /// Take a proposed version back.
    Withdraw(WithdrawRevision),
}

/// An SMT solver for proofs.
#[derive(Debug, Clone, ClapArgs)]
pub struct WithSolver {
    /// The solver, cvc5 1.3.1; else the one that scripts/solver.sh installed beside this program's source.
    #[arg(long, env = "LINECLEAR_CVC5", value_name = "PROGRAM")]
    pub solver: Option<PathBuf>,
}

/// Check an estate.
#[derive(Debug, ClapArgs)]
pub struct Check {
    /// The directory.
    pub directory: PathBuf,
    /// Do not prove anything.
    #[arg(long, conflicts_with_all = ["smt", "matrix"])]
    pub no_proofs: bool,
    /// Write every question to the solver as SMT-LIB into this directory, for a solver of your own.
    #[arg(long, value_name = "DIRECTORY")]
    pub smt: Option<PathBuf>,
    /// Print the authority matrix: what each rung permits of each action, never, sometimes or always.
    #[arg(long)]
    pub matrix: bool,
    /// Which solver.
    #[command(flatten)]
    pub solver: WithSolver,
}

/// Compare two estates.
#[derive(Debug, ClapArgs)]
pub struct Diff {
    /// The directory as it is in force.
    pub old: PathBuf,
    /// The directory that is to replace it.
    pub new: PathBuf,
    /// Which solver.
    #[command(flatten)]
    pub solver: WithSolver,
}
