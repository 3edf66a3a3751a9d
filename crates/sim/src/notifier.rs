//! The simulated Alertmanager: it watches the world, waits a moment to be sure, and sends a webhook when an alert begins
//! and when it ends. A receiver that does not take it is tried again, a bounded number of times in a row.

pub(crate) mod webhook;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::exchange::{self, Request};
use crate::world::{DNS_PLAN, Shared, World};
use webhook::{Alert, Receiver};

/// How often the world is looked at.
const BEAT: Duration = Duration::from_millis(100);
/// As a rule's `for`: a condition counts when it has lasted this long. The lab waits two seconds.
const HOLD: SignedDuration = SignedDuration::from_millis(500);
/// A receiver gets this long to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);
/// How often one webhook is sent in a row.
const TRIES: u32 = 3;
/// The wait before the second try; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// After the last try the same webhook rests this long, as Alertmanager's `group_interval`.
const REST: SignedDuration = SignedDuration::from_secs(2);

/// What is known of one alert.
struct Watch {
    alert: Alert,
    since: Timestamp,
    ended: Option<Timestamp>,
    told: bool,
    rests_until: Timestamp,
}

/// Watches and sends until `stop`. Without a receiver alerts are kept until there is one.
pub(crate) async fn watch(world: Shared, stop: CancellationToken) {
    let mut beat = tokio::time::interval(BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut watches = BTreeMap::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = beat.tick() => {}
        }
        let (alerts, receiver) = world.with(|world| (alerts(world), world.receiver.clone()));
        let now = clock::now();
        look(&mut watches, alerts, now);
        let Some(receiver) = receiver else { continue };
        for watch in watches.values_mut().filter(|watch| watch.is_due(now)) {
            let taken = tokio::select! {
                () = stop.cancelled() => return,
                taken = send(&receiver, watch) => taken,
            };
            world.with(|world| if taken { world.effects.notifications += 1 } else { world.effects.notifications_failed += 1 });
            if taken {
                watch.told = watch.ended.is_none();
            } else {
                watch.rests_until = clock::now().checked_add(REST).unwrap_or(now);
            }
        }
        // What has ended and was told, or was never worth telling, is over.
        watches.retain(|_, watch| watch.ended.is_none() || watch.told);
    }
}

impl Watch {
    /// Firing and not told, or over and told to be firing.
    fn is_due(&self, now: Timestamp) -> bool {
        let owed = match self.ended {
            None => !self.told && now.duration_since(self.since) >= HOLD,
            Some(_) => self.told,
        };
        owed && now >= self.rests_until
    }
}

/// Brings what is known up to what is seen.
fn look(watches: &mut BTreeMap<String, Watch>, alerts: Vec<Alert>, now: Timestamp) {
    let seen: BTreeMap<String, Alert> = alerts.into_iter().map(|alert| (alert.fingerprint(), alert)).collect();
    for (fingerprint, watch) in watches.iter_mut() {
        if seen.contains_key(fingerprint) {
            watch.ended = None;
        } else if watch.ended.is_none() {
            watch.ended = Some(now);
        }
    }
    for (fingerprint, alert) in seen {
        watches.entry(fingerprint).or_insert(Watch { alert, since: now, ended: None, told: false, rests_until: now });
    }
}

fn alerts(world: &World) -> Vec<Alert> {
    let dead = world.pool.servers().iter().filter(|server| !server.alive);
    let wrong = DNS_PLAN.iter().filter(|(host, _)| !world.zone.matches_plan(host));
    dead.map(|server| Alert::backend_down(&server.name, server.address))
        .chain(wrong.map(|(host, _)| Alert::dns_answer_wrong(host)))
        .collect()
}

async fn send(receiver: &Receiver, watch: &Watch) -> bool {
    let body = watch.alert.webhook(watch.since, watch.ended).to_string();
    let mut pause = FIRST_PAUSE;
    for attempt in 1..=TRIES {
        let mut headers = vec![("content-type", "application/json"), ("user-agent", "Alertmanager/0.0.0-simulated")];
        if let Some(authorization) = receiver.authorization() {
            headers.push(("authorization", authorization));
        }
        let request = Request { method: "POST", path: receiver.path(), headers: &headers, body: body.as_bytes() };
        match exchange::send(receiver.authority(), &request, ANSWER_TIMEOUT).await {
            Ok(reply) if (200..300).contains(&reply.status) => return true,
            Ok(reply) => tracing::debug!(status = reply.status, attempt, "the receiver did not take a simulated webhook"),
            Err(error) => tracing::debug!(%error, attempt, "the receiver of simulated webhooks did not answer"),
        }
        if attempt < TRIES {
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_is_owed_once_when_it_lasts_and_once_when_it_ends() {
        let at = |ms| Timestamp::from_millisecond(ms).unwrap();
        let alert = || vec![Alert::dns_answer_wrong("www.example.test")];
        let mut watches = BTreeMap::new();
        let due = |watches: &BTreeMap<String, Watch>, now| watches.values().filter(|watch| watch.is_due(now)).count();
        look(&mut watches, alert(), at(0));
        assert_eq!(due(&watches, at(100)), 0, "too young");
        assert_eq!(due(&watches, at(600)), 1);
        for watch in watches.values_mut() {
            watch.told = true;
        }
        look(&mut watches, alert(), at(700));
        assert_eq!(due(&watches, at(5_000)), 0, "told already");
        look(&mut watches, vec![], at(5_100));
        assert_eq!(due(&watches, at(5_100)), 1, "its end is owed");
        for watch in watches.values_mut() {
            watch.rests_until = at(9_000);
        }
        assert_eq!(due(&watches, at(8_000)), 0, "resting after failed tries");
    }
}
