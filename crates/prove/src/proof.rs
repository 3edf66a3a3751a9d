//! The driver: questions out, answers in, and a report that a person can read.

use std::path::Path;

use cedar_policy::PolicySet;
use lineclear_core::Digest;
use lineclear_policy::{Policies, Source};
use serde_json::Value;

use crate::export::{ExportError, export};
use crate::invariant::{self, Invariant};
use crate::matrix::{Cell, Cells, Matrix};
use crate::plan::{Claim, Oath, Plan, brought, literals, plan};
use crate::pool::answers;
use crate::question::{Answer, Ask, Batch, Question, name_of};
use crate::report::{Digests, Example, Obligation, ProveError, Report, SYMCC_VERSION, Status};
use crate::rewrite::{fixed, rewritten};
use crate::scene::Scene;
use crate::shape::other;
use crate::solver::{SOLVER_VERSION, Solver};
use crate::tell::{Case, tell};
use crate::trial::{Law, Trial};

/// A report with the questions behind it.
#[derive(Debug)]
pub struct Proofs {
    /// What was found out.
    pub report: Report,
    plan: Plan,
    answers: Vec<Vec<Answer>>,
}

/// Asks everything about a set of policies: that none can fail, that every invariant holds, that permission is ordered along
/// approvals, ladder, confidence, posture, freeze, conflict and budget, and what each rung permits.
///
/// The answers of the solver are believed when it says that a claim holds; a counterexample is replayed on the engine first.
/// Everything that is not an answer is "not proved".
///
/// # Errors
/// When nothing could be asked: unusable invariants, or a schema of another form.
pub async fn prove(solver: &Solver, policies: &Policies, invariants: &[Source]) -> Result<Proofs, ProveError> {
    let read = invariant::read(policies.schema(), invariants).map_err(ProveError::Invariants)?;
    let plan = plan(policies, &read)?;
    let answers = answers(solver, std::sync::Arc::clone(&plan.batches)).await;
    let judge = Judge { policies, invariants: &read, plan: &plan, teams: teams(policies) };
    let shown = plan.claims.iter().enumerate().filter(|(_, claim)| !claim.says.is_empty());
    let obligations = shown.map(|(index, claim)| judge.obligation(claim, &gathered(&plan, &answers, index))).collect();
    let questions = plan.batches.iter().map(|batch| batch.questions.len()).sum();
    let matrix = matrix(policies, &plan, &answers);
    let report = Report { digests: digests(policies, invariants, &plan)?, questions, obligations, matrix };
    Ok(Proofs { report, plan, answers })
}

impl Proofs {
    /// Writes every question as SMT-LIB into a directory, with an index that says which answer proves it.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn export(&self, directory: &Path) -> Result<usize, ExportError> {
        export(&self.plan, &self.answers, directory)
    }
}

type Found<'a> = (&'a Batch, &'a Question, &'a Answer);

/// The questions of one claim with their answers.
fn gathered<'a>(plan: &'a Plan, answers: &'a [Vec<Answer>], claim: usize) -> Vec<Found<'a>> {
    let all = plan.batches.iter().zip(answers);
    let all = all.flat_map(|(batch, answers)| batch.questions.iter().zip(answers).map(move |(question, answer)| (batch, question, answer)));
    all.filter(|(_, question, _)| question.claim == claim).collect()
}

struct Judge<'a> {
    policies: &'a Policies,
    invariants: &'a [Invariant],
    plan: &'a Plan,
    teams: Vec<String>,
}

impl Judge<'_> {
    fn obligation(&self, claim: &Claim, found: &[Found<'_>]) -> Obligation {
        let mut names: Vec<String> = found.iter().map(|(batch, _, _)| name_of(&batch.env)).collect();
        names.dedup();
        let status = match (&claim.blocked, &claim.law) {
            (Some(why), _) => Status::NotProved { why: why.clone() },
            (None, Oath::Reach) => reached(found, names.clone()),
            (None, _) => self.status(claim, found),
        };
        Obligation { name: claim.name.clone(), says: claim.says.clone(), environments: names.len(), status }
    }

    fn status(&self, claim: &Claim, found: &[Found<'_>]) -> Status {
        let (mut only_bounded, mut environments, mut example) = (false, Vec::new(), None);
        let mut why = None;
        for (batch, question, answer) in found {
            match answer {
                Answer::Holds { bounded } => only_bounded |= bounded,
                Answer::Unproved(reason) => {
                    let _ = why.get_or_insert_with(|| format!("{}: {reason}", name_of(&batch.env)));
                }
                Answer::Fails(env) => {
                    let told = env.as_ref().and_then(|env| self.example(claim, batch, question, env));
                    if told.is_none() {
                        let _ = why.get_or_insert_with(|| {
                            format!("{}: the solver's counterexample does not hold on the engine", name_of(&batch.env))
                        });
                        continue;
                    }
                    environments.push(name_of(&batch.env));
                    example = example.or(told);
                }
            }
        }
        environments.dedup();
        match (example, why) {
            (Some(example), _) => Status::Refuted { environments, example: Some(Box::new(example)) },
            (None, Some(why)) => Status::NotProved { why },
            (None, None) => Status::Proved { bounded: only_bounded },
        }
    }

    fn example(&self, claim: &Claim, batch: &Batch, question: &Question, env: &cedar_policy_symcc::Env) -> Option<Example> {
        let set = self.policies.set();
        let rung = |index: usize| self.policies.estate().authority.rungs.get(index);
        let (low, high): (Value, Value);
        let lone: &PolicySet;
        let nobody: PolicySet;
        let (law, flat) = match &claim.law {
            Oath::Sound => {
                let Ask::Sound(side) = &question.ask else { return None };
                lone = &side.set;
                (Law::Sound(lone), None)
            }
            Oath::Apart(index) => (Law::Apart(set, &self.invariants.get(*index)?.region), None),
            Oath::Order(dimension) => (Law::Order(set, dimension), Some(other(&dimension.path))),
            Oath::Alone(dimension) => {
                nobody = rewritten(set, &fixed("approvals", &literals(&self.plan.shape, rung(0)?))).ok()?;
                (Law::Order(&nobody, dimension), Some(other(&dimension.path)))
            }
            Oath::Rungs(index) => {
                low = brought(&self.plan.shape, rung(*index)?);
                high = brought(&self.plan.shape, rung(index + 1)?);
                (Law::Rungs(set, &low, &high), None)
            }
            Oath::Reach | Oath::CellNever(_) | Oath::CellAlways(_) => return None,
        };
        let trial = Trial { law, schema: self.policies.schema(), shape: &self.plan.shape, teams: &self.teams };
        let shrunk = trial.shrink(Scene::of(env, flat.as_deref())?)?;
        let case = match &claim.law {
            Oath::Apart(index) => Case::Invariant(self.invariants.get(*index)?),
            Oath::Order(dimension) | Oath::Alone(dimension) => Case::Order(dimension),
            Oath::Rungs(index) => Case::Rungs(rung(*index)?, rung(index + 1)?),
            Oath::Sound | Oath::Reach | Oath::CellNever(_) | Oath::CellAlways(_) => Case::Sound,
        };
        Some(tell(self.policies.estate(), &self.plan.shape, &name_of(&batch.env), &case, &shrunk))
    }
}

/// An invariant speaks of something when in one environment something is in its region.
fn reached(found: &[Found<'_>], environments: Vec<String>) -> Status {
    if found.iter().any(|(_, _, answer)| matches!(answer, Answer::Fails(_))) {
        return Status::Proved { bounded: false };
    }
    let unknown = found.iter().find_map(|(batch, _, answer)| match answer {
        Answer::Unproved(why) => Some(format!("{}: {why}", name_of(&batch.env))),
        Answer::Holds { .. } | Answer::Fails(_) => None,
    });
    unknown.map_or(Status::Refuted { environments, example: None }, |why| Status::NotProved { why })
}

/// Owners of things, as the schema lists them.
pub(crate) fn teams(policies: &Policies) -> Vec<String> {
    let mut teams: Vec<String> = policies.estate().topology.iter().map(|thing| thing.owner.to_string()).collect();
    teams.sort();
    teams.dedup();
    teams
}

fn matrix(policies: &Policies, plan: &Plan, answers: &[Vec<Answer>]) -> Matrix {
    let rungs: Vec<String> = policies.estate().authority.rungs.iter().map(|rung| rung.name.to_string()).collect();
    let mut cells = Cells::new();
    for (batch, answers) in plan.batches.iter().zip(answers) {
        let answer = |wanted: &dyn Fn(&Oath) -> bool| {
            let mine = |question: &&(&Question, &Answer)| plan.claims.get(question.0.claim).is_some_and(|claim| wanted(&claim.law));
            let all: Vec<(&Question, &Answer)> = batch.questions.iter().zip(answers).collect();
            all.iter().find(mine).and_then(|(_, answer)| match answer {
                Answer::Holds { .. } => Some(true),
                Answer::Fails(_) => Some(false),
                Answer::Unproved(_) => None,
            })
        };
        let cell = |rung: usize| {
            let never = answer(&|law| matches!(law, Oath::CellNever(index) if *index == rung));
            let always = answer(&|law| matches!(law, Oath::CellAlways(index) if *index == rung));
            Cell::of(never, always)
        };
        let row = (0..rungs.len()).map(cell).collect();
        cells.entry(batch.env.action().id().unescaped().to_owned()).or_default().insert(batch.env.principal().to_string(), row);
    }
    Matrix::of(rungs, cells)
}

fn digests(policies: &Policies, invariants: &[Source], plan: &Plan) -> Result<Digests, ProveError> {
    let refuse = |what: String| ProveError::Policy(what);
    let json = |value: &Value| Digest::of_json(value).map_err(|error| refuse(error.to_string()));
    let mut texts = serde_json::Map::new();
    for policy in policies.set().policies() {
        texts.insert(policy.id().to_string(), policy.to_json().map_err(|error| refuse(error.to_string()))?);
    }
    let mut invariants: Vec<(&str, &str)> = invariants.iter().map(|source| (source.path.as_str(), source.text.as_str())).collect();
    invariants.sort_unstable();
    let authority = &policies.estate().authority;
    Ok(Digests {
        schema: Digest::of(policies.schema_text().as_bytes()),
        policies: json(&Value::Object(texts))?,
        ladder: json(&serde_json::json!({ "roles": authority.roles, "rungs": authority.rungs }))?,
        invariants: json(&serde_json::json!(invariants))?,
        axioms: Digest::of(plan.axioms.text().as_bytes()),
        symcc: SYMCC_VERSION.to_owned(),
        solver: format!("cvc5 {SOLVER_VERSION}"),
    })
}
