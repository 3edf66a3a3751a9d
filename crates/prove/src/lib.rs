//! What no policy set may ever permit, proved for every request by an SMT solver: needed where policy changes, never
//! where it is applied.
//!
//! A claim that the solver confirms is believed; a counterexample is replayed on the real engine, made small and told in a
//! sentence; everything else (a timeout, `unknown`, a solver that dies or says something strange) is *not proved*.

mod axiom;
mod beside;
mod diff;
mod dimension;
mod export;
mod invariant;
mod matrix;
mod plan;
mod pool;
mod proof;
mod question;
mod recall;
mod report;
mod rewrite;
mod scene;
mod shape;
mod solver;
mod tell;
mod trial;
mod words;

pub use beside::{Shift, beside};
pub use diff::{Difference, diff};
pub use export::ExportError;
pub use matrix::{Cell, Matrix, Row};
pub use proof::{Proofs, prove};
pub use report::{Digests, Example, Obligation, ProveError, Report, SYMCC_VERSION, Status};
pub use solver::{SOLVER_VERSION, Solver, SolverError};
