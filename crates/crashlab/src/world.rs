//! One world: a plane and its runners in processes of their own, started again whenever they die, until every change in it has come to
//! rest. Then everything is killed, and what is left on disk is what the checker sees.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lineclear_core::ChangeId;
use lineclear_testkit::sign;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::clock::SharedClock;
use crate::failpoint::{arm, pid_file, still_armed};
use crate::hand;
use crate::plane::STORM_CACHES;
use crate::scenario::{self, TURNED};
use crate::wire::{self, Reply, Request};

/// Where a change needs nobody but a person any more.
const AT_REST: [&str; 11] =
    ["undone", "succeeded", "escalated", "stuck", "denied", "rejected", "lapsed", "withdrawn", "misfit", "failed", "advised"];
/// Where a person is asked to approve.
const ASKED: &str = "awaiting_approval";
/// How long a world may take: a hundred times what it normally does.
const WORLD_MAX: Duration = Duration::from_mins(1);
/// The pause before something is asked again.
const AGAIN: Duration = Duration::from_millis(2);

/// How the lab lies, to see that the harness notices.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Lie {
    /// Not at all.
    #[default]
    None,
    /// A runner says at once what it sees of a lost attempt, though something of it may still be on its way.
    NoFence,
    /// A runner's journal does not outlive the runner.
    NoJournal,
}

/// Where a world begins. All but the first begin with what plane and runner left that were killed at a point of their own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Phase {
    /// With nothing: the change is still to be proposed.
    #[default]
    Start,
    /// The run has begun, and nothing of it was done.
    Run,
    /// The run has just gone to its fallback.
    Fallback,
    /// The run has just turned back.
    Back,
}

impl Phase {
    /// Every phase, in order.
    pub const ALL: [Self; 4] = [Self::Start, Self::Run, Self::Fallback, Self::Back];

    /// The point with which it begins; none for the start.
    pub const fn point(self) -> Option<&'static str> {
        match self {
            Self::Start => None,
            Self::Run => Some("plane1 commit approval.consumed run.begun change.started after"),
            Self::Fallback => Some("plane1 commit run.failed run.branched shift do 1 after"),
            Self::Back => Some("plane1 commit run.failed run.turned open do 1 after"),
        }
    }

    /// The phase that follows.
    pub const fn next(self) -> Option<Self> {
        match self {
            Self::Start => Some(Self::Run),
            Self::Run => Some(Self::Fallback),
            Self::Fallback => Some(Self::Back),
            Self::Back => None,
        }
    }

    /// One word for schedules.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Run => "run",
            Self::Fallback => "fallback",
            Self::Back => "back",
        }
    }
}

/// What is played.
#[derive(Debug, Clone, Default)]
pub struct Setting {
    /// Where it begins.
    pub phase: Phase,
    /// How many runners; one when it is 0.
    pub runners: usize,
    /// Which caches are switched, at the same time.
    pub targets: Vec<String>,
    /// Where processes die, in this order.
    pub points: Vec<String>,
    /// What is a lie.
    pub lie: Lie,
    /// How late reports are.
    pub lag: Duration,
    /// Bad weather, pauses and sudden deaths by this seed, and a time that waits for nobody.
    pub storm: Option<u64>,
}

impl Setting {
    /// Four runners and eight changes in bad weather, by this seed.
    pub fn storm(seed: u64) -> Self {
        let targets = (0..STORM_CACHES).flat_map(|n| [format!("whole{n}"), format!("{TURNED}{n}")]).collect();
        Self { runners: 4, targets, storm: Some(seed), ..Self::default() }
    }
}

/// A world that has come to rest.
pub struct Played {
    /// Its folder.
    pub folder: PathBuf,
    /// How it was set.
    pub setting: Setting,
    /// What went wrong in the lab itself: a process that ended by anything but a kill, or a world that never came to rest.
    pub faults: Vec<String>,
    /// How often the storm killed a process, and how often it made one pause.
    pub storms: (u32, u32),
}

/// Everything that worlds share: the program, the folder, the sink.
pub struct Lab {
    program: PathBuf,
    folder: TempDir,
    sink: Child,
    address: String,
    worlds: AtomicU32,
    /// What killed processes left, by target and phase.
    left: tokio::sync::Mutex<BTreeMap<String, PathBuf>>,
}

impl Drop for Lab {
    fn drop(&mut self) {
        let _ = self.sink.start_kill();
    }
}

struct Stage {
    folder: PathBuf,
    program: PathBuf,
    setting: Setting,
    faults: Mutex<Vec<String>>,
    stop: CancellationToken,
    /// The first death is the end.
    once: bool,
    kills: AtomicU32,
    pauses: AtomicU32,
}

impl Lab {
    /// Starts the sink of a new lab. Its folder is in memory where there is such a place: a killed process needs no disk.
    pub async fn start(program: &Path) -> Self {
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() }.expect("a folder");
        let mut sink = Command::new(program)
            .args(["sink", &folder.path().to_string_lossy()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the sink starts");
        let mut address = String::new();
        let out = sink.stdout.take().expect("the sink has an output");
        BufReader::new(out).read_line(&mut address).await.expect("the sink says where it is");
        Self {
            program: program.to_owned(),
            folder,
            sink,
            address: address.trim().into(),
            worlds: AtomicU32::new(0),
            left: tokio::sync::Mutex::default(),
        }
    }

    /// Plays a world to its end.
    pub async fn play(&self, setting: Setting) -> Played {
        let left = match setting.phase.point() {
            None => None,
            Some(point) => Some(self.left(setting.targets.first().expect("a target"), point).await),
        };
        self.perform(setting, left, false).await
    }

    /// What plane and runner leave that are killed at this point.
    async fn left(&self, target: &str, point: &str) -> PathBuf {
        let mut left = self.left.lock().await;
        let name = format!("{target} {point}");
        if let Some(known) = left.get(&name) {
            return known.clone();
        }
        let setting = Setting { targets: vec![target.into()], points: vec![point.into()], ..Setting::default() };
        let played = self.perform(setting, None, true).await;
        assert!(still_armed(&played.folder).is_empty(), "`{target}` never came to `{point}`: {:?}", played.faults);
        left.insert(name, played.folder.clone());
        played.folder
    }

    async fn perform(&self, setting: Setting, left: Option<PathBuf>, once: bool) -> Played {
        let folder = self.folder.path().join(format!("w{}", self.worlds.fetch_add(1, Ordering::SeqCst)));
        std::fs::create_dir(&folder).expect("a new folder");
        match left {
            None => SharedClock::create(&folder),
            Some(left) => copy(&left, &folder),
        }
        arm(&folder, &setting.points);
        let runners = setting.runners.max(1);
        for number in 1..=runners {
            let text = scenario::runner_file(number, &self.address, &folder);
            std::fs::write(hand::file(&folder, number), text).expect("the runner's file can be written");
        }
        let (program, stop) = (self.program.clone(), CancellationToken::new());
        let (kills, pauses) = (AtomicU32::new(0), AtomicU32::new(0));
        let stage = Arc::new(Stage { folder, program, setting, faults: Mutex::default(), stop, once, kills, pauses });
        let mut nurses = JoinSet::new();
        nurses.spawn(Arc::clone(&stage).nurse("plane".into(), 0));
        for number in 1..=runners {
            nurses.spawn(Arc::clone(&stage).nurse(format!("runner{number}"), number));
        }
        if stage.setting.storm.is_some() {
            nurses.spawn(Arc::clone(&stage).storm());
        }
        tokio::select! {
            ended = tokio::time::timeout(WORLD_MAX, stage.drive_all()) => {
                if ended.is_err() {
                    stage.fault("it did not come to rest".into());
                }
            }
            () = stage.stop.cancelled() => {}
        }
        stage.stop.cancel();
        nurses.join_all().await;
        let faults = std::mem::take(&mut *stage.faults.lock().unwrap_or_else(PoisonError::into_inner));
        let storms = (stage.kills.load(Ordering::SeqCst), stage.pauses.load(Ordering::SeqCst));
        Played { folder: stage.folder.clone(), setting: stage.setting.clone(), faults, storms }
    }
}

/// Takes over what killed processes left: database, journal, clock, and what has taken effect.
fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).expect("a folder").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if ["plane.db", "runner1.journal", "clock", "effects"].iter().any(|kept| name.starts_with(kept)) {
            std::fs::copy(entry.path(), to.join(&name)).expect("a file can be copied");
        }
    }
}

impl Stage {
    fn fault(&self, what: String) {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }

    fn start(&self, process: &str, number: usize, life: u32) -> Child {
        let setting = &self.setting;
        let mut command = Command::new(&self.program);
        let folder = self.folder.to_string_lossy().into_owned();
        let restless = setting.storm.is_some();
        if number == 0 {
            command.args([
                "plane",
                &folder,
                &life.to_string(),
                &setting.runners.max(1).to_string(),
                if restless { "restless" } else { "" },
            ]);
        } else {
            let unfenced = if setting.lie == Lie::NoFence { "unfenced" } else { "" };
            let seed = setting.storm.map(|seed| (seed * 1_000 + u64::try_from(number).unwrap_or(0)).to_string()).unwrap_or_default();
            command.args(["runner", &folder, &number.to_string(), &life.to_string()]);
            command.args([unfenced, &setting.lag.as_millis().to_string(), &seed]);
            if setting.lie == Lie::NoJournal {
                self.forget(number);
            }
        }
        let log = std::fs::OpenOptions::new().append(true).create(true).open(self.folder.join("log")).expect("a log");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::from(log)).kill_on_drop(true);
        let child = command.spawn().expect("the lab's own program starts");
        std::fs::write(pid_file(&self.folder, process), child.id().unwrap_or(0).to_string()).expect("the id can be written down");
        child
    }

    /// The lie of a runner whose journal does not last.
    fn forget(&self, number: usize) {
        let journal = hand::journal(&self.folder, number);
        for suffix in ["", "-wal", "-shm"] {
            let mut name = journal.clone().into_os_string();
            name.push(suffix);
            let _ = std::fs::remove_file(name);
        }
    }

    /// Starts a process, and again whenever it dies.
    async fn nurse(self: Arc<Self>, process: String, number: usize) {
        for life in 1.. {
            let mut child = self.start(&process, number, life);
            let ended = tokio::select! {
                ended = child.wait() => ended,
                () = self.stop.cancelled() => {
                    let _ = child.kill().await;
                    return;
                }
            };
            let killed = ended.as_ref().ok().and_then(std::os::unix::process::ExitStatusExt::signal) == Some(Signal::KILL.as_raw());
            if !killed {
                self.fault(format!("{process} ended by itself in its life {life}: {ended:?}"));
                return;
            }
            if self.once {
                return self.stop.cancel();
            }
        }
    }

    async fn drive_all(self: &Arc<Self>) {
        let mut drives = JoinSet::new();
        for target in self.setting.targets.clone() {
            let stage = Arc::clone(self);
            drives.spawn(async move { stage.drive(&target).await });
        }
        drives.join_all().await;
    }

    /// The agent proposes, the person approves as often as asked, until the change is at rest.
    async fn drive(&self, target: &str) {
        let change = loop {
            match self.ask(&Request::Propose { target: target.into() }).await {
                Some(Reply::Change(change)) => break change,
                Some(Reply::Failed(why)) => return self.fault(format!("the proposal was refused: {why}")),
                Some(_) | None => tokio::time::sleep(AGAIN).await,
            }
        };
        let words: Vec<String> = AT_REST.iter().chain([&ASKED]).map(|word| (*word).to_owned()).collect();
        loop {
            match self.ask(&Request::Await { change, words: words.clone() }).await {
                Some(Reply::Word(word)) if word == ASKED => self.approve(change).await,
                Some(Reply::Word(_)) => return,
                Some(_) | None => tokio::time::sleep(AGAIN).await,
            }
        }
    }

    async fn approve(&self, change: ChangeId) {
        if let Some(Reply::Statement { approval, text }) = self.ask(&Request::Statement { change }).await {
            let signature = sign("alice", &text);
            // When the vote came through and its receipt did not, the next one is refused, and that is all.
            let _ = self.ask(&Request::Vote { approval, text, signature }).await;
        }
        tokio::time::sleep(AGAIN).await;
    }

    async fn ask(&self, request: &Request) -> Option<Reply> {
        wire::call(&self.folder, request).await.ok()
    }

    /// Pauses that are longer than an attempt's own time, and sudden deaths, by the seed.
    async fn storm(self: Arc<Self>) {
        let mut seed = self.setting.storm.unwrap_or(0).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut draw = |below: u64| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            (seed >> 11) % below
        };
        loop {
            let (pause, number) = (Duration::from_millis(20 + draw(120)), 1 + draw(self.setting.runners.max(1) as u64));
            let (kills, longer) = (draw(2) == 0, Duration::from_millis(300 + draw(600)));
            let process = if draw(10) == 0 { "plane".to_owned() } else { format!("runner{number}") };
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
            if kills || process == "plane" {
                self.kills.fetch_add(1, Ordering::SeqCst);
                self.signal(&process, Signal::KILL);
            } else {
                self.pauses.fetch_add(1, Ordering::SeqCst);
                self.signal(&process, Signal::STOP);
                tokio::time::sleep(longer).await;
                self.signal(&process, Signal::CONT);
            }
        }
    }

    fn signal(&self, process: &str, signal: Signal) {
        let id = std::fs::read_to_string(pid_file(&self.folder, process)).ok();
        let id = id.and_then(|id| id.trim().parse().ok()).and_then(Pid::from_raw);
        if let Some(id) = id {
            // It may have died this moment; it is started again with another id.
            let _ = kill_process(id, signal);
        }
    }
}
