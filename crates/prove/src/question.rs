//! One question to the solver: about which policies, under which schema, in which environment of requests.

use std::collections::BTreeMap;
use std::sync::Arc;

use cedar_policy::{ActionConstraint, Effect, Entities, Policy, PolicySet, PrincipalConstraint, RequestEnv, ResourceConstraint, Schema};
use cedar_policy_symcc::err::Error;
use cedar_policy_symcc::solver::Solver;
use cedar_policy_symcc::{CedarSymCompiler, CompiledPolicy, CompiledPolicySet, Env};

/// Policies and the schema that they are read under.
#[derive(Debug)]
pub(crate) struct Side {
    pub set: PolicySet,
    pub schema: Arc<Schema>,
}

/// What is claimed of every request of an environment.
#[derive(Debug, Clone)]
pub(crate) enum Ask {
    /// The one policy of this side never fails to evaluate.
    Sound(Arc<Side>),
    /// Nothing is permitted by both.
    Apart(Arc<Side>, Arc<Side>),
    /// Whatever the first permits, the second permits.
    Within(Arc<Side>, Arc<Side>),
}

/// A question of one environment.
#[derive(Debug)]
pub(crate) struct Question {
    /// Which claim it belongs to.
    pub claim: usize,
    /// The claim without any bound on facts: the stronger one.
    pub ask: Ask,
    /// The claim for requests that the host lets through; asked when the stronger one is refuted.
    pub bounded: Option<Ask>,
    /// Whether a request that refutes it is wanted, or only that there is one.
    pub example: bool,
}

/// All questions of one environment; what was compiled for one serves the next.
#[derive(Debug)]
pub(crate) struct Batch {
    pub env: RequestEnv,
    pub questions: Vec<Question>,
}

/// What came back.
#[derive(Debug)]
pub(crate) enum Answer {
    /// It holds for every request, or for every request that the host lets through.
    Holds {
        /// Whether only for those.
        bounded: bool,
    },
    /// It does not; with the request, when one was wanted.
    Fails(Option<Box<Env>>),
    /// Nobody knows.
    Unproved(String),
}

/// What was worked out for one environment: policies by where they stand in memory, which the questions keep alive.
#[derive(Debug, Default)]
pub(crate) struct Compiled {
    actions: Option<Entities>,
    spoken: BTreeMap<usize, Arc<PolicySet>>,
    sets: BTreeMap<usize, Arc<CompiledPolicySet>>,
}

/// The name of an environment: `Agent dns.update Zone`.
pub(crate) fn name_of(env: &RequestEnv) -> String {
    format!("{} {} {}", env.principal(), env.action().id().unescaped(), env.resource())
}

impl Compiled {
    /// The policies whose scope can hold here. Exact: in a scope that does not hold, no condition is ever read.
    fn spoken(&mut self, side: &Arc<Side>, env: &RequestEnv) -> Arc<PolicySet> {
        let key = Arc::as_ptr(side).addr();
        if let Some(known) = self.spoken.get(&key) {
            return Arc::clone(known);
        }
        // Without a hierarchy every policy counts as concerned, which only costs time.
        let actions = self.actions.get_or_insert_with(|| side.schema.action_entities().unwrap_or_default());
        let concerned = side.set.policies().filter(|policy| concerns(policy, env, actions)).cloned();
        let spoken = Arc::new(PolicySet::from_policies(concerned).unwrap_or_else(|_| side.set.clone()));
        self.spoken.insert(key, Arc::clone(&spoken));
        spoken
    }

    fn of(&mut self, side: &Arc<Side>, env: &RequestEnv) -> Result<Arc<CompiledPolicySet>, Box<Error>> {
        let key = Arc::as_ptr(side).addr();
        if let Some(known) = self.sets.get(&key) {
            return Ok(Arc::clone(known));
        }
        let fresh = Arc::new(CompiledPolicySet::compile(&self.spoken(side, env), env, &side.schema)?);
        self.sets.insert(key, Arc::clone(&fresh));
        Ok(fresh)
    }

    /// The one policy of a side, when its scope can hold here.
    fn lone(&mut self, side: &Arc<Side>, env: &RequestEnv) -> Option<Policy> {
        self.spoken(side, env).policies().next().cloned()
    }

    /// Whether the first is the second with nothing but more forbids, so that it cannot permit more: no solver is needed.
    fn plain(&mut self, one: &Arc<Side>, two: &Arc<Side>, env: &RequestEnv) -> bool {
        let (one, two) = (self.spoken(one, env), self.spoken(two, env));
        two.policies().all(|policy| one.policy(policy.id()).is_some_and(|same| same == policy))
            && one.policies().all(|policy| policy.effect() == Effect::Forbid || two.policy(policy.id()).is_some())
    }
}

/// Whether the scope of a policy can hold in an environment.
fn concerns(policy: &Policy, env: &RequestEnv, actions: &Entities) -> bool {
    let action = match policy.action_constraint() {
        ActionConstraint::Any => true,
        ActionConstraint::Eq(one) => one == *env.action(),
        ActionConstraint::In(all) => all.iter().any(|group| group == env.action() || actions.is_ancestor_of(group, env.action())),
    };
    let principal = match policy.principal_constraint() {
        PrincipalConstraint::Any | PrincipalConstraint::In(_) => true,
        PrincipalConstraint::Eq(one) => one.type_name() == env.principal(),
        PrincipalConstraint::Is(kind) | PrincipalConstraint::IsIn(kind, _) => kind == *env.principal(),
    };
    let resource = match policy.resource_constraint() {
        ResourceConstraint::Any | ResourceConstraint::In(_) => true,
        ResourceConstraint::Eq(one) => one.type_name() == env.resource(),
        ResourceConstraint::Is(kind) | ResourceConstraint::IsIn(kind, _) => kind == *env.resource(),
    };
    action && principal && resource
}

impl Ask {
    /// Asks for a request that refutes the claim.
    ///
    /// # Errors
    /// Whatever is not an answer: the solver does not know, died, or said something strange.
    pub async fn example<S: Solver>(
        &self,
        compiler: &mut CedarSymCompiler<S>,
        env: &RequestEnv,
        compiled: &mut Compiled,
    ) -> Result<Option<Env>, Box<Error>> {
        Ok(match self {
            Self::Sound(side) => {
                let Some(policy) = compiled.lone(side, env) else { return Ok(None) };
                compiler.check_never_errors_with_counterexample_opt(&CompiledPolicy::compile(&policy, env, &side.schema)?).await?
            }
            Self::Apart(one, two) => {
                let (one, two) = (compiled.of(one, env)?, compiled.of(two, env)?);
                compiler.check_disjoint_with_counterexample_opt(&one, &two).await?
            }
            Self::Within(one, two) if compiled.plain(one, two, env) => None,
            Self::Within(one, two) => {
                let (one, two) = (compiled.of(one, env)?, compiled.of(two, env)?);
                compiler.check_implies_with_counterexample_opt(&one, &two).await?
            }
        })
    }

    /// Asks only whether the claim holds.
    ///
    /// # Errors
    /// As [`Ask::example`].
    pub async fn holds<S: Solver>(
        &self,
        compiler: &mut CedarSymCompiler<S>,
        env: &RequestEnv,
        compiled: &mut Compiled,
    ) -> Result<bool, Box<Error>> {
        Ok(match self {
            Self::Sound(side) => {
                let Some(policy) = compiled.lone(side, env) else { return Ok(true) };
                compiler.check_never_errors_opt(&CompiledPolicy::compile(&policy, env, &side.schema)?).await?
            }
            Self::Apart(one, two) => {
                let (one, two) = (compiled.of(one, env)?, compiled.of(two, env)?);
                compiler.check_disjoint_opt(&one, &two).await?
            }
            Self::Within(one, two) if compiled.plain(one, two, env) => true,
            Self::Within(one, two) => {
                let (one, two) = (compiled.of(one, env)?, compiled.of(two, env)?);
                compiler.check_implies_opt(&one, &two).await?
            }
        })
    }
}

impl Question {
    /// Asks the strong claim, and the bounded one when that is refuted.
    ///
    /// # Errors
    /// As [`Ask::example`].
    pub async fn put<S: Solver>(
        &self,
        compiler: &mut CedarSymCompiler<S>,
        env: &RequestEnv,
        compiled: &mut Compiled,
    ) -> Result<Answer, Box<Error>> {
        let asks = std::iter::once((&self.ask, false)).chain(self.bounded.as_ref().map(|ask| (ask, true)));
        let mut last = None;
        for (ask, bounded) in asks {
            let refuted = if self.example {
                ask.example(compiler, env, compiled).await?.map(|env| Some(Box::new(env)))
            } else {
                (!ask.holds(compiler, env, compiled).await?).then_some(None)
            };
            match refuted {
                None => return Ok(Answer::Holds { bounded }),
                Some(example) => last = example,
            }
        }
        Ok(Answer::Fails(last))
    }
}
