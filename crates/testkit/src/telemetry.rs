//! Telemetry that says what a story tells it to: a value and its age, or nothing and why.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lineclear_core::budget::WHOLE_PPM;
use lineclear_core::fact::Reading;
use lineclear_core::slo::{Share, Slo};
use lineclear_core::{Span, Timestamp};
use lineclear_engine::{Telemetry, questions};

/// What is known for one query.
#[derive(Debug, Clone)]
enum Known {
    Value { text: String, age: Span },
    Absent { why: String },
}

/// Telemetry by query, or by the template of one: `probe_success{server="${target.name}"}` answers for every target.
#[derive(Debug, Default)]
pub struct FakeTelemetry {
    known: Mutex<BTreeMap<String, Known>>,
}

impl FakeTelemetry {
    fn known(&self) -> MutexGuard<'_, BTreeMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The query reads this value, observed this long ago whenever it is asked.
    pub fn reads(&self, template: &str, value: &str, age: Span) {
        self.known().insert(template.into(), Known::Value { text: value.into(), age });
    }

    /// The query reads nothing, and this is why.
    pub fn is_absent(&self, template: &str, why: &str) {
        self.known().insert(template.into(), Known::Absent { why: why.into() });
    }

    /// What failed of every goal of an objective over each window, in parts per million; none where the source says `no series`.
    pub fn objective(&self, slo: &Slo, failed_ppm: impl Fn(Span) -> Option<u32>) {
        for goal in &slo.goals {
            let Ok(objective) = goal.objective(&slo.window) else { continue };
            let questions = questions(slo, goal, &objective);
            if let Some(query) = &questions.age {
                self.reads(query, "1", Span::from_secs(1));
            }
            for (window, query) in &questions.over {
                let share = |failed: u32| match questions.share_of {
                    Share::Good => WHOLE_PPM - failed,
                    Share::Bad => failed,
                };
                match failed_ppm(*window).map(share) {
                    Some(ppm) => self.reads(query, &format!("{}.{:06}", ppm / WHOLE_PPM, ppm % WHOLE_PPM), Span::from_secs(1)),
                    None => self.is_absent(query, "no series"),
                }
            }
        }
    }

    /// How old the newest sample of an objective is, in seconds by its source's clock.
    pub fn objective_is_old(&self, slo: &Slo, seconds: u64) {
        for goal in &slo.goals {
            let age = goal.objective(&slo.window).ok().and_then(|objective| questions(slo, goal, &objective).age);
            if let Some(query) = &age {
                self.reads(query, &seconds.to_string(), Span::from_secs(1));
            }
        }
    }

    fn reading(&self, query: &str, now: Timestamp) -> Reading {
        let known = self.known();
        // The most exact template counts.
        let found = known.iter().filter_map(|(template, known)| fits(template, query).map(|exact| (exact, known)));
        match found.max_by_key(|(exact, _)| *exact).map(|(_, known)| known) {
            Some(Known::Value { text, age }) => match text.parse() {
                Ok(value) => Reading::Value { value, observed: now - *age },
                Err(_) => Reading::Absent { why: "not a number".into() },
            },
            Some(Known::Absent { why }) => Reading::Absent { why: why.clone() },
            None => Reading::Absent { why: "no series".into() },
        }
    }
}

/// How many characters of a template are its own, when the query is one that it can become.
fn fits(template: &str, query: &str) -> Option<usize> {
    let mut parts = Vec::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("${") {
        parts.push(before);
        rest = after.split_once('}').map_or("", |(_, tail)| tail);
    }
    parts.push(rest);
    let (first, others) = parts.split_first()?;
    let mut left = query.strip_prefix(first)?;
    let Some((last, middle)) = others.split_last() else { return left.is_empty().then_some(template.len()) };
    for part in middle {
        left = left.split_once(part).map(|(_, tail)| tail)?;
    }
    left.ends_with(last).then(|| parts.iter().map(|part| part.len()).sum())
}

impl Telemetry for FakeTelemetry {
    fn ask<'a>(&'a self, _source: &'a str, query: &'a str, now: Timestamp) -> Pin<Box<dyn Future<Output = Reading> + Send + 'a>> {
        Box::pin(async move { self.reading(query, now) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(template: &str, query: &str, expected: bool) {
        assert_eq!(fits(template, query).is_some(), expected, "{template} {query}");
    }

    #[test]
    fn a_template_answers_for_what_it_can_become() {
        check("up", "up", true);
        check("up", "upper", false);
        check("up{host=\"${target.name}\"}", "up{host=\"web-1\"}", true);
        check("up{host=\"${target.name}\"}", "up{host=\"web-1\"} == 3", false);
        check("up{host=\"${target.name}\"} == ${inputs.n}", "up{host=\"web-1\"} == 3", true);
    }
}
