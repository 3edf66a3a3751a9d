//! What the drift audit tells: alarms first, then where autonomy grew, then what nobody needs.

use std::fmt;

use lineclear_core::name::PolicyName;
use lineclear_core::{ChangeId, Digest};
use serde::Serialize;

use super::tiers::{Tier, judged, tiers};
use super::{Alarm, Group, Move, Tally};
use crate::level::Course;
use crate::versions::Versions;

/// Most lines of one kind in the text; the document has them all.
const LINES_MAX: usize = 20;

/// How an audit came out, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Assessment {
    /// A record disagrees with the estate that it names.
    Alarm,
    /// Autonomy grew: the active estate asks for less than was asked then.
    Wider,
    /// Some records could not be decided again.
    Incomplete,
    /// Every record holds and nothing grew.
    Holds,
}

/// One alarm with its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Told {
    /// The entry in the log.
    pub entry: u64,
    /// The change that it belongs to.
    pub change: Option<ChangeId>,
    /// What is wrong.
    #[serde(flatten)]
    pub alarm: Alarm,
}

/// Verdicts that come out differently today.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Moved {
    /// Which kind.
    #[serde(flatten)]
    pub kind: Move,
    /// How many.
    #[serde(flatten)]
    pub group: Group,
}

/// An estate that records name and nobody gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Absent {
    /// Its digest.
    pub estate: Digest,
    /// How many verdicts name it.
    pub verdicts: u64,
}

/// Something that was otherwise then; not wrong, but worth knowing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Changed {
    /// What: a fact or an action.
    pub what: String,
    /// As it was, and as it is.
    pub how: String,
    /// How many records.
    #[serde(flatten)]
    pub group: Group,
}

/// A policy of the active estate that decided none of the recorded cases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Dead {
    /// Its `@id`.
    pub policy: PolicyName,
    /// Its `@title`.
    pub title: String,
}

/// What the drift audit tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DriftReport {
    /// How it came out.
    pub assessment: Assessment,
    /// The active estate.
    pub estate: Digest,
    /// Recorded verdicts.
    pub verdicts: u64,
    /// Of these, decided again under their own estate.
    pub redecided: u64,
    /// Of these, without their payload.
    pub erased: u64,
    /// Runs whose runbook was compared.
    pub runs: u64,
    /// How many alarms there are in all.
    pub alarms_total: u64,
    /// The first of them.
    pub alarms: Vec<Told>,
    /// Estates that were not given.
    pub absent: Vec<Absent>,
    /// Verdicts that ask for something else today, wider ones first.
    pub moved: Vec<Moved>,
    /// Recorded cases that the active estate cannot be asked, by reason.
    pub unaskable: Vec<Changed>,
    /// Rungs that ask for something else today, wider ones first.
    pub tiers: Vec<Tier>,
    /// Facts that are judged otherwise today.
    pub thresholds: Vec<Changed>,
    /// Actions whose runbook is another today.
    pub runbooks: Vec<Changed>,
    /// Permits of the active estate that decided no recorded case.
    pub dead: Vec<Dead>,
    /// Forbids of the active estate that stopped no recorded case.
    pub never_hit: Vec<Dead>,
}

impl Tally {
    /// The report against these estates, which must be those that it was made under.
    pub fn report(&self, versions: &Versions<'_>) -> DriftReport {
        let active = versions.active();
        let guards = active.guards();
        let silent = active.list().into_iter().enumerate().filter(|(at, _)| !self.decided.contains_key(at));
        let silent = silent.map(|(_, text)| Dead { policy: text.id, title: text.title });
        let (never_hit, dead): (Vec<Dead>, Vec<Dead>) = silent.partition(|one| guards.contains(&one.policy));
        let moved: Vec<Moved> = self.moves.iter().map(|(kind, group)| Moved { kind: kind.clone(), group: *group }).collect();
        let told = self.told.iter().map(|((entry, alarm), change)| Told { entry: *entry, change: *change, alarm: alarm.clone() });
        let changed = |what: &dyn fmt::Display, how: String, group: &Group| Changed { what: what.to_string(), how, group: *group };
        let tiers = tiers(self, versions);
        let assessment = match () {
            () if self.alarms > 0 => Assessment::Alarm,
            () if moved.iter().any(|moved| moved.kind.course == Course::Wider) => Assessment::Wider,
            () if tiers.iter().any(|tier| tier.course == Course::Wider) => Assessment::Wider,
            () if self.redecided < self.verdicts => Assessment::Incomplete,
            () => Assessment::Holds,
        };
        DriftReport {
            assessment,
            estate: active.estate().digest,
            verdicts: self.verdicts,
            redecided: self.redecided,
            erased: self.erased,
            runs: self.runs,
            alarms_total: self.alarms,
            alarms: told.collect(),
            absent: self.absent.iter().map(|(estate, verdicts)| Absent { estate: *estate, verdicts: *verdicts }).collect(),
            moved,
            unaskable: self.unaskable.iter().map(|(why, group)| changed(why, "cannot be asked today".into(), group)).collect(),
            thresholds: judged(self, versions),
            tiers,
            runbooks: self.runbooks.iter().map(|(action, group)| changed(action, "another runbook today".into(), group)).collect(),
            dead,
            never_hit,
        }
    }
}

impl fmt::Display for DriftReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.assessment {
            Assessment::Alarm => "ALARM: records disagree with the estates that they name",
            Assessment::Wider => "wider: the active estate asks for less than was asked then",
            Assessment::Incomplete => "incomplete: some records could not be decided again",
            Assessment::Holds => "holds: every record decided again, and nothing grew",
        };
        writeln!(f, "{word}")?;
        writeln!(
            f,
            "{} verdicts, {} decided again, {} runs compared; active estate {}",
            self.verdicts, self.redecided, self.runs, self.estate
        )?;
        if self.erased > 0 {
            writeln!(f, "{} verdicts cannot be decided again: their payload was erased or not exported", self.erased)?;
        }
        for absent in &self.absent {
            writeln!(f, "{} verdicts cannot be decided again: estate {} not given", absent.verdicts, absent.estate)?;
        }
        list(f, &format!("alarms: {}", self.alarms_total), &self.alarms)?;
        for (course, title) in [
            (Course::Wider, "autonomy grew"),
            (Course::Narrower, "more is asked today"),
            (Course::Sideways, "other people are asked today"),
        ] {
            let of: Vec<&Moved> = self.moved.iter().filter(|moved| moved.kind.course == course).collect();
            list(f, title, &of)?;
        }
        list(f, "cannot be asked of the active estate", &self.unaskable)?;
        list(f, "rungs that ask for something else today", &self.tiers)?;
        list(f, "thresholds that changed", &self.thresholds)?;
        list(f, "runbooks that changed", &self.runbooks)?;
        list(f, "permits that decided nothing", &self.dead)?;
        list(f, "guardrails that stopped nothing", &self.never_hit)
    }
}

fn list<T: fmt::Display>(f: &mut fmt::Formatter<'_>, title: &str, lines: &[T]) -> fmt::Result {
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(f, "\n{title}")?;
    lines.iter().take(LINES_MAX).try_for_each(|line| writeln!(f, "  {line}"))?;
    let more = lines.len().saturating_sub(LINES_MAX);
    if more > 0 { writeln!(f, "  and {more} more; `--json` has them all") } else { Ok(()) }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.change {
            Some(change) => write!(f, "entry {}, {change}: {}", self.entry, self.alarm),
            None => write!(f, "entry {}: {}", self.entry, self.alarm),
        }
    }
}

impl fmt::Display for Moved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Move { action, principal, then, now, .. } = &self.kind;
        write!(f, "{action} by an {principal}: {then} then, {now} today; {}", self.group)
    }
}

impl fmt::Display for Changed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.what, self.how, self.group)
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} then, {} today; {}", self.rung, self.then, self.now, self.group)
    }
}

impl fmt::Display for Dead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}  {}", self.policy, self.title)
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.count, self.first_entry) {
            (0, _) | (_, None) => f.write_str("no verdict rests on it"),
            (1, Some(entry)) => write!(f, "once, in entry {entry}"),
            (count, Some(entry)) => write!(f, "{count} times, first in entry {entry}"),
        }
    }
}
