//! The crash lab: it plays one change again and again, kills the plane or a runner with `kill -9` at every moment that matters, starts it
//! again, and holds what the world outside has seen against what the ledger says. The way to use it is in docs/never-twice.md.
//!
//! Nothing here ships. The plane is the product's engine on the product's SQLite store, the runner is the product's runner with its own
//! journal file, each in a process of its own; only clock and wire are the lab's.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a lab whose own machinery fails has nothing to say, and stops where that is"
)]

mod attempt;
pub mod checker;
mod clock;
mod cut;
pub mod explorer;
mod failpoint;
pub mod hand;
mod ledger;
pub mod plane;
mod scenario;
pub mod sink;
mod switchboard;
mod weather;
mod wire;
pub mod world;
