//! The lab's program: each process of a world, and exploring by hand. `crashlab explore all` plays every pair; `crashlab replay '<schedule>'`
//! plays one schedule again and shows what was passed.
#![expect(clippy::expect_used, reason = "a lab whose own machinery fails has nothing to say, and stops where that is")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use lineclear_crashlab::checker::{Findings, check};
use lineclear_crashlab::explorer::{Outcome, Plan, explore, parsed, schedule};
use lineclear_crashlab::hand::{self, HandOptions};
use lineclear_crashlab::plane::{self, PlaneOptions};
use lineclear_crashlab::sink;
use lineclear_crashlab::world::{Lab, Lie, Phase, Setting};

/// Which cache, and where it begins. Up to its last step a run that is taken back is like any other.
const SCENARIOS: [(&str, Phase); 4] =
    [("turned0", Phase::Start), ("whole0", Phase::Run), ("turned0", Phase::Fallback), ("turned0", Phase::Back)];

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let arg = |at: usize| given.get(at).map_or("", String::as_str);
    let number = |at: usize| arg(at).parse::<u64>().unwrap_or(0);
    let small = |at: usize| u32::try_from(number(at)).unwrap_or(0);
    let many = |at: usize| usize::try_from(number(at)).unwrap_or(0);
    match arg(0) {
        "plane" => {
            let options = PlaneOptions { life: small(2), runners: many(3), restless: arg(4) == "restless" };
            plane::serve(Path::new(arg(1)), &options).await;
        }
        "runner" => {
            let options = HandOptions {
                number: many(2),
                life: small(3),
                unfenced: arg(4) == "unfenced",
                lag: Duration::from_millis(number(5)),
                weather: arg(6).parse().ok(),
            };
            hand::serve(Path::new(arg(1)), options).await;
        }
        "sink" => sink::serve(Path::new(arg(1))).await,
        "explore" => return explored(arg(1), many(2)).await,
        "replay" => return replayed(arg(1)).await,
        "storm" => return stormed(number(1)).await,
        _ => {
            say("crashlab explore <pairs, or all> [offset]\ncrashlab replay '<schedule>'\ncrashlab storm <seed>");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

fn say(text: &str) {
    // Nobody reading is no error.
    let _ = writeln!(std::io::stdout(), "{text}");
}

fn program() -> PathBuf {
    std::env::current_exe().expect("this program has a path")
}

async fn explored(pairs: &str, offset: usize) -> ExitCode {
    let lab = Arc::new(Lab::start(&program()).await);
    let mut broken = 0;
    for (target, phase) in SCENARIOS {
        let pairs = pairs.parse().ok().map(|most| (most, offset));
        let plan = Plan { target: target.into(), phase, lie: Lie::None, lag: Duration::ZERO, pairs };
        let outcome = explore(&lab, &plan).await;
        shown(&format!("{target} from {phase:?}"), &outcome);
        broken += outcome.broken.len();
    }
    if broken == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn shown(target: &str, outcome: &Outcome) {
    let Outcome { points, played, pairs, missed, deaths, ends, doubles, broken } = outcome;
    say(&format!(
        "{target}: {points} failpoints; {} schedules with one crash, {} of {pairs} with two; {} missed a crash; {deaths} deaths; ends {ends:?}; {doubles} doubles; {} broken",
        played.0,
        played.1,
        missed.len(),
        broken.len()
    ));
    for schedule in missed {
        say(&format!("missed: {schedule}"));
    }
    for (schedule, faults) in broken {
        say(&format!("crashlab replay '{schedule}'"));
        for fault in faults {
            say(&format!("    {fault}"));
        }
    }
}

async fn replayed(line: &str) -> ExitCode {
    let (plan, points) = match parsed(line) {
        Ok(parsed) => parsed,
        Err(why) => {
            say(&why);
            return ExitCode::from(2);
        }
    };
    let lab = Lab::start(&program()).await;
    reported(&schedule(&lab, &plan, points).await)
}

async fn stormed(seed: u64) -> ExitCode {
    let lab = Lab::start(&program()).await;
    let played = lab.play(Setting::storm(seed)).await;
    say(&format!("{} kills, {} pauses", played.storms.0, played.storms.1));
    reported(&check(&played).await)
}

fn reported(findings: &Findings) -> ExitCode {
    for passed in &findings.trace {
        say(&format!("{} {}{}", passed.at, if passed.died { "KILLED at " } else { "" }, passed.point));
    }
    say(&format!("ends {:?}; every crash was reached: {}; {} doubles", findings.ends, findings.reached, findings.doubles));
    for fault in &findings.faults {
        say(&format!("BROKEN: {fault}"));
    }
    if findings.faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
