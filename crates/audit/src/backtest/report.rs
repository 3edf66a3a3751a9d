//! What the back-test tells: what would have run alone and hurt, what people waited for, and where two estates differ.

use std::collections::BTreeMap;
use std::fmt;

use lineclear_core::Digest;
use lineclear_core::name::ActionName;
use serde::Serialize;

use super::{PLACES_MAX, ROUTINE_MIN, Said};
use crate::level::Level;
use crate::row::{Acted, Outcome, Principal, Row};

/// Most lines of one kind in the text; the document has them all.
const LINES_MAX: usize = 20;

/// What an estate would have done, in numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Sum {
    /// Acts that were judged.
    pub judged: u64,
    /// Of these, the ones it would have let run alone.
    pub alone: u64,
    /// Too permissive: it would have run alone what made things worse.
    pub too_permissive: u64,
    /// Too slow: minutes that people took for safe routine fixes that helped, and for which it would still ask or refuse.
    pub too_slow_minutes: u64,
    /// Minutes that people took for fixes that helped and that it would have let run alone.
    pub spared_minutes: u64,
    /// It would have asked people for, or refused, what made things worse.
    pub stopped: u64,
}

/// The same for one incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IncidentSum {
    /// Which.
    pub incident: String,
    /// Its acts.
    #[serde(flatten)]
    pub sum: Sum,
    /// Where what it would have let hurt stands in the file.
    pub permissive_at: Vec<String>,
}

/// One estate's side of the test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Side {
    /// Its title.
    pub title: String,
    /// Its digest.
    pub estate: Digest,
    /// All incidents together.
    pub sum: Sum,
    /// Incidents in which it would have been too permissive or too slow, the worst first.
    pub incidents: Vec<IncidentSum>,
    /// Acts that it could not judge, by reason.
    pub not_judgeable: BTreeMap<String, u64>,
    #[serde(skip)]
    by_name: BTreeMap<String, (Sum, Vec<String>)>,
}

/// Acts of which two estates say different things.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Differing {
    /// What was done.
    pub action: ActionName,
    /// By whom.
    pub principal: Principal,
    /// What the estate compared with says.
    pub against: String,
    /// What the estate on trial says.
    pub estate: String,
    /// How often.
    pub count: u64,
    /// How many of them helped.
    pub improved: u64,
    /// How many of them hurt.
    pub worse: u64,
    /// Where the first stands in the file.
    pub first: String,
}

/// What the back-test tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BacktestReport {
    /// Rows in the file.
    pub rows: u64,
    /// Incidents in the file.
    pub incidents: u64,
    /// Rows that say nothing of what was done.
    pub without_action: u64,
    /// Minutes that people took in all, as far as it was written down.
    pub waited_minutes: u64,
    /// The estate on trial.
    pub estate: Side,
    /// The estate that it is compared with.
    pub against: Option<Side>,
    /// Where the two differ, most frequent first.
    pub differing: Vec<Differing>,
    #[serde(skip)]
    names: std::collections::BTreeSet<String>,
    #[serde(skip)]
    pairs: BTreeMap<(ActionName, Principal, String, String), Differing>,
}

impl Side {
    pub(super) fn new(title: String, estate: Digest) -> Self {
        let sum = Sum::default();
        Self { title, estate, sum, incidents: Vec::new(), not_judgeable: BTreeMap::new(), by_name: BTreeMap::new() }
    }

    pub(super) fn count(&mut self, row: &Row, acted: &Acted, said: &Said, routine: bool) {
        let level = match said {
            Said::Answer { level, .. } => *level,
            Said::Nothing(why) => return *self.not_judgeable.entry(why.clone()).or_default() += 1,
        };
        let alone = level == Level::Rung(0);
        let minutes = if acted.outcome == Outcome::Improved && !acted.automatic { row.waited_minutes.unwrap_or(0).into() } else { 0 };
        let hurt = acted.outcome == Outcome::Worse;
        let add = |sum: &mut Sum| {
            sum.judged += 1;
            sum.alone += u64::from(alone);
            sum.too_permissive += u64::from(alone && hurt);
            sum.stopped += u64::from(!alone && hurt);
            sum.spared_minutes += if alone { minutes } else { 0 };
            sum.too_slow_minutes += if !alone && routine { minutes } else { 0 };
        };
        add(&mut self.sum);
        let (sum, places) = self.by_name.entry(row.incident.clone()).or_default();
        add(sum);
        if alone && hurt && places.len() < PLACES_MAX {
            places.push(row.place.to_string());
        }
    }

    fn settle(&mut self) {
        let telling = std::mem::take(&mut self.by_name).into_iter().filter(|(_, (sum, _))| sum.too_permissive + sum.too_slow_minutes > 0);
        self.incidents = telling.map(|(incident, (sum, permissive_at))| IncidentSum { incident, sum, permissive_at }).collect();
        self.incidents.sort_by_key(|one| std::cmp::Reverse((one.sum.too_permissive, one.sum.too_slow_minutes)));
    }
}

impl BacktestReport {
    pub(super) fn new(estate: Side, against: Option<Side>) -> Self {
        Self {
            rows: 0,
            incidents: 0,
            without_action: 0,
            waited_minutes: 0,
            estate,
            against,
            differing: Vec::new(),
            names: std::collections::BTreeSet::new(),
            pairs: BTreeMap::new(),
        }
    }

    pub(super) fn row(&mut self, row: &Row) {
        self.rows += 1;
        self.without_action += u64::from(row.acted.is_none());
        self.waited_minutes += u64::from(row.waited_minutes.unwrap_or(0));
        if !self.names.contains(&row.incident) {
            self.names.insert(row.incident.clone());
        }
    }

    pub(super) fn compare(&mut self, row: &Row, acted: &Acted, tried: &Said, other: &Said, routine: bool) {
        if let Some(side) = &mut self.against {
            side.count(row, acted, other, routine);
        }
        let (estate, against) = (tried.word(), other.word());
        if estate == against {
            return;
        }
        let key = (acted.action.clone(), acted.principal, against.to_owned(), estate.to_owned());
        let differing = self.pairs.entry(key).or_insert_with(|| Differing {
            action: acted.action.clone(),
            principal: acted.principal,
            against: against.to_owned(),
            estate: estate.to_owned(),
            count: 0,
            improved: 0,
            worse: 0,
            first: row.place.to_string(),
        });
        differing.count += 1;
        differing.improved += u64::from(acted.outcome == Outcome::Improved);
        differing.worse += u64::from(acted.outcome == Outcome::Worse);
    }

    pub(super) fn settle(&mut self) {
        self.incidents = u64::try_from(std::mem::take(&mut self.names).len()).unwrap_or(u64::MAX);
        self.differing = std::mem::take(&mut self.pairs).into_values().collect();
        self.differing.sort_by_key(|one| std::cmp::Reverse(one.count));
        self.estate.settle();
        self.against.iter_mut().for_each(Side::settle);
    }
}

impl Said {
    fn word(&self) -> &str {
        match self {
            Self::Answer { word, .. } => word,
            Self::Nothing(_) => "not judgeable",
        }
    }
}

impl fmt::Display for BacktestReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} rows of {} incidents; people took {} minutes in all", self.rows, self.incidents, self.waited_minutes)?;
        if self.without_action > 0 {
            writeln!(f, "{} of them say nothing of what was done and cannot be judged", self.without_action)?;
        }
        write!(f, "\n{}", self.estate)?;
        let Some(against) = &self.against else { return Ok(()) };
        write!(f, "\ncompared with\n{against}")?;
        writeln!(f, "\nverdicts that differ: {}", self.differing.iter().map(|one| one.count).sum::<u64>())?;
        more(f, &self.differing)
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Sum { judged, alone, too_permissive, too_slow_minutes, spared_minutes, stopped } = &self.sum;
        writeln!(f, "{}  {}", self.title, self.estate)?;
        writeln!(f, "  {judged} acts judged, {alone} would have run alone")?;
        writeln!(
            f,
            "  too permissive  {too_permissive} would have run alone and made it worse; {stopped} that did would have been stopped"
        )?;
        writeln!(
            f,
            "  too slow        {too_slow_minutes} minutes waited for safe routine fixes (helped {ROUTINE_MIN} times or more, never hurt)"
        )?;
        writeln!(f, "  spared          {spared_minutes} minutes of waiting for fixes that would have run alone")?;
        for (why, count) in &self.not_judgeable {
            writeln!(f, "  not judgeable   {count}: {why}")?;
        }
        more(f, &self.incidents)
    }
}

fn more<T: fmt::Display>(f: &mut fmt::Formatter<'_>, lines: &[T]) -> fmt::Result {
    lines.iter().take(LINES_MAX).try_for_each(|line| writeln!(f, "  {line}"))?;
    let more = lines.len().saturating_sub(LINES_MAX);
    if more > 0 { writeln!(f, "  and {more} more; `--json` has them all") } else { Ok(()) }
}

impl fmt::Display for IncidentSum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} too permissive, {} minutes too slow", self.incident, self.sum.too_permissive, self.sum.too_slow_minutes)?;
        if self.permissive_at.is_empty() { Ok(()) } else { write!(f, " ({})", self.permissive_at.join(", ")) }
    }
}

impl fmt::Display for Differing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let principal = match self.principal {
            Principal::Agent => "an agent",
            Principal::Operator => "an operator",
        };
        write!(
            f,
            "{} by {principal}: {} → {}; {} in all, {} helped, {} hurt, first at {}",
            self.action, self.against, self.estate, self.count, self.improved, self.worse, self.first
        )
    }
}
