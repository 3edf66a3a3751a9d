//! What is printed: data to standard output, talk to standard error.

use std::io::Write as _;
use std::process::ExitCode;

use anstream::{AutoStream, ColorChoice};
use serde_json::{Value, json};

use crate::exit::Failure;

/// Sends logs to standard error. Unless more is asked for, a `story` is told without them: it says in its own words what goes on.
pub fn log_to_stderr(verbose: u8, story: bool) {
    let (rest, level) = match verbose {
        0 if story => ("error", "error"),
        0 => ("warn", "warn"),
        1 => ("warn", "info"),
        _ => ("warn", "debug"),
    };
    // A second subscriber in one process is no reason to stop.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(format!("{rest},lineclear={level}")))
        .with_writer(std::io::stderr)
        .try_init();
}

/// Prints a line of data.
pub fn line(text: &str) {
    // A reader that went away is no reason to stop.
    let _ = writeln!(AutoStream::new(std::io::stdout(), ColorChoice::Auto), "{text}");
}

/// Says something to the person at the terminal.
pub fn say(text: &str) {
    // A reader that went away is no reason to stop.
    let _ = writeln!(AutoStream::new(std::io::stderr(), ColorChoice::Auto), "{text}");
}

/// Prints one JSON document.
pub fn document(value: &Value) {
    line(&serde_json::to_string_pretty(value).unwrap_or_default());
}

/// Says why a command failed, and what to do next.
pub fn failed(failure: &Failure, as_json: bool) -> ExitCode {
    if as_json {
        let error = json!({"code": failure.code, "message": failure.message, "help": failure.help});
        document(&json!({"version": 1, "error": error}));
    }
    say(&format!("\x1b[31merror\x1b[0m {}", failure.message));
    if let Some(help) = &failure.help {
        say(&format!("help  {help}"));
    }
    failure.exit.into()
}
