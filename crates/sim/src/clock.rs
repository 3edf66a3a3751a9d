//! The only place of the simulation that reads the wall clock: samples, alerts and TSIG need the real time of day.

use jiff::Timestamp;

/// The time of day, in whole milliseconds, which is what Prometheus and Alertmanager print.
pub(crate) fn now() -> Timestamp {
    #[expect(clippy::disallowed_methods, reason = "an outside system has its own clock; nothing of ours decides by it")]
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}
