//! The simulated customers: a steady trickle of requests through the load balancer, and the ratio of them that failed.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::exchange::{self, Request};

/// Requests a second: enough for a ratio that moves within a second or two, too few to load the machine.
const REQUESTS_PER_SECOND: u32 = 20;
/// The error ratio looks back this far, so that a drained server stops counting within a demo's patience.
const WINDOW_MS: i64 = 5_000;
/// No more answers than this are remembered, whoever else sends requests.
const REMEMBERED_MAX: usize = 10_000;
/// A request that takes longer has failed.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(2);

/// The answers the load balancer gave of late.
#[derive(Default)]
pub(crate) struct Traffic {
    answers: VecDeque<(i64, bool)>,
    failed: u32,
}

impl Traffic {
    /// Remembers one answer of the load balancer.
    pub fn record(&mut self, now: Timestamp, failed: bool) {
        let now = now.as_millisecond();
        while self.answers.len() >= REMEMBERED_MAX || self.answers.front().is_some_and(|(at, _)| now - at > WINDOW_MS) {
            self.answers.pop_front();
        }
        self.answers.push_back((now, failed));
        self.failed = self.failed.saturating_add(u32::from(failed));
    }

    /// Failed answers since the start.
    pub fn failed(&self) -> u32 {
        self.failed
    }

    /// Failed answers over all answers of the last five seconds; 0 when there were none.
    pub fn error_ratio(&self, now: Timestamp) -> f64 {
        let (failed, all) = self.counts(now);
        if all == 0 { 0.0 } else { f64::from(failed) / f64::from(all) }
    }

    /// Answers per second over the last five seconds.
    pub fn rate(&self, now: Timestamp) -> f64 {
        f64::from(self.counts(now).1) * 1_000.0 / 5_000.0
    }

    fn counts(&self, now: Timestamp) -> (u32, u32) {
        let since = now.as_millisecond() - WINDOW_MS;
        self.answers.iter().filter(|(at, _)| *at > since).fold((0, 0), |(failed, all), (_, bad)| (failed + u32::from(*bad), all + 1))
    }
}

/// Sends requests until `stop`. What comes back does not matter here: the load balancer counts its own answers.
pub(crate) async fn generate(balancer: SocketAddr, stop: CancellationToken) {
    let mut beat = tokio::time::interval(Duration::from_secs(1) / REQUESTS_PER_SECOND);
    beat.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let authority = balancer.to_string();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = beat.tick() => {}
        }
        let request = Request { method: "GET", path: "/", headers: &[("user-agent", "simulated-customer")], body: &[] };
        let sent = exchange::send(&authority, &request, REQUEST_TIMEOUT);
        tokio::select! {
            () = stop.cancelled() => return,
            _ = sent => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_ratio_forgets_what_is_older_than_its_window() {
        let at = |ms| Timestamp::from_millisecond(ms).unwrap();
        let mut traffic = Traffic::default();
        traffic.record(at(0), true);
        traffic.record(at(4_000), false);
        assert!((traffic.error_ratio(at(4_500)) - 0.5).abs() < 1e-9);
        assert!(traffic.error_ratio(at(6_000)).abs() < 1e-9);
        assert!(traffic.error_ratio(at(60_000)).abs() < 1e-9, "no traffic is no errors");
    }
}
