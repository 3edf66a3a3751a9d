//! How many recorded verdicts are decided again in a second, and how many rows of past incidents are judged. Run with
//! `cargo bench -p lineclear-audit`; a number after `--` sets how many verdicts there are.
#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a benchmark reads the clock, its arguments and prints")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark stops at the first fault")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use lineclear_audit::{Auditor, Backtest, Format, Tally, Versions, read_rows, shard, wanted};
use lineclear_core::verdict::Verdict;
use lineclear_estate::Loaded;
use lineclear_ledger::Entry;
use lineclear_policy::Essences;

#[path = "../src/drift/tests/synth.rs"]
#[expect(dead_code, reason = "tests use more of it")]
mod synth;

use synth::{Chance, Story, case, example};

/// Changes written, untimed, before they are audited, timed: what a reader would have in its hands at once.
const BATCH: u64 = 4_000;
/// Cores that the goal speaks of.
const WORKERS: u64 = 2;

type Record = (u64, Vec<u8>, Option<synth::Salted>);

/// Writes histories; remembers verdicts too, or a million of them would take an hour to make up.
struct Author<'a> {
    loaded: &'a Loaded,
    essences: Essences<'a>,
    verdicts: BTreeMap<String, Verdict>,
}

impl<'a> Author<'a> {
    fn new(loaded: &'a Loaded) -> Self {
        Self { loaded, essences: loaded.policies.essences(), verdicts: BTreeMap::new() }
    }

    fn write(&mut self, number: u64) -> Vec<synth::Written> {
        let asked = case(&self.loaded.estate, &mut Chance(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1));
        let essence = serde_json::to_string(&self.essences.of(asked.clone())).unwrap();
        let verdict = self.verdicts.entry(essence).or_insert_with(|| self.loaded.policies.judge(&asked).unwrap());
        Story::judged(&self.loaded.policies, number, &asked, verdict)
    }
}

/// One batch, shared out as the command line shares out an export.
fn write(authors: &mut [Author<'_>], from: u64, count: u64) -> Vec<Vec<Record>> {
    let mut shares: Vec<Vec<Record>> = (0..WORKERS).map(|_| Vec::new()).collect();
    let parts: Vec<Vec<Record>> = std::thread::scope(|scope| {
        let threads = authors.iter_mut().zip(0..).map(|(author, part)| {
            scope.spawn(move || {
                let mut records = Vec::new();
                for number in (from..from + count).filter(|number| number % WORKERS == part) {
                    for (at, (entry, payload)) in (0..).zip(author.write(number)) {
                        records.push((number * 4 + at, entry.into_bytes(), payload));
                    }
                }
                records
            })
        });
        let threads: Vec<_> = threads.collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for record in parts.into_iter().flatten() {
        let share = shard(&record.1).unwrap() % WORKERS;
        shares[usize::try_from(share).unwrap()].push(record);
    }
    shares
}

fn drift(loaded: &Loaded, count: u64, remembered: Option<usize>) {
    let versions = Versions::new(&loaded.policies, []);
    let auditor = || remembered.map_or_else(|| Auditor::new(&versions), |answers| Auditor::remembering(&versions, answers));
    let mut auditors: Vec<Auditor<'_>> = (0..WORKERS).map(|_| auditor()).collect();
    let mut authors: Vec<Author<'_>> = (0..WORKERS).map(|_| Author::new(loaded)).collect();
    let (mut spent, mut worked, mut from) = (Duration::ZERO, 0, 0);
    while from < count {
        let shares = write(&mut authors, from, BATCH.min(count - from));
        let began = Instant::now();
        std::thread::scope(|scope| {
            let threads = auditors.iter_mut().zip(&shares).map(|(auditor, share)| {
                scope.spawn(move || {
                    let before = on_core();
                    for (index, bytes, payload) in share {
                        let entry = Entry::parse(bytes).unwrap();
                        let payload = wanted(&entry).and(payload.as_ref()).map(|(salt, bytes)| (salt, bytes.as_slice()));
                        auditor.take(*index, &entry, payload);
                    }
                    on_core().saturating_sub(before)
                })
            });
            let threads: Vec<_> = threads.collect();
            worked += threads.into_iter().map(|thread| thread.join().unwrap()).sum::<u64>();
        });
        spent += began.elapsed();
        from += BATCH;
    }
    let tally = auditors.into_iter().map(Auditor::finish).fold(Tally::default(), Tally::join);
    let report = tally.report(&versions);
    assert_eq!((report.verdicts, report.alarms_total, report.redecided), (count, 0, count));
    let rate = f64::from(u32::try_from(count).unwrap()) / spent.as_secs_f64();
    let how = if remembered == Some(0) { "nothing remembered" } else { "remembering" };
    println!("drift, {how}: {count} verdicts in {:.1} s on {WORKERS} threads, {rate:.0} per second", spent.as_secs_f64());
    let each = f64::from(u32::try_from(worked / 1_000_000).unwrap()) * 1_000.0 / f64::from(u32::try_from(count).unwrap());
    let distinct = authors.iter().flat_map(|author| author.verdicts.keys()).collect::<BTreeSet<_>>().len();
    println!("  {each:.1} µs of a core each, {:.0} per second on two free cores", 2e6 / each);
    println!("  {distinct} different cases as policies see them; policy was asked {} times", tally.asked());
}

fn backtest(loaded: &Loaded, rows: u64) {
    let mut text = String::new();
    let outcomes = ["improved", "improved", "improved", "unchanged", "worse"];
    for number in 0..rows {
        let chance = &mut Chance(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let asked = case(&loaded.estate, chance);
        let facts: Vec<String> =
            asked.situation.evidence.iter().filter(|(_, held)| **held).map(|(fact, _)| format!("\"{fact}\"")).collect();
        let (outcome, minutes) = (outcomes[usize::try_from(chance.below(5)).unwrap()], chance.below(120));
        writeln!(
            text,
            r#"{{"time":"2026-03-01T10:00:00Z","incident":"INC-{}","action":"{}","target":"{}","principal":"agent","confidence":{},"evidence":[{}],"waited_minutes":{minutes},"outcome":"{outcome}"}}"#,
            number / 4,
            asked.action,
            asked.target,
            asked.situation.confidence.basis_points() / 100,
            facts.join(",")
        )
        .unwrap();
    }
    let (began, before) = (Instant::now(), on_core());
    let read = read_rows(&text, Format::JsonLines).unwrap();
    let reading = began.elapsed();
    let report = Backtest::new(&loaded.policies, Some(&loaded.policies)).run(&read);
    let (took, worked) = (began.elapsed(), on_core().saturating_sub(before));
    assert!(report.differing.is_empty());
    println!(
        "back-test against a second estate: {rows} rows in {:.2} s ({:.2} s on a core), {:.2} s of it reading; {} acts judged",
        took.as_secs_f64(),
        Duration::from_nanos(worked).as_secs_f64(),
        reading.as_secs_f64(),
        report.estate.sum.judged
    );
}

/// How long this thread was on a core, in nanoseconds: what others do on the machine does not count.
fn on_core() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or_default()
}

/// The most memory that this process ever had.
fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("VmHWM unknown").to_owned()
}

fn main() {
    let count = std::env::args().find_map(|text| text.parse().ok()).unwrap_or(1_000_000);
    let loaded = example();
    println!(
        "{} policies, {} actions, {} things",
        loaded.policies.len(),
        loaded.estate.catalogue.actions.len(),
        loaded.estate.topology.iter().count()
    );
    backtest(&loaded, 100_000);
    drift(&loaded, count / 20, Some(0));
    println!("{} (batches of {BATCH} changes and what wrote them included)", peak());
    drift(&loaded, count, None);
    println!("{} (batches of {BATCH} changes and what wrote them included)", peak());
}
