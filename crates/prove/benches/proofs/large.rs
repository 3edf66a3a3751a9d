//! An estate of five hundred policies, made from the example: twenty-four further teams with things of their own, each with permits
//! and guards that differ from one another's in scope, facts, thresholds, approvals and form. The same numbers give the same texts.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use lineclear_estate::{Loaded, load_files, read_files};

/// How many policies there are, those of the example included.
pub const POLICIES: usize = 500;
/// Teams beside those of the example.
const TEAMS: usize = 24;

/// What a team may rule: an action, the type of what it acts on, its risk, and a fact that the action requires.
const ACTS: [(&str, &str, bool, Option<&str>); 16] = [
    ("pool.drain_host", "Host", false, Some("healthy_peers")),
    ("pool.restore_host", "Host", false, Some("host_answers")),
    ("service.scale", "Service", false, Some("replicas_known")),
    ("cache.purge", "Cache", false, Some("cache_known")),
    ("deploy.release", "Service", true, Some("version_runs")),
    ("deploy.rollback", "Service", true, Some("version_runs")),
    ("dns.update", "Zone", true, Some("dns_watched")),
    ("certificate.renew", "Certificate", true, Some("certificate_expiring")),
    ("database.failover", "Database", true, Some("standby_ready")),
    ("database.restore", "Database", true, Some("backup_recent")),
    ("secret.rotate", "Service", true, Some("secret_known")),
    ("traffic.shift", "Pool", true, Some("region_has_room")),
    ("host.decommission", "Host", true, Some("host_idle")),
    ("waf.bypass", "Service", true, Some("serving_traffic")),
    ("status.publish", "Service", false, None),
    ("alerts.reroute", "Service", false, None),
];

/// Numbers that look drawn and are not (xorshift).
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    fn of<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[usize::try_from(self.below(list.len() as u64)).unwrap()]
    }
}

/// The estate.
pub fn large(example: &Path) -> Loaded {
    let mut files = read_files(example).unwrap();
    let small = load_files(&files).unwrap().policies.len();
    files.insert("catalog/large.yaml".into(), catalog().into_bytes());
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    for number in 0..POLICIES - small {
        let team = number % TEAMS;
        let text = texts.entry(format!("policies/team-{team:02}.cedar")).or_default();
        let policy = match number / TEAMS % 3 {
            0 => permit(&mut chance, number, team),
            1 => guard_of_act(&mut chance, number, team),
            _ => guard_of_class(&mut chance, number, team),
        };
        text.push_str(&policy);
    }
    files.extend(texts.into_iter().map(|(path, text)| (path, text.into_bytes())));
    load_files(&files).unwrap_or_else(|error| panic!("{error}"))
}

/// Each further team with a service, a pool, a host and a database.
fn catalog() -> String {
    let mut text = String::new();
    for team in 0..TEAMS {
        let head = |kind: &str, name: &str, more: &str| {
            format!("---\napiVersion: backstage.io/v1alpha1\nkind: {kind}\nmetadata:\n  name: {name}\n{more}")
        };
        let environment = ["production", "production", "production", "staging", "dev"][team % 5];
        let notes = |more: &str| {
            format!("  annotations: {{ lineclear.dev/environment: {environment}, lineclear.dev/regions: eu-central{more} }}\n")
        };
        text += &head("Group", &format!("team-{team:02}"), "spec: { type: team, children: [] }\n");
        let customers = format!(", lineclear.dev/customers: \"{}\"", 100 + team * 317);
        let owned = |kind: &str| format!("spec: {{ type: {kind}, owner: team-{team:02}, lifecycle: production, system: hosting }}\n");
        text += &head("Component", &format!("svc-{team:02}"), &(notes(&customers) + &owned("service")));
        let part = |of: &str| format!(", lineclear.dev/part-of: \"{of}\"");
        let resource = |kind: &str| format!("spec: {{ type: {kind}, owner: team-{team:02}, system: hosting }}\n");
        text += &head("Resource", &format!("pool-{team:02}"), &(notes(&part(&format!("component:svc-{team:02}"))) + &resource("pool")));
        text += &head("Resource", &format!("host-{team:02}"), &(notes(&part(&format!("resource:pool-{team:02}"))) + &resource("host")));
        text += &head("Resource", &format!("db-{team:02}"), &(notes(&part(&format!("component:svc-{team:02}"))) + &resource("database")));
    }
    text
}

/// What the team lets people do with what it owns.
fn permit(chance: &mut Chance, number: usize, team: usize) -> String {
    let (action, kind, high, fact) = *chance.of(&ACTS);
    let humans = if high { 2 + chance.below(2) } else { 1 + chance.below(2) };
    let mut needs = vec![format!("resource.owner == Team::\"team-{team:02}\""), format!("context.approvals.humans >= {humans}")];
    needs.extend(fact.map(|fact| format!("context.evidence.{fact}")));
    if high {
        needs.extend([
            "context.approvals.owner".into(),
            "context.approvals.operator".into(),
            format!("context.approvals.grade >= {}", 2 + chance.below(2)),
        ]);
    } else {
        needs.push(["context.approvals.operator", "context.approvals.owner"][usize::try_from(chance.below(2)).unwrap()].into());
    }
    if action == "waf.bypass" {
        needs.push("context.approvals.security_officer".into());
    }
    needs.push(match chance.below(5) {
        0 => format!("context.hosts <= {}", 1 + chance.below(12)),
        1 => format!("context.customers <= {}", 500 * (1 + chance.below(20))),
        2 => format!("(context.undo_drilled || context.approvals.humans >= {})", humans + 1),
        3 => format!("context.fleet_bp <= {}", 250 * (1 + chance.below(16))),
        _ => format!("(context.budget_bp > {} || context.severity >= 1 && context.approvals.owner)", 250 * chance.below(8)),
    });
    policy(number, "May", "permit (principal", action, kind, &needs.join(" &&\n  "), "")
}

/// What the team asks beyond the house, of one action.
fn guard_of_act(chance: &mut Chance, number: usize, team: usize) -> String {
    let (action, kind, _, _) = *chance.of(&ACTS);
    let who = *chance.of(&["forbid (principal", "forbid (principal is Agent"]);
    let (when, unless) = caution(chance);
    policy(number, "Not yet", who, action, kind, &format!("resource.owner == Team::\"team-{team:02}\" && {when}"), &unless)
}

/// The same of a whole class.
fn guard_of_class(chance: &mut Chance, number: usize, team: usize) -> String {
    let class = *chance.of(&["medium_risk", "high_risk"]);
    let (when, unless) = caution(chance);
    format!(
        "@id(\"large-{number}\")\n@title(\"Not yet, number {number}\")\nforbid (principal, action in Action::\"{class}\", resource)\n\
         when {{ resource.owner == Team::\"team-{team:02}\" && {when} }}\nunless {{ {unless} }};\n\n"
    )
}

/// A danger, and the people who may pass it; more of them never closes.
fn caution(chance: &mut Chance) -> (String, String) {
    let when = match chance.below(9) {
        0 => format!("context.hosts > {}", 1 + chance.below(9)),
        1 => format!("context.customers > {}", 250 * (1 + chance.below(30))),
        2 => format!("context.fleet_bp > {}", 200 * (1 + chance.below(20))),
        3 => format!("context.burn >= {}", 1 + chance.below(2)),
        4 => format!("context.in_flight > {}", chance.below(4)),
        5 => "resource.environment == Environment::\"production\" && context.freeze".into(),
        6 => format!("context.posture <= {}", 1 + chance.below(2)),
        7 => format!("context.budget_bp < {}", 300 * (1 + chance.below(10))),
        _ => format!("(context.conflicting || context.regions > {})", 1 + chance.below(3)),
    };
    let unless = match chance.below(4) {
        0 => format!("context.approvals.humans >= {}", 1 + chance.below(3)),
        1 => format!("context.approvals.owner && context.approvals.grade >= {}", 1 + chance.below(2)),
        2 => format!("context.approvals.humans >= {} && context.approvals.operator", 1 + chance.below(3)),
        _ => format!("context.approvals.incident_commander || context.approvals.humans >= {}", 2 + chance.below(2)),
    };
    (when, unless)
}

fn policy(number: usize, title: &str, head: &str, action: &str, kind: &str, when: &str, unless: &str) -> String {
    let mut text = format!(
        "@id(\"large-{number}\")\n@title(\"{title}, number {number}\")\n{head}, action == Action::\"{action}\", resource is {kind})\nwhen {{\n  {when}\n}}"
    );
    if !unless.is_empty() {
        let _ = write!(text, "\nunless {{ {unless} }}");
    }
    text + ";\n\n"
}
