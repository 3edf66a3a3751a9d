//! What can be typed after `lineclear estate`.

use std::path::PathBuf;

use clap::Subcommand;

/// Commands of `estate`.
#[derive(Debug, Subcommand)]
pub enum Estate {
    /// Lint an estate directory, validate its policies and tell its stories.
    Check {
        /// The directory.
        directory: PathBuf,
    },
}
