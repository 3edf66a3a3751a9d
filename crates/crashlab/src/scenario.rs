//! What is played: a small estate with one high-risk action, a signed approval, and a runbook that meets a retry, a fallback, a failure and
//! its undo.
//!
//! The runbook marks a cache and shifts it. The sink refuses the first attempt to mark, so it is tried again; it never shifts, so the run
//! goes to its fallback, which takes a detour and opens. A cache whose name begins with `turned` never opens, so what was done is taken
//! back in reverse; on any other the run ends whole.

use std::collections::BTreeMap;
use std::path::Path;

use lineclear_core::{AgentId, OperatorId, RunnerId};
use lineclear_ledger::LogKey;
use lineclear_testkit::public_key;
use lineclear_warrant::WarrantKey;

/// The log, and the installation.
pub const ORIGIN: &str = "crashlab.example/g1";
/// The step that is refused at first.
pub const RETRIED: &str = "mark";
/// The step that is always refused, so that the run goes to its fallback.
pub const REFUSED: &str = "shift";
/// The step of the fallback that never succeeds on a cache whose name begins with [`TURNED`].
pub const FAILING: &str = "open";
/// The steps that have taken effect when a run ends whole.
pub const STEPS: [&str; 3] = [RETRIED, "detour", FAILING];
/// Begins the names of caches that do not open.
pub const TURNED: &str = "turned";
/// The log's key.
pub fn log_key() -> LogKey {
    LogKey::from_seed(ORIGIN, &[41; 32]).expect("the origin names a log")
}

/// The key that seals warrants.
pub fn warrant_key() -> WarrantKey {
    WarrantKey::from_seed([42; 32])
}

/// The agent that proposes.
pub fn agent() -> AgentId {
    "agent_0193f0c4a1007a3e8b11d2c3b4a60001".parse().expect("an id")
}

/// The person who approves: `alice`.
pub fn approver() -> OperatorId {
    "operator_0193f0c4a1007a3e8b11d2c3b4a50001".parse().expect("an id")
}

/// A runner, from 1.
pub fn runner(number: usize) -> RunnerId {
    format!("runner_0193f0c4a1007a3e8b11d2c3b4a7{number:04x}").parse().expect("an id")
}

fn cache(name: &str) -> String {
    format!(
        "apiVersion: backstage.io/v1alpha1\nkind: Resource\nmetadata:\n  name: {name}\n  title: Cache {name}\n  annotations: {{ lineclear.dev/environment: production, lineclear.dev/customers: \"1\" }}\nspec: {{ type: cache, owner: edge }}\n"
    )
}

fn person(login: &str, number: u32) -> String {
    format!(
        "apiVersion: backstage.io/v1alpha1\nkind: User\nmetadata:\n  name: {login}\n  annotations: {{ lineclear.dev/id: operator_0193f0c4a1007a3e8b11d2c3b4a5{number:04} }}\nspec: {{ profile: {{ displayName: {login} }}, memberOf: [edge] }}\n"
    )
}

/// One step: a `PUT` at the sink that carries the attempt's key, its check, and its undo.
fn step(indent: &str, id: &str, attempts: u8, on_failure: &str) -> String {
    let path = format!("path: \"/t/${{target.name}}/{id}\"");
    let put = |value: &str| {
        format!("{{ http: {{ service: sink, method: PUT, {path}, body: {{ value: \"{value}\" }}, expect_status: [200], effect: keyed }} }}")
    };
    let get = format!("{{ http: {{ service: sink, method: GET, {path}, expect_json: {{ \"/value\": \"on\" }} }} }}");
    let members = [
        format!("- id: {id}"),
        format!("  do: {}", put("on")),
        format!("  verify: {get}"),
        format!("  undo: {}", put("off")),
        "  timeout: 20s".into(),
        format!("  attempts: {attempts}"),
        format!("  on_failure: {on_failure}"),
        "  on_unknown: verify".into(),
    ];
    members.map(|member| format!("{indent}{member}\n")).concat()
}

fn runbook() -> String {
    [
        "runbook: v1\nid: switch\ntitle: Switch\nowner: edge\ndeadline: 6h\nsteps:\n".to_owned(),
        step("  ", RETRIED, 3, "undo"),
        step("  ", REFUSED, 1, "{ goto: spare }"),
        "fallbacks:\n  spare:\n".to_owned(),
        step("    ", "detour", 3, "undo"),
        step("    ", FAILING, 1, "undo"),
    ]
    .concat()
}

/// The estate's files, with this many caches of each kind.
pub fn estate(caches: usize) -> BTreeMap<String, Vec<u8>> {
    let agent = "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: switcher\n  annotations: { lineclear.dev/id: agent_0193f0c4a1007a3e8b11d2c3b4a60001 }\nspec: { type: ai-agent, lifecycle: production, owner: user:bob }\n";
    let team =
        "apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: { name: edge, title: Edge }\nspec: { type: team, children: [] }\n";
    let caches: Vec<String> = (0..caches).flat_map(|n| [cache(&format!("whole{n}")), cache(&format!("{TURNED}{n}"))]).collect();
    let pairs = [
        ("lineclear.toml", format!("title = \"Crashlab\"\norigin = \"{ORIGIN}\"\nposture = \"full\"\n[sources]\nprometheus = \"http://127.0.0.1:9\"\n")),
        ("catalog/people.yaml", [person("alice", 1), person("bob", 2), agent.to_owned(), team.to_owned()].join("---\n")),
        ("catalog/caches.yaml", caches.join("---\n")),
        ("actions/switch.yaml", "action: cache.switch\ntitle: Switch a cache\nrisk: high\nreversibility: reversible\nresource: cache\nrunbook: switch\ncloses: person\n".into()),
        ("facts.yaml", "facts: []\n".into()),
        ("authority.yaml", "approval_ttl: 12h\nsingle_operator: false\nroles:\n  operator: [alice, bob]\nrungs:\n  - { name: autonomous, title: nobody }\n  - { name: one, title: one operator, humans: 1, roles: [operator], grade: ssh }\n".into()),
        ("policies/switch.cedar", "@id(\"switch\")\n@title(\"One operator may switch\")\npermit (principal, action == Action::\"cache.switch\", resource) when { context.approvals.humans >= 1 };\n".into()),
        ("runbooks/switch.yaml", runbook()),
        ("keys/alice.pub", format!("{}\n", public_key("alice"))),
        ("keys/bob.pub", format!("{}\n", public_key("bob"))),
    ];
    pairs.into_iter().map(|(path, text)| (path.to_owned(), text.into_bytes())).collect()
}

/// The file of a runner: it acts at the sink only, and only on alice's own signature. The sink hears from its address which world and
/// which runner it is that acts.
pub fn runner_file(number: usize, sink: &str, world: &Path) -> String {
    let name = world.file_name().unwrap_or_default().to_string_lossy();
    format!(
        "[runner]\nid = \"{}\"\n[log]\norigin = \"{ORIGIN}\"\nvkey = \"{}\"\n[control]\nwarrant_key = \"{}\"\n\
         [[approver]]\nid = \"{}\"\nkeys = [\"{}\"]\n\
         [[allow]]\naction = \"cache.switch\"\nrisk = \"high\"\ntools = [\"http\"]\nservices = [\"sink\"]\ntargets = [\"cache/*\"]\nhumans = 1\ngrade = \"ssh\"\n\
         [services.sink]\nurl = \"{sink}/{name}/runner{number}\"\n",
        runner(number),
        log_key().verifier(),
        warrant_key().public(),
        approver(),
        public_key("alice"),
    )
}
