//! What can be typed about pages, roles, and who is on call.

use clap::{Args as ClapArgs, Subcommand};
use lineclear_core::Timestamp;
use lineclear_core::incident::Role;
use lineclear_core::name::{Login, RotationName};

use super::Remote;

/// Arguments of `on-call`.
#[derive(Debug, ClapArgs)]
pub struct OnCall {
    /// At this moment (RFC 3339) instead of now.
    #[arg(long, value_name = "TIME")]
    pub at: Option<Timestamp>,
    /// Print this rotation as a calendar (iCalendar) instead.
    #[arg(long, value_name = "ROTATION", conflicts_with = "at")]
    pub ics: Option<RotationName>,
    /// Where and who.
    #[command(flatten)]
    pub remote: Remote,
}

/// Commands of `page`.
#[derive(Debug, Subcommand)]
pub enum Page {
    /// List pages that are not over, newest first.
    List {
        /// Those that are over, too.
        #[arg(long)]
        all: bool,
        /// Where and who.
        #[command(flatten)]
        remote: Remote,
    },
    /// Show a page: who is asked, who has answered, what happened.
    Show {
        /// `page_…`, or the incident or request that it is about.
        page: String,
        /// Where and who.
        #[command(flatten)]
        remote: Remote,
    },
    /// Answer a page: you see to it now.
    Ack {
        /// `page_…`, or the incident or request that it is about.
        page: String,
        /// Where and who.
        #[command(flatten)]
        remote: Remote,
    },
    /// Hand a page to somebody, who is told and has to answer.
    HandOver {
        /// `page_…`, or the incident or request that it is about.
        page: String,
        /// Their login.
        #[arg(long)]
        to: Login,
        /// Why.
        #[arg(long)]
        reason: String,
        /// Where and who.
        #[command(flatten)]
        remote: Remote,
    },
}

/// Commands of `incident role`.
#[derive(Debug, Subcommand)]
pub enum RoleCommand {
    /// Take a role; from whoever holds it only with a reason.
    Take {
        /// `incident_…`
        incident: String,
        /// `commander`, `decision-owner`, `communications` or `scribe`.
        #[arg(value_parser = role)]
        role: Role,
        /// Why you take it from somebody.
        #[arg(long, default_value = "")]
        reason: String,
        /// Where and who.
        #[command(flatten)]
        remote: Remote,
    },
    /// Hand a role to somebody else.
    HandOver {
        /// `incident_…`
        incident: String,
        /// `commander`, `decision-owner`, `communications` or `scribe`.
        #[arg(value_parser = role)]
        role: Role,
        /// Their login.
        #[arg(long)]
        to: Login,
        /// Where and who.
        #[command(flatten)]
        remote: Remote,
    },
    /// Leave a role, so that nobody holds it.
    Leave {
        /// `incident_…`
        incident: String,
        /// `commander`, `decision-owner`, `communications` or `scribe`.
        #[arg(value_parser = role)]
        role: Role,
        /// Where and who.
        #[command(flatten)]
        remote: Remote,
    },
}

fn role(text: &str) -> Result<Role, String> {
    super::word(text)
}
