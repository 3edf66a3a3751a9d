//! How long the whole of `estate check` takes: reading, linting, the stories, every proof. Once for the example estate, once for one
//! of five hundred policies. Run with `cargo bench -p lineclear-prove`; `example` or `large` after `--` does only one of them.
#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a benchmark reads the clock, its arguments and prints")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a benchmark stops at the first fault")]

#[path = "proofs/large.rs"]
mod large;

use std::path::{Path, PathBuf};
use std::time::Instant;

use lineclear_estate::Loaded;
use lineclear_prove::{Report, Solver, diff, prove};

/// Whole runs of the example; the middle one is told.
const ROUNDS: usize = 3;

/// One whole check, from files to report, and what it took.
struct Taken {
    /// Reading, linting, stories.
    read: f64,
    /// Finding the solver and proving.
    proved: f64,
    /// On cores, this program and the solvers together.
    worked: f64,
    report: Report,
}

async fn check(program: &Path, load: &dyn Fn() -> Loaded) -> Taken {
    let (start, before) = (Instant::now(), on_cores());
    let loaded = load();
    assert!(lineclear_estate::check(&loaded).holds());
    let read = start.elapsed().as_secs_f64();
    let solver = Solver::pin(program).await.unwrap();
    let proofs = prove(&solver, &loaded.policies, &loaded.invariants).await.unwrap();
    let proved = start.elapsed().as_secs_f64() - read;
    Taken { read, proved, worked: on_cores() - before, report: proofs.report }
}

async fn tell(name: &str, rounds: usize, program: &Path, load: &dyn Fn() -> Loaded) {
    let mut times = Vec::new();
    for _ in 0..rounds {
        let Taken { read, proved, worked, report } = check(program, load).await;
        assert!(report.holds(), "{report}");
        println!(
            "{name}: {} obligations, {} questions; read {read:.2} s, proved {proved:.2} s; {worked:.1} s of cores",
            report.obligations.len(),
            report.questions
        );
        times.push(read + proved);
    }
    times.sort_by(f64::total_cmp);
    println!("{name}: the whole check, two solvers: {:.1} s\n", times[rounds / 2]);
}

/// How long this program and the processes that it has ended were on cores, in seconds: what others do on the machine counts little.
fn on_cores() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Fields 14 to 17 of proc(5), in hundredths; the name before them may hold blanks.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(4);
    fields.filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn main() {
    let root: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let example = root.join("estate/example");
    let wanted: Vec<String> = std::env::args().filter(|word| ["example", "large"].contains(&word.as_str())).collect();
    let wants = |name: &str| wanted.is_empty() || wanted.iter().any(|word| word == name);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let program = root.join("tools/cvc5");
        if wants("example") {
            let load = || lineclear_estate::load(&example).unwrap();
            tell(&format!("example, {} policies", load().policies.len()), ROUNDS, &program, &load).await;
        }
        if wants("large") {
            let load = || large::large(&example);
            let loaded = load();
            assert_eq!(loaded.policies.len(), large::POLICIES);
            tell(&format!("large, {} policies", large::POLICIES), 1, &program, &load).await;
            let solver = Solver::pin(&program).await.unwrap();
            let (start, before) = (Instant::now(), on_cores());
            let small = lineclear_estate::load(&example).unwrap();
            let difference = diff(&solver, &small.policies, &loaded.policies).await.unwrap();
            let (opened, closed) = (difference.opened.len(), difference.closed.len());
            let (took, worked) = (start.elapsed().as_secs_f64(), on_cores() - before);
            println!("large against example: {opened} kinds open, {closed} close; {took:.1} s, {worked:.1} s of cores");
        }
    });
}
