//! What can be typed after `lineclear runner`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};
use lineclear_core::label::Labels;
use lineclear_core::name::RunnerName;

use super::Remote;

/// Commands of `runner`.
#[derive(Debug, Subcommand)]
pub enum Runner {
    /// Make a token that lets one runner in, once, within an hour; it is printed once.
    Invite(InviteRunner),
    /// On the runner's host: make its key, and show its token.
    Enrol(Enrol),
    /// On the runner's host: ask for work and do it, until it is told to stop. SIGTERM drains it; a second one ends it at once.
    Serve(ServeRunner),
    /// List runners: who is connected, what they carry and hold.
    List(Remote),
    /// Give a runner no more warrants; it finishes what it has.
    Drain(ActOnRunner),
    /// Give a runner warrants again.
    Resume(ActOnRunner),
    /// Make a runner's key, or its token, count for nothing.
    Revoke(ActOnRunner),
}

/// Arguments of `runner invite`.
#[derive(Debug, ClapArgs)]
pub struct InviteRunner {
    /// What people call it: `ber-1`.
    pub name: RunnerName,
    /// Where it stands: `site=ber,zone=b`.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "KEY=VALUE,…")]
    pub labels: Labels,
    /// Where and who.
    #[command(flatten)]
    pub remote: Remote,
}

/// Arguments of `runner enrol`.
#[derive(Debug, ClapArgs)]
pub struct Enrol {
    /// The control plane's URL.
    #[arg(long, env = "LINECLEAR_URL")]
    pub url: String,
    /// The token that `lineclear runner invite` printed.
    #[arg(long, env = "LINECLEAR_RUNNER_TOKEN", hide_env_values = true)]
    pub token: String,
    /// The runner's own directory.
    #[arg(long, value_name = "DIR", default_value = "runner")]
    pub dir: PathBuf,
}

/// Arguments of `runner serve`.
#[derive(Debug, ClapArgs)]
pub struct ServeRunner {
    /// The directory that `lineclear runner enrol` made.
    #[arg(long, value_name = "DIR", default_value = "runner")]
    pub dir: PathBuf,
    /// The runner's own file; `runner.toml` of its directory otherwise.
    #[arg(long, value_name = "FILE")]
    pub runner: Option<PathBuf>,
}

/// Arguments of `runner drain`, `resume` and `revoke`.
#[derive(Debug, ClapArgs)]
pub struct ActOnRunner {
    /// Its name, or `runner_…`
    pub runner: String,
    /// Why; it is recorded.
    #[arg(long)]
    pub reason: String,
    /// Where and who.
    #[command(flatten)]
    pub remote: Remote,
}
