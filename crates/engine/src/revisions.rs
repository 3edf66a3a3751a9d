//! Another version of the estate: proposed by a person, examined, put to the people whom the estate in force names, and
//! brought into force in one transaction. No machine comes past the first line of any of these.

use std::sync::Arc;
use std::time::Duration;

use lineclear_core::approval::{self, Approval, Request, Withdrawal};
use lineclear_core::bundle::Needs;
use lineclear_core::digest::canonical;
use lineclear_core::installation;
use lineclear_core::machine::Machine as _;
use lineclear_core::record::Stream;
use lineclear_core::revision::{
    ASKED_TTL, Activation, Changed, Command, Event, How, NOTE_MAX, Report, Revision, State, needs, reviewed, reviews,
};
use lineclear_core::situation::Actor;
use lineclear_core::subject::{Subject, Use};
use lineclear_core::{ApprovalId, Digest, OperatorId, RevisionId, Span};
use serde::Serialize;

use crate::engine::{CONFLICTS_MAX, Inner};
use crate::estates::{BYTES_MAX, Examination, FILE_BYTES_MAX, FILES_MAX, Files, path_fault};
use crate::history::{Draft, Loaded};
use crate::pulse::Outcome;
use crate::view::Moment;
use crate::{Caller, Engine, EngineError, InForce, WAIT_MAX, story};

/// Most proposals that are open at once: more versions than people can compare.
pub const OPEN_MAX: usize = 8;
/// How long an examination may take. The shipped estate takes some seconds; one of 500 policies a minute.
const EXAMINE_MAX: Duration = Duration::from_mins(10);
/// How long a proposal waits while another one is examined.
const TURN: Span = Span::from_secs(1);

/// Everything there is to see of a proposed version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RevisionView {
    /// The proposed version.
    pub revision: Revision,
    /// Its state in one word.
    pub word: &'static str,
    /// Whether it is in force now.
    pub in_force: bool,
    /// Why it cannot come into force, one sentence each.
    pub obstacles: Vec<String>,
    /// The request that is open, was granted, or was used.
    pub approval: Option<Approval>,
    /// Its whole life, oldest first.
    pub timeline: Vec<Moment>,
}

fn malformed(pointer: &str, message: impl Into<String>) -> EngineError {
    EngineError::Malformed { pointer: pointer.into(), message: message.into() }
}

fn check(files: &Files, note: &str) -> Result<(), EngineError> {
    if files.is_empty() || files.len() > FILES_MAX {
        return Err(malformed("/files", format!("an estate has 1 to {FILES_MAX} files")));
    }
    for (path, bytes) in files {
        let shown: String = path.chars().take(80).collect();
        if let Some(why) = path_fault(path) {
            return Err(malformed("/files", format!("`{shown}`: {why}")));
        }
        if bytes.len() > FILE_BYTES_MAX {
            return Err(malformed("/files", format!("`{shown}` has more than {} KiB", FILE_BYTES_MAX / 1024)));
        }
    }
    if files.values().map(Vec::len).sum::<usize>() > BYTES_MAX {
        return Err(malformed("/files", format!("together they have more than {} MiB", BYTES_MAX / 1024 / 1024)));
    }
    if note.chars().count() > NOTE_MAX {
        return Err(malformed("/note", format!("a note has at most {NOTE_MAX} characters")));
    }
    Ok(())
}

impl Engine {
    /// Proposes other files as the estate. They are kept before the proposal is recorded, and examined in their own time;
    /// [`Engine::examined`] waits for that.
    ///
    /// # Errors
    /// When the caller is no person, the files are in force or proposed already, or they break a bound.
    pub async fn propose_estate(&self, caller: &Caller, files: Files, note: String) -> Result<RevisionId, EngineError> {
        let by = caller.person()?;
        self.known(caller)?;
        check(&files, &note)?;
        let inner = &self.inner;
        let digest = inner.estates.digest(&files);
        for _ in 0..CONFLICTS_MAX {
            let installation = inner.installation_in_force().await?;
            let base = installation.machine.estate;
            if digest == base {
                return Err(malformed("/files", format!("this is the estate in force already, `{digest}`")));
            }
            inner.room_for(digest).await?;
            let cannot = |why: String| EngineError::Estate { digest, why };
            let kept = inner.estates.keep(&files).await.map_err(cannot)?;
            if kept != digest {
                return Err(cannot(format!("its files were kept as `{kept}`")));
            }
            let (id, now) = (RevisionId::new(inner.ids.number()), inner.now());
            let files = u32::try_from(files.len()).unwrap_or(u32::MAX);
            let proposed = Event::Proposed { id, by, base, estate: digest, files, note: note.clone(), at: now };
            let mut draft = Draft::new(&*inner.ids, Actor::Operator(by), now);
            draft.guard(&installation);
            draft.begin::<Revision>(Stream::Revision(id), vec![proposed])?;
            match inner.commit(draft).await.map_err(EngineError::from) {
                Err(EngineError::Busy(_)) => {}
                other => return other.map(|_| id),
            }
        }
        Err(EngineError::Busy(Stream::Installation))
    }

    /// Everything there is to see of a proposed version.
    ///
    /// # Errors
    /// When there is none of this id.
    pub async fn revision(&self, id: RevisionId) -> Result<RevisionView, EngineError> {
        let inner = &self.inner;
        let loaded = inner.need::<Revision>(Stream::Revision(id)).await?;
        let mut stored = loaded.events.clone();
        let mut approval = None;
        for asked in loaded.events.iter().filter_map(|stored| asked_by(&stored.happened.event)) {
            let Some(request) = inner.load::<Approval>(Stream::Approval(asked)).await? else { continue };
            stored.extend(request.events);
            if loaded.machine.approval() == Some(asked) {
                approval = Some(request.machine);
            }
        }
        stored.sort_by_key(|stored| stored.index);
        let moment = |stored: &lineclear_store::Stored| Moment {
            at: stored.happened.at,
            by: stored.happened.by,
            name: inner.name(stored.happened.by),
            stream: stored.stream,
            kind: stored.happened.event.kind(),
            index: stored.index,
            says: story::says(&stored.happened.event, &|actor| inner.name(actor)),
        };
        let timeline = stored.iter().map(moment).collect();
        let revision = loaded.machine;
        let obstacles = revision.report.as_ref().map(|report| report.obstacles()).unwrap_or_default();
        let activated = matches!(revision.state, State::Activated { .. });
        let in_force = activated && inner.installation().await?.machine.tenure.is_some_and(|tenure| tenure.revision == Some(id));
        Ok(RevisionView { word: revision.word(), in_force, obstacles, approval, timeline, revision })
    }

    /// Waits until a proposed version was examined, or the wait is over.
    ///
    /// # Errors
    /// When there is none of this id.
    pub async fn examined(&self, id: RevisionId, wait: Duration) -> Result<RevisionView, EngineError> {
        let mut notices = self.notices();
        let deadline = tokio::time::Instant::now() + wait.min(WAIT_MAX);
        loop {
            let view = self.revision(id).await?;
            if view.revision.state != State::Proposed {
                return Ok(view);
            }
            loop {
                match tokio::time::timeout_at(deadline, notices.recv()).await {
                    Err(_) => return Ok(view),
                    Ok(Ok(stream)) if stream != Stream::Revision(id) => {}
                    // Ours, or too far behind to know: look again.
                    Ok(_) => break,
                }
            }
        }
    }

    /// The files of a version that is kept.
    ///
    /// # Errors
    /// When they are not there, or not what they were.
    pub async fn estate_files(&self, digest: Digest) -> Result<Files, EngineError> {
        self.inner.estates.fetch(digest).await.map_err(|error| EngineError::Estate { digest, why: error.to_string() })
    }

    /// The open request of a proposed version.
    ///
    /// # Errors
    /// When nobody is asked about it.
    pub async fn estate_request(&self, id: RevisionId) -> Result<Approval, EngineError> {
        let view = self.revision(id).await?;
        view.approval.ok_or_else(|| EngineError::NotFound(format!("request for approval of {id}")))
    }

    /// Takes a proposed version back.
    ///
    /// # Errors
    /// When the caller is no person, no reason is given, or it has ended.
    pub async fn withdraw_estate(&self, caller: &Caller, id: RevisionId, reason: String) -> Result<(), EngineError> {
        let by = caller.person()?;
        self.known(caller)?;
        let inner = &self.inner;
        for _ in 0..CONFLICTS_MAX {
            let loaded = inner.need::<Revision>(Stream::Revision(id)).await?;
            let now = inner.now();
            let events = loaded.machine.decide(Command::Withdraw { by, reason: reason.clone() }, now)?;
            let mut draft = Draft::new(&*inner.ids, Actor::Operator(by), now);
            inner.withdraw_request(&mut draft, &loaded.machine, Withdrawal::RevisionWithdrawn).await?;
            draft.extend(&loaded, events)?;
            match inner.commit(draft).await.map_err(EngineError::from) {
                Err(EngineError::Busy(_)) => {}
                other => return other.map(drop),
            }
        }
        Err(EngineError::Busy(Stream::Revision(id)))
    }

    /// Brings a version that enough people approved into force: one transaction, then everything decides by it.
    ///
    /// # Errors
    /// When the caller is no person, it is not granted, its time is over, or another version came into force meanwhile.
    pub async fn activate_estate(&self, caller: &Caller, id: RevisionId) -> Result<(), EngineError> {
        let by = caller.person()?;
        self.known(caller)?;
        let inner = Arc::clone(&self.inner);
        // Whoever asked may go away; what is committed is carried through all the same.
        let carried = tokio::spawn(async move { inner.activate(by, id).await }).await;
        carried.unwrap_or(Err(EngineError::Busy(Stream::Revision(id))))
    }
}

fn asked_by(event: &lineclear_core::record::Event) -> Option<ApprovalId> {
    if let lineclear_core::record::Event::Revision(Event::Asked { approval, .. }) = event { Some(*approval) } else { None }
}

impl Inner {
    /// Whether another proposal may come in.
    async fn room_for(&self, digest: Digest) -> Result<(), EngineError> {
        let open = self.open_revisions().await?;
        for stream in &open {
            if self.need::<Revision>(*stream).await?.machine.estate == digest {
                return Err(malformed("/files", format!("`{stream}` proposes these very files, and is open")));
            }
        }
        if open.len() >= OPEN_MAX {
            return Err(malformed("", format!("{OPEN_MAX} proposals are open already: withdraw one first")));
        }
        Ok(())
    }

    async fn withdraw_request(&self, draft: &mut Draft<'_>, revision: &Revision, why: Withdrawal) -> Result<(), EngineError> {
        let Some(asked) = revision.approval() else { return Ok(()) };
        let asked = self.need::<Approval>(Stream::Approval(asked)).await?;
        if asked.machine.open() {
            draft.extend(&asked, asked.machine.decide(approval::Command::Withdraw(why), self.now())?)?;
        }
        Ok(())
    }

    async fn activate(&self, by: OperatorId, id: RevisionId) -> Result<(), EngineError> {
        let _turn = self.activating.lock().await;
        for _ in 0..CONFLICTS_MAX {
            let installation = self.installation().await?;
            let loaded = self.need::<Revision>(Stream::Revision(id)).await?;
            let now = self.now();
            let events = loaded.machine.decide(Command::Activate { by, in_force: installation.machine.estate }, now)?;
            let asked = loaded.machine.approval().ok_or_else(|| EngineError::NotFound(format!("request for approval of {id}")))?;
            let asked = self.need::<Approval>(Stream::Approval(asked)).await?;
            let used = asked.machine.decide(approval::Command::Consume(Use::Revision { revision: id }), now)?;
            // Loaded before anything is committed: what cannot be loaded cannot come into force.
            let new = self.bring(loaded.machine.estate).await?;
            self.same_ledger(&new)?;
            let estate = new.estate.digest;
            let mut draft = Draft::new(&*self.ids, Actor::Operator(by), now);
            draft.extend(&asked, used)?;
            draft.extend(&loaded, events)?;
            draft.extend(&installation, vec![installation::Event::Activated { estate, revision: id, by, at: now }])?;
            self.supersede_others(&mut draft, id, estate).await?;
            match self.commit(draft).await.map_err(EngineError::from) {
                Err(EngineError::Busy(_)) => {}
                Err(error) => return Err(error),
                Ok(_) => {
                    self.swap(new);
                    if let Err(error) = self.sweep().await {
                        tracing::error!(%error, "who waits under the estate before could not be found; the next start does it");
                    }
                    return Ok(());
                }
            }
        }
        Err(EngineError::Busy(Stream::Revision(id)))
    }

    /// The ledger's name is in every checkpoint and statement: with another one it would be another installation.
    fn same_ledger(&self, new: &InForce) -> Result<(), EngineError> {
        let force = self.in_force();
        match origin_fault(&force, &new.estate) {
            Some(why) => Err(EngineError::Estate { digest: new.estate.digest, why }),
            None => Ok(()),
        }
    }

    async fn supersede_others(&self, draft: &mut Draft<'_>, id: RevisionId, base: Digest) -> Result<(), EngineError> {
        for stream in self.open_revisions().await? {
            if stream == Stream::Revision(id) {
                continue;
            }
            let other = self.need::<Revision>(stream).await?;
            let events = other.machine.decide(Command::Supersede { base }, self.now())?;
            if !events.is_empty() {
                self.withdraw_request(draft, &other.machine, Withdrawal::Superseded).await?;
                draft.extend(&other, events)?;
            }
        }
        Ok(())
    }

    pub(crate) async fn perform_revision(self: &Arc<Self>, id: RevisionId) -> Result<Outcome, EngineError> {
        let loaded = self.need::<Revision>(Stream::Revision(id)).await?;
        let now = self.now();
        if loaded.machine.effects(now).is_empty() {
            return Ok(Outcome::Waits(now + Span::from_secs(60)));
        }
        // One at a time: an examination is the only thing here that takes a processor for seconds.
        let Ok(_turn) = self.examining.try_lock() else { return Ok(Outcome::Waits(now + TURN)) };
        self.installation_in_force().await?;
        let force = self.in_force();
        let report = self.examine(&loaded.machine, &force).await;
        self.put_to_people(&loaded, &force, report).await
    }

    async fn examine(&self, revision: &Revision, force: &Arc<InForce>) -> Report {
        let files = match self.estates.fetch(revision.estate).await {
            Ok(files) => files,
            Err(error) => return Report::unreadable(vec![error.to_string()]),
        };
        let examined = tokio::time::timeout(EXAMINE_MAX, self.estates.examine(&files, Arc::clone(force))).await;
        let Ok(Examination { mut report, estate }) = examined else {
            return Report::unreadable(vec![format!("it could not be examined within {} minutes", EXAMINE_MAX.as_secs() / 60)]);
        };
        if let Some(new) = estate {
            report.faults.extend(origin_fault(force, &new));
            let besides = (!force.estate.authority.single_operator).then_some(revision.by);
            report.reviews = reviews(&force.estate, &new, besides);
        }
        match self.estates.fetch(revision.base).await {
            Ok(before) => report.files = changed(&before, &files),
            Err(error) => report.faults.push(format!("it cannot be compared with the files in force: {error}")),
        }
        report
    }

    async fn put_to_people(&self, loaded: &Loaded<Revision>, force: &InForce, report: Report) -> Result<Outcome, EngineError> {
        let installation = self.installation().await?;
        if installation.machine.estate != force.estate.digest {
            return Err(EngineError::Busy(Stream::Installation));
        }
        let now = self.now();
        let approval = ApprovalId::new(self.ids.number());
        let digest = report.digest()?;
        let asked = needs(&force.estate.authority).map(|needs| reviewed(needs, &report));
        let command = Command::Assess { report: Box::new(report), base: force.estate.digest, approval };
        let events = loaded.machine.decide(command, now)?;
        let mut draft = Draft::new(&*self.ids, Actor::Engine, now);
        draft.guard(&installation);
        if events.iter().any(|event| matches!(event, Event::Asked { .. })) {
            let asked = asked.ok_or_else(|| EngineError::NotFound("rung".into()))?;
            let request = self.estate_request(&loaded.machine, force, digest, approval, asked)?;
            self.draft_page(&mut draft, &request).await?;
            draft.begin::<Approval>(Stream::Approval(approval), vec![approval::Event::Asked { request: Box::new(request) }])?;
        }
        draft.extend(loaded, events)?;
        self.commit(draft).await?;
        Ok(Outcome::Moved)
    }

    fn estate_request(
        &self,
        revision: &Revision,
        force: &InForce,
        report: Digest,
        id: ApprovalId,
        needs: Needs,
    ) -> Result<Request, EngineError> {
        let authority = &force.estate.authority;
        let activation = Activation::of(revision, &force.estate.origin, authority, report, needs);
        let text = String::from_utf8(canonical(&activation)?).map_err(|_| EngineError::NotFound("bundle".into()))?;
        let now = self.now();
        Ok(Request {
            id,
            about: Subject::Revision { revision: revision.id, estate_digest: revision.estate },
            digest: Digest::of(text.as_bytes()),
            bundle: text,
            policy: revision.base,
            evidence: report,
            audience: force.estate.origin.clone(),
            needs: activation.needs,
            recused: activation.recused,
            single_operator: activation.single_operator,
            asked: now,
            until: now + ASKED_TTL,
        })
    }

    /// An unanswered request lapses, and its proposal with it.
    pub(crate) async fn lapse_revision(&self, draft: &mut Draft<'_>, id: RevisionId, asked: ApprovalId) -> Result<(), EngineError> {
        let loaded = self.need::<Revision>(Stream::Revision(id)).await?;
        if loaded.machine.approval() == Some(asked) {
            draft.extend(&loaded, loaded.machine.decide(Command::Lapse, self.now())?)?;
        }
        Ok(())
    }
}

fn origin_fault(force: &InForce, new: &lineclear_core::estate::Estate) -> Option<String> {
    let (old, new) = (&force.estate.origin, &new.origin);
    (old != new).then(|| format!("it renames the ledger from `{old}` to `{new}`, and an installation keeps its ledger"))
}

fn changed(before: &Files, after: &Files) -> Vec<Changed> {
    let mut list: Vec<Changed> = Vec::new();
    for (path, bytes) in after {
        let how = match before.get(path) {
            None => How::Added,
            Some(old) if old != bytes => How::Changed,
            Some(_) => continue,
        };
        list.push(Changed { path: path.clone(), how });
    }
    let gone = before.keys().filter(|path| !after.contains_key(*path));
    list.extend(gone.map(|path| Changed { path: path.clone(), how: How::Removed }));
    list.sort_by(|a, b| a.path.cmp(&b.path));
    list
}
