//! What the objectives in reach of a change still allow: asked of telemetry for every window at once, by the multi-window
//! burn rates of [`lineclear_core::budget`]. What cannot be told is missing, and what is missing blocks.

mod promql;

use futures_util::future::join_all;
use lineclear_core::Timestamp;
use lineclear_core::budget::{Measured, Objective, Over, WHOLE_PPM};
use lineclear_core::dossier::Fault;
use lineclear_core::estate::Estate;
use lineclear_core::fact::Reading;
use lineclear_core::name::ActionName;
use lineclear_core::slo::{Goal, Share, Slo};
use lineclear_core::topology::Blast;
use lineclear_core::{Span, slo};
use lineclear_policy::Policies;

pub use promql::{Questions, questions};

use crate::engine::Inner;

/// Most goals of objectives that one change is measured by: 32 of them are 256 queries at each gate. Whoever reaches more has to
/// put several behind one objective.
const GOALS_MAX: usize = 32;
/// How many goals are asked at the same time: with eight questions each that is what a source answers at once.
const AT_ONCE: usize = 2;
/// Oldest sample that a budget may rest on: two of the longest usual scrape intervals.
pub(crate) const AGE_MAX: Span = Span::from_secs(120);
/// How far outside of 0 to 1 a share may lie, in parts per million: counters that appear within a window are extrapolated.
const SLACK_PPM: i64 = 10_000;
/// The attributes of the context that are made of budgets.
const ATTRIBUTES: [&str; 3] = ["budget_bp", "burn", "objective"];
/// What a source says that does not answer at all; asking it for the other objectives would only take time.
const SILENT: [&str; 3] = ["source unreachable", "source busy", "no such source"];

/// What was measured, and what could not be.
#[derive(Debug, Default)]
pub(crate) struct Budgets {
    pub measured: Vec<Measured>,
    pub faults: Vec<Fault>,
}

/// A number that cannot be used: why, and the query behind it.
struct Unusable {
    why: String,
    query: String,
}

impl Inner {
    /// The objectives of everything in reach; nothing when no policy of the action reads them, because then they cannot matter
    /// and a source that is down must not stand in the way of a look around.
    pub(crate) async fn budgets(&self, estate: &Estate, policies: &Policies, action: &ActionName, blast: &Blast) -> Budgets {
        let mut found = Budgets::default();
        if !ATTRIBUTES.iter().any(|attribute| policies.reads(action, attribute)) {
            return found;
        }
        let concerned = estate.slos.values().filter(|slo| blast.affected.contains(&slo.service));
        let goals: Vec<(&Slo, &Goal)> = concerned.flat_map(|slo| slo.goals.iter().map(move |goal| (slo, goal))).collect();
        if goals.len() > GOALS_MAX {
            let why =
                format!("{} goals of objectives are in reach, and at most {GOALS_MAX} are measured: put several behind one", goals.len());
            found.faults.push(Fault::Slice { why });
            return found;
        }
        for some in goals.chunks(AT_ONCE) {
            let mut silent = false;
            for (measured, fault) in join_all(some.iter().map(|(slo, goal)| self.measure(slo, goal))).await {
                silent |= matches!(&fault, Some(Fault::NoBudget { why, .. }) if SILENT.iter().any(|word| why.starts_with(word)));
                found.measured.extend(measured);
                found.faults.extend(fault);
            }
            if silent {
                break;
            }
        }
        found
    }

    async fn measure(&self, slo: &Slo, goal: &Goal) -> (Option<Measured>, Option<Fault>) {
        let objective = match goal.objective(&slo.window) {
            Ok(objective) => objective,
            Err(error) => {
                let (why, help) = (error.to_string(), "give it a `timeWindow` over which burn rates mean something".to_owned());
                let (slo, source, query) = (slo.name.clone(), String::new(), String::new());
                return (None, Some(Fault::NoBudget { slo, why, help, source, query }));
            }
        };
        let asked = self.now();
        let questions = questions(slo, goal, &objective);
        let age = async {
            match &questions.age {
                Some(query) => Some((query, self.telemetry.ask(&questions.source, query, asked).await)),
                None => None,
            }
        };
        let shares = join_all(questions.over.iter().map(|(_, query)| self.telemetry.ask(&questions.source, query, asked)));
        let (age, shares) = tokio::join!(age, shares);
        let now = self.now();
        let age = age.map(|(query, reading)| age_of(&reading, query, now)).transpose();
        let shares = questions.over.iter().zip(&shares).map(|((window, query), reading)| {
            let failed = failed_ppm(questions.share_of, reading, now)
                .map_err(|why| Unusable { why: format!("{why} over the last {}", promql::length(window.as_secs())), query: query.clone() });
            (*window, failed)
        });
        let shares: Vec<_> = shares.collect();
        let fault = age.as_ref().err().or_else(|| shares.iter().find_map(|(_, failed)| failed.as_ref().err()));
        let fault = fault.map(|unusable| Fault::NoBudget {
            slo: slo.name.clone(),
            why: unusable.why.clone(),
            help: help(&unusable.why).into(),
            source: questions.source.clone(),
            query: unusable.query.clone(),
        });
        let measured = told(slo, goal, &objective, &questions, asked, age.as_ref().ok().copied().flatten(), &shares, fault.is_none());
        (Some(measured), fault)
    }
}

#[expect(clippy::too_many_arguments, reason = "it puts together one record")]
fn told(
    slo: &Slo,
    goal: &Goal,
    objective: &Objective,
    questions: &Questions,
    asked: Timestamp,
    age_s: Option<u64>,
    shares: &[(Span, Result<u32, Unusable>)],
    whole: bool,
) -> Measured {
    let share = |window| shares.iter().find(|(known, _)| *known == window).and_then(|(_, failed)| failed.as_ref().ok().copied());
    Measured {
        slo: slo.name.clone(),
        title: slo.title.clone(),
        goal: goal.title.clone(),
        service: slo.service.clone(),
        target_ppm: goal.target_ppm,
        period: objective.period(),
        source: questions.source.clone(),
        query: questions.over.last().map(|(_, query)| query.clone()).unwrap_or_default(),
        asked,
        age_s,
        over: shares.iter().map(|(window, _)| Over::of(objective, *window, share(*window))).collect(),
        budget: if whole { objective.budget(share) } else { None },
    }
}

/// How old the newest sample is; the source tells the age by its own clock.
fn age_of(reading: &Reading, query: &str, now: Timestamp) -> Result<u64, Unusable> {
    let unusable = |why: String| Unusable { why, query: query.to_owned() };
    let millionths = value(reading, now).map_err(|why| unusable(format!("{why} when asked for its newest sample")))?;
    // Within a second of the source's clock a sample may seem to come from the future.
    let age = u64::try_from(millionths / 1_000_000).unwrap_or(0);
    if age > AGE_MAX.as_secs() { Err(unusable(format!("the newest sample is older than {AGE_MAX}"))) } else { Ok(age) }
}

/// The share that failed, in parts per million.
fn failed_ppm(share_of: slo::Share, reading: &Reading, now: Timestamp) -> Result<u32, String> {
    let (ppm, whole) = (value(reading, now)?, i64::from(WHOLE_PPM));
    if !(-SLACK_PPM..=whole + SLACK_PPM).contains(&ppm) {
        return Err("the answer is no share between 0 and 1".into());
    }
    let ppm = ppm.clamp(0, whole);
    let failed = match share_of {
        Share::Good => whole - ppm,
        Share::Bad => ppm,
    };
    u32::try_from(failed).map_err(|_| "the answer is no share between 0 and 1".into())
}

/// A value that was evaluated just now, in millionths.
fn value(reading: &Reading, now: Timestamp) -> Result<i64, String> {
    match reading {
        Reading::Absent { why } => Err(why.clone()),
        Reading::Value { value, observed } if now.since(*observed) <= AGE_MAX && observed.since(now) <= AGE_MAX => Ok(value.millionths()),
        Reading::Value { .. } => Err(format!("the answer was evaluated more than {AGE_MAX} from now")),
    }
}

/// What can be done about it, by what a source or we ourselves say.
fn help(why: &str) -> &'static str {
    if why.starts_with("no series") {
        "see whether its metrics are still scraped; a count that begins with its first failure is written `… or vector(0)`"
    } else if why.starts_with("several series") {
        "sum or average the query, so that it gives one number"
    } else if why.starts_with("source") {
        "bring the source back; it is asked again every 15 seconds"
    } else if why.starts_with("no such source") {
        "name the source in `lineclear.toml`"
    } else if why.starts_with("the newest sample") {
        "see why its metrics are no longer scraped"
    } else if why.starts_with("the answer was evaluated") {
        "see whether the clocks agree, and whether something between answers from a cache"
    } else {
        "ask the query by hand, and mend the objective in `slos/` or its metrics"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_795_000_000_000_000);

    fn reading(value: &str, age_s: i64) -> Reading {
        Reading::Value { value: value.parse().unwrap(), observed: Timestamp::from_micros(NOW.as_micros() - age_s * 1_000_000) }
    }

    #[track_caller]
    fn check(share_of: Share, reading: &Reading, expected: Result<u32, &str>) {
        assert_eq!(failed_ppm(share_of, reading, NOW), expected.map_err(ToOwned::to_owned), "{reading:?}");
    }

    #[test]
    fn a_share_is_what_failed_and_nothing_else_is_a_share() {
        check(Share::Bad, &reading("0.25", 0), Ok(250_000));
        check(Share::Good, &reading("0.25", 0), Ok(750_000));
        check(Share::Good, &reading("1.005", 0), Ok(0));
        check(Share::Bad, &reading("-0.005", 0), Ok(0));
        check(Share::Bad, &reading("1.02", 0), Err("the answer is no share between 0 and 1"));
        check(Share::Good, &reading("-0.02", 0), Err("the answer is no share between 0 and 1"));
        check(Share::Bad, &reading("0", 120), Ok(0));
        check(Share::Bad, &reading("0", 121), Err("the answer was evaluated more than 2 min from now"));
        check(Share::Bad, &reading("0", -121), Err("the answer was evaluated more than 2 min from now"));
        check(Share::Bad, &Reading::Absent { why: "not a number".into() }, Err("not a number"));
    }

    #[test]
    fn the_newest_sample_is_young_enough_or_the_budget_is_missing() {
        let age = |value: &str| age_of(&reading(value, 0), "q", NOW).map_err(|unusable| unusable.why);
        assert_eq!(age("14.2"), Ok(14));
        assert_eq!(age("-0.3"), Ok(0));
        assert_eq!(age("120.9"), Ok(120));
        assert_eq!(age("121"), Err("the newest sample is older than 2 min".into()));
    }
}
