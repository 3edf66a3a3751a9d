//! Every failpoint of two scenarios, and pairs of them spread over all that there are.

use std::time::Duration;

use lineclear_crashlab::checker::End;
use lineclear_crashlab::explorer::{Plan, explore};
use lineclear_crashlab::world::{Lie, Phase};

use super::{lab, told};

/// How often further pairs are played when the machine is too loaded for some crashes to be reached.
const ROUNDS: usize = 4;

/// Plays a scenario: every failpoint once, and pairs of them, until so many schedules died every death that was asked for. On a loaded
/// machine a crash may come after the process has ended by itself; such a schedule is checked like every other, and not counted.
async fn survives(target: &str, phase: Phase, pairs: usize, end: End, least: usize) {
    let (lab, mut counted, mut ended) = (lab().await, 0, false);
    for round in 0..ROUNDS {
        let plan = Plan { target: target.into(), phase, lie: Lie::None, lag: Duration::ZERO, pairs: Some((pairs, round)) };
        let outcome = explore(&lab, &plan).await;
        assert!(outcome.broken.is_empty(), "{}", told(&outcome));
        assert_eq!(outcome.doubles, 0);
        ended |= outcome.ends.contains_key(&end);
        // The single crashes are the same in each round.
        let played = if round == 0 { outcome.played.0 + outcome.played.1 } else { outcome.played.1 };
        counted += played.saturating_sub(outcome.missed.len());
        if counted >= least {
            break;
        }
    }
    assert!(ended, "no schedule ended {end:?}");
    assert!(counted >= least, "only {counted} schedules died every death");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_way_up_to_a_run_survives_every_crash_and_pairs_of_them() {
    survives("turned0", Phase::Start, 100, End::Undone, 100).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_tries_again_and_falls_back_survives_every_crash_and_pairs_of_them() {
    survives("whole0", Phase::Run, 180, End::Whole, 250).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fallback_that_fails_survives_every_crash_and_pairs_of_them() {
    survives("turned0", Phase::Fallback, 240, End::Undone, 270).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_taken_back_survives_every_crash_and_pairs_of_them() {
    survives("turned0", Phase::Back, 370, End::Undone, 380).await;
}
