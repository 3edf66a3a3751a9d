//! Proofs with the real solver, and what happens with false ones.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test stops at the first fault")]

mod changes;
mod example;
mod house;
mod laws;
mod solvers;
