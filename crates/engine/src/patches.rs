//! Drafted runbooks: whoever may propose may draft one. It is read, linted and rehearsed before it is kept, people see it beside the
//! runbook that it would replace, and only a person makes it part of a proposed version of the estate. Nothing here runs one.

use lineclear_core::machine::Machine as _;
use lineclear_core::patch::{Command, Event, NOTE_MAX, Patch, State, TEXT_MAX};
use lineclear_core::record::Stream;
use lineclear_core::situation::Actor;
use lineclear_core::{IncidentId, PatchId, RevisionId};
use lineclear_store::RowQuery;
use serde::Serialize;

use crate::engine::{CONFLICTS_MAX, Inner};
use crate::estates::{Drafted, Files};
use crate::history::Draft;
use crate::pulse::Outcome;
use crate::view::Moment;
use crate::{Caller, Engine, EngineError, story};

/// Most drafts that wait for people at once: more than they read in two weeks.
pub const OFFERED_MAX: usize = 32;

/// What is drafted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sketch {
    /// The file's text, tests included.
    pub text: String,
    /// What it is for.
    pub note: String,
    /// The incident that it is for.
    pub incident: Option<IncidentId>,
}

/// Everything there is to see of a draft.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PatchView {
    /// The draft.
    pub patch: Patch,
    /// Its state in one word.
    pub word: &'static str,
    /// The text that it would replace, as it is in force; none when it is new, or the files in force cannot be read.
    pub replaces: Option<String>,
    /// Its whole life, oldest first.
    pub timeline: Vec<Moment>,
}

impl Engine {
    /// Keeps a drafted runbook for people to review. Agents may, and that is all they may.
    ///
    /// # Errors
    /// When it is no runbook of this estate, has no test, breaks a bound, or too many wait already.
    pub async fn draft_runbook(&self, caller: &Caller, sketch: Sketch) -> Result<PatchId, EngineError> {
        let by = self.known(caller)?;
        let malformed = |pointer: &str, message: String| EngineError::Malformed { pointer: pointer.into(), message };
        if sketch.text.is_empty() || sketch.text.len() > TEXT_MAX {
            return Err(malformed("/text", format!("a draft has 1 to {TEXT_MAX} bytes")));
        }
        if sketch.note.trim().is_empty() || sketch.note.chars().count() > NOTE_MAX {
            return Err(malformed("/note", format!("say what it is for, in 1 to {NOTE_MAX} characters")));
        }
        let inner = &self.inner;
        inner.room_for_drafts().await?;
        if let Some(incident) = sketch.incident {
            inner.need::<lineclear_core::incident::Incident>(Stream::Incident(incident)).await?;
        }
        let base = inner.in_force().estate.digest;
        let Drafted { review, how } = inner.estates.draft(&inner.files_of(base).await?, &sketch.text).await.map_err(EngineError::Unfit)?;
        if review.tests.is_empty() {
            return Err(EngineError::Unfit(vec!["a draft comes with its tests, and this one has none".into()]));
        }
        let (id, now) = (PatchId::new(inner.ids.number()), inner.now());
        let Sketch { text, note, incident } = sketch;
        let offered = Event::Offered { id, by, how, base, text, note, incident, review: Box::new(review), at: now };
        let mut draft = Draft::new(&*inner.ids, by, now);
        draft.begin::<Patch>(Stream::Patch(id), vec![offered])?;
        inner.commit(draft).await?;
        Ok(id)
    }

    /// Everything there is to see of a draft.
    ///
    /// # Errors
    /// When there is none of this id.
    pub async fn patch(&self, id: PatchId) -> Result<PatchView, EngineError> {
        let inner = &self.inner;
        let loaded = inner.need::<Patch>(Stream::Patch(id)).await?;
        let moment = |stored: &lineclear_store::Stored| Moment {
            at: stored.happened.at,
            by: stored.happened.by,
            name: inner.name(stored.happened.by),
            stream: stored.stream,
            kind: stored.happened.event.kind(),
            index: stored.index,
            says: story::says(&stored.happened.event, &|actor| inner.name(actor)),
        };
        let timeline = loaded.events.iter().map(moment).collect();
        let files = inner.estates.fetch(inner.in_force().estate.digest).await.unwrap_or_default();
        let patch = loaded.machine;
        let replaces = files.get(&patch.path()).and_then(|bytes| String::from_utf8(bytes.clone()).ok());
        Ok(PatchView { word: patch.word(), replaces, timeline, patch })
    }

    /// Proposes the files in force with this draft among them as a version of the estate. From there it goes the way of every other
    /// version: examined, reviewed by the team that owns it, approved, and activated by a person.
    ///
    /// # Errors
    /// When the caller is no person, the draft has ended, or the version cannot be proposed.
    pub async fn take_up(&self, caller: &Caller, id: PatchId) -> Result<RevisionId, EngineError> {
        let by = caller.person()?;
        self.known(caller)?;
        let inner = &self.inner;
        let patch = inner.need::<Patch>(Stream::Patch(id)).await?.machine;
        // Asked before anything is proposed; the same is asked once more when it is recorded.
        patch.waits(inner.now())?;
        let mut files = inner.files_of(inner.in_force().estate.digest).await?;
        files.insert(patch.path(), patch.text.clone().into_bytes());
        let note = format!("Draft `{id}` of runbook `{}`, taken up. {}", patch.review.runbook, patch.note);
        let note = note.chars().take(lineclear_core::revision::NOTE_MAX).collect();
        let revision = self.propose_estate(caller, files, note).await?;
        self.rule(id, Actor::Operator(by), &Command::TakeUp { by, revision }).await?;
        Ok(revision)
    }

    /// Declines a draft.
    ///
    /// # Errors
    /// When the caller is no person, no reason is given, or it has ended.
    pub async fn decline_patch(&self, caller: &Caller, id: PatchId, reason: String) -> Result<(), EngineError> {
        let by = caller.person()?;
        self.known(caller)?;
        self.rule(id, Actor::Operator(by), &Command::Decline { by, reason }).await
    }

    async fn rule(&self, id: PatchId, by: Actor, command: &Command) -> Result<(), EngineError> {
        let inner = &self.inner;
        for _ in 0..CONFLICTS_MAX {
            let loaded = inner.need::<Patch>(Stream::Patch(id)).await?;
            let now = inner.now();
            let events = loaded.machine.decide(command.clone(), now)?;
            let mut draft = Draft::new(&*inner.ids, by, now);
            draft.extend(&loaded, events)?;
            match inner.commit(draft).await.map_err(EngineError::from) {
                Err(EngineError::Busy(_)) => {}
                other => return other.map(drop),
            }
        }
        Err(EngineError::Busy(Stream::Patch(id)))
    }
}

impl Inner {
    async fn files_of(&self, digest: lineclear_core::Digest) -> Result<Files, EngineError> {
        self.estates.fetch(digest).await.map_err(|error| EngineError::Estate { digest, why: error.to_string() })
    }

    async fn room_for_drafts(&self) -> Result<(), EngineError> {
        let limit = u32::try_from(OFFERED_MAX).unwrap_or(u32::MAX);
        let query = RowQuery { kind: "patch".into(), open: Some(true), limit, ..RowQuery::default() };
        if self.store.rows(query).await?.rows.len() < OFFERED_MAX {
            return Ok(());
        }
        let message = format!("{OFFERED_MAX} drafts wait for people already: ask them to take one up or decline it");
        Err(EngineError::Malformed { pointer: String::new(), message })
    }

    /// A draft that nobody took up lapses.
    pub(crate) async fn perform_patch(&self, id: PatchId) -> Result<Outcome, EngineError> {
        let loaded = self.need::<Patch>(Stream::Patch(id)).await?;
        let now = self.now();
        let events = loaded.machine.decide(Command::Tick, now)?;
        if events.is_empty() {
            let until = if loaded.machine.state == State::Offered { loaded.machine.until() } else { now };
            return Ok(Outcome::Waits(until.max(now + lineclear_core::Span::from_secs(60))));
        }
        let mut draft = Draft::new(&*self.ids, Actor::Engine, now);
        draft.extend(&loaded, events)?;
        self.commit(draft).await?;
        Ok(Outcome::Moved)
    }
}
