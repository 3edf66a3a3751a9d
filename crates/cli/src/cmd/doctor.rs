//! `doctor`: what this machine offers to Lineclear, each point tried and not assumed. Changes nothing that stays.

use std::fs::{File, TryLockError};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use lineclear_core::Timestamp;
use lineclear_engine::{Clock as _, SystemClock};
use lineclear_ledger::LogKey;
use lineclear_prove::SOLVER_VERSION;
use lineclear_runner::{Config, Level, Sandbox};
use lineclear_store::Sqlite;
use serde::Serialize;
use serde_json::json;

use crate::args::Doctor;
use crate::exit::{Exit, Failure};
use crate::house::Place;
use crate::render;

/// Files of services that set the clock; each is there while the clock is set by it.
const CLOCK_KEEPERS: [(&str, &str); 4] = [
    ("/run/systemd/timesync/synchronized", "systemd-timesyncd"),
    ("/run/chrony/chronyd.pid", "chrony"),
    ("/run/ntpd.pid", "ntpd"),
    ("/run/openntpd.pid", "openntpd"),
];

/// How a point stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Standing {
    /// As it should be.
    Good,
    /// It works, and something is missing that is worth having.
    Partly,
    /// Lineclear will not work like this.
    Bad,
}

/// One point.
#[derive(Debug, Serialize)]
struct Point {
    name: &'static str,
    standing: Standing,
    says: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'static str>,
}

impl Point {
    fn new(name: &'static str, standing: Standing, says: impl Into<String>) -> Self {
        Self { name, standing, says: says.into(), help: None }
    }

    fn help(self, help: &'static str) -> Self {
        Self { help: Some(help), ..self }
    }
}

/// Looks at everything, and says how it stands; ends with 1 when a point is bad.
///
/// # Errors
/// Never: what cannot be looked at is a point of its own.
pub async fn run(args: &Doctor, as_json: bool) -> Result<ExitCode, Failure> {
    let offered = lineclear_runner::offered();
    let level = *offered.as_ref().unwrap_or(&Level::NONE);
    let mut points = vec![sandbox(&offered), solver(args).await, clock(args.data.as_deref())];
    if let Some(data) = &args.data {
        points.push(private(data));
        points.push(database(data));
    }
    points.push(store(args.data.as_deref()));
    let beside = args.data.as_ref().map(|data| Place { data: data.clone() }.runner().join("runner.toml"));
    if let Some(file) = args.runner.clone().or(beside) {
        points.push(runner(&file, level));
    }
    let bad = points.iter().any(|point| point.standing == Standing::Bad);
    if as_json {
        let sandbox = json!({"limits": level.limits, "landlock": level.landlock, "seccomp": level.seccomp, "cgroup": level.cgroup, "whole": level.whole()});
        render::document(&json!({"version": 1, "program": env!("CARGO_PKG_VERSION"), "sandbox": sandbox, "points": points}));
    } else {
        points.iter().for_each(print);
    }
    Ok(if bad { Exit::Error.into() } else { ExitCode::SUCCESS })
}

fn print(point: &Point) {
    let (word, colour) = match point.standing {
        Standing::Good => ("good  ", "32"),
        Standing::Partly => ("partly", "33"),
        Standing::Bad => ("BAD   ", "31"),
    };
    render::line(&format!("\x1b[{colour}m{word}\x1b[0m  {:<8}  {}", point.name, point.says));
    if let Some(help) = point.help.filter(|_| point.standing != Standing::Good) {
        render::line(&format!("{:18}{help}", ""));
    }
}

fn sandbox(offered: &Result<Level, String>) -> Point {
    match offered {
        Ok(level) if level.whole() => Point::new("sandbox", Standing::Good, format!("programs get all of it: {level}")),
        Ok(level) => Point::new("sandbox", Standing::Partly, format!("programs get part of it: {level}"))
            .help("whole: Linux 6.12 with landlock and seccomp, and a control group (version 2) that the runner may write"),
        Err(why) => Point::new("sandbox", Standing::Bad, why.clone()),
    }
}

async fn solver(args: &Doctor) -> Point {
    match super::estate::solver(&args.solver).await {
        Ok(Some(_)) => Point::new("solver", Standing::Good, format!("cvc5 {SOLVER_VERSION} answers")),
        Ok(None) => Point::new("solver", Standing::Partly, "there is none: estates are checked and not proved")
            .help("run scripts/solver.sh, or name cvc5 with `--solver`"),
        Err(failure) => Point::new("solver", Standing::Bad, failure.message).help("run scripts/solver.sh, or name cvc5 with `--solver`"),
    }
}

/// Approvals lapse and warrants expire by this clock. It must not lie before the newest thing that was written by it.
fn clock(data: Option<&Path>) -> Point {
    let now = SystemClock::default().now();
    let newest = data.and_then(|data| {
        let written = |name: &str| std::fs::metadata(data.join(name)).and_then(|found| found.modified()).ok();
        let since = |time: std::time::SystemTime| time.duration_since(std::time::UNIX_EPOCH).ok();
        ["head.note", "lineclear.db"].into_iter().filter_map(written).filter_map(since).max()
    });
    let newest = newest.and_then(|since| i64::try_from(since.as_micros()).ok()).map(Timestamp::from_micros);
    if let Some(newest) = newest.filter(|newest| *newest > now) {
        return Point::new("clock", Standing::Bad, format!("it says {now}, and the data directory was written at {newest}"))
            .help("set the clock before anything is started");
    }
    match CLOCK_KEEPERS.iter().find(|(file, _)| Path::new(file).exists()) {
        Some((_, keeper)) => Point::new("clock", Standing::Good, format!("{now}, kept by {keeper}")),
        None => Point::new("clock", Standing::Partly, format!("{now}, and nothing is seen that keeps it right"))
            .help("in a container or a virtual machine the host may do it; elsewhere install chrony"),
    }
}

fn private(data: &Path) -> Point {
    match std::fs::metadata(data) {
        Err(error) => Point::new("data", Standing::Bad, format!("`{}` cannot be read: {error}", data.display())),
        Ok(found) if found.permissions().mode() & 0o077 != 0 => {
            Point::new("data", Standing::Partly, format!("`{}` can be entered by others", data.display()))
                .help("`lineclear serve` takes that away when it starts")
        }
        Ok(_) => Point::new("data", Standing::Good, format!("`{}` is its owner's alone", data.display())),
    }
}

/// Whether there is a database, and whether a server has it open.
fn database(data: &Path) -> Point {
    let path = Place { data: data.to_owned() }.database();
    let mut lock = path.clone().into_os_string();
    lock.push(".lock");
    let point = |standing, says: String| Point::new("database", standing, says);
    match (path.exists(), File::open(PathBuf::from(lock)).map(|file| file.try_lock())) {
        (false, _) => point(Standing::Good, format!("`{}` is not there yet", path.display())),
        (true, Ok(Err(TryLockError::WouldBlock))) => point(Standing::Good, format!("`{}` is open in a running server", path.display())),
        (true, Ok(Ok(()))) => point(Standing::Good, format!("`{}` is there, and no server has it open", path.display())),
        (true, Ok(Err(TryLockError::Error(error))) | Err(error)) => {
            point(Standing::Partly, format!("`{}` is there; whether it is in use cannot be seen: {error}", path.display()))
        }
    }
}

/// A scratch database on the same disk: the store reads back every setting that durability rests on, and refuses otherwise.
fn store(data: Option<&Path>) -> Point {
    let scratch = data.map_or_else(std::env::temp_dir, Path::to_owned);
    let fault = |why: String| Point::new("store", Standing::Bad, format!("no database can be made in `{}`: {why}", scratch.display()));
    let folder = scratch.join(format!(".doctor-{}", std::process::id()));
    if let Err(error) = std::fs::create_dir(&folder) {
        return fault(error.to_string());
    }
    let opened = LogKey::from_seed("doctor.invalid/g1", &[0; 32])
        .map_err(|error| error.to_string())
        .and_then(|key| Sqlite::open(&folder.join("scratch.db"), key).map_err(|error| error.to_string()));
    let point = match &opened {
        Ok(_) => Point::new("store", Standing::Good, "write-ahead log, every commit synced, foreign keys on: set and read back"),
        Err(why) => fault(why.clone()),
    };
    drop(opened);
    // A scratch folder that stays behind is hidden, and harmless.
    let _ = std::fs::remove_dir_all(&folder);
    point
}

/// What the runner's file allows, and whether this machine gives it what it demands.
fn runner(file: &Path, level: Level) -> Point {
    let name = file.display();
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) => {
            return Point::new("runner", Standing::Partly, format!("`{name}` cannot be read: {error}")).help("`lineclear init` writes one");
        }
    };
    match Config::parse(&text) {
        Err(error) => Point::new("runner", Standing::Bad, format!("`{name}`: {error}")),
        Ok(config) => match &config.tools.shell {
            Some(shell) if shell.sandbox == Sandbox::Whole && !level.whole() => {
                Point::new("runner", Standing::Bad, format!("`{name}` demands a whole sandbox, and this machine offers: {level}"))
            }
            Some(_) | None => Point::new("runner", Standing::Good, format!("`{name}` allows {} actions", config.trust.allow.len())),
        },
    }
}
