//! How long a verdict takes with 25, 150 and 500 policies over 10 actions and 6 rungs, beside Cedar alone over the whole set.
//! Run with `cargo bench -p lineclear-policy --bench ladder`.
#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a benchmark reads the clock and prints")]
#![expect(clippy::unwrap_used, reason = "a benchmark stops at the first fault")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lineclear_core::situation::Case;
use lineclear_core::topology::Environment;
use lineclear_policy::{Policies, Source};

#[path = "../src/tests/fixture.rs"]
mod fixture;
#[path = "../src/tests/plain.rs"]
#[expect(dead_code, reason = "tests use more of it")]
mod plain;

use plain::Plain;

/// Rounds over all cases; with five hundred policies that is some ten seconds.
const ROUNDS: usize = 101;
/// Readings of a whole set.
const READINGS: usize = 11;
/// Further teams, each with a narrowed copy of the twenty-five policies.
const TEAMS: [usize; 3] = [0, 5, 19];

/// Microseconds of one call: the mean over the cases of each case's median, and the slowest case's median.
struct Figure {
    mean: f64,
    slowest: f64,
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    *times.get(times.len() / 2).unwrap()
}

/// Every case once a round, so that a pause of the machine falls on all alike.
fn measure(cases: &[Case], call: impl Fn(&Case)) -> Figure {
    let mut times = vec![Vec::with_capacity(ROUNDS); cases.len()];
    for _ in 0..ROUNDS {
        for (case, times) in cases.iter().zip(&mut times) {
            let start = Instant::now();
            call(case);
            times.push(start.elapsed());
        }
    }
    let medians: Vec<Duration> = times.into_iter().map(median).collect();
    let mean = medians.iter().sum::<Duration>() / u32::try_from(cases.len()).unwrap();
    Figure { mean: mean.as_secs_f64() * 1e6, slowest: medians.iter().max().unwrap().as_secs_f64() * 1e6 }
}

/// Every action by an agent and by a person, in every environment, on a good day.
fn cases() -> Vec<Case> {
    let environments = [Environment::Production, Environment::Staging, Environment::Dev];
    let asked = fixture::actions().flat_map(|action| [fixture::AGENT, fixture::ADA].map(|actor| (action, actor)));
    asked.flat_map(|(action, actor)| environments.map(|environment| fixture::case(actor, action, environment))).collect()
}

/// What both say must be the same before it is worth timing.
fn compare(policies: &Policies, plain: &Plain<'_>, cases: &[Case]) {
    for case in cases {
        for (rung, answer) in policies.estate().authority.rungs.iter().zip(policies.ladder(case).unwrap()) {
            assert!(plain.ask(case, &rung.brings()).agrees(answer.allowed, &answer.because), "{case:?} at {}", rung.name);
        }
    }
}

/// The median milliseconds of reading these policies anew, with their estate and over one that is ready.
fn reading(policies: &Policies) -> [f64; 2] {
    let sources: Vec<Source> =
        policies.list().into_iter().map(|one| Source { path: format!("{}.cedar", one.id), text: one.text }).collect();
    let time = |read: &dyn Fn() -> Policies| {
        let mut times = Vec::new();
        for _ in 0..READINGS {
            let start = Instant::now();
            drop(black_box(read()));
            times.push(start.elapsed());
        }
        median(times).as_secs_f64() * 1e3
    };
    [
        time(&|| Policies::load(Arc::clone(policies.estate()), &sources).unwrap()),
        time(&|| Policies::load_on(Arc::clone(policies.base()), &sources).unwrap()),
    ]
}

/// The rows of one set of policies.
fn rows(policies: &Policies, cases: &[Case]) -> Vec<(&'static str, Figure)> {
    let plain = Plain::new(policies);
    compare(policies, &plain, cases);
    let rungs: Vec<_> = policies.estate().authority.rungs.iter().map(lineclear_core::authority::Rung::brings).collect();
    let top = rungs.last().unwrap();
    vec![
        ("judge: up to the first rung that is enough", measure(cases, |case| drop(black_box(policies.judge(case))))),
        ("ladder: every rung with its reasons", measure(cases, |case| drop(black_box(policies.ladder(case))))),
        ("permits: at dispatch", measure(cases, |case| drop(black_box(policies.permits(case, top))))),
        ("remedies: what would change it", measure(cases, |case| drop(black_box(policies.remedies(case))))),
        (
            "Cedar alone, up to the first rung",
            measure(cases, |case| {
                black_box(rungs.iter().find(|rung| plain.ask(case, rung).allowed));
            }),
        ),
        ("Cedar alone, every rung", measure(cases, |case| rungs.iter().for_each(|rung| drop(black_box(plain.ask(case, rung)))))),
    ]
}

fn main() {
    let cases = cases();
    let mut table: Vec<(&str, String)> = Vec::new();
    let mut head = String::new();
    let mut read = String::new();
    for teams in TEAMS {
        let policies = fixture::policies_of(teams);
        let [anew, over] = reading(&policies);
        let _ = writeln!(
            read,
            "{} policies read, checked and indexed: {anew:.1} ms; over an estate that is ready: {over:.1} ms",
            policies.len()
        );
        let _ = write!(head, "{:>24}", format!("{} policies", policies.len()));
        for (place, (name, figure)) in rows(&policies, &cases).into_iter().enumerate() {
            let cell = format!("{:>13.1} {:>10.1}", figure.mean, figure.slowest);
            match table.get_mut(place) {
                Some((_, line)) => *line += &cell,
                None => table.push((name, cell)),
            }
        }
    }
    println!(
        "{} cases, {ROUNDS} rounds. Microseconds: mean over the cases of their medians, and the slowest case's median.\n",
        cases.len()
    );
    println!("{:<44}{head}", "");
    println!("{:<44}{}", "", format!("{:>13} {:>10}", "mean", "slowest").repeat(TEAMS.len()));
    for (name, line) in table {
        println!("{name:<44}{line}");
    }
    print!("\n{read}");
}
