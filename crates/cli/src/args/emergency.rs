//! Arguments of `emergency`.

use clap::{Args, Subcommand};

use super::Remote;

/// Commands of `emergency`.
#[derive(Debug, Subcommand)]
pub enum Emergency {
    /// Declare one: what the policies relax in an emergency is relaxed until it ends, and a review is open.
    Declare(Declare),
    /// End one before its time; its review stays open.
    End {
        /// `emergency_…`
        emergency: String,
        /// Why it is over.
        #[arg(long)]
        reason: String,
        /// Where and who.
        #[command(flatten)]
        remote: Remote,
    },
    /// List emergencies and broken glasses, newest first.
    List {
        /// Only those in force or without a review.
        #[arg(long)]
        open: bool,
        /// Where and who.
        #[command(flatten)]
        remote: Remote,
    },
    /// Show one: who, why, what was done under it, how its review stands.
    Show {
        /// `emergency_…`
        emergency: String,
        /// Where and who.
        #[command(flatten)]
        remote: Remote,
    },
    /// Close the review of one that is over, with what you found; never who began it.
    Review {
        /// `emergency_…`
        emergency: String,
        /// What you found.
        #[arg(long)]
        findings: String,
        /// Where and who.
        #[command(flatten)]
        remote: Remote,
    },
}

/// Arguments of `emergency declare`.
#[derive(Debug, Args)]
pub struct Declare {
    /// Why there is one, in 10 to 2,000 characters.
    #[arg(long)]
    pub justification: String,
    /// A service that it covers, as `service/shop`; may be repeated.
    #[arg(long = "service", value_name = "SERVICE", required_unless_present = "estate", conflicts_with = "estate")]
    pub services: Vec<String>,
    /// It covers the whole estate.
    #[arg(long)]
    pub estate: bool,
    /// For how many minutes.
    #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(u64).range(1..=1440))]
    pub minutes: u64,
    /// The incident that it is about.
    #[arg(long)]
    pub incident: Option<String>,
    /// Where and who.
    #[command(flatten)]
    pub remote: Remote,
}
