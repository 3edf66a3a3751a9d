//! Four runners in bad weather: pauses longer than an attempt's own time, sudden deaths, and messages that come late, twice, out of order
//! or not at all.

use lineclear_crashlab::checker::{End, check};
use lineclear_crashlab::world::Setting;

use super::lab;

async fn survives(seeds: std::ops::Range<u64>) {
    let lab = lab().await;
    let (mut ends, mut kills, mut pauses) = (Vec::new(), 0, 0);
    for seed in seeds {
        let played = lab.play(Setting::storm(seed)).await;
        let findings = check(&played).await;
        assert_eq!(findings.faults, Vec::<String>::new(), "crashlab storm {seed}");
        assert_eq!((findings.doubles, findings.ends.len()), (0, 8), "crashlab storm {seed}");
        ends.extend(findings.ends);
        kills += played.storms.0;
        pauses += played.storms.1;
    }
    assert!(kills > 0 && pauses > 0, "{kills} kills and {pauses} pauses are no storm");
    assert!(ends.iter().any(|end| *end != End::Person), "every run ended with a person");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_runners_in_bad_weather_do_nothing_twice_and_lose_nothing() {
    survives(1..9).await;
}
