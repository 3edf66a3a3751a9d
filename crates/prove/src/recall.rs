//! A solver that remembers: the very same script has the very same answer. Many actions are ruled alike, and what is asked of
//! them differs in nothing that the solver sees.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use cedar_policy_symcc::SmtLibScript as _;
use cedar_policy_symcc::solver::{Decision, DecisionWithModel, LocalSolver, Solver, SolverError};
use lineclear_core::Digest;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

/// Answers by the digest of the whole script, from `(reset)` to the question. `unknown` is never remembered.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memory {
    answers: Arc<Mutex<BTreeMap<Digest, DecisionWithModel>>>,
}

/// The solver behind its memory.
#[derive(Debug)]
pub(crate) struct Recall {
    script: Vec<u8>,
    memory: Memory,
    solver: LocalSolver,
}

impl Memory {
    fn get(&self, script: &Digest) -> Option<DecisionWithModel> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).get(script).cloned()
    }

    fn keep(&self, script: Digest, answer: DecisionWithModel) {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).insert(script, answer);
    }
}

impl Recall {
    /// A fresh solver with what others have heard.
    pub const fn new(solver: LocalSolver, memory: Memory) -> Self {
        Self { script: Vec::new(), memory, solver }
    }

    async fn tell(&mut self, script: &[u8]) -> Result<(), SolverError> {
        self.solver.smtlib_input().write_all(script).await.map_err(SolverError::Io)
    }
}

impl Solver for Recall {
    fn smtlib_input(&mut self) -> &mut (dyn AsyncWrite + Unpin + Send) {
        &mut self.script
    }

    async fn enable_models(&mut self) -> Result<(), SolverError> {
        self.smtlib_input().set_option("produce-models", "true").await.map_err(SolverError::Io)
    }

    async fn check_sat(&mut self) -> Result<Decision, SolverError> {
        let script = std::mem::take(&mut self.script);
        let digest = Digest::of(&script);
        match self.memory.get(&digest) {
            Some(DecisionWithModel::Unsat) => return Ok(Decision::Unsat),
            Some(DecisionWithModel::Sat { .. }) => return Ok(Decision::Sat),
            Some(DecisionWithModel::Unknown) | None => {}
        }
        self.tell(&script).await?;
        let decision = self.solver.check_sat().await?;
        match decision {
            Decision::Unsat => self.memory.keep(digest, DecisionWithModel::Unsat),
            // Nobody who wants a model asks by this very script: that one says so in it.
            Decision::Sat => self.memory.keep(digest, DecisionWithModel::Sat { model: String::new() }),
            Decision::Unknown => {}
        }
        Ok(decision)
    }

    async fn check_sat_with_model(&mut self) -> Result<DecisionWithModel, SolverError> {
        let script = std::mem::take(&mut self.script);
        let digest = Digest::of(&script);
        if let Some(known) = self.memory.get(&digest) {
            return Ok(known);
        }
        self.tell(&script).await?;
        let answer = self.solver.check_sat_with_model().await?;
        if !matches!(answer, DecisionWithModel::Unknown) {
            self.memory.keep(digest, answer.clone());
        }
        Ok(answer)
    }
}
