//! The one binary.

mod args;
mod client;
mod cmd;
mod demo;
mod exit;
mod export;
mod house;
mod keys;
mod link;
mod render;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let args = args::Args::parse();
    render::log_to_stderr(args.verbose);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return render::failed(&exit::Failure::new(error.to_string()), args.json),
    };
    match runtime.block_on(cmd::run(&args)) {
        Ok(code) => code,
        Err(failure) => render::failed(&failure, args.json),
    }
}
