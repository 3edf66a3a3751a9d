//! What can be typed after `lineclear estate` about versions of the estate at a running installation.

use std::path::PathBuf;

use clap::Args as ClapArgs;

use super::Remote;

/// Propose a directory as the estate.
#[derive(Debug, ClapArgs)]
pub struct ProposeEstate {
    /// The directory; every file in it is sent.
    pub directory: PathBuf,
    /// What it is for; people read it beside the report.
    #[arg(long, default_value = "")]
    pub note: String,
    /// Where and who.
    #[command(flatten)]
    pub remote: Remote,
}

/// List proposed versions.
#[derive(Debug, ClapArgs)]
pub struct Revisions {
    /// At most this many.
    #[arg(long, default_value_t = 20)]
    pub limit: u32,
    /// Where and who.
    #[command(flatten)]
    pub remote: Remote,
}

/// Show a proposed version.
#[derive(Debug, ClapArgs)]
pub struct ShowRevision {
    /// `revision_…`
    pub revision: String,
    /// Print how its files differ, too.
    #[arg(long)]
    pub diff: bool,
    /// Where and who.
    #[command(flatten)]
    pub remote: Remote,
}

/// Approve a proposed version.
#[derive(Debug, ClapArgs)]
pub struct ApproveRevision {
    /// `revision_…`
    pub revision: String,
    /// Why, in your own words.
    #[arg(long, default_value = "")]
    pub reason: String,
    /// Sign with this OpenSSH private key; a public key asks your ssh-agent.
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Do not ask; for scripts that have shown the report to a person already.
    #[arg(long)]
    pub yes: bool,
    /// Where and who.
    #[command(flatten)]
    pub remote: Remote,
}

/// Reject a proposed version.
#[derive(Debug, ClapArgs)]
pub struct RejectRevision {
    /// `revision_…`
    pub revision: String,
    /// Why.
    #[arg(long)]
    pub reason: String,
    /// Sign with this OpenSSH private key.
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Where and who.
    #[command(flatten)]
    pub remote: Remote,
}

/// Bring a granted version into force.
#[derive(Debug, ClapArgs)]
pub struct Activate {
    /// `revision_…`
    pub revision: String,
    /// Where and who.
    #[command(flatten)]
    pub remote: Remote,
}

/// Take a proposed version back.
#[derive(Debug, ClapArgs)]
pub struct WithdrawRevision {
    /// `revision_…`
    pub revision: String,
    /// Why.
    #[arg(long)]
    pub reason: String,
    /// Where and who.
    #[command(flatten)]
    pub remote: Remote,
}
