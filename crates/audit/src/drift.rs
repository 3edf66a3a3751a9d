//! The drift audit: every recorded verdict decided again, under the estate that made it and under the active one.

mod report;
#[cfg(test)]
mod tests;
mod tiers;

use std::collections::BTreeMap;

use lineclear_core::authority::Authority;
use lineclear_core::digest::canonical;
use lineclear_core::fact::FactSpec;
use lineclear_core::name::{ActionName, FactName};
use lineclear_core::situation::Actor;
use lineclear_core::verdict::Verdict;
use lineclear_core::{ChangeId, Digest};
use lineclear_ledger::Entry;
use serde::Serialize;

pub use report::{Assessment, Dead, DriftReport};
pub use tiers::Tier;

use crate::level::{Course, Level, course};
use crate::memo::{ANSWERS_MAX, Answer, Memo};
use crate::record::{Begun, Found, Reader, RecordFault, Recorded, Threshold, wanted};
use crate::versions::Versions;

/// Most alarms that are told one by one, those of the lowest entries; the rest is counted.
pub const ALARMS_MAX: usize = 100;

/// One worker of the audit; `Send`, so that each thread has its own. The entries of one change belong to one worker, in their
/// order ([`crate::shard`]); the order of changes does not matter.
#[derive(Debug)]
pub struct Auditor<'a> {
    versions: &'a Versions<'a>,
    memos: BTreeMap<Digest, Memo<'a>>,
    held: BTreeMap<Digest, BTreeMap<FactName, Threshold>>,
    reader: Reader,
    tally: Tally,
    remembered: usize,
}

/// What one worker found; several add up to the same, however the work was shared out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    verdicts: u64,
    redecided: u64,
    erased: u64,
    runs: u64,
    asked: u64,
    absent: BTreeMap<Digest, u64>,
    alarms: u64,
    told: BTreeMap<(u64, Alarm), ChangeOrEntry>,
    moves: BTreeMap<Move, Group>,
    unaskable: BTreeMap<String, Group>,
    thresholds: BTreeMap<(FactName, String, String), Group>,
    runbooks: BTreeMap<ActionName, Group>,
    decided: BTreeMap<usize, u64>,
    /// How many verdicts of an estate that is not the active one needed which of its rungs.
    needed: BTreeMap<(Digest, String), Group>,
}

/// Where something happened: a change when the entry names one.
type ChangeOrEntry = Option<ChangeId>;

/// How many, and the first entry among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Group {
    /// How many.
    pub count: u64,
    /// The index of the first one's entry in the log; none when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_entry: Option<u64>,
}

/// Verdicts that come out differently today, by kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Move {
    /// Which way.
    pub course: Course,
    /// What was asked for.
    pub action: ActionName,
    /// By what kind of party: `agent` or `operator`.
    pub principal: &'static str,
    /// The rung that was needed then, `denied` when none was enough.
    pub then: String,
    /// The rung that is needed today.
    pub now: String,
}

/// Something that must never be: the record and the estate that it names disagree.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case", tag = "alarm")]
pub enum Alarm {
    /// The estate gives another verdict on the recorded facts.
    #[error("recorded `{recorded}`, and its own estate says `{decided}`")]
    Verdict {
        /// As recorded.
        recorded: String,
        /// As decided again.
        decided: String,
    },
    /// The same answer for other reasons, or in other bytes.
    #[error("`{recorded}` was recorded with other reasons than its own estate gives")]
    Reasons {
        /// As recorded, and as decided again.
        recorded: String,
    },
    /// The estate cannot be asked about the recorded facts, so it cannot have answered.
    #[error("its own estate cannot have answered: {why}")]
    Unaskable {
        /// Why.
        why: String,
    },
    /// The entry cannot be read as what it says it is.
    #[error("{0}")]
    Record(RecordFault),
    /// A run carried out another runbook than its estate holds.
    #[error("the run of `{action}` carried out runbook {ran}, and its own estate holds {held}")]
    Runbook {
        /// The action.
        action: ActionName,
        /// The digest that ran.
        ran: Digest,
        /// What the estate holds, or `none`.
        held: String,
    },
    /// A fact was judged by another threshold than its estate holds.
    #[error("fact `{fact}` was judged by {used}, and its own estate holds {held}")]
    Threshold {
        /// Which fact.
        fact: FactName,
        /// As recorded.
        used: String,
        /// As the estate holds it, or `none`.
        held: String,
    },
}

impl<'a> Auditor<'a> {
    /// Begins with nothing seen.
    pub fn new(versions: &'a Versions<'a>) -> Self {
        Self::remembering(versions, ANSWERS_MAX)
    }

    /// The same with at most `answers` remembered for each estate; 0 decides everything anew.
    pub fn remembering(versions: &'a Versions<'a>, answers: usize) -> Self {
        let held = versions.iter().map(|policies| (policies.estate().digest, thresholds(&policies.estate().facts))).collect();
        Self { versions, memos: BTreeMap::new(), held, reader: Reader::default(), tally: Tally::default(), remembered: answers }
    }

    /// Takes one entry of the log. `payload` are salt and bytes of what [`wanted`] names, none when they were erased.
    pub fn take(&mut self, index: u64, entry: &Entry, payload: Option<(&[u8; 32], &[u8])>) {
        let opens = |(salt, bytes)| wanted(entry).is_some_and(|commitment| commitment.opens(salt, bytes));
        if payload.is_some_and(|given| !opens(given)) {
            return self.alarm(index, entry.stream().parse().ok(), Alarm::Record(RecordFault::Commitment));
        }
        match self.reader.read(entry, payload.map(|(_, bytes)| bytes)) {
            Ok(Found::Verdict(recorded)) => self.verdict(index, &recorded),
            Ok(Found::Erased) => {
                self.tally.verdicts += 1;
                self.tally.erased += 1;
            }
            Ok(Found::Nothing) => {}
            Err(fault) => self.alarm(index, entry.stream().parse().ok(), Alarm::Record(fault)),
        }
        if let Some(begun) = self.reader.run_of(entry) {
            self.run(index, &begun);
        }
    }

    /// What was found.
    pub fn finish(mut self) -> Tally {
        self.tally.asked = self.memos.values().map(|memo| memo.asked).sum();
        self.tally
    }

    fn alarm(&mut self, index: u64, change: ChangeOrEntry, alarm: Alarm) {
        self.tally.alarms += 1;
        self.tally.told.insert((index, alarm), change);
        self.tally.shorten();
    }

    fn memo(&mut self, policies: &'a lineclear_policy::Policies) -> &mut Memo<'a> {
        let (remembered, digest) = (self.remembered, policies.estate().digest);
        let counts = digest == self.versions.active().estate().digest;
        let memory = || self.versions.memory(&digest);
        self.memos.entry(digest).or_insert_with(|| Memo::new(policies, memory(), remembered, counts))
    }

    fn verdict(&mut self, index: u64, recorded: &Recorded) {
        self.tally.verdicts += 1;
        let (active, own) = (self.versions.active(), self.versions.of(&recorded.policy));
        let mut then = None;
        match own {
            Some(own) => {
                self.thresholds(index, recorded);
                let answer = self.memo(own).answer(&recorded.case);
                self.tally.redecided += 1;
                match answer.as_ref() {
                    Ok(answer) if answer.digest == Digest::of(recorded.verdict.as_bytes()) => {
                        then = Some((answer.level, &own.estate().authority));
                        if recorded.policy == active.estate().digest {
                            return self.decided(answer);
                        }
                        let word = answer.level.word(&own.estate().authority);
                        Group::count(&mut self.tally.needed, (recorded.policy, word), index);
                    }
                    Ok(answer) => {
                        let decided = answer.level.word(&own.estate().authority);
                        self.alarm(index, Some(recorded.change), differs(recorded, decided, &own.estate().authority));
                    }
                    Err(why) => self.alarm(index, Some(recorded.change), Alarm::Unaskable { why: why.to_string() }),
                }
            }
            None => *self.tally.absent.entry(recorded.policy).or_default() += 1,
        }
        let ladder = own.unwrap_or(active);
        let then = then.or_else(|| Some((said(recorded, &ladder.estate().authority)?, &ladder.estate().authority)));
        self.today(index, recorded, then);
    }

    /// What the active estate says, and how that stands to what was recorded.
    fn today(&mut self, index: u64, recorded: &Recorded, then: Option<(Level, &Authority)>) {
        let active = self.versions.active();
        let authority = &active.estate().authority;
        let answer = self.memo(active).answer(&recorded.case);
        match answer.as_ref() {
            Ok(now) => {
                self.decided(now);
                // A verdict whose own rung is unknown everywhere has been counted as one that cannot be decided again.
                let Some((then, ladder)) = then else { return };
                let Some(course) = course((then, ladder), (now.level, authority)) else { return };
                let principal = match recorded.case.principal {
                    Actor::Agent(_) => "agent",
                    Actor::Operator(_) => "operator",
                    Actor::Engine => "engine",
                };
                let (then, now) = (then.word(ladder), now.level.word(authority));
                let moved = Move { course, action: recorded.case.action.clone(), principal, then, now };
                Group::count(&mut self.tally.moves, moved, index);
            }
            Err(why) => Group::count(&mut self.tally.unaskable, why.to_string(), index),
        }
    }

    fn decided(&mut self, answer: &Answer) {
        for policy in &answer.decided {
            *self.tally.decided.entry(*policy).or_default() += 1;
        }
    }

    /// Compares what facts were judged by with what the record's own estate holds, and with what the active one does.
    fn thresholds(&mut self, index: u64, recorded: &Recorded) {
        let active = self.versions.active().estate().digest;
        let held = |of: &Digest, fact: &FactName| self.held.get(of).and_then(|facts| facts.get(fact));
        let word = |held: Option<&Threshold>| held.map_or_else(|| "none".into(), ToString::to_string);
        let (mut alarms, mut changed) = (Vec::new(), Vec::new());
        for (fact, used) in &recorded.thresholds {
            let (own, today) = (held(&recorded.policy, fact), held(&active, fact));
            if own != Some(used) {
                alarms.push(Alarm::Threshold { fact: fact.clone(), used: used.to_string(), held: word(own) });
            }
            if recorded.policy != active && today != Some(used) {
                changed.push((fact.clone(), used.to_string(), word(today)));
            }
        }
        for alarm in alarms {
            self.alarm(index, Some(recorded.change), alarm);
        }
        for key in changed {
            Group::count(&mut self.tally.thresholds, key, index);
        }
    }

    fn run(&mut self, index: u64, begun: &Begun) {
        self.tally.runs += 1;
        let held = |policies: &lineclear_policy::Policies| {
            let estate = policies.estate();
            let name = estate.catalogue.actions.get(&begun.action)?.runbook.as_ref()?;
            estate.runbooks.get(name).map(|runbook| runbook.digest)
        };
        if let Some(own) = self.versions.of(&begun.policy)
            && held(own) != Some(begun.runbook)
        {
            let held = held(own).map_or_else(|| "none".into(), |digest| digest.to_string());
            let alarm = Alarm::Runbook { action: begun.action.clone(), ran: begun.runbook, held };
            self.alarm(index, Some(begun.change), alarm);
        }
        if begun.policy != self.versions.active().estate().digest && held(self.versions.active()) != Some(begun.runbook) {
            Group::count(&mut self.tally.runbooks, begun.action.clone(), index);
        }
    }
}

/// What every fact of an estate is judged by.
fn thresholds(facts: &BTreeMap<FactName, FactSpec>) -> BTreeMap<FactName, Threshold> {
    facts.iter().map(|(name, spec)| (name.clone(), Threshold::of(spec))).collect()
}

/// Where the recorded verdict stands on a ladder; none when it cannot be read or the ladder lacks its rung.
fn said(recorded: &Recorded, authority: &Authority) -> Option<Level> {
    Level::of(&serde_json::from_str::<Verdict>(&recorded.verdict).ok()?, authority)
}

fn differs(recorded: &Recorded, decided: String, authority: &Authority) -> Alarm {
    let word = match serde_json::from_str::<Verdict>(&recorded.verdict) {
        Ok(Verdict::NeedsApproval { rung, .. }) => rung.to_string(),
        Ok(Verdict::Denied { .. }) => "denied".into(),
        Ok(Verdict::Clear { .. }) => Level::Rung(0).word(authority),
        Err(_) => return Alarm::Record(RecordFault::Shape),
    };
    if word == decided { Alarm::Reasons { recorded: word } } else { Alarm::Verdict { recorded: word, decided } }
}

impl Threshold {
    fn of(spec: &FactSpec) -> Self {
        let holds = canonical(&spec.holds).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        Self { limit: spec.limit.as_micros(), holds: holds.unwrap_or_default() }
    }
}

impl std::fmt::Display for Threshold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} up to an age of {}", self.holds, lineclear_core::Span::from_millis(self.limit / 1_000))
    }
}

impl Group {
    /// None at all.
    const NOTHING: Self = Self { count: 0, first_entry: None };

    fn count<K: Ord>(groups: &mut BTreeMap<K, Self>, key: K, entry: u64) {
        Self { count: 1, first_entry: Some(entry) }.join(groups, key);
    }

    fn join<K: Ord>(self, groups: &mut BTreeMap<K, Self>, key: K) {
        let group = groups.entry(key).or_insert(Self::NOTHING);
        let first_entry = [group.first_entry, self.first_entry].into_iter().flatten().min();
        *group = Self { count: group.count + self.count, first_entry };
    }
}

impl Tally {
    /// Adds what another worker found.
    #[must_use]
    pub fn join(mut self, other: Self) -> Self {
        self.verdicts += other.verdicts;
        self.redecided += other.redecided;
        self.erased += other.erased;
        self.runs += other.runs;
        self.asked += other.asked;
        self.alarms += other.alarms;
        for (digest, count) in other.absent {
            *self.absent.entry(digest).or_default() += count;
        }
        for (policy, count) in other.decided {
            *self.decided.entry(policy).or_default() += count;
        }
        other.moves.into_iter().for_each(|(key, group)| group.join(&mut self.moves, key));
        other.unaskable.into_iter().for_each(|(key, group)| group.join(&mut self.unaskable, key));
        other.thresholds.into_iter().for_each(|(key, group)| group.join(&mut self.thresholds, key));
        other.runbooks.into_iter().for_each(|(key, group)| group.join(&mut self.runbooks, key));
        other.needed.into_iter().for_each(|(key, group)| group.join(&mut self.needed, key));
        self.told.extend(other.told);
        self.shorten();
        self
    }

    fn shorten(&mut self) {
        while self.told.len() > ALARMS_MAX {
            self.told.pop_last();
        }
    }

    /// Recorded verdicts that were looked at.
    pub const fn verdicts(&self) -> u64 {
        self.verdicts
    }

    /// How often policy was really asked; the rest was remembered.
    pub const fn asked(&self) -> u64 {
        self.asked
    }
}
