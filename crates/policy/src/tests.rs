//! Tests of the whole room: the table of verdicts, every known way to fail open, the laws, the reasons.

mod decisions;
mod fixture;
mod laws;
mod reasons;
mod refusals;
mod traps;
