//! What the estate's own control interfaces look after: replicas, caches, firewall rules, certificates, the status page.

pub(crate) mod http;

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::world::DNS_PLAN;

/// The services with the number of replicas each starts with.
pub const SERVICES: [(&str, u32); 3] = [("shop", 3), ("api", 2), ("mail", 2)];
/// The caches.
pub const CACHES: [&str; 2] = ["edge", "pages"];
/// The firewall rules: service, rule and the mode it starts in (`block`, `detect` or `off`).
pub const WAF_RULES: [(&str, &str, &str); 2] = [("shop", "942100", "block"), ("shop", "920350", "detect")];

/// The scaler's own limit.
pub(crate) const REPLICAS_MAX: u32 = 20;
/// A certificate has this much left at the start.
const CERTIFICATE_LEFT: SignedDuration = SignedDuration::from_hours(30 * 24);
/// A renewed certificate is good for this long.
const CERTIFICATE_LIFE: SignedDuration = SignedDuration::from_hours(90 * 24);
/// The hit ratio of a warm cache.
const WARM_RATIO: f64 = 0.95;
/// A purged cache is warm again after this long.
const WARM_UP_MS: f64 = 30_000.0;
/// 0.1 % of twenty requests a second for thirty days.
pub(crate) const BUDGET_FAILURES: f64 = 51_840.0;
/// A repeated key is known for as long as it is among the last so many.
const KEYS_MAX: usize = 1_024;

/// Something with a number that says which value it is; the number is its `ETag`.
#[derive(Clone, Debug)]
pub(crate) struct Versioned<T> {
    pub value: T,
    pub version: u64,
}

impl<T: PartialEq> Versioned<T> {
    fn new(value: T) -> Self {
        Self { value, version: 1 }
    }

    /// `true` when the value is another one now.
    pub fn set(&mut self, value: T) -> bool {
        let changed = self.value != value;
        if changed {
            self.value = value;
            self.version += 1;
        }
        changed
    }

    /// A strong tag, RFC 9110 §8.8.3.
    pub fn etag(&self) -> String {
        format!("\"{}\"", self.version)
    }
}

/// What a firewall rule does with a request that matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum WafMode {
    Block,
    Detect,
    Off,
}

/// What the status page says of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Status {
    pub state: Health,
    #[serde(default)]
    pub text: String,
}

/// The three states of a status page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Health {
    Operational,
    Degraded,
    Outage,
}

/// One cache.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cache {
    pub purges: u64,
    purged: Option<Timestamp>,
}

impl Cache {
    /// Hits over lookups: nothing right after a purge, warm half a minute later.
    pub fn hit_ratio(&self, now: Timestamp) -> f64 {
        let Some(purged) = self.purged else { return WARM_RATIO };
        let elapsed = i32::try_from(now.as_millisecond() - purged.as_millisecond()).unwrap_or(i32::MAX);
        WARM_RATIO * (f64::from(elapsed) / WARM_UP_MS).clamp(0.0, 1.0)
    }
}

/// One certificate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Certificate {
    pub not_after: Timestamp,
    pub serial: u64,
}

impl Certificate {
    /// Days until it ends; negative afterwards.
    pub fn days_left(&self, now: Timestamp) -> f64 {
        self.not_after.duration_since(now).as_secs_f64() / 86_400.0
    }
}

/// The state of all of them.
pub(crate) struct Services {
    pub replicas: BTreeMap<String, Versioned<u32>>,
    pub caches: BTreeMap<String, Cache>,
    pub rules: BTreeMap<(String, String), Versioned<WafMode>>,
    pub certificates: BTreeMap<String, Certificate>,
    pub statuses: BTreeMap<String, Versioned<Status>>,
    /// What was left of each error budget before this estate's own traffic.
    pub budgets: BTreeMap<String, f64>,
    keys: VecDeque<String>,
}

impl Services {
    /// Everything as `SERVICES`, `CACHES` and `WAF_RULES` say.
    pub fn new(now: Timestamp) -> Self {
        let not_after = now.checked_add(CERTIFICATE_LEFT).unwrap_or(now);
        let names = || SERVICES.iter().map(|(name, _)| (*name).to_owned());
        let fine = || Versioned::new(Status { state: Health::Operational, text: String::new() });
        let mode = |mode: &str| if mode == "block" { WafMode::Block } else { WafMode::Detect };
        let rule = |(service, rule, start): &(&str, &str, &str)| (((*service).to_owned(), (*rule).to_owned()), Versioned::new(mode(start)));
        Self {
            replicas: SERVICES.iter().map(|(name, count)| ((*name).to_owned(), Versioned::new(*count))).collect(),
            caches: CACHES.iter().map(|name| ((*name).to_owned(), Cache::default())).collect(),
            rules: WAF_RULES.iter().map(rule).collect(),
            certificates: DNS_PLAN.iter().map(|(host, _)| ((*host).to_owned(), Certificate { not_after, serial: 1 })).collect(),
            statuses: names().map(|name| (name, fine())).collect(),
            budgets: names().map(|name| (name, 1.0)).collect(),
            keys: VecDeque::new(),
        }
    }

    /// Empties a cache.
    pub fn purge(&mut self, cache: &str, now: Timestamp) -> bool {
        let Some(cache) = self.caches.get_mut(cache) else { return false };
        cache.purges += 1;
        cache.purged = Some(now);
        true
    }

    /// Puts a new certificate in place.
    pub fn renew(&mut self, host: &str, now: Timestamp) -> bool {
        let Some(certificate) = self.certificates.get_mut(host) else { return false };
        certificate.not_after = now.checked_add(CERTIFICATE_LIFE).unwrap_or(now);
        certificate.serial += 1;
        true
    }

    /// Whether `key` was given before; from now on it was.
    pub fn seen(&mut self, key: String) -> bool {
        if self.keys.contains(&key) {
            return true;
        }
        if self.keys.len() >= KEYS_MAX {
            self.keys.pop_front();
        }
        self.keys.push_back(key);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_purged_cache_is_cold_and_warms_up() {
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        let mut services = Services::new(at(0));
        let ratio = |services: &Services, seconds| services.caches["edge"].hit_ratio(at(seconds));
        assert!((ratio(&services, 5) - 0.95).abs() < 1e-9);
        assert!(services.purge("edge", at(10)));
        assert!(ratio(&services, 10).abs() < 1e-9);
        assert!((ratio(&services, 25) - 0.475).abs() < 1e-9);
        assert!((ratio(&services, 90) - 0.95).abs() < 1e-9);
        assert!(!services.purge("nope", at(10)));
    }

    #[test]
    fn keys_are_remembered_up_to_a_bound() {
        let mut services = Services::new(Timestamp::UNIX_EPOCH);
        assert!(!services.seen("a".to_owned()));
        assert!(services.seen("a".to_owned()));
        for number in 0..KEYS_MAX {
            services.seen(number.to_string());
        }
        assert!(!services.seen("a".to_owned()));
    }
}
