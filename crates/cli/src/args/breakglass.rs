//! Arguments of `breakglass`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use lineclear_core::topology::EntityRef;
use lineclear_core::{OperatorId, name::ActionName};

use super::Remote;

/// Commands of `breakglass`.
#[derive(Debug, Subcommand)]
pub enum BreakGlass {
    /// Run a pinned runbook on this runner's host, under your signature, while the control plane does not answer.
    Run(Box<RunGlass>),
    /// Write the statement that `run` would ask you to sign, to be signed elsewhere:
    /// `ssh-keygen -Y sign -n break-glass@lineclear -f KEY FILE`.
    Prepare(Box<PrepareGlass>),
    /// List what was done here without the control plane, and whether it was told.
    List(Here),
    /// Tell the control plane what was done without it: each journal once, and a review is open.
    Reconcile {
        /// The runner.
        #[command(flatten)]
        here: Here,
        /// Where and who.
        #[command(flatten)]
        remote: Remote,
    },
    /// Print the lines of runner.toml that pin a runbook by its exact text.
    Pin {
        /// The runbook's file.
        runbook: PathBuf,
        /// The action of the allow list under which it runs.
        #[arg(long)]
        action: ActionName,
    },
}

/// A runner of this host.
#[derive(Debug, Clone, Args)]
pub struct Here {
    /// The runner's own file. Its journal is `journal.db` beside it.
    #[arg(long, value_name = "FILE", default_value = "runner.toml")]
    pub runner: PathBuf,
    /// The runner's journal, where it is elsewhere.
    #[arg(long, value_name = "FILE")]
    pub journal: Option<PathBuf>,
}

/// What is to be done.
#[derive(Debug, Args)]
pub struct GlassWish {
    /// The runner.
    #[command(flatten)]
    pub here: Here,
    /// The runbook's file; its digest must be pinned in the runner's file.
    #[arg(long, value_name = "FILE")]
    pub runbook: PathBuf,
    /// On what, as `host/web-1`.
    #[arg(long)]
    pub target: EntityRef,
    /// An input, as `name=value`; whole numbers stay numbers.
    #[arg(long = "input", short, value_name = "NAME=VALUE")]
    pub inputs: Vec<String>,
    /// Who you are, as the runner's file names you.
    #[arg(long, value_name = "OPERATOR")]
    pub person: OperatorId,
    /// Why, in 10 to 2,000 characters; it is signed and recorded.
    #[arg(long, default_value = "")]
    pub justification: String,
    /// For how many minutes the statement is good.
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u64).range(1..=480))]
    pub minutes: u64,
    /// The control plane answers, and is not to be believed: why.
    #[arg(long, value_name = "REASON")]
    pub plane_is_wrong: Option<String>,
}

/// Arguments of `breakglass prepare`.
#[derive(Debug, Args)]
pub struct PrepareGlass {
    /// What is to be done.
    #[command(flatten)]
    pub wish: GlassWish,
    /// Where to write the statement.
    #[arg(long, value_name = "FILE")]
    pub to: PathBuf,
}

/// Arguments of `breakglass run`.
#[derive(Debug, Args)]
pub struct RunGlass {
    /// What is to be done.
    #[command(flatten)]
    pub wish: GlassWish,
    /// Sign with this OpenSSH private key; a public key asks your ssh-agent.
    #[arg(long, value_name = "FILE", required_unless_present = "statement")]
    pub key: Option<PathBuf>,
    /// A statement that `prepare` wrote.
    #[arg(long, value_name = "FILE", requires = "signature", conflicts_with = "key")]
    pub statement: Option<PathBuf>,
    /// Its signature.
    #[arg(long, value_name = "FILE")]
    pub signature: Option<PathBuf>,
    /// Do not ask.
    #[arg(long)]
    pub yes: bool,
}
