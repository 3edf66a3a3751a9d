//! How long the proofs of `estate check` take for the example estate. Run with `cargo bench -p lineclear-prove`.
#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a benchmark reads the clock and prints")]
#![expect(clippy::unwrap_used, reason = "a benchmark stops at the first fault")]

use std::path::Path;
use std::time::Instant;

use lineclear_prove::{Solver, prove};

/// Whole runs; the middle one is told.
const ROUNDS: usize = 3;

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let loaded = lineclear_estate::load(&root.join("estate/example")).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let solver = Solver::pin(&root.join("tools/cvc5")).await.unwrap();
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            let start = Instant::now();
            let proofs = prove(&solver, &loaded.policies, &loaded.invariants).await.unwrap();
            times.push(start.elapsed());
            assert!(proofs.report.holds(), "{}", proofs.report);
            let report = &proofs.report;
            println!("{} policies, {} obligations, {} questions", loaded.policies.len(), report.obligations.len(), report.questions);
        }
        times.sort();
        println!("all proofs, two solvers: {:.1} s", times.get(ROUNDS / 2).unwrap().as_secs_f64());
    });
}
