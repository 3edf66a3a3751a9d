//! Two solvers side by side, each with a thread of its own; a fault costs one question and one process, never an answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cedar_policy_symcc::CedarSymCompiler;
use cedar_policy_symcc::err::Error;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::question::{Answer, Batch, Compiled, Question};
use crate::recall::{Memory, Recall};
use crate::solver::Solver;

/// How many solvers: each is a process of some 60 MB, and two halve the wait.
const SOLVERS: usize = 2;
/// After this many faults nothing more is asked: at worst each costs a whole patience, and a person waits.
const FAULTS_MAX: usize = 6;
/// Compilation recurses over conditions; a chain of 32 `&&` in a debug build needs more than a thread's usual two mebibytes.
pub(crate) const STACK_BYTES: usize = 32 * 1024 * 1024;

/// The answers to all questions, in their order.
pub(crate) async fn answers(solver: &Solver, batches: Arc<Vec<Batch>>) -> Vec<Vec<Answer>> {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let shared = Arc::new(Shared {
        solver: solver.clone(),
        batches: Arc::clone(&batches),
        memory: Memory::default(),
        next: AtomicUsize::new(0),
        faults: AtomicUsize::new(0),
    });
    for _ in 0..SOLVERS {
        let (shared, sender) = (Arc::clone(&shared), sender.clone());
        // A thread that cannot be had leaves its share to the other one; without any, nothing is proved.
        let _ = std::thread::Builder::new().name("prove".into()).stack_size(STACK_BYTES).spawn(move || work(&shared, &sender));
    }
    drop(sender);
    let unasked = |batch: &Batch| batch.questions.iter().map(|_| Answer::Unproved("it was not asked".into())).collect();
    let mut all: Vec<Vec<Answer>> = batches.iter().map(unasked).collect();
    while let Some((index, answers)) = receiver.recv().await {
        if let Some(place) = all.get_mut(index) {
            *place = answers;
        }
    }
    all
}

struct Shared {
    solver: Solver,
    batches: Arc<Vec<Batch>>,
    memory: Memory,
    next: AtomicUsize,
    faults: AtomicUsize,
}

fn work(shared: &Shared, sender: &mpsc::UnboundedSender<(usize, Vec<Answer>)>) {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
    runtime.block_on(async {
        let mut session = None;
        loop {
            let index = shared.next.fetch_add(1, Ordering::SeqCst);
            let Some(batch) = shared.batches.get(index) else { break };
            let mut compiled = Compiled::default();
            let mut answers = Vec::with_capacity(batch.questions.len());
            for question in &batch.questions {
                // Whoever asked may have gone away.
                if sender.is_closed() {
                    return;
                }
                answers.push(one(shared, &mut session, batch, question, &mut compiled).await);
            }
            if sender.send((index, answers)).is_err() {
                return;
            }
        }
    });
}

/// One question. After any fault the process is dropped: its pipe may be an answer behind.
async fn one(
    shared: &Shared,
    session: &mut Option<CedarSymCompiler<Recall>>,
    batch: &Batch,
    question: &Question,
    compiled: &mut Compiled,
) -> Answer {
    if shared.faults.load(Ordering::SeqCst) >= FAULTS_MAX {
        return Answer::Unproved(format!("it was not asked: the solver had failed {FAULTS_MAX} times"));
    }
    let mut compiler = match session.take().map_or_else(|| shared.solver.start(&shared.memory), Ok) {
        Ok(compiler) => compiler,
        Err(error) => {
            shared.faults.fetch_add(1, Ordering::SeqCst);
            return Answer::Unproved(format!("the solver cannot be started: {error}"));
        }
    };
    let patience = shared.solver.patience();
    let why = match timeout(patience, question.put(&mut compiler, &batch.env, compiled)).await {
        Ok(Ok(answer)) => {
            *session = Some(compiler);
            return answer;
        }
        Ok(Err(error)) if matches!(*error, Error::SolverUnknown) => "the solver does not know".to_owned(),
        Ok(Err(error)) if matches!(*error, Error::PolicyNotWellTyped { .. } | Error::CompileError(_)) => {
            // Nothing was said to the solver, so nothing is wrong with it.
            *session = Some(compiler);
            return Answer::Unproved(format!("it cannot be put to the solver: {error}"));
        }
        Ok(Err(error)) => format!("the solver failed: {error}"),
        Err(_) => format!("the solver gave no answer within {} ms", patience.as_millis()),
    };
    shared.faults.fetch_add(1, Ordering::SeqCst);
    Answer::Unproved(why)
}
