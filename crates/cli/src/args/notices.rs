//! Arguments of `notices`.

use clap::Subcommand;

use super::Remote;

/// What people are told outside the console.
#[derive(Debug, Subcommand)]
pub enum Notices {
    /// List deliveries, newest first: what is on its way, what arrived, what cannot.
    List {
        /// Only dead letters: what cannot arrive.
        #[arg(long)]
        dead: bool,
        /// Where to ask.
        #[command(flatten)]
        remote: Remote,
    },
    /// Show a delivery with every try.
    Show {
        /// The delivery.
        delivery: String,
        /// Where to ask.
        #[command(flatten)]
        remote: Remote,
    },
    /// Set a dead letter going again.
    Retry {
        /// The delivery.
        delivery: String,
        /// Where to ask.
        #[command(flatten)]
        remote: Remote,
    },
    /// Say that a notice need not arrive.
    Dismiss {
        /// The delivery.
        delivery: String,
        /// Why; it is recorded.
        #[arg(long)]
        reason: String,
        /// Where to ask.
        #[command(flatten)]
        remote: Remote,
    },
    /// List the channels of the estate in force.
    Channels(Remote),
    /// Send a test through a channel: to you, or to its room where you have no place of your own.
    Test {
        /// The channel.
        channel: String,
        /// Where to ask.
        #[command(flatten)]
        remote: Remote,
    },
}
