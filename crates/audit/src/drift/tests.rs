//! Laws of the drift audit, planted faults, and its text.

mod synth;

use std::path::Path;
use std::sync::OnceLock;

use lineclear_core::budget::{Budget, Burn};
use lineclear_core::measure::Confidence;
use lineclear_core::verdict::{Bearing, Reason, Reasons};
use lineclear_estate::{Loaded, load_files, read_files};
use proptest::prelude::*;
use synth::{Chance, Story, Written, case};

use super::*;
use crate::record::shard;

fn example() -> &'static Loaded {
    static EXAMPLE: OnceLock<Loaded> = OnceLock::new();
    EXAMPLE.get_or_init(synth::example)
}

/// The example with one text of one file replaced.
fn edited(path: &str, from: &str, to: &str) -> Loaded {
    let mut files = read_files(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../estate/example"))).unwrap();
    let text = String::from_utf8(files[path].clone()).unwrap();
    assert!(text.contains(from), "{path} lacks {from:?}");
    files.insert(path.into(), text.replace(from, to).into_bytes());
    load_files(&files).unwrap_or_else(|error| panic!("{error}"))
}

/// The example without the guard that makes people wait for one another.
fn wider() -> &'static Loaded {
    static WIDER: OnceLock<Loaded> = OnceLock::new();
    WIDER.get_or_init(|| edited("policies/guards.cedar", "when { context.in_flight > 0 }", "when { context.in_flight > 900 }"))
}

fn audit<'s>(versions: &Versions<'_>, stories: impl IntoIterator<Item = &'s Vec<Written>>) -> DriftReport {
    let mut auditor = Auditor::new(versions);
    take(&mut auditor, stories);
    auditor.finish().report(versions)
}

fn take<'s>(auditor: &mut Auditor<'_>, stories: impl IntoIterator<Item = &'s Vec<Written>>) {
    for (entry, payload) in stories.into_iter().flatten() {
        // The number that the story wrote into the event's id stands for the place in the log.
        let index = u64::from_str_radix(entry.id().rsplit('_').next().unwrap(), 16).unwrap();
        auditor.take(index, entry, payload.as_ref().map(|(salt, bytes)| (salt, bytes.as_slice())));
    }
}

/// Judged changes, numbered from 1.
fn stories(loaded: &Loaded, seed: u64, count: u64) -> Vec<Vec<Written>> {
    let mut chance = Chance(seed | 1);
    let mut judged = |number| {
        let asked = case(&loaded.estate, &mut chance);
        Story::judged(&loaded.policies, number, &asked, &loaded.policies.judge(&asked).unwrap())
    };
    (1..=count).map(&mut judged).collect()
}

/// The first made-up case that gets this answer.
fn case_with(loaded: &Loaded, word: &str) -> lineclear_core::situation::Case {
    let mut chance = Chance(7);
    std::iter::repeat_with(|| case(&loaded.estate, &mut chance)).find(|case| loaded.policies.judge(case).unwrap().word() == word).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    #[test]
    fn a_history_decided_again_under_its_own_estate_never_alarms(seed in any::<u64>(), count in 1_u64..30) {
        let versions = Versions::new(&example().policies, []);
        let report = audit(&versions, &stories(example(), seed, count));
        prop_assert_eq!((report.assessment, report.verdicts, report.redecided), (Assessment::Holds, count, count));
    }

    #[test]
    fn neither_the_order_of_changes_nor_the_number_of_workers_matters(seed in any::<u64>(), workers in 1_u64..5) {
        let wider = wider();
        let versions = Versions::new(&wider.policies, [&example().policies]);
        let mut told = stories(example(), seed, 20);
        let expected = audit(&versions, &told);
        told.reverse();
        let mut auditors: Vec<Auditor<'_>> = (0..workers).map(|_| Auditor::remembering(&versions, 3)).collect();
        for story in &told {
            let share = shard(story[0].0.bytes()).unwrap() % workers;
            prop_assert!(story.iter().all(|(entry, _)| shard(entry.bytes()).unwrap() % workers == share));
            take(&mut auditors[usize::try_from(share).unwrap()], [story]);
        }
        let tally = auditors.into_iter().map(Auditor::finish).fold(Tally::default(), Tally::join);
        prop_assert_eq!(tally.report(&versions), expected);
    }

    #[test]
    fn what_no_policy_reads_never_changes_a_verdict(seed in any::<u64>()) {
        let (mut chance, essences) = (Chance(seed | 1), example().policies.essences());
        for _ in 0..30 {
            let mut asked = case(&example().estate, &mut chance);
            // Now and then something that is refused before any policy reads it.
            match chance.below(12) {
                0 => asked.situation.fleet_bp = 10_001,
                1 => asked.situation.severity = 6,
                2 => asked.situation.confirmed += 1,
                3 => asked.situation.evidence.clear(),
                4..8 => {
                    let near = [0, 1, 2, 3_399, 3_400, 3_401, 4_999, 5_000, 5_001, 8_000, 9_000];
                    let mut of = |max: u32| near[usize::try_from(chance.below(11)).unwrap()].min(max);
                    (asked.situation.hosts, asked.situation.customers, asked.situation.fleet_bp) = (of(9_999), of(9_999), of(10_000));
                    asked.situation.confidence = Confidence::try_from(of(10_000)).unwrap();
                    let remaining_bp = i64::from(of(10_000)) - 1;
                    asked.situation.budget = Some(Budget { remaining_bp, burn: [Burn::Steady, Burn::Slow, Burn::Fast][of(2) as usize] });
                }
                _ => {}
            }
            let policies = &example().policies;
            let essence = essences.of(asked.clone());
            prop_assert_eq!(policies.judge(&essence), policies.judge(&asked), "{:?}", asked);
            prop_assert_eq!(essences.of(essence.clone()), essence);
        }
    }
}

/// One record of a verdict that policy never gave.
fn planted(word: &str, lie: impl Fn(Verdict) -> Verdict) -> Alarm {
    let asked = case_with(example(), word);
    let mut story = Story::new(&example().policies, 1, &asked);
    story.say(&lie(example().policies.judge(&asked).unwrap()));
    let versions = Versions::new(&example().policies, []);
    let mut all = stories(example(), 3, 9);
    all[0] = story.written;
    let report = audit(&versions, &all);
    assert_eq!((report.assessment, report.alarms_total), (Assessment::Alarm, 1));
    report.alarms[0].alarm.clone()
}

#[test]
fn a_planted_verdict_is_found() {
    let clear = |verdict: Verdict| Verdict::Clear { because: verdict.because().clone() };
    let told = [
        planted("needs_approval", clear).to_string(),
        planted("denied", clear).to_string(),
        planted("clear", |verdict| Verdict::Denied { because: verdict.because().clone() }).to_string(),
    ];
    assert!(told.iter().all(|text| text.starts_with("recorded `") && text.contains("its own estate says")), "{told:#?}");
    let reason = Reason { bearing: Bearing::Permits, policy: Some("low-risk".parse().unwrap()), title: "of course".into(), facts: vec![] };
    let other = planted("clear", |_| Verdict::Clear { because: Reasons::one(reason.clone()) });
    assert_eq!(other, Alarm::Reasons { recorded: "autonomous".into() });
}

#[test]
fn a_payload_changed_after_the_fact_is_found() {
    let versions = Versions::new(&example().policies, []);
    let mut told = stories(example(), 5, 3);
    let (_, payload) = &mut told[1][1];
    let bytes = &mut payload.as_mut().unwrap().1;
    let place = bytes.iter().position(|byte| *byte == b'1').unwrap();
    bytes[place] = b'2';
    let report = audit(&versions, &told);
    assert_eq!(report.alarms.len(), 1);
    assert_eq!(report.alarms[0].alarm, Alarm::Record(RecordFault::Commitment));
}

#[test]
fn a_verdict_without_its_proposal_or_its_payload_is_said() {
    let versions = Versions::new(&example().policies, []);
    let mut told = stories(example(), 5, 3);
    told[0].remove(0);
    told[1][1].1 = None;
    let report = audit(&versions, &told);
    assert_eq!(report.alarms[0].alarm, Alarm::Record(RecordFault::Orphan));
    assert_eq!((report.erased, report.redecided), (1, 1));
}

#[test]
fn records_of_an_estate_that_was_not_given_are_counted_and_still_compared_with_today() {
    let active = wider();
    let told = stories(example(), 11, 100);
    let with = audit(&Versions::new(&active.policies, [&example().policies]), &told);
    let without = audit(&Versions::new(&active.policies, []), &told);
    assert_eq!((with.redecided, without.redecided), (100, 0));
    assert!(without.to_string().contains(&format!("100 verdicts cannot be decided again: estate {} not given", example().estate.digest)));
    assert_eq!(with.moved, without.moved);
    assert_eq!(with.assessment, Assessment::Wider);
    assert!(with.moved.iter().all(|moved| moved.kind.course == Course::Wider && moved.kind.now != "denied"));
}

#[test]
fn a_rung_of_the_same_name_is_compared_by_what_it_brings() {
    let active = edited("authority.yaml", "    humans: 2\n    roles: [operator]\n", "    humans: 1\n    roles: [operator]\n");
    let told = stories(example(), 13, 60);
    let report = audit(&Versions::new(&active.policies, [&example().policies]), &told);
    let tier = report.tiers.iter().find(|tier| tier.rung == "two-signed").unwrap();
    assert_eq!(tier.course, Course::Wider);
    assert_eq!(tier.then, "2 people, as `operator`, with the owning team, signed with a key");
    assert_eq!(tier.now, "one person, as `operator`, with the owning team, signed with a key");
    // Policies still ask for two people, so what needed this rung needs a higher one now.
    assert!(report.moved.iter().any(|moved| moved.kind.course == Course::Narrower && moved.kind.then == "two-signed"), "{report}");
}

#[test]
fn a_rung_and_a_threshold_that_moved_are_told_though_no_verdict_rests_on_them() {
    let active = edited("authority.yaml", "    humans: 3\n", "    humans: 2\n");
    let asked = case_with(example(), "clear");
    let story = Story::judged(&example().policies, 1, &asked, &example().policies.judge(&asked).unwrap());
    let report = audit(&Versions::new(&active.policies, [&example().policies]), [&story]);
    let told: Vec<String> = report.tiers.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [concat!(
            "three-with-command: 3 people, as `incident-commander` and `operator` and `security-officer`, with the owning team, signed with a key then, ",
            "2 people, as `incident-commander` and `operator` and `security-officer`, with the owning team, signed with a key today; no verdict rests on it"
        )]
    );
    assert_eq!(report.assessment, Assessment::Wider);
    let active = edited("facts.yaml", "limit: 30s", "limit: 45s");
    let report = audit(&Versions::new(&active.policies, [&example().policies]), [&story]);
    assert_eq!((report.assessment, report.tiers.len()), (Assessment::Holds, 0));
    let unused = report.thresholds.iter().filter(|changed| changed.to_string().ends_with("45 s; no verdict rests on it")).count();
    assert!(unused > 10, "{report}");
}

#[test]
fn a_run_of_another_runbook_is_found_whatever_is_written_first() {
    let asked = case_with(example(), "needs_approval");
    let verdict = example().policies.judge(&asked).unwrap();
    let held = example().estate.catalogue.actions[&asked.action].runbook.as_ref().map(|name| example().estate.runbooks[name].digest);
    let versions = Versions::new(&example().policies, []);
    let runs = |digest: Digest, turned: bool| {
        let mut story = Story::new(&example().policies, 1, &asked);
        story.start(&verdict, digest);
        if turned {
            story.written.swap(1, 2);
        }
        audit(&versions, [&story.written])
    };
    for turned in [false, true] {
        let fair = runs(held.unwrap(), turned);
        assert_eq!((fair.runs, fair.alarms_total), (1, 0));
        let other = runs(Digest::of(b"another text"), turned);
        assert_eq!((other.runs, other.alarms_total), (1, 1));
        assert!(matches!(other.alarms[0].alarm, Alarm::Runbook { .. }));
    }
}

#[test]
fn the_report_on_a_small_history_under_another_estate() {
    let active = wider();
    let told = stories(example(), 17, 60);
    let report = audit(&Versions::new(&active.policies, [&example().policies]), &told).to_string();
    let report = report.replace(&active.estate.digest.to_string(), "sha256:active");
    insta::assert_snapshot!(report);
    let active = edited("facts.yaml", "limit: 30s", "limit: 45s");
    let report = audit(&Versions::new(&active.policies, [&example().policies]), &told);
    assert_eq!(report.assessment, Assessment::Holds);
    let changed: Vec<String> = report.thresholds.iter().map(ToString::to_string).collect();
    assert!(changed.iter().any(|line| line.starts_with("backend_down: then {\"op\":\"==\",\"value\":")), "{changed:#?}");
    assert!(changed.iter().all(|line| line.contains("up to an age of 30 s") && line.contains("up to an age of 45 s")), "{changed:#?}");
}
