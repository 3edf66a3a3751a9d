//! Gate 1: gathering the dossier. Facts are asked, the plan is read from the live system by the runner, the graph gives
//! the worst case, and policy is asked last, and only when nothing is missing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lineclear_core::authority::Approvals;
use lineclear_core::budget::worst;
use lineclear_core::bundle::{BUNDLE_FORMAT, BoundStep, Bundle, Needs};
use lineclear_core::catalogue::Action;
use lineclear_core::change::{Assessment, Change, Sample};
use lineclear_core::dossier::{Dossier, Fault, PriorChange};
use lineclear_core::estate::Estate;
use lineclear_core::fact::{Fact, Facts, Reading, Worth};
use lineclear_core::incident::Incident;
use lineclear_core::installation::Installation;
use lineclear_core::name::FactName;
use lineclear_core::plan::Plan;
use lineclear_core::proposal::Citation;
use lineclear_core::record::{Row, Stream};
use lineclear_core::routine::{Drill, Routine};
use lineclear_core::runbook::{Runbook, render_text};
use lineclear_core::sandbox::Sandbox;
use lineclear_core::situation::{Actor, Case, Situation};
use lineclear_core::topology::{Blast, Entity, EntityRef};
use lineclear_core::verdict::Verdict;
use lineclear_core::{ApprovalId, Digest, OperatorId, Timestamp};
use lineclear_policy::Policies;
use lineclear_store::RowQuery;

use crate::EngineError;
use crate::engine::Inner;

/// How many earlier changes of one kind are shown.
const PRIOR_MAX: u32 = 6;
/// Most changes in flight that are looked through; far more than hands can be at work.
const IN_FLIGHT_MAX: usize = 10_000;

/// Everything found, and what policy says of it with the approvals at hand.
pub(crate) struct Findings {
    pub assessment: Assessment,
    pub permitted: bool,
    pub before: Sample,
}

/// What the estate says of a change; complete, because misfits never come this far.
pub(crate) struct Ground<'a> {
    pub estate: &'a Estate,
    pub action: &'a Action,
    pub entity: &'a Entity,
    pub runbook: Option<&'a Runbook>,
}

impl<'a> Ground<'a> {
    pub(crate) fn of(estate: &'a Estate, change: &Change) -> Result<Self, EngineError> {
        let missing = || EngineError::NotFound(format!("{} {}", change.proposal.action, change.proposal.target));
        let action = estate.catalogue.actions.get(&change.proposal.action).ok_or_else(missing)?;
        let entity = estate.topology.get(&change.proposal.target).ok_or_else(missing)?;
        let runbook = action.runbook.as_ref().and_then(|name| estate.runbooks.get(name));
        Ok(Ground { estate, action, entity, runbook })
    }
}

impl Inner {
    /// Looks at everything now. `approvals` are the real ones, when there are any.
    pub(crate) async fn gather(
        self: &Arc<Self>,
        change: &Change,
        standing: &Installation,
        approvals: &Approvals,
    ) -> Result<Findings, EngineError> {
        // On the heap: it asks much at once, and everything that leads here would have to hold it.
        Box::pin(self.gather_all(change, standing, approvals)).await
    }

    async fn gather_all(
        self: &Arc<Self>,
        change: &Change,
        standing: &Installation,
        approvals: &Approvals,
    ) -> Result<Findings, EngineError> {
        let force = self.in_force();
        let ground = Ground::of(&force.estate, change)?;
        let blast = ground.estate.topology.blast(&change.proposal.target);
        let (facts, watched, plan, budgets) = tokio::join!(
            self.facts(change, &ground),
            self.watched(change, &ground),
            self.preview(change, &ground),
            self.budgets(ground.estate, &force.policies, &ground.action.name, &blast),
        );
        let prior = self.prior(change).await?;
        let severity = self.severity(change).await?;
        let now = self.now();
        let mut faults = Dossier::missing(&facts, now);
        faults.extend(budgets.faults);
        let plan = match plan {
            Ok(plan) => plan,
            Err(why) => {
                faults.push(Fault::NoPlan { why });
                None
            }
        };
        // Nobody hides a change under many others: what cannot be looked through is no ground to act on.
        let in_flight = self.in_flight(change, &blast).await?.unwrap_or_else(|| {
            faults.push(Fault::Slice { why: format!("more than {IN_FLIGHT_MAX} changes are in flight, too many to look through") });
            Vec::new()
        });
        let freeze = ground.estate.freeze(&change.proposal.target, now).map(|freeze| freeze.title.clone());
        let (drill, routine) = self.earned(change, &ground, plan.as_ref(), &force.policies).await?;
        let emergency = standing.emergency_for(&blast.affected, now);
        let situation = Situation {
            emergency: emergency.is_some(),
            reversible: plan.as_ref().is_none_or(Plan::reversible),
            undo_drilled: drill.is_some(),
            budget: worst(&budgets.measured),
            freeze: freeze.is_some(),
            in_flight: count(in_flight.len()),
            severity,
            routine: routine.as_ref().is_some_and(|routine| routine.earned),
            permissions: plan.as_ref().map(|plan| plan.permissions.atoms()).unwrap_or_default(),
            ..seen(change, &facts, &blast, standing, now)
        };
        let case = case(change, &situation);
        let verdict = verdict(&force.policies, &case, &mut faults);
        let permitted = verdict.is_some() && force.policies.permits(&case, approvals).is_ok_and(|answer| answer.allowed);
        let dossier = Dossier {
            at: now,
            policy: ground.estate.digest,
            risk: ground.action.risk,
            reversibility: ground.action.reversibility,
            facts,
            worst_case: blast.sentence(),
            owner: ground.entity.owner.clone(),
            owners: owners(ground.estate, ground.entity),
            plan,
            drilled: drill.map(|drill| drill.at),
            budgets: budgets.measured,
            routine,
            situation,
            verdict,
            prior,
            in_flight,
            freeze,
            emergency,
            faults,
            blast,
        };
        let bundle = bundle(ground.estate, change, &dossier)?;
        let approval = ApprovalId::new(self.ids.number());
        Ok(Findings { before: watched, permitted, assessment: Assessment { dossier, bundle, approval } })
    }

    /// The facts of an action's gates, and those that the proposal cites: all fetched now, by Lineclear.
    async fn facts(&self, change: &Change, ground: &Ground<'_>) -> Facts {
        let mut wanted: BTreeMap<FactName, bool> = BTreeMap::new();
        for citation in &change.proposal.evidence {
            if let Citation::Fact { name } = citation {
                wanted.insert(name.clone(), false);
            }
        }
        for need in &ground.action.facts {
            wanted.insert(need.fact.clone(), need.required);
        }
        let asked = wanted.into_iter().map(|(name, required)| self.fact(change, ground.estate, name, required));
        futures_util::future::join_all(asked).await.into_iter().flatten().map(|fact| (fact.name.clone(), fact)).collect()
    }

    async fn fact(&self, change: &Change, estate: &Estate, name: FactName, required: bool) -> Option<Fact> {
        let spec = estate.facts.get(&name)?;
        let asked = self.now();
        let (query, reading) = match render_text(&spec.query, &change.proposal.inputs, &change.proposal.target) {
            Ok(query) => {
                let reading = self.telemetry.ask(&spec.source, &query, asked).await;
                (query, reading)
            }
            Err(error) => (spec.query.clone(), Reading::Absent { why: error.to_string() }),
        };
        Some(Fact {
            name,
            title: spec.title.clone(),
            source: spec.source.clone(),
            query,
            asked,
            limit: spec.limit,
            required,
            holds: spec.holds,
            reading,
        })
    }

    /// What the goals and the neighbours of a change look like now.
    pub(crate) async fn watched(&self, change: &Change, ground: &Ground<'_>) -> Sample {
        let (mut goals, mut neighbours) = (BTreeMap::new(), BTreeMap::new());
        if let Some(runbook) = ground.runbook {
            for (names, seen) in [(&runbook.verification.goals, &mut goals), (&runbook.verification.neighbours, &mut neighbours)] {
                let asked = names.iter().map(|name| self.fact(change, ground.estate, name.clone(), false));
                let facts = futures_util::future::join_all(asked).await;
                let now = self.now();
                for (name, fact) in names.iter().zip(facts) {
                    let worth = fact.map(|fact| fact.worth(now));
                    let held = match worth {
                        Some(Worth::Confirms) => Some(true),
                        Some(Worth::Contradicts) => Some(false),
                        Some(Worth::Stale(_) | Worth::Missing(_)) | None => None,
                    };
                    seen.insert(name.clone(), held);
                }
            }
        }
        Sample { at: self.now(), goals, neighbours }
    }

    async fn prior(&self, change: &Change) -> Result<Vec<PriorChange>, EngineError> {
        let key = format!("{} {}", change.proposal.action, change.proposal.target);
        let query = RowQuery { kind: "change".into(), open: Some(false), key: Some(key), limit: PRIOR_MAX, ..RowQuery::default() };
        let page = self.store.rows(query).await?;
        Ok(page.rows.iter().filter_map(|row| prior_change(row, change)).collect())
    }

    /// What is in flight on things in reach; none when there is too much to look through.
    async fn in_flight(&self, change: &Change, blast: &Blast) -> Result<Option<Vec<PriorChange>>, EngineError> {
        let words = ["cleared", "running", "verifying"].map(String::from).to_vec();
        let mut rows: Vec<Row> = Vec::new();
        loop {
            let after = rows.last().map(|row| (row.begun, row.stream));
            let query = RowQuery { kind: "change".into(), words: words.clone(), after, limit: 500, ..RowQuery::default() };
            let page = self.store.rows(query).await?;
            rows.extend(page.rows);
            if rows.len() > IN_FLIGHT_MAX {
                return Ok(None);
            }
            if !page.more {
                break;
            }
        }
        let near = |row: &&Row| {
            let target: Option<EntityRef> = row.key.split_once(' ').and_then(|(_, target)| target.parse().ok());
            target.is_some_and(|target| blast.affected.contains(&target))
        };
        Ok(Some(rows.iter().filter(near).filter_map(|row| prior_change(row, change)).collect()))
    }

    /// The last drill of the undo, and whether the change is routine. Nobody looks through records for what no policy reads.
    async fn earned(
        &self,
        change: &Change,
        ground: &Ground<'_>,
        plan: Option<&Plan>,
        policies: &Policies,
    ) -> Result<(Option<Drill>, Option<Routine>), EngineError> {
        let Some(runbook) = ground.runbook else { return Ok((None, None)) };
        let drill = self.drill(runbook).await?;
        let asked = policies.reads(&ground.action.name, "routine");
        let routine = if asked { Some(self.routine(change, ground, plan, drill).await?) } else { None };
        Ok((drill, routine))
    }

    async fn severity(&self, change: &Change) -> Result<u8, EngineError> {
        let Some(id) = change.proposal.incident else { return Ok(0) };
        let incident = self.load::<Incident>(Stream::Incident(id)).await?;
        Ok(incident.map_or(0, |loaded| loaded.machine.severity.number()))
    }
}

/// What facts and graph say, of a change that nothing else is known of yet.
fn seen(change: &Change, facts: &Facts, blast: &Blast, standing: &Installation, now: Timestamp) -> Situation {
    Situation {
        confidence: change.proposal.confidence,
        evidence: facts.iter().map(|(name, fact)| (name.clone(), fact.worth(now) == Worth::Confirms)).collect(),
        confirmed: count(facts.values().filter(|fact| fact.worth(now) == Worth::Confirms).count()),
        conflicting: facts.values().any(|fact| fact.worth(now) == Worth::Contradicts),
        hosts: blast.hosts,
        services: blast.services,
        customers: blast.customers,
        regions: count(blast.regions.len()),
        fleet_bp: blast.fleet_bp,
        money_path: blast.money_path,
        customer_data: blast.customer_data,
        reversible: false,
        undo_drilled: false,
        budget: None,
        posture: standing.posture,
        freeze: false,
        in_flight: 0,
        severity: 0,
        emergency: false,
        routine: false,
        permissions: BTreeSet::new(),
    }
}

/// Absence is settled before policy is asked: `blocked` is not `denied`.
fn verdict(policies: &Policies, case: &Case, faults: &mut Vec<Fault>) -> Option<Verdict> {
    if !faults.is_empty() {
        return None;
    }
    match policies.judge(case) {
        Ok(verdict) => Some(verdict),
        Err(error) => {
            faults.push(Fault::Slice { why: error.to_string() });
            None
        }
    }
}

pub(crate) fn owners(estate: &Estate, entity: &Entity) -> BTreeSet<OperatorId> {
    let people = estate.directory.operators.values();
    people.filter(|person| person.teams.contains(&entity.owner)).map(|person| person.id).collect()
}

/// The proposer, whoever changed the inputs since, and the owners of agents among them: their approval counts for nothing.
pub(crate) fn recused(estate: &Estate, change: &Change) -> BTreeSet<OperatorId> {
    let person = |by: &Actor| match by {
        Actor::Operator(person) => Some(*person),
        Actor::Agent(agent) => estate.directory.agents.get(agent).map(|agent| agent.owner),
        Actor::Engine => None,
    };
    change.amended_by.iter().chain([&change.proposal.by]).filter_map(person).collect()
}

fn bundle(estate: &Estate, change: &Change, dossier: &Dossier) -> Result<Bundle, EngineError> {
    let rungs = &estate.authority.rungs;
    let rung = match &dossier.verdict {
        Some(Verdict::NeedsApproval { rung, .. }) => rungs.iter().find(|r| r.name == *rung),
        Some(Verdict::Clear { .. } | Verdict::Denied { .. }) | None => rungs.first(),
    };
    let rung = rung.ok_or_else(|| EngineError::NotFound("rung".into()))?;
    let nothing = Digest::of(b"");
    let (runbook, plan, steps) = match &dossier.plan {
        None => (nothing, nothing, Vec::new()),
        Some(plan) => {
            let steps = plan.steps.iter().map(BoundStep::of).collect::<Result<_, _>>()?;
            (plan.runbook_digest, plan.digest()?, steps)
        }
    };
    Ok(Bundle {
        format: BUNDLE_FORMAT.into(),
        audience: estate.origin.clone(),
        change: change.id,
        round: change.rounds + 1,
        action: change.proposal.action.clone(),
        target: change.proposal.target.clone(),
        risk: dossier.risk,
        proposer: change.proposal.by,
        recused: recused(estate, change),
        single_operator: estate.authority.single_operator,
        proposal: Digest::of_json(&change.proposal)?,
        runbook,
        plan,
        policy: dossier.policy,
        // What was shown stays bound while the budget hardly moves: it always does.
        situation: Digest::of_json(&dossier.situation.bound(change.gate().map(|gate| &gate.dossier.situation)))?,
        evidence: Digest::of_json(&dossier.facts)?,
        dossier: dossier.digest()?,
        steps,
        permissions: dossier.plan.as_ref().map(|plan| plan.permissions.clone()),
        sandbox: dossier.plan.as_ref().and_then(|plan| demanded(estate, change, plan)),
        needs: Needs::of(rung),
    })
}

/// The stronger of what the action and its runbook demand.
fn demanded(estate: &Estate, change: &Change, plan: &Plan) -> Option<Sandbox> {
    let action = estate.catalogue.actions.get(&change.proposal.action).and_then(|action| action.sandbox);
    action.max(estate.runbooks.get(&plan.runbook).and_then(|runbook| runbook.sandbox))
}

fn prior_change(row: &Row, besides: &Change) -> Option<PriorChange> {
    let Stream::Change(change) = row.stream else { return None };
    let outcome = (!row.open).then(|| row.word.clone());
    (change != besides.id).then(|| PriorChange { change, title: row.title.clone(), outcome, at: row.begun })
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn case(change: &Change, situation: &Situation) -> Case {
    Case {
        principal: change.proposal.by,
        action: change.proposal.action.clone(),
        target: change.proposal.target.clone(),
        situation: situation.clone(),
    }
}
