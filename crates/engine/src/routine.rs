//! Whether a change is routine, and when an undo was last drilled: both found in the records of earlier runs, by bounded
//! look-ups, and judged by [`lineclear_core::routine`].

use std::collections::BTreeMap;

use lineclear_core::change::Change;
use lineclear_core::name::RunbookName;
use lineclear_core::plan::Plan;
use lineclear_core::record::{Event, Row, Stream};
use lineclear_core::routine::{Drill, Mark, Past, Question, Routine};
use lineclear_core::runbook::Runbook;
use lineclear_core::{ChangeId, Digest, RunId};
use lineclear_store::{RowQuery, Stored};

use crate::engine::Inner;
use crate::gather::Ground;
use crate::history::Loaded;
use crate::{Engine, EngineError};

/// Most earlier changes of one kind that are read: each is two short histories, and a routine rests on a handful. An agent cannot
/// push a bad outcome out of sight, for those are looked up by themselves.
const PAST_MAX: u32 = 64;
/// Most undone runs that are looked through by their rows for the last drill.
const UNDONE_MAX: u32 = 500;
/// Most of them that are read: those of the same runbook, newest first.
const DRILLS_READ_MAX: usize = 16;
/// Where changes stand that ran and came out badly, or may have.
const BADLY: [&str; 3] = ["undone", "failed", "escalated"];

impl Inner {
    /// Whether the change is routine, from what is recorded of this action on this target.
    pub(crate) async fn routine(
        &self,
        change: &Change,
        ground: &Ground<'_>,
        plan: Option<&Plan>,
        drill: Option<Drill>,
    ) -> Result<Routine, EngineError> {
        let (standard, never) = (ground.estate.authority.routine, ground.action.never_routine);
        let inputs = &change.proposal.inputs;
        let question = Question { standard, never, runbook: ground.runbook, plan, inputs, drill, now: self.now() };
        let Some((standard, plan)) = standard.zip(plan).filter(|_| !never) else { return Ok(question.answer(&[])) };
        let mut past = Vec::new();
        let (bad, well) = (self.ran(change, &BADLY).await?, self.ran(change, &["succeeded"]).await?);
        for id in bad {
            past.extend(self.past(id, &ground.estate.origin).await?);
        }
        for id in well {
            let good = |past: &&Past| past.mark == Mark::Good && past.runbook == plan.runbook_digest;
            // Newest first: once enough are found, older ones say nothing more.
            if past.iter().filter(good).count() >= usize::from(standard.runs) && question.answer(&past).runs.len() >= standard.runs.into() {
                break;
            }
            past.extend(self.past(id, &ground.estate.origin).await?);
        }
        Ok(question.answer(&past))
    }

    /// Changes of the same action on the same target that stand at one of these words, newest first.
    async fn ran(&self, change: &Change, words: &[&str]) -> Result<Vec<ChangeId>, EngineError> {
        let key = format!("{} {}", change.proposal.action, change.proposal.target);
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        let query = RowQuery { kind: "change".into(), words, key: Some(key), limit: PAST_MAX, ..RowQuery::default() };
        let page = self.store.rows(query).await?;
        let id = |row: &Row| if let Stream::Change(id) = row.stream { Some(id) } else { None };
        Ok(page.rows.iter().filter_map(id).filter(|id| *id != change.id).collect())
    }

    async fn past(&self, id: ChangeId, origin: &str) -> Result<Option<Past>, EngineError> {
        let Some(change) = self.load::<Change>(Stream::Change(id)).await? else { return Ok(None) };
        let Some(run) = change.machine.run() else { return Ok(None) };
        let run = self.store.events(Stream::Run(run), 0).await?;
        let (events, run) = (of_change(&change), of_run(&run));
        Ok(Past::of(&change.machine, &events, &run, origin))
    }

    /// The last time that the undo of this runbook, as it stands, was run to its end.
    pub(crate) async fn drill(&self, runbook: &Runbook) -> Result<Option<Drill>, EngineError> {
        Ok(self.drills(&BTreeMap::from([(&runbook.id, runbook.digest)])).await?.remove(&runbook.id))
    }

    /// The last drill of each of these runbooks.
    async fn drills(&self, runbooks: &BTreeMap<&RunbookName, Digest>) -> Result<BTreeMap<RunbookName, Drill>, EngineError> {
        let query = RowQuery { kind: "run".into(), words: vec!["undone".into()], limit: UNDONE_MAX, ..RowQuery::default() };
        let undone = self.store.rows(query).await?.rows;
        let mut found = BTreeMap::new();
        for (name, digest) in runbooks {
            let title = Row::run_title(name);
            let ids = undone.iter().filter(|row| row.title == title).filter_map(|row| run_id(row.stream));
            for id in ids.take(DRILLS_READ_MAX) {
                let events = self.store.events(Stream::Run(id), 0).await?;
                if let Some(drill) = Drill::of(&of_run(&events)).filter(|drill| drill.runbook == *digest) {
                    found.insert((*name).clone(), drill);
                    break;
                }
            }
        }
        Ok(found)
    }
}

impl Engine {
    /// The last time that the undo of each runbook, as it stands in the estate in force, was run to its end; a runbook that is
    /// missing here was never drilled.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn drills(&self) -> Result<BTreeMap<RunbookName, Drill>, EngineError> {
        let estate = self.estate();
        let runbooks: BTreeMap<&RunbookName, Digest> = estate.runbooks.iter().map(|(name, runbook)| (name, runbook.digest)).collect();
        self.inner.drills(&runbooks).await
    }
}

fn run_id(stream: Stream) -> Option<RunId> {
    if let Stream::Run(id) = stream { Some(id) } else { None }
}

fn of_change(loaded: &Loaded<Change>) -> Vec<&lineclear_core::change::Event> {
    loaded.events.iter().filter_map(|stored| if let Event::Change(event) = &stored.happened.event { Some(event) } else { None }).collect()
}

fn of_run(events: &[Stored]) -> Vec<&lineclear_core::run::Event> {
    events.iter().filter_map(|stored| if let Event::Run(event) = &stored.happened.event { Some(event) } else { None }).collect()
}
