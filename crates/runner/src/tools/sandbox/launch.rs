//! The launcher: one thread, no runtime, no allocation tricks. It restricts itself, says in one line what holds, and becomes the
//! program.

use std::ffi::OsString;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::{FILE_MAX, FILES_MAX, Level, Order, SAYS, Said};

/// Nothing was started, as `env` and `timeout` say it.
const NOT_STARTED: u8 = 125;
/// The program exists but did not become this process, as shells say it.
const NOT_EXECUTED: u8 = 126;

/// Becomes the program that stands in `args` after the order; without a program only the level is said. Call it first thing in
/// `main`, while there is one thread.
///
/// Returns only when nothing was started.
pub fn launch(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut args = args.into_iter();
    let order = args.next().and_then(|text| text.into_string().ok()).and_then(|text| serde_json::from_str::<Order>(&text).ok());
    let Some(order) = order else { return say(&Said::Refused("this is started by the runner, not by hand".into()), NOT_STARTED) };
    let program = args.next().map(PathBuf::from);
    if let Some(program) = &program
        && let Err(why) = startable(program)
    {
        return say(&Said::Refused(why), NOT_STARTED);
    }
    let level = match restrict(&order) {
        Ok(level) if level.covers(order.least) => level,
        Ok(level) => {
            let why = format!("less than was found at start: {level}, not {}", order.least);
            return say(&Said::Refused(why), NOT_STARTED);
        }
        Err(why) => return say(&Said::Refused(why), NOT_STARTED),
    };
    let code = say(&Said::Level(level), 0);
    let Some(program) = program else { return code };
    let error = Command::new(program).args(args).exec();
    // Standard error is all there is to say it with.
    let _ = writeln!(std::io::stderr(), "the program did not start: {error}");
    ExitCode::from(NOT_EXECUTED)
}

fn startable(program: &Path) -> Result<(), String> {
    let found = std::fs::metadata(program).map_err(|error| format!("`{}` cannot be started: {error}", program.display()))?;
    let good = found.is_file() && found.permissions().mode() & 0o111 != 0;
    if good { Ok(()) } else { Err(format!("`{}` is no program", program.display())) }
}

fn restrict(order: &Order) -> Result<Level, String> {
    let cgroup = match &order.cgroup {
        // Zero is whoever writes it.
        Some(path) => std::fs::write(path.join("cgroup.procs"), "0").is_ok(),
        None => false,
    };
    // Whoever started the runner may have bounded it more.
    let bound = |resource, most: u64| {
        let most = getrlimit(resource).maximum.map_or(most, |held| held.min(most));
        setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })
    };
    let limits = [(Resource::Core, 0), (Resource::Nofile, FILES_MAX), (Resource::Fsize, FILE_MAX)];
    let limits = limits.into_iter().all(|(resource, most)| bound(resource, most).is_ok()) && rustix::thread::set_no_new_privs(true).is_ok();
    let landlock = super::land::restrict(&order.read, &order.write, &order.connect)?;
    let filters = super::denied::filters(!order.connect.is_empty(), order.local_sockets);
    let seccomp = filters.is_ok_and(|filters| filters.iter().all(|filter| seccompiler::apply_filter(filter).is_ok()));
    Ok(Level { limits, landlock, seccomp, cgroup })
}

fn say(said: &Said, code: u8) -> ExitCode {
    let line = serde_json::to_string(said).unwrap_or_default();
    // When nobody listens any more there is nothing to start a program for.
    match std::io::stderr().write_all(format!("{SAYS}{line}\n").as_bytes()) {
        Ok(()) => ExitCode::from(code),
        Err(_) => ExitCode::from(NOT_STARTED),
    }
}
