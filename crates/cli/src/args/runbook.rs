//! What can be typed after `lineclear runbook`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

use super::Remote;

/// Commands of `runbook`.
#[derive(Debug, Subcommand)]
pub enum Runbook {
    /// Play the tests of runbooks through the state machine that real runs go through, with fakes in place of tools.
    ///
    /// Ends with 3 when a test does not hold. docs/runbook-tests.md describes tests.
    Test(Chosen),
    /// Read runbooks strictly and say what looks careless, an undo that no test takes back among it.
    Lint(Lint),
    /// Ask a running installation what a runbook would do now. The live system is read, nothing is changed or recorded.
    Plan(Plan),
    /// Print a runbook as a page for people, in Markdown or HTML.
    Render(Render),
    /// Print the JSON Schema of runbooks, for editors.
    Schema,
    /// Offer, read, take up or decline drafted runbooks of a running installation. Nothing runs a draft.
    #[command(subcommand)]
    Draft(Draft),
}

/// Commands of `runbook draft`.
#[derive(Debug, Subcommand)]
pub enum Draft {
    /// Offer a file with its tests to people; it is read, linted and rehearsed first.
    Offer {
        /// The file.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// What it is for.
        #[arg(long)]
        note: String,
        /// Where and who.
        #[command(flatten)]
        remote: Remote,
    },
    /// List drafts, newest first.
    List(Remote),
    /// Show a draft with what was found out about it.
    Show {
        /// Which.
        draft: String,
        /// Where and who.
        #[command(flatten)]
        remote: Remote,
    },
    /// Propose a version of the estate that holds it; examined, reviewed and approved like every other one.
    TakeUp {
        /// Which.
        draft: String,
        /// Where and who.
        #[command(flatten)]
        remote: Remote,
    },
    /// Decline it.
    Decline {
        /// Which.
        draft: String,
        /// Why; it is recorded.
        #[arg(long)]
        reason: String,
        /// Where and who.
        #[command(flatten)]
        remote: Remote,
    },
}

/// Some runbooks.
#[derive(Debug, ClapArgs)]
pub struct Chosen {
    /// Names of runbooks of the estate, or files that end in `.yaml`; every runbook of the estate when none is given.
    #[arg(value_name = "FILE|NAME")]
    pub runbooks: Vec<String>,
    /// The estate directory; files alone need none.
    #[arg(long, value_name = "DIR")]
    pub estate: Option<PathBuf>,
}

/// Arguments of `runbook lint`.
#[derive(Debug, ClapArgs)]
pub struct Lint {
    /// Which runbooks.
    #[command(flatten)]
    pub chosen: Chosen,
    /// End with 3 when anything looks careless.
    #[arg(long)]
    pub strict: bool,
}

/// Arguments of `runbook render`.
#[derive(Debug, ClapArgs)]
pub struct Render {
    /// The name of a runbook of the estate, or a file that ends in `.yaml`.
    #[arg(value_name = "FILE|NAME")]
    pub runbook: String,
    /// The estate directory; a file alone needs none.
    #[arg(long, value_name = "DIR")]
    pub estate: Option<PathBuf>,
    /// Write HTML that loads nothing, instead of Markdown.
    #[arg(long)]
    pub html: bool,
}

/// Arguments of `runbook plan`.
#[derive(Debug, ClapArgs)]
pub struct Plan {
    /// The runbook's name in the installation's estate.
    pub runbook: String,
    /// What it would act on: `zone/example.test`.
    #[arg(long)]
    pub target: String,
    /// An input, as `name=value`; whole numbers stay numbers, and `name=[a,b]` is a list.
    #[arg(long = "input", short, value_name = "NAME=VALUE")]
    pub inputs: Vec<String>,
    /// The action that it would carry out, where several share the runbook.
    #[arg(long)]
    pub action: Option<String>,
    /// Where and who.
    #[command(flatten)]
    pub remote: Remote,
}
