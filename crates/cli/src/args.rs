//! What can be typed.

mod audit;
mod breakglass;
mod doctor;
mod emergency;
mod estate;
mod notices;
mod pages;
mod revision;
mod runbook;
mod runner;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use lineclear_core::posture::Posture;
use lineclear_core::run::Resolution;

pub use audit::{Audit, BacktestArgs, Drift};
pub use breakglass::{BreakGlass, GlassWish, Here, PrepareGlass, RunGlass};
pub use doctor::Doctor;
pub use emergency::{Declare as DeclareEmergency, Emergency};
pub use estate::{Check, Diff, Estate, WithSolver};
pub use notices::Notices;
pub use pages::{OnCall, Page, RoleCommand};
pub use revision::{Activate, ApproveRevision, ProposeEstate, RejectRevision, Revisions, ShowRevision, WithdrawRevision};
pub use runbook::{Chosen, Draft, Lint, Plan, Render, Runbook};
pub use runner::{ActOnRunner, Enrol, InviteRunner, Runner, ServeRunner};

/// Humans in the lead: the control plane between AI agents and production hosting.
///
/// Exit codes: 0 done · 1 error · 2 usage · 3 rejected, denied or refused · 4 lapsed · 5 still waiting · 6 proof invalid
#[derive(Debug, Parser)]
#[command(name = "lineclear", version, arg_required_else_help = true, max_term_width = 110)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Print one JSON document on standard output.
    #[arg(long, global = true)]
    pub json: bool,
    /// Log more to standard error; twice for everything.
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// Where a running Lineclear is, and who asks.
#[derive(Debug, Clone, ClapArgs)]
pub struct Remote {
    /// The installation's URL.
    #[arg(long, env = "LINECLEAR_URL", default_value = "http://127.0.0.1:7878")]
    pub url: String,
    /// A bearer token, made with `lineclear token create`.
    #[arg(long, env = "LINECLEAR_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
}

/// Everything that can be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Play the demo: a simulated hosting estate, a scripted agent, and you.
    Demo(Demo),
    /// Run an installation.
    Serve(Serve),
    /// Make the keys of an installation and a runner.toml to start from.
    Init(Init),
    /// Tokens for agents and for operators' command lines.
    #[command(subcommand)]
    Token(Token),
    /// Print a link that signs an operator in once, at a running installation.
    SignIn(SignIn),
    /// Propose a change.
    Propose(Propose),
    /// Ask what gate 1 and policy would say of a proposal; nothing is recorded.
    #[command(alias = "check")]
    Why(Propose),
    /// List changes, newest first.
    List(List),
    /// Show a change: what is asked, on what evidence, what has happened.
    Show(Show),
    /// Answer why: one change on one screen, with policy, facts, people, result and ledger entries.
    Explain(Show),
    /// Print the decision record of a change.
    Record(Show),
    /// Approve a change with your own signature.
    Approve(Approve),
    /// Reject a change, with a reason.
    Reject(Reject),
    /// Take a proposal back.
    Withdraw(Reasoned),
    /// Declare the outcome of a change, or overrule the machine's.
    Declare(Declare),
    /// Take back what a finished run did.
    TakeBack(Reasoned),
    /// Decide about a stuck run.
    Resolve(Resolve),
    /// Ask again, on fresh facts, what nobody answered in time.
    AskAgain(Show),
    /// List the actions of the catalogue.
    Actions(Remote),
    /// Incidents.
    #[command(subcommand)]
    Incident(Incident),
    /// Who is on call.
    OnCall(OnCall),
    /// Pages: who is looked for, and who has answered.
    #[command(subcommand)]
    Page(Page),
    /// Emergencies: declared, ended and reviewed by people.
    #[command(subcommand)]
    Emergency(Emergency),
    /// Act on a runner's host without the control plane, and tell it afterwards.
    #[command(subcommand, name = "breakglass")]
    BreakGlass(BreakGlass),
    /// The autonomy that remains.
    #[command(subcommand)]
    Posture(PostureCommand),
    /// What people are told outside the console: deliveries, dead letters, channels.
    #[command(subcommand)]
    Notices(Notices),
    /// The estate directory.
    #[command(subcommand)]
    Estate(Estate),
    /// Runbooks: their tests, and what they would do.
    #[command(subcommand)]
    Runbook(Runbook),
    /// Runners on other machines.
    #[command(subcommand)]
    Runner(Runner),
    /// The transparency log.
    #[command(subcommand)]
    Ledger(Ledger),
    /// What happened, asked again.
    #[command(subcommand)]
    Audit(Audit),
    /// Look at this machine: what it offers to runners, proofs and the store.
    Doctor(Doctor),
    /// Print completions for a shell.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
}

/// Arguments of `demo`.
#[derive(Debug, ClapArgs)]
pub struct Demo {
    /// Scripted operators answer; ends with the decision record and its proof.
    #[arg(long)]
    pub unattended: bool,
    /// The console's port; another free one when it is taken.
    #[arg(long, default_value_t = 7878)]
    pub port: u16,
    /// Keep the installation in this directory, which must be empty or not there.
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
}

/// Arguments of `serve`.
#[derive(Debug, ClapArgs)]
pub struct Serve {
    /// The data directory.
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// The estate directory that a new installation begins with; later versions come into force by `lineclear estate propose`.
    #[arg(long, value_name = "DIR")]
    pub estate: PathBuf,
    /// The solver that proposed versions of the estate are proved with.
    #[command(flatten)]
    pub solver: WithSolver,
    /// The runner's own file; `runner/runner.toml` of the data directory otherwise.
    #[arg(long, value_name = "FILE")]
    pub runner: Option<PathBuf>,
    /// Run no runner in this process: all of them are on other machines.
    #[arg(long, conflicts_with = "runner")]
    pub no_runner: bool,
    /// Where to listen; loopback only.
    #[arg(long, default_value = "127.0.0.1:7878")]
    pub listen: SocketAddr,
    /// The URL that people open, when a TLS proxy stands in front.
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,
}

/// Arguments of `init`.
#[derive(Debug, ClapArgs)]
pub struct Init {
    /// The data directory.
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// The estate directory.
    #[arg(long, value_name = "DIR")]
    pub estate: PathBuf,
}

/// Commands of `token`.
#[derive(Debug, Subcommand)]
pub enum Token {
    /// Make a token for an agent, an operator, or a sender of signals; it is printed once.
    Create {
        /// The login of the agent or operator; `webhook` for a sender of signals.
        login: String,
        /// The data directory.
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
        /// The estate directory.
        #[arg(long, value_name = "DIR")]
        estate: PathBuf,
        /// How many days it is good for, 1 to 366.
        #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=366))]
        days: u16,
    },
    /// Take back every token of an agent, an operator, or the senders of signals.
    Revoke {
        /// The login of the agent or operator; `webhook` for senders of signals.
        login: String,
        /// The data directory.
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
        /// The estate directory.
        #[arg(long, value_name = "DIR")]
        estate: PathBuf,
    },
}

/// Arguments of `sign-in`.
#[derive(Debug, ClapArgs)]
pub struct SignIn {
    /// The operator's login.
    pub login: String,
    /// The data directory of the running installation.
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// The URL that the link begins with.
    #[arg(long, env = "LINECLEAR_URL", default_value = "http://127.0.0.1:7878")]
    pub url: String,
}

/// Arguments of `propose` and `check`.
#[derive(Debug, ClapArgs)]
pub struct Propose {
    /// The action of the catalogue: `dns.update`.
    pub action: String,
    /// The target: `zone/example.test`.
    pub target: String,
    /// An input, as `name=value`; whole numbers stay numbers, and `name=[a,b]` is a list.
    #[arg(long = "input", short, value_name = "NAME=VALUE")]
    pub inputs: Vec<String>,
    /// Why.
    #[arg(long)]
    pub reason: String,
    /// How sure you are, in percent.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u8).range(0..=100))]
    pub confidence: u8,
    /// A fact of the estate's vocabulary that you rest on.
    #[arg(long = "fact", value_name = "NAME")]
    pub facts: Vec<String>,
    /// The incident it serves.
    #[arg(long)]
    pub incident: Option<String>,
    /// Makes repeating the command harmless.
    #[arg(long, value_name = "KEY")]
    pub idempotency_key: Option<String>,
    /// Where and who.
    #[command(flatten)]
    pub remote: Remote,
}

/// Arguments of `list`.
#[derive(Debug, ClapArgs)]
pub struct List {
    /// Only changes in this state: `awaiting_approval`, `blocked`, `escalated`, …
    #[arg(long)]
    pub state: Option<String>,
    /// At most this many.
    #[arg(long, default_value_t = 50)]
    pub limit: u32,
    /// Where and who.
    #[command(flatten)]
    pub remote: Remote,
}

/// A change.
#[derive(Debug, ClapArgs)]
pub struct Show {
    /// `change_…`
    pub change: String,
    /// Where and who.
    #[command(flatten)]
    pub remote: Remote,
}

/// Arguments of `approve`.
#[derive(Debug, ClapArgs)]
pub struct Approve {
    /// `change_…`
    pub change: String,
    /// Why, in your own words.
    #[arg(long, default_value = "")]
    pub reason: String,
    /// Sign with this OpenSSH private key; a public key asks your ssh-agent. Without it the vote has grade `session`.
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Do not ask; for scripts that have shown the change to a person already.
    #[arg(long)]
    pub yes: bool,
    /// Where and who.
    #[command(flatten)]
    pub remote: Remote,
}

/// Arguments of `reject`.
#[derive(Debug, ClapArgs)]
pub struct Reject {
    /// `change_…`
    pub change: String,
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

/// A change, and why.
#[derive(Debug, ClapArgs)]
pub struct Reasoned {
    /// `change_…`
    pub change: String,
    /// Why.
    #[arg(long)]
    pub reason: String,
    /// Where and who.
    #[command(flatten)]
    pub remote: Remote,
}

/// How a change ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Declared {
    /// It did what it was for.
    Success,
    /// It did not.
    Failure,
}

/// Arguments of `declare`.
#[derive(Debug, ClapArgs)]
pub struct Declare {
    /// `change_…`
    pub change: String,
    /// The outcome.
    pub outcome: Declared,
    /// Why.
    #[arg(long)]
    pub reason: String,
    /// Where and who.
    #[command(flatten)]
    pub remote: Remote,
}

/// Arguments of `resolve`.
#[derive(Debug, ClapArgs)]
pub struct Resolve {
    /// `change_…`
    pub change: String,
    /// What to do: retry, mark-applied, mark-not-applied, skip, continue, undo, abort or hand-over.
    #[arg(value_parser = resolution)]
    pub resolution: Resolution,
    /// Why.
    #[arg(long)]
    pub reason: String,
    /// What you saw; needed for `mark-applied`.
    #[arg(long)]
    pub evidence: Option<String>,
    /// Who takes it, as `operator_…`; needed for `hand-over`.
    #[arg(long, value_name = "OPERATOR")]
    pub to: Option<lineclear_core::OperatorId>,
    /// Where and who.
    #[command(flatten)]
    pub remote: Remote,
}

/// Commands of `incident`.
#[derive(Debug, Subcommand)]
pub enum Incident {
    /// List incidents, newest first.
    List(Remote),
    /// Show an incident.
    Show {
        /// `incident_…`
        incident: String,
        /// Where and who.
        #[command(flatten)]
        remote: Remote,
    },
    /// Take an incident.
    Ack {
        /// `incident_…`
        incident: String,
        /// Where and who.
        #[command(flatten)]
        remote: Remote,
    },
    /// Who commands, decides, speaks and writes.
    #[command(subcommand)]
    Role(RoleCommand),
    /// Close an incident.
    Close {
        /// `incident_…`
        incident: String,
        /// Why it is over.
        #[arg(long)]
        reason: String,
        /// Where and who.
        #[command(flatten)]
        remote: Remote,
    },
}

/// Commands of `posture`.
#[derive(Debug, Subcommand)]
pub enum PostureCommand {
    /// Show it.
    Show(Remote),
    /// Set it; anybody lowers it, only a person raises it.
    Set {
        /// `stopped`, `advise-only`, `routine-only` or `full`.
        #[arg(value_parser = posture)]
        posture: Posture,
        /// Why.
        #[arg(long)]
        reason: String,
        /// Where and who.
        #[command(flatten)]
        remote: Remote,
    },
}

/// Commands of `ledger`.
#[derive(Debug, Subcommand)]
pub enum Ledger {
    /// Verify an export, offline: no network and no configuration.
    Verify {
        /// The export's directory.
        directory: PathBuf,
        /// The log's verifier key, or a file of them, from somebody you trust; without one the export's own is believed.
        #[arg(long, value_name = "VKEY|FILE")]
        trust: Vec<String>,
        /// A checkpoint or ticket that somebody else kept; may be repeated.
        #[arg(long, value_name = "FILE")]
        kept: Vec<PathBuf>,
    },
    /// Copy the ledger of a data directory into an empty directory. The installation may be running.
    Export {
        /// The directory to write.
        directory: PathBuf,
        /// The data directory.
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
        /// The estate directory.
        #[arg(long, value_name = "DIR")]
        estate: PathBuf,
    },
    /// Print the newest checkpoint: keep it, and hand it to `verify` later.
    Head(Remote),
}

fn word<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_value(serde_json::Value::String(text.replace('-', "_"))).map_err(|error| error.to_string())
}

fn resolution(text: &str) -> Result<Resolution, String> {
    word(text)
}

fn posture(text: &str) -> Result<Posture, String> {
    serde_json::from_value(serde_json::Value::String(text.into())).map_err(|error| error.to_string())
}
