//! The questions as SMT-LIB: an auditor asks a solver of their own.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use cedar_policy_symcc::err::Error;
use cedar_policy_symcc::solver::WriterSolver;
use cedar_policy_symcc::{CedarSymCompiler, ResetMode};

use crate::plan::{Oath, Plan};
use crate::pool::STACK_BYTES;
use crate::question::{Answer, Compiled, name_of};

/// The file that says what the others are.
const INDEX: &str = "INDEX.txt";

/// Why questions could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// A file or directory.
    #[error("`{}` cannot be written: {source}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A question that the compiler cannot write.
    #[error("a question cannot be written as SMT-LIB: {0}")]
    Question(Box<Error>),
}

/// Writes each question whose answer the report used, and the index; how many files with questions there are. On a thread of
/// its own: compilation recurses, as when the questions were asked.
pub(crate) fn export(plan: &Plan, answers: &[Vec<Answer>], directory: &Path) -> Result<usize, ExportError> {
    let nowhere = |source| ExportError::Write { path: directory.to_owned(), source };
    let work = || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(nowhere)?;
        runtime.block_on(questions(plan, answers, directory))
    };
    std::thread::scope(|scope| {
        let writer = std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, work).map_err(nowhere)?;
        writer.join().unwrap_or_else(|_| Err(nowhere(std::io::Error::other("the writer stopped"))))
    })
}

async fn questions(plan: &Plan, answers: &[Vec<Answer>], directory: &Path) -> Result<usize, ExportError> {
    write(directory, None)?;
    let mut index = String::from(
        "Each file is one question in SMT-LIB 2. For `unsat` the claim holds in that environment; for `sat` it does not.\n\
         A claim that begins with `reach/` wants `sat` in one environment at least.\n\
         A line without a file was settled by the compiler, without a solver.\n\n",
    );
    let mut files = 0;
    for (batch, answers) in plan.batches.iter().zip(answers) {
        let mut compiled = Compiled::default();
        for (number, (question, answer)) in batch.questions.iter().zip(answers).enumerate() {
            let Some(claim) = plan.claims.get(question.claim) else { continue };
            let bounded = matches!(answer, Answer::Holds { bounded: true } | Answer::Fails(_));
            let ask = if bounded { question.bounded.as_ref().unwrap_or(&question.ask) } else { &question.ask };
            let solver = WriterSolver { w: Vec::new() };
            let compiler = CedarSymCompiler::new(solver).map_err(|error| ExportError::Question(error.into()))?;
            let mut compiler = compiler.with_reset_mode(ResetMode::Comment);
            match ask.holds(&mut compiler, &batch.env, &mut compiled).await {
                Ok(_) => {}
                Err(error) if matches!(*error, Error::SolverUnknown) => {}
                Err(error) => return Err(ExportError::Question(error)),
            }
            let name = format!("{}/{number:04}-{}.smt2", name_of(&batch.env).replace(' ', "_"), claim.name.replace('/', "_"));
            let text = std::mem::take(&mut compiler.solver_mut().w);
            let found = match answer {
                Answer::Holds { .. } => "unsat",
                Answer::Fails(_) => "sat",
                Answer::Unproved(_) => "unknown",
            };
            let axioms = if bounded && question.bounded.is_some() { ", within the axioms" } else { "" };
            let place = if text.is_empty() { "-" } else { name.as_str() };
            let cell = matches!(claim.law, Oath::CellNever(_) | Oath::CellAlways(_));
            let says = if cell { "a cell of the authority matrix" } else { claim.says.as_str() };
            let _ = writeln!(index, "{found:8}{place}\t{}: {says}{axioms}\t{}", claim.name, name_of(&batch.env));
            if !text.is_empty() {
                write(&directory.join(name), Some(&text))?;
                files += 1;
            }
        }
    }
    write(&directory.join(INDEX), Some(index.as_bytes()))?;
    Ok(files)
}

/// A file with its directory, or a directory.
fn write(path: &Path, text: Option<&[u8]>) -> Result<(), ExportError> {
    let fault = |source| ExportError::Write { path: path.to_owned(), source };
    let folder = if text.is_some() { path.parent().unwrap_or(path) } else { path };
    std::fs::create_dir_all(folder).map_err(fault)?;
    text.map_or(Ok(()), |text| std::fs::write(path, text).map_err(fault))
}
