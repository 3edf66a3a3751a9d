//! Schedules of crashes: one at every failpoint of a scenario, then one more at every failpoint that its recovery passes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::checker::{End, Findings, check};
use crate::world::{Lab, Lie, Phase, Setting};

/// How many worlds are alive at the same time: waiting costs no processor.
const WORLDS_AT_ONCE: usize = 4;
/// How often a point may come before one more of the same is the same: a runner is asked about a lost attempt again and again.
const SAME_MAX: u32 = 2;

/// Which schedules are played.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Which cache, and thereby which ending.
    pub target: String,
    /// Where it begins, and where its first crashes are.
    pub phase: Phase,
    /// What is a lie.
    pub lie: Lie,
    /// How late reports are.
    pub lag: Duration,
    /// At most this many pairs, spread evenly over all of them from this offset; none means all.
    pub pairs: Option<(usize, usize)>,
}

/// What came of many schedules.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Failpoints of the scenario without a crash.
    pub points: usize,
    /// Schedules that were played, the ones with one crash first, and the ones with two.
    pub played: (usize, usize),
    /// Pairs that there are.
    pub pairs: usize,
    /// Schedules in which a death that was asked for was never died.
    pub missed: Vec<String>,
    /// Processes that died.
    pub deaths: usize,
    /// How runs ended.
    pub ends: BTreeMap<End, usize>,
    /// Effects that came more than once.
    pub doubles: usize,
    /// Schedules with broken promises, and what they broke.
    pub broken: Vec<(String, Vec<String>)>,
}

/// A schedule in one line, as it can be played again.
pub fn spelled(plan: &Plan, points: &[String]) -> String {
    format!("{}; {}; {}; {}", plan.target, plan.phase.word(), plan.lag.as_millis(), points.join("; "))
}

/// The schedule that a line names.
///
/// # Errors
/// When the line is none.
pub fn parsed(line: &str) -> Result<(Plan, Vec<String>), String> {
    let mut parts = line.split(';').map(|part| part.trim().to_owned());
    let target = parts.next().filter(|target| !target.is_empty()).ok_or("a schedule begins with its target")?;
    let phase = parts.next().and_then(|word| Phase::ALL.into_iter().find(|phase| phase.word() == word));
    let phase = phase.ok_or("after the target comes `start`, `run`, `fallback` or `back`")?;
    let lag = parts.next().and_then(|lag| lag.parse().ok()).ok_or("then comes the lag of reports in milliseconds")?;
    let plan = Plan { target, phase, lie: Lie::None, lag: Duration::from_millis(lag), pairs: None };
    Ok((plan, parts.filter(|point| !point.is_empty()).collect()))
}

/// Plays one schedule and checks it; its folder is taken away when nothing is wrong.
pub async fn schedule(lab: &Lab, plan: &Plan, points: Vec<String>) -> Findings {
    let (phase, targets) = (plan.phase, vec![plan.target.clone()]);
    let setting = Setting { phase, targets, points, lie: plan.lie, lag: plan.lag, ..Setting::default() };
    let played = lab.play(setting).await;
    let findings = check(&played).await;
    let _ = std::fs::remove_dir_all(&played.folder);
    findings
}

/// Plays many schedules, some at the same time, in the order given.
async fn all(lab: &Arc<Lab>, plan: &Plan, schedules: Vec<Vec<String>>, outcome: &mut Outcome) -> Vec<(Vec<String>, Findings)> {
    let room = Arc::new(Semaphore::new(WORLDS_AT_ONCE));
    let mut playing = JoinSet::new();
    for (at, points) in schedules.into_iter().enumerate() {
        let (lab, plan, room) = (Arc::clone(lab), plan.clone(), Arc::clone(&room));
        playing.spawn(async move {
            let _room = room.acquire().await;
            (at, points.clone(), schedule(&lab, &plan, points).await)
        });
    }
    let mut played = playing.join_all().await;
    played.sort_by_key(|(at, _, _)| *at);
    for (_, points, findings) in &played {
        if !findings.reached {
            outcome.missed.push(spelled(plan, points));
        }
        outcome.deaths += findings.trace.iter().filter(|passed| passed.died).count();
        outcome.doubles += findings.doubles;
        for end in &findings.ends {
            *outcome.ends.entry(*end).or_insert(0) += 1;
        }
        if !findings.faults.is_empty() {
            outcome.broken.push((spelled(plan, points), findings.faults.clone()));
        }
    }
    played.into_iter().map(|(_, points, findings)| (points, findings)).collect()
}

/// The points of a trace after the last death that was asked for, each once.
fn after(findings: &Findings, died: Option<&String>) -> Vec<String> {
    let from = died.map_or(0, |point| {
        let at = findings.trace.iter().position(|passed| passed.died && passed.point == *point);
        at.map_or(findings.trace.len(), |at| at + 1)
    });
    let mut seen = BTreeSet::new();
    let points = findings.trace.iter().skip(from).filter(|passed| !passed.died).map(|passed| passed.point.clone());
    points.filter(|point| few(point) && seen.insert(point.clone())).collect()
}

/// Whether a point is not the third of its kind, or a later one. How often an idle runner polls, and how often a row is put off, is a matter
/// of pace, so one of these stands for all.
fn few(point: &str) -> bool {
    let same_max = if point.contains(" postpone ") || point.contains(" after nothing") { 1 } else { SAME_MAX };
    point.rsplit_once(" #").and_then(|(_, count)| count.parse::<u32>().ok()).is_none_or(|count| count <= same_max)
}

/// Plays the scenario without a crash, with a crash at each of the points of its phase, and with a second one at the points of each recovery.
/// What comes after a crash is always played to the end.
pub async fn explore(lab: &Arc<Lab>, plan: &Plan) -> Outcome {
    let mut outcome = Outcome::default();
    let calm = all(lab, plan, vec![Vec::new()], &mut outcome).await;
    // Where nothing has died a question about an attempt is a matter of pace; those that a death leads to are among the pairs.
    let asked = |point: &String| point.contains(" ask ") || point.contains("answer known");
    let all_points = calm.iter().flat_map(|(_, findings)| after(findings, None));
    let mut points: Vec<String> = all_points.filter(|point| !asked(point)).collect();
    // The points of the next phase are that phase's own.
    let next = plan.phase.next().and_then(Phase::point);
    if let Some(at) = points.iter().position(|point| Some(point.as_str()) == next) {
        points.truncate(at + 1);
    }
    outcome.points = points.len();
    let singles = all(lab, plan, points.into_iter().map(|point| vec![point]).collect(), &mut outcome).await;
    outcome.played.0 = singles.len();
    let pairs = singles.iter().flat_map(|(first, findings)| {
        let seconds = after(findings, first.last());
        seconds.into_iter().map(|second| [first.clone(), vec![second]].concat()).collect::<Vec<_>>()
    });
    let pairs: Vec<Vec<String>> = pairs.collect();
    outcome.pairs = pairs.len();
    let chosen = match plan.pairs {
        None => pairs,
        Some((most, offset)) => {
            let stride = pairs.len().div_ceil(most.max(1)).max(1);
            pairs.into_iter().skip(offset % stride).step_by(stride).collect()
        }
    };
    outcome.played.1 = chosen.len();
    all(lab, plan, chosen, &mut outcome).await;
    outcome
}
