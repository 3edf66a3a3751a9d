//! How long a verdict takes: 25 policies, 10 actions, 6 rungs. Run with `cargo bench -p lineclear-policy`.
#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a benchmark reads the clock and prints")]
#![expect(clippy::unwrap_used, reason = "a benchmark stops at the first fault")]

use std::hint::black_box;
use std::time::Instant;

use lineclear_core::situation::Case;
use lineclear_core::topology::Environment;
use lineclear_policy::{Policies, Source};

#[path = "../src/tests/fixture.rs"]
mod fixture;

/// Rounds over all cases: a second or so.
const ROUNDS: usize = 200;

/// Median microseconds per call.
fn measure(name: &str, cases: &[Case], call: impl Fn(&Case)) {
    let mut rounds = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let start = Instant::now();
        cases.iter().for_each(&call);
        rounds.push(start.elapsed());
    }
    rounds.sort();
    let calls = u32::try_from(cases.len()).unwrap();
    let median = *rounds.get(ROUNDS / 2).unwrap() / calls;
    println!("{name:<24} {:>8.1} µs  {:>8.0} per second", median.as_secs_f64() * 1e6, 1.0 / median.as_secs_f64());
}

fn main() {
    let policies = fixture::policies();
    let environments = [Environment::Production, Environment::Staging, Environment::Dev];
    let cases: Vec<Case> = fixture::actions()
        .flat_map(|action| [fixture::AGENT, fixture::ADA].map(|actor| (action, actor)))
        .flat_map(|(action, actor)| environments.map(|environment| fixture::case(actor, action, environment)))
        .collect();
    println!("{} policies, {} cases", policies.len(), cases.len());
    measure("judge", &cases, |case| drop(black_box(policies.judge(case))));
    measure("ladder, every rung", &cases, |case| drop(black_box(policies.ladder(case))));
    let approvals = fixture::estate().authority.rungs.last().unwrap().brings();
    measure("permits, at dispatch", &cases, |case| drop(black_box(policies.permits(case, &approvals))));
    measure("remedies", &cases, |case| drop(black_box(policies.remedies(case))));
}
