//! Histories made up from an estate, entry by entry as an installation would have written them. The same seed gives the same bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use lineclear_core::bundle::{BUNDLE_FORMAT, Bundle, Needs};
use lineclear_core::catalogue::{Action, Reversibility};
use lineclear_core::change::{self, Sample};
use lineclear_core::digest::canonical;
use lineclear_core::dossier::Dossier;
use lineclear_core::estate::Estate;
use lineclear_core::fact::{Fact, Reading};
use lineclear_core::measure::{Confidence, Measure};
use lineclear_core::permission::Permissions;
use lineclear_core::plan::Plan;
use lineclear_core::posture::Posture;
use lineclear_core::proposal::{Links, Model, Proposal};
use lineclear_core::record::{Event, Happened, Leaf};
use lineclear_core::run::{self, Order};
use lineclear_core::situation::{Actor, Case, Situation};
use lineclear_core::topology::Entity;
use lineclear_core::verdict::Verdict;
use lineclear_core::{ChangeId, Digest, RunId, Span, Timestamp};
use lineclear_estate::{Loaded, load};
use lineclear_ledger::{Draft, Entry, Hash, commit_payload};
use lineclear_policy::Policies;

/// Salt and bytes of a payload.
pub type Salted = ([u8; 32], Vec<u8>);
/// One entry and what lies beside it.
pub type Written = (Entry, Option<Salted>);

/// The shipped example.
pub fn example() -> Loaded {
    load(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../estate/example"))).unwrap()
}

/// Numbers that look drawn and are not (xorshift).
pub struct Chance(pub u64);

impl Chance {
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    fn of<'a, T>(&mut self, mut list: impl ExactSizeIterator<Item = &'a T>) -> &'a T {
        let at = self.below(list.len() as u64);
        list.nth(usize::try_from(at).unwrap()).unwrap()
    }

    fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}

/// A case as gate 1 would have put it, of any action on any thing of its kind: mostly good facts, any confidence.
pub fn case(estate: &Estate, chance: &mut Chance) -> Case {
    let action: &Action = chance.of(estate.catalogue.actions.values().collect::<Vec<_>>().into_iter());
    let things: Vec<&Entity> = estate.topology.iter().filter(|thing| thing.reference.kind == action.resource).collect();
    let target = chance.of(things.into_iter()).reference.clone();
    let principal = if chance.below(10) < 7 {
        Actor::Agent(*chance.of(estate.directory.agents.keys().collect::<Vec<_>>().into_iter()))
    } else {
        Actor::Operator(*chance.of(estate.directory.operators.keys().collect::<Vec<_>>().into_iter()))
    };
    let blast = estate.topology.blast(&target);
    let evidence: BTreeMap<_, _> = action.facts.iter().map(|need| (need.fact.clone(), !chance.once_in(8))).collect();
    let situation = Situation {
        confidence: Confidence::try_from(u32::try_from(chance.below(101)).unwrap() * 100).unwrap(),
        confirmed: u32::try_from(evidence.values().filter(|held| **held).count()).unwrap(),
        evidence,
        conflicting: chance.once_in(20),
        hosts: blast.hosts,
        services: blast.services,
        customers: blast.customers,
        regions: u32::try_from(blast.regions.len()).unwrap(),
        fleet_bp: blast.fleet_bp,
        money_path: blast.money_path,
        customer_data: blast.customer_data,
        reversible: action.reversibility == Reversibility::Reversible,
        undo_drilled: chance.once_in(2),
        budget: None,
        posture: if chance.once_in(10) { Posture::RoutineOnly } else { Posture::Full },
        freeze: chance.once_in(20),
        in_flight: u32::try_from(chance.below(4)).unwrap(),
        severity: u8::try_from(chance.below(6)).unwrap(),
        emergency: false,
        routine: chance.once_in(4),
        permissions: BTreeSet::new(),
    };
    Case { principal, action: action.name.clone(), target, situation }
}

/// A change of this number and the stream of its entries.
pub struct Story<'a> {
    policies: &'a Policies,
    number: u64,
    case: &'a Case,
    last: BTreeMap<String, (u64, Hash)>,
    events: u64,
    pub written: Vec<Written>,
}

impl<'a> Story<'a> {
    pub fn new(policies: &'a Policies, number: u64, case: &'a Case) -> Self {
        let mut story = Self { policies, number, case, last: BTreeMap::new(), events: 0, written: Vec::new() };
        let proposed = change::Event::Proposed { id: story.change(), proposal: Box::new(story.proposal()), at: second(number) };
        story.write(story.change().to_string(), Event::Change(proposed));
        story
    }

    /// The change, with this verdict on record.
    pub fn judged(policies: &'a Policies, number: u64, case: &'a Case, verdict: &Verdict) -> Vec<Written> {
        let mut story = Self::new(policies, number, case);
        story.say(verdict);
        story.written
    }

    /// Records this verdict, whatever policy says.
    pub fn say(&mut self, verdict: &Verdict) {
        let (dossier, bundle) = self.found(verdict);
        let event = match verdict {
            Verdict::Denied { .. } => change::Event::Denied { dossier },
            Verdict::Clear { .. } => change::Event::Cleared { dossier, bundle, differences: Vec::new(), until: second(self.number + 900) },
            Verdict::NeedsApproval { .. } => {
                let approval = format!("approval_{:032x}", self.number).parse().unwrap();
                change::Event::Asked { dossier, bundle, approval, differences: Vec::new() }
            }
        };
        self.write(self.change().to_string(), Event::Change(event));
    }

    /// Starts a run that carries out a runbook of this digest.
    pub fn start(&mut self, verdict: &Verdict, runbook_digest: Digest) {
        let (dossier, bundle) = self.found(verdict);
        let (run, at): (RunId, _) = (format!("run_{:032x}", self.number).parse().unwrap(), second(self.number + 60));
        let before = Sample { at, goals: BTreeMap::new(), neighbours: BTreeMap::new() };
        let started = change::Event::Started { run, dossier, bundle, before, at };
        self.write(self.change().to_string(), Event::Change(started));
        let runbook = "update-dns".parse().unwrap();
        let plan = Plan {
            runbook,
            runbook_digest,
            steps: Vec::new(),
            left_out: Vec::new(),
            permissions: Permissions::none(),
            concurrency_key: None,
            runs_on: lineclear_core::label::Labels::default(),
            read: at,
        };
        let order = Order {
            id: run,
            change: self.change(),
            bundle: Digest::of(b""),
            plan,
            rules: Vec::new(),
            begun: at,
            deadline: second(self.number + 600),
            semantics: lineclear_core::run::SEMANTICS,
            risk: lineclear_core::catalogue::Risk::Medium,
            emergency: None,
        };
        self.write(run.to_string(), Event::Run(run::Event::Begun { order: Box::new(order) }));
    }

    fn change(&self) -> ChangeId {
        format!("change_{:032x}", self.number).parse().unwrap()
    }

    fn proposal(&self) -> Proposal {
        Proposal {
            by: self.case.principal,
            action: self.case.action.clone(),
            target: self.case.target.clone(),
            inputs: BTreeMap::new(),
            confidence: self.case.situation.confidence,
            reason: "The alert says that it does not answer.".into(),
            model: Some(Model { name: "triage".into(), version: "7".into() }),
            evidence: BTreeSet::new(),
            alternatives: Vec::new(),
            incident: None,
            signals: BTreeSet::new(),
            links: Links::default(),
            again: None,
        }
    }

    fn found(&self, verdict: &Verdict) -> (Box<Dossier>, Box<Bundle>) {
        let (estate, case, at) = (self.policies.estate(), self.case, second(self.number));
        let action = &estate.catalogue.actions[&case.action];
        let blast = estate.topology.blast(&case.target);
        let fact = |need: &lineclear_core::catalogue::FactNeed| {
            let spec = &estate.facts[&need.fact];
            let reading = Reading::Value { value: Measure::whole(1), observed: at };
            let (name, title, source, query) = (spec.name.clone(), spec.title.clone(), spec.source.clone(), spec.query.clone());
            let (limit, holds, required) = (spec.limit, spec.holds, need.required);
            (name.clone(), Fact { name, title, source, query, asked: at, limit, required, holds, reading })
        };
        let dossier = Dossier {
            at,
            policy: estate.digest,
            risk: action.risk,
            reversibility: action.reversibility,
            facts: action.facts.iter().map(fact).collect(),
            worst_case: blast.sentence(),
            blast,
            owner: estate.topology.get(&case.target).unwrap().owner.clone(),
            owners: BTreeSet::new(),
            plan: None,
            drilled: None,
            budgets: Vec::new(),
            routine: None,
            emergency: None,
            situation: case.situation.clone(),
            verdict: Some(verdict.clone()),
            prior: Vec::new(),
            in_flight: Vec::new(),
            freeze: None,
            faults: Vec::new(),
        };
        let nothing = Digest::of(b"");
        let bundle = Bundle {
            format: BUNDLE_FORMAT.into(),
            audience: estate.origin.clone(),
            change: self.change(),
            round: 1,
            action: case.action.clone(),
            target: case.target.clone(),
            risk: action.risk,
            proposer: case.principal,
            recused: BTreeSet::new(),
            single_operator: false,
            proposal: nothing,
            runbook: nothing,
            plan: nothing,
            policy: estate.digest,
            situation: nothing,
            evidence: nothing,
            dossier: nothing,
            steps: Vec::new(),
            permissions: None,
            sandbox: None,
            needs: Needs::of(&estate.authority.rungs[0]),
        };
        (Box::new(dossier), Box::new(bundle))
    }

    /// As the store seals an event.
    fn write(&mut self, stream: String, event: Event) {
        self.events += 1;
        let id = format!("event_{:032x}", self.number * 100 + self.events).parse().unwrap();
        let by = if matches!(event, Event::Change(change::Event::Proposed { .. })) { self.case.principal } else { Actor::Engine };
        let salt = [u8::try_from(self.number % 251).unwrap(); 32];
        let happened = Happened { id, at: second(self.number), by, event, salt };
        let payload = canonical(&happened.event).unwrap();
        let Leaf { kind, by_kind, by_id, body, links } = happened.leaf();
        let before = self.last.get(&stream);
        let draft = Draft {
            log: "ledger.example/test/g1".into(),
            seq: before.map_or(0, |(seq, _)| seq + 1),
            prev: before.map(|(_, leaf)| *leaf),
            stream: stream.clone(),
            id: id.to_string(),
            kind,
            time: happened.at.to_string(),
            by_kind: by_kind.into(),
            by_id,
            body,
            commit: BTreeMap::from([("event".into(), commit_payload(&salt, &payload, "application/json"))]),
            links,
        };
        let entry = draft.seal().unwrap();
        self.last.insert(stream, (draft.seq, entry.leaf()));
        let beside = super::wanted(&entry).is_some().then_some((salt, payload));
        self.written.push((entry, beside));
    }
}

fn second(number: u64) -> Timestamp {
    Timestamp::from_micros(1_790_000_000_000_000) + Span::from_secs(number % 30_000_000)
}
