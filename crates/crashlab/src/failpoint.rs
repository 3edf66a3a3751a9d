//! Failpoints: named moments at which a process can be made to die. Every process writes down each one that it passes; the one that the
//! schedule names next is where it dies, by SIGKILL from its own hand.
//!
//! A point is called `<process><life> <what> [#<n>]`: `plane2 commit run.intended shift do 1 before` is in the second life of the plane.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rustix::process::{Pid, Signal, getpid, kill_process};

use crate::clock::SharedClock;

/// The points that are still to be died at, one a line, next first.
const ARMED: &str = "armed";
/// Every point that was passed, oldest first: time, tab, name.
const TRACE: &str = "trace";
/// What the trace says of a death.
const DEATH: &str = "!died ";

/// One line of a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    /// By the world's clock, in microseconds.
    pub at: i64,
    /// The point's name.
    pub point: String,
    /// Whether somebody died there.
    pub died: bool,
}

/// The points of one process.
pub struct Failpoints {
    world: PathBuf,
    process: String,
    trace: File,
    clock: SharedClock,
    seen: Mutex<BTreeMap<String, u32>>,
}

/// Writes down where the processes of a world are to die, in this order.
pub fn arm(world: &Path, points: &[String]) {
    let text: String = points.iter().map(|point| format!("{point}\n")).collect();
    std::fs::write(world.join(ARMED), text).expect("the world's folder can be written");
}

/// The points that nobody has died at yet.
pub fn still_armed(world: &Path) -> Vec<String> {
    std::fs::read_to_string(world.join(ARMED)).unwrap_or_default().lines().map(str::to_owned).collect()
}

/// What the processes of a world have passed.
pub fn trace(world: &Path) -> Vec<Passed> {
    let text = std::fs::read_to_string(world.join(TRACE)).unwrap_or_default();
    let line = |line: &str| {
        let (at, point) = line.split_once('\t')?;
        let died = point.strip_prefix(DEATH);
        Some(Passed { at: at.parse().ok()?, point: died.unwrap_or(point).to_owned(), died: died.is_some() })
    };
    text.lines().filter_map(line).collect()
}

/// The process ids of a world, so that the sink can make a runner die.
pub fn pid_file(world: &Path, process: &str) -> PathBuf {
    world.join(format!("{process}.pid"))
}

impl Failpoints {
    /// The points of this life of a process.
    pub fn of(world: &Path, process: &str, life: u32) -> Self {
        let trace = OpenOptions::new().append(true).create(true).open(world.join(TRACE)).expect("the trace can be written");
        Self {
            world: world.to_owned(),
            process: format!("{process}{life}"),
            trace,
            clock: SharedClock::open(world),
            seen: Mutex::new(BTreeMap::new()),
        }
    }

    /// Passes a point, or dies there.
    pub fn pass(&self, what: &str) {
        if self.due(what) {
            let _ = kill_process(getpid(), Signal::KILL);
            // The signal is on its way to this very process.
            loop {
                std::thread::park();
            }
        }
    }

    /// Passes a point at which another process is made to die; whether it was.
    pub fn kill(&self, what: &str, process: &str) -> bool {
        let due = self.due(what);
        if due {
            let id = std::fs::read_to_string(pid_file(&self.world, process)).expect("the runner's id is written down");
            let id = id.trim().parse().ok().and_then(Pid::from_raw).expect("a process id");
            kill_process(id, Signal::KILL).expect("the runner can be killed");
        }
        due
    }

    fn due(&self, what: &str) -> bool {
        let point = {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            let count = seen.entry(what.to_owned()).or_insert(0);
            *count += 1;
            if *count == 1 { format!("{} {what}", self.process) } else { format!("{} {what} #{count}", self.process) }
        };
        self.write(&point);
        let armed = still_armed(&self.world);
        let due = armed.first() == Some(&point);
        if due {
            self.write(&format!("{DEATH}{point}"));
            arm(&self.world, armed.get(1..).unwrap_or_default());
        }
        due
    }

    fn write(&self, line: &str) {
        let line = format!("{}\t{line}\n", self.clock.read().as_micros());
        // One write to a file that is only appended to: lines of several processes never mix.
        (&self.trace).write_all(line.as_bytes()).expect("the trace can be written");
    }
}
