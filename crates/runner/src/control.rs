//! For tests: a control plane in a few lines, with a ledger in memory and a key of its own, and a clock that stands still.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use lineclear_core::authority::Grade;
use lineclear_core::bundle::{BUNDLE_FORMAT, BoundStep, Bundle, Needs};
use lineclear_core::catalogue::Risk;
use lineclear_core::permission::Permissions;
use lineclear_core::plan::{EffectClass, ToolCall};
use lineclear_core::record::{Event, Happened, Stream};
use lineclear_core::run::{self, Attempt, AttemptKey, Direction};
use lineclear_core::sandbox::Sandbox;
use lineclear_core::situation::Actor;
use lineclear_core::{Digest, Span, Timestamp};
use lineclear_ledger::{Checkpoint, Draft, Edge, Hash, LogKey, MemoryHashes, Ticket, consistency_proof, inclusion_proof, leaf_hash};
use lineclear_warrant::{Poll, Rule, Trust, TrustDraft, Warrant, WarrantKey};
use serde_json::Value;

pub(crate) const ORIGIN: &str = "ledger.example/g1";
pub(crate) const NOW: Timestamp = Timestamp::from_micros(1_795_400_000_000_000);

pub(crate) fn id<T: FromStr<Err: std::fmt::Debug>>(kind: &str, number: u32) -> T {
    format!("{kind}_{number:032x}").parse().unwrap()
}

pub(crate) fn call(tool: &str, with: Value) -> ToolCall {
    ToolCall { tool: tool.parse().unwrap(), with: serde_json::from_value(with).unwrap() }
}

pub(crate) fn key(run: u32, number: u32) -> AttemptKey {
    AttemptKey { run: id("run", run), step: "only".parse().unwrap(), direction: Direction::Do, number }
}

/// What a step does, and how it is checked.
#[derive(Clone)]
pub(crate) struct Step {
    pub call: ToolCall,
    pub verify: Option<ToolCall>,
    pub effect: EffectClass,
    pub sandbox: Option<Sandbox>,
}

pub(crate) struct Control {
    leaves: Vec<Hash>,
    pub epoch: u64,
    pub budget: Span,
}

impl Control {
    pub(crate) fn new() -> Self {
        Self { leaves: vec![leaf_hash(b"the first record")], epoch: 3, budget: Span::from_secs(5) }
    }

    fn log() -> LogKey {
        LogKey::from_seed(ORIGIN, &[1; 32]).unwrap()
    }

    fn warrant_key() -> WarrantKey {
        WarrantKey::from_seed([1; 32])
    }

    /// A runner's trust that allows one low-risk action with any of our tools.
    pub fn trust() -> Trust {
        let tools = ["http", "shell", "haproxy_server", "dns_update", "wait_for"];
        let rule = Rule {
            risk: Risk::Low,
            tools: tools.iter().map(|tool| tool.parse().unwrap()).collect(),
            services: ["light", "gone"].map(str::to_owned).into(),
            with: BTreeMap::new(),
            targets: BTreeSet::from(["service/*".parse().unwrap()]),
            humans: 0,
            grade: Grade::None,
        };
        Trust::new(TrustDraft {
            runner: id("runner", 1),
            audience: ORIGIN.into(),
            log: Self::log().verifier(),
            warrants: Self::warrant_key().public(),
            approvers: BTreeMap::new(),
            allow: BTreeMap::from([("service.switch".parse().unwrap(), rule)]),
        })
        .unwrap()
    }

    /// Records the attempt and makes out its warrant for this poll.
    pub fn make_out(&mut self, poll: &Poll, attempt: &AttemptKey, step: &Step) -> (Warrant, String) {
        let bundle = bundle(attempt, step);
        let text = String::from_utf8(bundle.bytes().unwrap()).unwrap();
        let deadline = NOW + Span::from_secs(60);
        let intended = Attempt {
            key: attempt.clone(),
            change: bundle.change,
            bundle: Digest::of(text.as_bytes()),
            index: 0,
            warrant: id("warrant", 1),
            epoch: self.epoch,
            call: step.call.digest().unwrap(),
            pickup: deadline,
            deadline,
            runner: None,
            emergency: None,
        };
        let (entry, ticket, consistency) = self.record(poll, intended);
        let warrant = Warrant {
            id: id("warrant", 1),
            audience: ORIGIN.into(),
            runner: poll.runner,
            nonce: poll.nonce.clone(),
            attempt: attempt.clone(),
            change: bundle.change,
            epoch: self.epoch,
            action: bundle.action.clone(),
            target: bundle.target.clone(),
            risk: bundle.risk,
            proposer: bundle.proposer,
            call: step.call.clone(),
            verify: step.verify.clone(),
            effect: step.effect,
            issued: NOW,
            deadline,
            budget: self.budget,
            entry,
            ticket,
            consistency,
            bundle: text,
            votes: Vec::new(),
        };
        let envelope = Self::warrant_key().seal(&warrant).unwrap();
        (warrant, envelope)
    }

    fn record(&mut self, poll: &Poll, attempt: Attempt) -> (String, String, Vec<String>) {
        let stream = Stream::Run(attempt.key.run).to_string();
        let event = Event::Run(run::Event::Intended { attempt, at: NOW });
        let number = u32::try_from(self.leaves.len()).unwrap();
        let happened = Happened { id: id("event", number), at: NOW, by: Actor::Engine, event, salt: [0; 32] };
        let leaf = happened.leaf();
        let entry = Draft {
            log: ORIGIN.into(),
            stream,
            seq: 1,
            prev: self.leaves.last().copied(),
            id: happened.id.to_string(),
            kind: leaf.kind,
            time: NOW.to_string(),
            by_kind: leaf.by_kind.into(),
            by_id: leaf.by_id,
            body: leaf.body,
            commit: BTreeMap::new(),
            links: leaf.links,
        }
        .seal()
        .unwrap();
        self.leaves.push(entry.leaf());
        let size = u64::try_from(self.leaves.len()).unwrap();
        let head = Checkpoint { origin: ORIGIN.into(), size, root: Edge::from_leaves(self.leaves.iter().copied()).root() };
        let hashes = MemoryHashes(self.leaves.clone());
        let proof = inclusion_proof(&hashes, size - 1, size).unwrap();
        let ticket = Ticket { index: size - 1, proof, checkpoint: Self::log().sign_checkpoint(&head) };
        let consistency = poll.head.as_ref().map_or_else(Vec::new, |note| {
            let old = Self::log().verifier().open_checkpoint(note).unwrap().size;
            consistency_proof(&hashes, old, size).unwrap()
        });
        let text = String::from_utf8(entry.into_bytes()).unwrap();
        (text, ticket.to_text(), consistency.iter().map(Hash::to_base64).collect())
    }
}

/// One bundle for each run, as an engine would make it.
fn bundle(attempt: &AttemptKey, step: &Step) -> Bundle {
    let digest = |text: &str| Digest::of(text.as_bytes());
    Bundle {
        format: BUNDLE_FORMAT.into(),
        audience: ORIGIN.into(),
        change: attempt.run.to_string().replace("run_", "change_").parse().unwrap(),
        round: 1,
        action: "service.switch".parse().unwrap(),
        target: "service/shop".parse().unwrap(),
        risk: Risk::Low,
        proposer: Actor::Agent(id("agent", 1)),
        recused: BTreeSet::new(),
        single_operator: false,
        proposal: digest("proposal"),
        runbook: digest("runbook"),
        plan: digest("plan"),
        policy: digest("policy"),
        situation: digest("situation"),
        evidence: digest("evidence"),
        dossier: digest("dossier"),
        steps: vec![BoundStep {
            step: attempt.step.clone(),
            tool: step.call.tool.clone(),
            effect: step.effect,
            call: step.call.digest().unwrap(),
            verify: step.verify.as_ref().map(|call| call.digest().unwrap()),
            undo: None,
        }],
        permissions: Some(Permissions::of([Some(&step.call), step.verify.as_ref()].into_iter().flatten())),
        sandbox: step.sandbox,
        needs: Needs {
            rung: "machine".parse().unwrap(),
            humans: 0,
            roles: BTreeSet::new(),
            owner: false,
            grade: Grade::None,
            reviews: BTreeMap::new(),
        },
    }
}
