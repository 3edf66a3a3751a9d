//! The decision record: one document per change that joins everything an auditor asks for. A member that this version
//! does not produce yet, or that this change never came to, is there and says so.

use lineclear_core::approval::{self, Approval};
use lineclear_core::change::{self, State};
use lineclear_core::dossier::Dossier;
use lineclear_core::emergency::Emergency;
use lineclear_core::machine::Machine as _;
use lineclear_core::page::Page;
use lineclear_core::proposal::Citation;
use lineclear_core::record::{Event, Stream};
use lineclear_core::run;
use lineclear_core::situation::Actor;
use lineclear_core::statement::Vote;
use lineclear_core::{ChangeId, PageId};
use lineclear_store::Stored;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use crate::engine::Inner;
use crate::history::Loaded;
use crate::view::{Whole, word};
use crate::{Engine, EngineError, story};

/// The format of decision records.
pub const RECORD_FORMAT: &str = "lineclear.decision-record/1";

/// A member that may be missing, and then says why.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Member<T> {
    /// It is known.
    Known(T),
    /// It is not, and why.
    Absent {
        /// Why it is not here.
        absent: String,
    },
}

impl<T> Member<T> {
    fn of(value: Option<T>, absent: &str) -> Self {
        value.map_or_else(|| Self::Absent { absent: absent.into() }, Self::Known)
    }
}

/// A place in the ledger.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Place {
    /// The entry's index.
    pub index: u64,
    /// Its kind.
    pub kind: String,
    /// Its leaf hash, hexadecimal.
    pub leaf: String,
    /// When it was committed (RFC 3339).
    pub at: String,
    /// Who caused it.
    pub by: String,
}

/// A person's answer.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Answered {
    /// The person's id.
    pub operator: String,
    /// Their name, as people know it.
    pub name: String,
    /// `approve` or `reject`.
    pub decision: Value,
    /// The grade of the signature: `session`, `ssh`.
    pub grade: String,
    /// The reason given, in the person's own words.
    pub reason: String,
    /// The exact text that was signed.
    pub statement: String,
    /// What binds it to the person.
    pub signature: Value,
    /// What became of the request that it answers: `open`, `granted`, `consumed`, `rejected`, `lapsed` or `withdrawn`. Only
    /// answers to the one that was consumed carried the run.
    pub request: String,
    /// When it came in (RFC 3339).
    pub at: String,
    /// Seconds from being asked to answering.
    pub time_to_decision_s: u64,
}

/// One document per change that joins everything an auditor asks for.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DecisionRecord {
    /// [`RECORD_FORMAT`].
    pub format: String,
    /// The change.
    pub change: String,
    /// Its state in one word.
    pub state: String,
    /// When it was proposed (RFC 3339).
    pub proposed: String,
    /// What set it off: incident and signals.
    pub trigger: Member<Value>,
    /// The agent that proposed it, with its owner.
    pub agent: Member<Value>,
    /// The model that spoke, as its agent states it: name and version.
    pub model: Member<Value>,
    /// The estate in force: the policy version, its policies' digest included.
    pub policy_version: Member<String>,
    /// Facts with source, query, reading, age in seconds at the verdict, and limit; claims, marked as such.
    pub input_signals: Member<Value>,
    /// How sure the proposer said it was, in basis points.
    pub confidence_bp: u16,
    /// What was suggested: action, target, inputs, reason, alternatives.
    pub suggested_action: Value,
    /// What policy said, with its reasons.
    pub verdict: Member<Value>,
    /// What was approved or cleared: the bundle that was bound, and its plan.
    pub approved_action: Member<Value>,
    /// What differs between what was suggested and asked first, and what was approved.
    pub difference: Member<Value>,
    /// Who answered.
    pub approvers: Member<Vec<Answered>>,
    /// Who was looked for to answer, by which path, who was told when, and who answered: one document for each request.
    pub pages: Member<Value>,
    /// The way back: the undo of every step, and when it was last drilled.
    pub rollback: Member<Value>,
    /// Every attempt, and what became of it.
    pub attempts: Member<Value>,
    /// Goals, neighbours, samples and judgement.
    pub verification: Member<Value>,
    /// How it ended, and who said so.
    pub outcome: Member<Value>,
    /// The emergency that it was begun, or last judged, under: who declared it, why, and how its review stands.
    pub emergency: Member<Value>,
    /// What people passed, resolved or overruled, and why.
    pub overrides: Member<Value>,
    /// Incident, deployment, ticket.
    pub links: Value,
    /// Every ledger entry of this change, in order.
    pub ledger: Vec<Place>,
    /// The checkpoint under which this record was written.
    pub checkpoint: String,
}

impl Engine {
    /// The decision record of a change.
    ///
    /// # Errors
    /// When there is no such change.
    pub async fn decision_record(&self, id: ChangeId) -> Result<DecisionRecord, EngineError> {
        let whole = self.inner.whole(id).await?;
        let pages = self.inner.pages(&whole).await?;
        let checkpoint = self.inner.store.head().await?.note;
        let under = self.inner.under(&whole).await?;
        Ok(self.inner.write(&whole, pages, under, checkpoint))
    }
}

impl Inner {
    /// The pages of every request, told in their order.
    async fn pages(&self, whole: &Whole) -> Result<Vec<Value>, EngineError> {
        let mut pages = Vec::new();
        for asked in &whole.approvals {
            let id = PageId::new(asked.machine.request.id.number());
            let Some(page) = self.load::<Page>(Stream::Page(id)).await? else { continue };
            let moments = page.events.iter().map(|stored| {
                let says = story::says(&stored.happened.event, &|actor| self.name(actor));
                json!({"index": stored.index, "kind": stored.happened.event.kind(), "at": stored.happened.at, "by": stored.happened.by, "says": says})
            });
            pages.push(json!({"page": id, "request": asked.machine.request.id, "path": page.machine.plan.path, "moments": moments.collect::<Vec<_>>()}));
        }
        Ok(pages)
    }

    /// The emergency that a change was begun under, or last judged under.
    async fn under(&self, whole: &Whole) -> Result<Member<Value>, EngineError> {
        let begun = whole.run.as_ref().and_then(|run| run.machine.order.emergency);
        let judged = whole.change.machine.dossier().or_else(|| last_dossier(whole)).and_then(|dossier| dossier.emergency);
        let known = match begun.or(judged.filter(|_| whole.run.is_none())) {
            Some(id) => self.load::<Emergency>(Stream::Emergency(id)).await?,
            None => None,
        };
        let told = known.map(|Loaded { machine: it, .. }| {
            json!({
                "id": it.id, "by": it.by, "name": self.name(Actor::Operator(it.by)), "justification": it.justification, "begun": it.begun,
                "until": it.until, "review": it.word(), "counts_as_routine": false,
            })
        });
        Ok(Member::of(told, "no emergency was in force for it"))
    }

    fn write(&self, whole: &Whole, pages: Vec<Value>, emergency: Member<Value>, checkpoint: String) -> DecisionRecord {
        let change = &whole.change.machine;
        let proposal = &change.proposal;
        let dossier = change.dossier().or_else(|| last_dossier(whole));
        let never = "it never came that far";
        let gate = change.gate();
        let run = whole.run.as_ref().map(|loaded| &loaded.machine);
        let plan = run.map(|run| &run.order.plan).or_else(|| dossier.and_then(|dossier| dossier.plan.as_ref()));
        DecisionRecord {
            format: RECORD_FORMAT.into(),
            change: change.id.to_string(),
            state: word(change, run).into(),
            proposed: change.proposed.to_string(),
            trigger: self.trigger(whole),
            agent: self.agent(proposal.by),
            model: Member::of(proposal.model.as_ref().map(|model| json!(model)), "no model was named"),
            policy_version: Member::of(dossier.map(|dossier| dossier.policy.to_string()), never),
            input_signals: Member::of(dossier.map(|dossier| signals(dossier, &proposal.evidence)), never),
            confidence_bp: proposal.confidence.basis_points(),
            suggested_action: json!({
                "action": proposal.action, "target": proposal.target, "inputs": first_inputs(whole), "reason": proposal.reason,
                "alternatives": proposal.alternatives,
            }),
            verdict: Member::of(dossier.and_then(|dossier| dossier.verdict.as_ref()).map(|verdict| json!(verdict)), "policy was not asked"),
            approved_action: Member::of(
                gate.map(|gate| json!({"bundle": gate.bundle, "bundle_digest": gate.bundle.digest().ok(), "inputs": proposal.inputs, "plan": plan})),
                never,
            ),
            difference: Member::of(gate.map(|_| differences(whole)), never),
            approvers: self.approvers(whole),
            pages: Member::of(Some(pages).filter(|pages| !pages.is_empty()).map(Value::from), "nobody was asked"),
            rollback: Member::of(
                plan.map(|plan| {
                    let steps: Vec<Value> = plan.steps.iter().map(|step| json!({"step": step.step, "undo": step.undo})).collect();
                    json!({"reversible": plan.reversible(), "steps": steps, "drilled": dossier.and_then(|dossier| dossier.drilled)})
                }),
                "nothing was planned",
            ),
            attempts: Member::of(whole.run.as_ref().map(|loaded| attempts(&loaded.events)), "nothing was carried out"),
            verification: verification(&whole.change.events, &change.state),
            outcome: Member::of(change.outcome().map(|outcome| json!(outcome)), "it is not over"),
            emergency,
            overrides: Member::of(Some(overrides(whole)), never),
            links: json!({"incident": proposal.incident, "deployment": proposal.links.deployment, "ticket": proposal.links.ticket}),
            ledger: whole.events().iter().map(|stored| place(stored)).collect(),
            checkpoint,
        }
    }

    fn trigger(&self, whole: &Whole) -> Member<Value> {
        let proposal = &whole.change.machine.proposal;
        if proposal.incident.is_none() && proposal.signals.is_empty() {
            return Member::Absent { absent: format!("{} proposed it without naming an incident or a signal", self.name(proposal.by)) };
        }
        Member::Known(json!({"incident": proposal.incident, "signals": proposal.signals}))
    }

    fn agent(&self, by: Actor) -> Member<Value> {
        let Actor::Agent(id) = by else {
            return Member::Absent { absent: format!("{} proposed it in person", self.name(by)) };
        };
        let estate = self.in_force().estate.clone();
        let agent = estate.directory.agents.get(&id);
        let owner = agent.map(|agent| json!({"id": agent.owner, "name": self.name(Actor::Operator(agent.owner))}));
        Member::Known(json!({"id": id, "name": self.name(by), "owner": owner}))
    }

    fn approvers(&self, whole: &Whole) -> Member<Vec<Answered>> {
        let mut answers = Vec::new();
        for asked in &whole.approvals {
            // From the history, not from the state: a request that lapsed or was withdrawn no longer holds who answered it.
            for stored in &asked.events {
                if let Event::Approval(approval::Event::Voted { vote } | approval::Event::Rejected { vote }) = &stored.happened.event {
                    answers.push(self.answered(vote, &asked.machine));
                }
            }
        }
        let absent = match &whole.change.machine.state {
            State::Awaiting { .. } => "nobody has answered yet",
            State::Proposed
            | State::Blocked { .. }
            | State::Cleared { .. }
            | State::Running { .. }
            | State::Verifying { .. }
            | State::Escalated { .. }
            | State::Closed { .. } => "nobody was asked, or nobody answered",
        };
        Member::of((!answers.is_empty()).then_some(answers), absent)
    }

    fn answered(&self, vote: &Vote, asked: &Approval) -> Answered {
        let reason = lineclear_core::statement::Statement::parse(&vote.statement).map(|said| said.reason).unwrap_or_default();
        Answered {
            operator: vote.by.to_string(),
            name: self.name(Actor::Operator(vote.by)),
            decision: json!(vote.decision),
            grade: vote.signature.grade().to_string(),
            reason,
            statement: vote.statement.clone(),
            signature: json!(vote.signature),
            request: asked.word().into(),
            at: vote.at.to_string(),
            time_to_decision_s: vote.at.since(asked.request.asked).as_secs(),
        }
    }
}

/// What gate 1 found last about the inputs as they stand. A change that ended before gate 2 no longer holds it in its state,
/// and why it was denied or lapsed is exactly what is asked later.
fn last_dossier(whole: &Whole) -> Option<&Dossier> {
    let amended = |event: &Event| matches!(event, Event::Change(change::Event::Amended { .. }));
    let mut since = whole.change.events.iter().rev().map(|stored| &stored.happened.event).take_while(|event| !amended(event));
    since.find_map(dossier_of)
}

fn dossier_of(event: &Event) -> Option<&Dossier> {
    use change::Event as E;
    if let Event::Change(
        E::Blocked { dossier, .. }
        | E::Denied { dossier }
        | E::Asked { dossier, .. }
        | E::Cleared { dossier, .. }
        | E::Started { dossier, .. },
    ) = event
    {
        Some(dossier)
    } else {
        None
    }
}

fn signals(dossier: &Dossier, cited: &std::collections::BTreeSet<Citation>) -> Value {
    let facts: Vec<Value> = dossier
        .facts
        .values()
        .map(|fact| {
            let age = match &fact.reading {
                lineclear_core::fact::Reading::Value { observed, .. } => json!(dossier.at.since(*observed).as_secs()),
                lineclear_core::fact::Reading::Absent { .. } => Value::Null,
            };
            let confirms = fact.worth(dossier.at) == lineclear_core::fact::Worth::Confirms;
            json!({"fact": fact, "age_s": age, "limit_s": fact.limit.as_secs(), "confirmed": confirms})
        })
        .collect();
    let claim = |citation: &Citation| match citation {
        Citation::Claim { text } => Some(text.clone()),
        Citation::Fact { .. } => None,
    };
    json!({"at": dossier.at, "facts": facts, "claimed": cited.iter().filter_map(claim).collect::<Vec<_>>()})
}

fn first_inputs(whole: &Whole) -> Value {
    let first = whole.change.events.first().map(|stored| &stored.happened.event);
    if let Some(Event::Change(change::Event::Proposed { proposal, .. })) = first { json!(proposal.inputs) } else { Value::Null }
}

/// What changed between the first asking and the last, as people were shown it, and every change of inputs.
fn differences(whole: &Whole) -> Value {
    let mut list = Vec::new();
    for stored in &whole.change.events {
        if let Event::Change(change::Event::Asked { differences, .. } | change::Event::Cleared { differences, .. }) = &stored.happened.event
        {
            list.extend(differences.iter().map(|difference| json!(difference)));
        }
        if let Event::Change(change::Event::Amended { by, inputs, .. }) = &stored.happened.event {
            list.push(json!({"what": "inputs", "by": by, "after": inputs}));
        }
    }
    json!(list)
}

fn attempts(events: &[Stored]) -> Value {
    let of_run = |stored: &Stored| if let Event::Run(event) = &stored.happened.event { Some(event.clone()) } else { None };
    let mut list: Vec<Value> = Vec::new();
    for event in events.iter().filter_map(of_run) {
        if let run::Event::Intended { attempt, at } = &event {
            list.push(json!({"attempt": attempt, "intended": at, "events": []}));
        } else if let Some(happened) = list.last_mut().and_then(|last| last.get_mut("events")).and_then(Value::as_array_mut) {
            happened.push(json!(event));
        }
    }
    json!(list)
}

fn verification(events: &[Stored], state: &State) -> Member<Value> {
    let mut samples = Vec::new();
    let mut judged = Value::Null;
    for stored in events {
        if let Event::Change(change::Event::Sampled { sample }) = &stored.happened.event {
            samples.push(json!(sample));
        }
        if let Event::Change(change::Event::Judged { judgement, closes, .. }) = &stored.happened.event {
            judged = json!({"judgement": judgement, "closed_by_machine": closes});
        }
    }
    let watched = !samples.is_empty() || matches!(state, State::Verifying { .. });
    Member::of(watched.then(|| json!({"samples": samples, "judged": judged})), "nothing was verified")
}

fn overrides(whole: &Whole) -> Value {
    let mut list = Vec::new();
    for stored in whole.events() {
        let is_override = match &stored.happened.event {
            Event::Run(event) => matches!(event, run::Event::Resolved { .. } | run::Event::SecondAsked { .. }),
            Event::Change(event) => matches!(event, change::Event::Declared { .. } | change::Event::TakenBack { .. }),
            Event::Approval(event) => matches!(event, approval::Event::VoteRefused { .. }),
            Event::Delivery(_)
            | Event::Deployment(_)
            | Event::Emergency(_)
            | Event::Incident(_)
            | Event::Lane(_)
            | Event::Page(_)
            | Event::Patch(_)
            | Event::Revision(_)
            | Event::Runner(_)
            | Event::Installation(_) => false,
        };
        if is_override {
            list.push(json!({"at": stored.happened.at, "by": stored.happened.by, "index": stored.index, "event": stored.happened.event}));
        }
    }
    json!(list)
}

fn place(stored: &Stored) -> Place {
    Place {
        index: stored.index,
        kind: stored.happened.event.kind(),
        leaf: stored.leaf.to_string(),
        at: stored.happened.at.to_string(),
        by: stored.happened.by.to_string(),
    }
}
