//! The samples that the simulated exporters would have delivered by now, named and labelled as in the lab.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::balancer::pool::{Admin, Server};
use crate::services::BUDGET_FAILURES;
use crate::world::{DNS_PLAN, World};

/// One series with its newest sample. The name is the label `__name__`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Series {
    pub labels: BTreeMap<String, String>,
    pub value: f64,
    pub at: Timestamp,
}

/// Every series with a sample, after what the estate was told to age or drop.
pub(crate) fn now_series(world: &World, now: Timestamp) -> Vec<Series> {
    let mut out = Gathered { series: Vec::new(), now };
    for server in world.pool.servers() {
        of_server(&mut out, server);
    }
    of_traffic(&mut out, world, now);
    of_dns(&mut out, world);
    for (service, count) in &world.services.replicas {
        out.add("service_replicas", &[("service", service)], f64::from(count.value));
    }
    out.add("probe_success", &[("job", "http"), ("service", "status")], 1.0);
    for (name, cache) in &world.services.caches {
        out.add("cache_hit_ratio", &[("cache", name)], cache.hit_ratio(now));
    }
    for (host, certificate) in &world.services.certificates {
        out.add("tls_certificate_days_left", &[("host", host)], certificate.days_left(now));
    }
    out.series.retain(|series| !world.dropped.contains(name_of(series)));
    for series in &mut out.series {
        if let Some(age) = world.stale.get(name_of(series)) {
            series.at = now.checked_sub(SignedDuration::from_secs(*age)).unwrap_or(Timestamp::UNIX_EPOCH);
        }
    }
    out.series
}

pub(crate) fn name_of(series: &Series) -> &str {
    series.labels.get("__name__").map_or("", String::as_str)
}

struct Gathered {
    series: Vec<Series>,
    now: Timestamp,
}

impl Gathered {
    fn add(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        let mut all: BTreeMap<String, String> = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        all.insert("__name__".to_owned(), name.to_owned());
        self.series.push(Series { labels: all, value, at: self.now });
    }
}

fn of_server(out: &mut Gathered, server: &Server) {
    let name = server.name.as_str();
    let instance = format!("http://{}/", server.address);
    let probe = [("job", "http"), ("instance", instance.as_str()), ("server", name), ("service", "shop")];
    out.add("probe_success", &probe, f64::from(u8::from(server.alive)));
    out.add("node_up", &[("server", name)], 1.0);
    let state = match server.admin {
        Admin::Ready => "UP",
        Admin::Drain => "DRAIN",
        Admin::Maint => "MAINT",
    };
    for possible in ["DOWN", "UP", "MAINT", "DRAIN", "NOLB"] {
        let value = f64::from(u8::from(possible == state));
        out.add("haproxy_server_status", &[("proxy", "shop"), ("server", name), ("state", possible)], value);
    }
    let weight = if server.admin == Admin::Ready { server.weight } else { 0 };
    out.add("haproxy_server_weight", &[("proxy", "shop"), ("server", name)], f64::from(weight));
    out.add("haproxy_server_current_sessions", &[("proxy", "shop"), ("server", name)], f64::from(server.sessions));
}

fn of_traffic(out: &mut Gathered, world: &World, now: Timestamp) {
    out.add("http_error_ratio", &[("service", "shop")], world.traffic.error_ratio(now));
    out.add("http_requests_rate", &[("service", "shop")], world.traffic.rate(now));
    for (service, start) in &world.services.budgets {
        let failed = if service == "shop" { f64::from(world.traffic.failed()) } else { 0.0 };
        out.add("slo_error_budget_remaining_ratio", &[("service", service)], start - failed / BUDGET_FAILURES);
    }
}

fn of_dns(out: &mut Gathered, world: &World) {
    let instance = world.dns.to_string();
    for (host, _) in DNS_PLAN {
        let value = f64::from(u8::from(world.zone.matches_plan(host)));
        out.add("dns_answer_matches", &[("name", host), ("service", "dns")], value);
        out.add("probe_success", &[("job", "dns"), ("instance", &instance), ("name", host), ("service", "dns")], value);
    }
}
