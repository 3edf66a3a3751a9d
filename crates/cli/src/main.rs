//! The one binary.

mod args;
mod client;
mod cmd;
mod demo;
mod examiner;
mod exit;
mod export;
mod house;
mod keys;
mod link;
mod post;
mod render;
mod secrets;
mod shelf;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    // A runner starts this program again to become another one: while there is one thread, and before anything else.
    let mut words = std::env::args_os().skip(1);
    if words.next().is_some_and(|word| word == lineclear_runner::LAUNCH) {
        return lineclear_runner::launch(words);
    }
    let args = args::Args::parse();
    render::log_to_stderr(args.verbose, matches!(args.command, args::Command::Demo(_)));
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return render::failed(&exit::Failure::new(error.to_string()), args.json),
    };
    match runtime.block_on(cmd::run(&args)) {
        Ok(code) => code,
        Err(failure) => render::failed(&failure, args.json),
    }
}
