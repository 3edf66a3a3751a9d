//! Nothing happens twice, and nothing without a record, wherever `kill -9` strikes. docs/never-twice.md says how to play one schedule again.

mod crashes;
mod lies;
mod storm;

use std::path::Path;
use std::sync::Arc;

use lineclear_crashlab::explorer::Outcome;
use lineclear_crashlab::world::Lab;

/// A lab of this test's own.
async fn lab() -> Arc<Lab> {
    Arc::new(Lab::start(Path::new(env!("CARGO_BIN_EXE_crashlab"))).await)
}

/// What has to be seen when something is broken: each schedule as it can be played again.
fn told(outcome: &Outcome) -> String {
    let one = |(schedule, faults): &(String, Vec<String>)| format!("crashlab replay '{schedule}'\n    {}", faults.join("\n    "));
    outcome.broken.iter().map(one).collect::<Vec<_>>().join("\n")
}
