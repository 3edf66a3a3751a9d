//! The queries behind an error budget, in PromQL, made from what an objective says it measures: one number each, the share that
//! was good or bad over one window. Pure, so that a table can hold every form.
//!
//! - Counters grow: `sum(increase(part[w])) / sum(increase(total[w]))`. When the total is there and did not grow, nobody asked
//!   anything, so nothing failed; when it is not there, nobody knows, and the answer stays empty.
//! - Everything else is looked at in equal steps (`(query)[w:step]`), so that each moment counts the same, however often it was
//!   scraped, and the work has a bound, however long the window is.
//! - Slices of time are looked at where they end; those longer than the window stand for it.

use lineclear_connect::prometheus::is_plain_selector;
use lineclear_core::Span;
use lineclear_core::budget::{Objective, WHOLE_PPM};
use lineclear_core::fact::Condition;
use lineclear_core::slo::{Counting, Goal, Indicator, Share, Slo};

/// Most moments of one window that are looked at: 30 days in minutes are 43,200.
const MOMENTS_MAX: u64 = 50_000;
/// Windows up to this long are looked at every [`SHORT_STEP`], longer ones every minute or more.
const SHORT: u64 = 6 * 3_600;
/// How far apart moments of a short window lie, in seconds: the usual time between two scrapes.
const SHORT_STEP: u64 = 15;
const MINUTE: u64 = 60;

/// What one goal asks its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Questions {
    /// The source.
    pub source: String,
    /// How old the newest sample is, in seconds by the source's own clock; none when the query names no plain metric, whose
    /// samples alone tell their age.
    pub age: Option<String>,
    /// What the answers are a share of.
    pub share_of: Share,
    /// The share over each window, shortest first; the last one is the period.
    pub over: Vec<(Span, String)>,
}

/// What has to be asked for a goal.
pub fn questions(slo: &Slo, goal: &Goal, objective: &Objective) -> Questions {
    let whole = match &slo.indicator {
        Indicator::Ratio { total, .. } => total,
        Indicator::Raw { query, .. } | Indicator::Threshold { query } => query,
    };
    let age = plain_inside(&whole.text).map(|selector| format!("time() - max(timestamp({selector}))"));
    let over: Vec<(Span, String)> =
        objective.windows().into_iter().map(|window| (window, over(&slo.indicator, goal, window.as_secs()))).collect();
    let share_of = match goal.counting {
        Counting::Timeslices { .. } => Share::Good,
        Counting::Occurrences | Counting::RatioTimeslices { .. } => share_of(&slo.indicator),
    };
    Questions { source: whole.source.clone(), age, share_of, over }
}

/// Which part of the whole the indicator itself speaks of.
const fn share_of(indicator: &Indicator) -> Share {
    match indicator {
        Indicator::Ratio { part_is, .. } => *part_is,
        Indicator::Raw { share_of, .. } => *share_of,
        Indicator::Threshold { .. } => Share::Good,
    }
}

fn over(indicator: &Indicator, goal: &Goal, window: u64) -> String {
    match goal.counting {
        Counting::Occurrences => share(indicator, goal.good_while, window),
        Counting::RatioTimeslices { slice } => sliced(&share(indicator, goal.good_while, slice.as_secs()), window, slice.as_secs()),
        Counting::Timeslices { slice, target_ppm } => {
            let one = share(indicator, goal.good_while, slice.as_secs());
            let good = match share_of(indicator) {
                Share::Good => format!("{one} >= bool {}", decimal(target_ppm)),
                Share::Bad => format!("{one} <= bool {}", decimal(WHOLE_PPM.saturating_sub(target_ppm))),
            };
            sliced(&good, window, slice.as_secs())
        }
    }
}

/// The share over one stretch of time, as one expression that stands for itself.
fn share(indicator: &Indicator, good_while: Option<Condition>, window: u64) -> String {
    match indicator {
        Indicator::Ratio { part_is, part, total, counter: true } => {
            let (part, total) = (grown(&part.text, window), grown(&total.text, window));
            let all_good = match part_is {
                Share::Good => " + 1",
                Share::Bad => "",
            };
            format!("({part} / ({total} > 0) or ({total} == 0){all_good})")
        }
        Indicator::Ratio { part, total, counter: false, .. } => {
            format!("(sum({}) / sum({}))", average(&part.text, window), average(&total.text, window))
        }
        Indicator::Raw { query, .. } => average(&query.text, window),
        Indicator::Threshold { query } => match good_while {
            Some(Condition { op, value }) => average(&format!("{} {op} bool {value}", enclosed(&query.text)), window),
            // No estate holds a threshold without its condition.
            None => average(&query.text, window),
        },
    }
}

/// How much a counter grew. Of a sum of counters each grows for itself, because one that starts again would look like a sum that
/// starts again.
fn grown(text: &str, window: u64) -> String {
    match plain_inside(text) {
        Some(selector) => format!("sum(increase({selector}[{}]))", length(window)),
        None => format!("sum(increase({}))", moments(text, window)),
    }
}

fn average(text: &str, window: u64) -> String {
    format!("avg_over_time({})", moments(text, window))
}

/// An expression at equal steps through a window.
fn moments(text: &str, window: u64) -> String {
    let step = if window <= SHORT { SHORT_STEP } else { window.div_ceil(MOMENTS_MAX).div_ceil(MINUTE) * MINUTE };
    format!("{}[{}:{}]", enclosed(text), length(window), length(step))
}

/// The average of an expression at the ends of slices. Of more slices than [`MOMENTS_MAX`] every second, third … is looked at.
fn sliced(text: &str, window: u64, slice: u64) -> String {
    let window = window.max(slice);
    let every = slice.max(1) * (window / slice.max(1)).div_ceil(MOMENTS_MAX).max(1);
    format!("avg_over_time({}[{}:{}])", enclosed(text), length(window), length(every))
}

/// The plain selector that a text is, or that it sums up.
fn plain_inside(text: &str) -> Option<&str> {
    let text = text.trim();
    let summed = text.strip_prefix("sum").map(str::trim_start).and_then(|rest| rest.strip_prefix('(')?.strip_suffix(')')).map(str::trim);
    [Some(text), summed].into_iter().flatten().find(|text| is_plain_selector(text))
}

/// In parentheses, unless it is a selector, or stands in its own. A comment at the end would hide the closing one.
fn enclosed(text: &str) -> String {
    let text = text.trim();
    if is_plain_selector(text) {
        text.to_owned()
    } else if text.contains('#') {
        format!("({text}\n)")
    } else {
        format!("({text})")
    }
}

/// A length of time as PromQL writes it, in the largest unit that fits.
pub(super) fn length(seconds: u64) -> String {
    let unit = [("d", 86_400), ("h", 3_600), ("m", 60)].into_iter().find(|(_, length)| seconds > 0 && seconds.is_multiple_of(*length));
    unit.map_or_else(|| format!("{seconds}s"), |(unit, length)| format!("{}{unit}", seconds / length))
}

/// Parts per million as a decimal.
fn decimal(ppm: u32) -> String {
    let text = format!("{}.{:06}", ppm / WHOLE_PPM, ppm % WHOLE_PPM);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests;
