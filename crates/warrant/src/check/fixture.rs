//! A small world in which everything is right, and the places where a test may make one thing wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use lineclear_core::authority::Grade;
use lineclear_core::bundle::{BUNDLE_FORMAT, BoundStep, Bundle, Needs};
use lineclear_core::catalogue::Risk;
use lineclear_core::permission::Permissions;
use lineclear_core::plan::{EffectClass, ToolCall};
use lineclear_core::record::{Event, Happened, Stream};
use lineclear_core::run::{self, Attempt, AttemptKey, Direction};
use lineclear_core::situation::Actor;
use lineclear_core::statement::{Decision, SSH_NAMESPACE, STATEMENT_TYPE, Signature, Statement, Vote};
use lineclear_core::{Digest, OperatorId, Span, Timestamp};
use lineclear_ledger::{Checkpoint, Draft, Edge, Hash, LogKey, MemoryHashes, Ticket, consistency_proof, inclusion_proof, leaf_hash};
use serde_json::{Value, json};
use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::{HashAlg, LineEnding, PrivateKey};

use crate::check::check;
use crate::envelope::WarrantKey;
use crate::trust::{Rule, Trust, TrustDraft};
use crate::warrant::Warrant;

pub(crate) const ORIGIN: &str = "ledger.example/g1";
pub(crate) const NOW: Timestamp = Timestamp::from_micros(1_795_400_000_000_000);

/// An id of any kind.
pub(crate) fn id<T: FromStr<Err: std::fmt::Debug>>(kind: &str, number: u8) -> T {
    format!("{kind}_{number:032x}").parse().unwrap()
}

pub(crate) fn person(number: u8) -> OperatorId {
    id("operator", number)
}

fn text<T: FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

pub(crate) fn ssh_key(seed: u8) -> PrivateKey {
    PrivateKey::new(KeypairData::from(Ed25519Keypair::from_seed(&[seed; 32])), "test").unwrap()
}

pub(crate) fn ssh_line(seed: u8) -> String {
    ssh_key(seed).public_key().to_openssh().unwrap()
}

pub(crate) fn ssh_sign(seed: u8, namespace: &str, message: &str) -> Signature {
    let signature = ssh_key(seed).sign(namespace, HashAlg::Sha512, message.as_bytes()).unwrap();
    Signature::Ssh { armored: signature.to_pem(LineEnding::LF).unwrap() }
}

pub(crate) fn call(tool: &str, with: Value) -> ToolCall {
    ToolCall { tool: text(tool), with: serde_json::from_value(with).unwrap() }
}

/// Somebody who votes, and what may be wrong with it.
pub(crate) struct Voter {
    pub by: u8,
    pub key: u8,
    pub session: bool,
    pub namespace: &'static str,
    pub statement: fn(&mut Statement),
    pub vote: fn(&mut Vote),
}

impl Voter {
    pub(crate) fn ssh(by: u8) -> Self {
        Self { by, key: by, session: false, namespace: SSH_NAMESPACE, statement: |_| {}, vote: |_| {} }
    }

    pub(crate) fn session(by: u8) -> Self {
        Self { session: true, ..Self::ssh(by) }
    }
}

/// Everything that a warrant and its check are made of.
pub(crate) struct World {
    pub attempt: AttemptKey,
    pub call: ToolCall,
    pub verify: Option<ToolCall>,
    pub undo: ToolCall,
    pub bundle: Bundle,
    pub voters: Vec<Voter>,
    /// Changes the record before it is sealed.
    pub record: fn(&mut Draft),
    /// Changes the warrant before the envelope is.
    pub tamper: fn(&mut Warrant),
    /// Changes what the runner trusts.
    pub draft: fn(&mut TrustDraft),
    pub log_seed: u8,
    pub warrant_seed: u8,
    /// Records before and after that of the attempt.
    pub before: u64,
    pub after: u64,
    /// How many records the runner has seen; none before the first.
    pub seen: Option<u64>,
    /// Whether what it saw was another history.
    pub forked: bool,
    pub nonce: String,
    pub now: Timestamp,
}

impl World {
    /// A high-risk change that one person signed; its first attempt, about to be dispatched.
    pub fn new() -> Self {
        let call_of = |from: &str, to: &str| {
            let with = json!({"zone": "example.test", "name": "www.example.test", "type": "A", "ttl": 60, "replace": [from], "with": [to]});
            call("dns_update", with)
        };
        let look = json!({"zone": "example.test", "name": "www.example.test", "type": "A", "expect": ["192.0.2.11"]});
        let attempt = AttemptKey { run: id("run", 1), step: text("switch"), direction: Direction::Do, number: 1 };
        let mut world = Self {
            attempt,
            call: call_of("192.0.2.10", "192.0.2.11"),
            verify: Some(call("dns_update", look)),
            undo: call_of("192.0.2.11", "192.0.2.10"),
            bundle: bundle(),
            voters: vec![Voter::ssh(1)],
            record: |_| {},
            tamper: |_| {},
            draft: |_| {},
            log_seed: 1,
            warrant_seed: 1,
            before: 5,
            after: 3,
            seen: Some(4),
            forked: false,
            nonce: "ab".repeat(32),
            now: NOW,
        };
        world.bind(EffectClass::Cas);
        world
    }

    /// A low-risk change that policy alone cleared.
    pub fn low() -> Self {
        let mut world = Self::new();
        world.voters = Vec::new();
        world.call = call("haproxy_server", json!({"backend": "shop", "server": "web-1", "state": "drain"}));
        world.verify = Some(call("haproxy_server", json!({"backend": "shop", "server": "web-1", "expect": "drain"})));
        world.undo = call("haproxy_server", json!({"backend": "shop", "server": "web-1", "state": "ready"}));
        world.bundle = Bundle { action: text("host.drain"), target: text("host/web-1"), risk: Risk::Low, ..bundle() };
        world.bundle.needs = Needs { humans: 0, grade: Grade::None, ..world.bundle.needs.clone() };
        world.bind(EffectClass::Converge);
        world
    }

    /// Binds the calls into the bundle.
    pub fn bind(&mut self, effect: EffectClass) {
        self.bundle.steps = vec![BoundStep {
            step: self.attempt.step.clone(),
            tool: self.call.tool.clone(),
            effect,
            call: self.call.digest().unwrap(),
            verify: self.verify.as_ref().map(|call| call.digest().unwrap()),
            undo: Some(self.undo.digest().unwrap()),
        }];
        self.bundle.permissions = Some(Permissions::of([Some(&self.call), self.verify.as_ref(), Some(&self.undo)].into_iter().flatten()));
    }

    pub(crate) fn key(&self) -> WarrantKey {
        WarrantKey::from_seed([self.warrant_seed; 32])
    }

    fn log(&self) -> LogKey {
        LogKey::from_seed(ORIGIN, &[self.log_seed; 32]).unwrap()
    }

    pub(crate) fn trust_draft(&self) -> TrustDraft {
        let rule = |risk, tools: &[&str], targets: &[&str], humans, grade| Rule {
            risk,
            tools: tools.iter().map(|tool| text(tool)).collect(),
            services: BTreeSet::from(["status".to_owned()]),
            with: BTreeMap::new(),
            targets: targets.iter().map(|target| text(target)).collect(),
            humans,
            grade,
        };
        let mut draft = TrustDraft {
            runner: id("runner", 1),
            audience: ORIGIN.into(),
            log: LogKey::from_seed(ORIGIN, &[1; 32]).unwrap().verifier(),
            warrants: WarrantKey::from_seed([1; 32]).public(),
            approvers: [1, 2, 3].into_iter().map(|number| (person(number), vec![ssh_line(number)])).collect(),
            allow: BTreeMap::from([
                (text("dns.update"), rule(Risk::High, &["dns_update"], &["zone/example.test"], 1, Grade::Ssh)),
                (text("host.drain"), rule(Risk::Low, &["haproxy_server", "wait_for"], &["host/*"], 0, Grade::None)),
                (text("service.scale"), rule(Risk::Medium, &["dns_update"], &["zone/example.test"], 1, Grade::Session)),
            ]),
        };
        (self.draft)(&mut draft);
        draft
    }

    pub(crate) fn warrant(&self) -> Warrant {
        let text = String::from_utf8(self.bundle.bytes().unwrap()).unwrap();
        let digest = Digest::of(text.as_bytes());
        let (issued, deadline) = (NOW - Span::from_secs(1), NOW + Span::from_secs(80));
        let (call, verify) = match self.attempt.direction {
            Direction::Do => (self.call.clone(), self.verify.clone()),
            Direction::Undo => (self.undo.clone(), None),
        };
        let (entry, ticket, consistency) = self.proofs(digest, &call, deadline);
        let mut warrant = Warrant {
            id: id("warrant", 1),
            audience: ORIGIN.into(),
            runner: id("runner", 1),
            nonce: "ab".repeat(32),
            attempt: self.attempt.clone(),
            change: self.bundle.change,
            epoch: 3,
            action: self.bundle.action.clone(),
            target: self.bundle.target.clone(),
            risk: self.bundle.risk,
            proposer: self.bundle.proposer,
            call,
            verify,
            effect: self.bundle.steps[0].effect,
            issued,
            deadline,
            budget: Span::from_secs(20),
            entry,
            ticket,
            consistency,
            bundle: text,
            votes: self.voters.iter().map(|voter| self.vote(voter, digest)).collect(),
        };
        (self.tamper)(&mut warrant);
        warrant
    }

    fn vote(&self, voter: &Voter, digest: Digest) -> Vote {
        let mut statement = Statement {
            kind: STATEMENT_TYPE.into(),
            audience: ORIGIN.into(),
            about: self.bundle.change.into(),
            approval: id("approval", 1),
            bundle_digest: digest,
            policy_digest: self.bundle.policy,
            evidence_digest: self.bundle.evidence,
            decision: Decision::Approve,
            approver: person(voter.by),
            reason: String::new(),
            prior_signatures: Vec::new(),
            issued_at: NOW - Span::from_secs(60),
            expires_at: NOW + Span::from_secs(600),
            nonce: "cd".repeat(32),
        };
        (voter.statement)(&mut statement);
        let text = statement.to_text();
        let signature = if voter.session { Signature::Session } else { ssh_sign(voter.key, voter.namespace, &text) };
        let by = person(voter.by);
        let mut vote = Vote { by, decision: statement.decision, statement: text, signature, roles: BTreeSet::new(), owner: false, at: NOW };
        (voter.vote)(&mut vote);
        vote
    }

    /// The entry as the store writes it, from the core's own leaf; its ticket; the proof from what the runner saw.
    fn proofs(&self, bundle: Digest, call: &ToolCall, deadline: Timestamp) -> (String, String, Vec<String>) {
        let attempt = Attempt {
            key: self.attempt.clone(),
            change: self.bundle.change,
            bundle,
            index: 0,
            warrant: id("warrant", 1),
            epoch: 3,
            call: call.digest().unwrap(),
            pickup: NOW,
            deadline,
            runner: None,
            emergency: None,
        };
        let event = Event::Run(run::Event::Intended { attempt, at: NOW });
        let happened = Happened { id: id("event", 1), at: NOW, by: Actor::Engine, event, salt: [0; 32] };
        let leaf = happened.leaf();
        let mut draft = Draft {
            log: ORIGIN.into(),
            stream: Stream::Run(self.attempt.run).to_string(),
            seq: 1,
            prev: Some(leaf_hash(b"the entry before")),
            id: happened.id.to_string(),
            kind: leaf.kind,
            time: NOW.to_string(),
            by_kind: leaf.by_kind.into(),
            by_id: leaf.by_id,
            body: leaf.body,
            commit: BTreeMap::new(),
            links: leaf.links,
        };
        (self.record)(&mut draft);
        let entry = draft.seal().unwrap();
        let mut leaves: Vec<Hash> = (0..self.before).map(|at| leaf_hash(&at.to_be_bytes())).collect();
        leaves.push(entry.leaf());
        leaves.extend((0..self.after).map(|at| leaf_hash(&(at + 1_000).to_be_bytes())));
        let size = self.before + 1 + self.after;
        let head = Checkpoint { origin: ORIGIN.into(), size, root: Edge::from_leaves(leaves.iter().copied()).root() };
        let hashes = MemoryHashes(leaves);
        let proof = inclusion_proof(&hashes, self.before, size).unwrap();
        let ticket = Ticket { index: self.before, proof, checkpoint: self.log().sign_checkpoint(&head) };
        let old = self.seen.filter(|seen| *seen <= size).unwrap_or(0);
        let consistency = if old == 0 { Vec::new() } else { consistency_proof(&hashes, old, size).unwrap() };
        let text = String::from_utf8(entry.into_bytes()).unwrap();
        (text, ticket.to_text(), consistency.iter().map(Hash::to_base64).collect())
    }

    /// What the runner saw last.
    pub fn head_seen(&self) -> Option<Checkpoint> {
        let size = self.seen?;
        let root = if size > self.before {
            leaf_hash(b"another tree, longer than this one")
        } else {
            let first = u64::from(self.forked) * 77;
            Edge::from_leaves((0..size).map(|at| leaf_hash(&(at + first).to_be_bytes()))).root()
        };
        Some(Checkpoint { origin: ORIGIN.into(), size, root })
    }

    pub(crate) fn envelope(&self) -> String {
        self.key().seal(&self.warrant()).unwrap()
    }

    /// `acts`, or the code of the refusal.
    pub fn outcome(&self) -> String {
        self.outcome_of(&self.envelope())
    }

    pub(crate) fn outcome_of(&self, envelope: &str) -> String {
        let trust = Trust::new(self.trust_draft()).unwrap();
        match check(envelope, &trust, self.head_seen().as_ref(), &self.nonce, self.now) {
            Ok(checked) => {
                assert_eq!(checked.checkpoint.size, self.before + 1 + self.after);
                "acts".into()
            }
            Err(refusal) => refusal.code().into(),
        }
    }
}

fn bundle() -> Bundle {
    let digest = |text: &str| Digest::of(text.as_bytes());
    Bundle {
        format: BUNDLE_FORMAT.into(),
        audience: ORIGIN.into(),
        change: id("change", 1),
        round: 1,
        action: text("dns.update"),
        target: text("zone/example.test"),
        risk: Risk::High,
        proposer: Actor::Agent(id("agent", 1)),
        recused: BTreeSet::from([person(3)]),
        single_operator: false,
        proposal: digest("proposal"),
        runbook: digest("runbook"),
        plan: digest("plan"),
        policy: digest("policy"),
        situation: digest("situation"),
        evidence: digest("evidence"),
        dossier: digest("dossier"),
        steps: Vec::new(),
        permissions: None,
        sandbox: None,
        needs: Needs {
            rung: text("one-operator"),
            humans: 1,
            roles: BTreeSet::new(),
            owner: false,
            grade: Grade::Ssh,
            reviews: BTreeMap::new(),
        },
    }
}
