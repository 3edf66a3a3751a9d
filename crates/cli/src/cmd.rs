//! What each command does.

mod ask;
mod audit;
mod breakglass;
mod change;
mod doctor;
mod emergency;
pub(crate) mod estate;
mod incident;
mod invite;
mod ledger;
mod notices;
mod pages;
mod posture;
mod propose;
mod revision;
mod runbook;
mod runner;
mod serve;
mod sign;
mod token;

use std::process::ExitCode;

use clap::CommandFactory as _;

use crate::args::{Args, Command};
use crate::demo::{self, Play};
use crate::exit::Failure;

/// Runs a command.
///
/// # Errors
/// Why it failed, with an exit code and what to do next.
pub async fn run(args: &Args) -> Result<ExitCode, Failure> {
    let json = args.json;
    match &args.command {
        Command::Demo(demo) => {
            let play = Play { unattended: demo.unattended, json, port: demo.port, keep: demo.keep.clone() };
            demo::play(play).await.map_err(|error| Failure::new(error.to_string()))
        }
        Command::Serve(serve) => serve::serve(serve).await,
        Command::Init(init) => serve::init(init),
        Command::Token(token) => token::run(token, json),
        Command::SignIn(sign_in) => invite::sign_in(sign_in, json),
        Command::Propose(propose) => propose::propose(propose, json).await,
        Command::Why(propose) => propose::check(propose, json).await,
        Command::List(list) => change::list(list, json).await,
        Command::Show(show) => change::show(show, json).await,
        Command::Explain(show) => change::explain(show, json).await,
        Command::Record(show) => change::record(show).await,
        Command::Approve(approve) => sign::approve(approve, json).await,
        Command::Reject(reject) => sign::reject(reject, json).await,
        Command::Withdraw(reasoned) => change::withdraw(reasoned, json).await,
        Command::Declare(declare) => change::declare(declare, json).await,
        Command::TakeBack(reasoned) => change::take_back(reasoned, json).await,
        Command::Resolve(resolve) => change::resolve(resolve, json).await,
        Command::AskAgain(show) => pages::ask_again(show, json).await,
        Command::OnCall(on_call) => pages::on_call(on_call, json).await,
        Command::Page(page) => pages::run(page, json).await,
        Command::Actions(remote) => ask::actions(remote, json).await,
        Command::Incident(incident) => incident::run(incident, json).await,
        Command::Emergency(command) => emergency::run(command, json).await,
        Command::BreakGlass(command) => breakglass::run(command, json).await,
        Command::Posture(posture) => posture::run(posture, json).await,
        Command::Notices(command) => notices::run(command, json).await,
        Command::Estate(estate) => estate::run(estate, json).await,
        Command::Runbook(command) => runbook::run(command, json).await,
        Command::Runner(command) => runner::run(command, json).await,
        Command::Ledger(ledger) => ledger::run(ledger, json).await,
        Command::Audit(command) => audit::run(command, json),
        Command::Doctor(doctor) => doctor::run(doctor, json).await,
        Command::Completions { shell } => {
            clap_complete::generate(*shell, &mut Args::command(), "lineclear", &mut std::io::stdout());
            Ok(ExitCode::SUCCESS)
        }
    }
}
