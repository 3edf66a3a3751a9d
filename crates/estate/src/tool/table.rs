//! Every tool with its arguments: the one place where a tool becomes callable.

use lineclear_core::plan::EffectClass;

/// What an argument may hold.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    Text,
    Word(&'static [&'static str]),
    Whole {
        least: i64,
        most: i64,
    },
    Texts,
    Numbers,
    Length,
    Measure,
    Pointers,
    /// `sha256:` and 64 digits.
    Digest,
    Any,
}

/// One argument of one tool.
pub(super) struct Argument {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    pub(super) needed: bool,
}

const fn needed(name: &'static str, shape: Shape) -> Argument {
    Argument { name, shape, needed: true }
}

const fn free(name: &'static str, shape: Shape) -> Argument {
    Argument { name, shape, needed: false }
}

const STATES: Shape = Shape::Word(&["drain", "ready", "maint"]);
const TYPES: Shape = Shape::Word(&["A", "AAAA", "CNAME", "TXT"]);
const DAYS: Shape = Shape::Whole { least: 0, most: 3_650 };
const COUNT: Shape = Shape::Whole { least: 0, most: 1_000 };
const VERSION: Shape = Shape::Whole { least: 1, most: 1_000_000 };
const CLUSTER: Argument = needed("cluster", Shape::Text);
const NAMESPACE: Argument = needed("namespace", Shape::Text);
const DEPLOYMENT: Argument = needed("deployment", Shape::Text);
const OPERATORS: Shape = Shape::Word(&["==", "!=", "<", "<=", ">", ">="]);

const WAIT: &[Argument] = &[
    needed("query", Shape::Text),
    needed("op", OPERATORS),
    needed("value", Shape::Measure),
    needed("within", Shape::Length),
    needed("source", Shape::Text),
];

/// A tool, with its arguments for each purpose, or none when it cannot serve that purpose.
pub(super) struct Tool {
    pub(super) name: &'static str,
    pub(super) act: Option<&'static [Argument]>,
    pub(super) look: Option<&'static [Argument]>,
    /// What protects from a second send of `act`.
    pub(super) effect: EffectClass,
}

const QUERY: &[Argument] = &[needed("zone", Shape::Text), needed("name", Shape::Text), needed("type", TYPES), free("equals", Shape::Texts)];

const RESTORE: &[Argument] = &[needed("backup", Shape::Text), needed("snapshot", Shape::Text), needed("into", Shape::Text)];

const PROBE: &[Argument] = &[
    needed("endpoint", Shape::Text),
    needed("name", Shape::Text),
    free("days", DAYS),
    free("chain", Shape::Word(&["verifies", "any"])),
    free("key", Shape::Digest),
    free("certificate", Shape::Digest),
];

/// The tools; a call to anything else is refused.
pub(super) const TOOLS: &[Tool] = &[
    Tool {
        name: "acme_issue",
        act: Some(&[needed("certificate", Shape::Text), needed("names", Shape::Texts), needed("days", DAYS)]),
        look: Some(&[needed("certificate", Shape::Text), needed("days", DAYS)]),
        effect: EffectClass::Converge,
    },
    Tool { name: "backup_restore", act: Some(RESTORE), look: Some(RESTORE), effect: EffectClass::Cas },
    Tool {
        name: "backup_swap",
        act: Some(&[needed("backup", Shape::Text), needed("replace", Shape::Text), needed("with", Shape::Text)]),
        look: Some(&[needed("backup", Shape::Text), needed("expect", Shape::Text)]),
        effect: EffectClass::Converge,
    },
    Tool { name: "dns_query", act: Some(QUERY), look: Some(QUERY), effect: EffectClass::Read },
    Tool {
        name: "dns_update",
        act: Some(&[
            needed("zone", Shape::Text),
            needed("name", Shape::Text),
            needed("type", TYPES),
            needed("ttl", Shape::Whole { least: 1, most: 86_400 }),
            needed("replace", Shape::Texts),
            needed("with", Shape::Texts),
        ]),
        look: Some(&[needed("zone", Shape::Text), needed("name", Shape::Text), needed("type", TYPES), needed("expect", Shape::Texts)]),
        effect: EffectClass::Cas,
    },
    Tool {
        name: "haproxy_server",
        act: Some(&[needed("backend", Shape::Text), needed("server", Shape::Text), needed("state", STATES)]),
        look: Some(&[needed("backend", Shape::Text), needed("server", Shape::Text), needed("expect", STATES)]),
        effect: EffectClass::Converge,
    },
    Tool {
        name: "http",
        act: Some(&[
            needed("service", Shape::Text),
            needed("method", Shape::Word(&["GET", "POST", "PUT", "PATCH", "DELETE"])),
            needed("path", Shape::Text),
            free("body", Shape::Any),
            free("expect_status", Shape::Numbers),
            free("expect_json", Shape::Pointers),
            free("effect", Shape::Word(&["converge", "once", "read", "keyed"])),
        ]),
        look: Some(&[
            needed("service", Shape::Text),
            needed("method", Shape::Word(&["GET"])),
            needed("path", Shape::Text),
            free("expect_status", Shape::Numbers),
            free("expect_json", Shape::Pointers),
        ]),
        // Unless its method or the call itself says otherwise.
        effect: EffectClass::Once,
    },
    Tool {
        name: "kubernetes_restart",
        act: Some(&[CLUSTER, NAMESPACE, DEPLOYMENT]),
        look: Some(&[CLUSTER, NAMESPACE, DEPLOYMENT]),
        effect: EffectClass::Converge,
    },
    Tool {
        name: "kubernetes_rollback",
        act: Some(&[CLUSTER, NAMESPACE, DEPLOYMENT, needed("from", VERSION), needed("to", VERSION)]),
        look: Some(&[CLUSTER, NAMESPACE, DEPLOYMENT, free("expect", VERSION)]),
        effect: EffectClass::Cas,
    },
    Tool {
        name: "kubernetes_scale",
        act: Some(&[CLUSTER, NAMESPACE, DEPLOYMENT, needed("from", COUNT), needed("to", COUNT)]),
        look: Some(&[CLUSTER, NAMESPACE, DEPLOYMENT, needed("expect", COUNT)]),
        effect: EffectClass::Cas,
    },
    Tool {
        name: "nginx_upstream",
        act: Some(&[
            needed("upstream", Shape::Text),
            needed("replace", Shape::Texts),
            needed("with", Shape::Texts),
            free("digest", Shape::Digest),
        ]),
        look: Some(&[needed("upstream", Shape::Text), needed("expect", Shape::Texts)]),
        effect: EffectClass::Converge,
    },
    Tool {
        name: "notify",
        act: Some(&[
            needed("receiver", Shape::Text),
            needed("title", Shape::Text),
            free("text", Shape::Text),
            free("urgency", Shape::Word(&["low", "normal", "high"])),
        ]),
        look: None,
        // Unless the runner's file says that the receiver drops a key that it has seen.
        effect: EffectClass::Once,
    },
    Tool {
        name: "postgres_switchover",
        act: Some(&[needed("cluster", Shape::Text), needed("leader", Shape::Text), needed("candidate", Shape::Text)]),
        look: Some(&[needed("cluster", Shape::Text), needed("expect", Shape::Text)]),
        effect: EffectClass::Cas,
    },
    Tool {
        name: "scale",
        act: Some(&[needed("service", Shape::Text), needed("from", COUNT), needed("to", COUNT)]),
        look: Some(&[needed("service", Shape::Text), needed("expect", COUNT)]),
        effect: EffectClass::Cas,
    },
    Tool {
        name: "shell",
        act: Some(&[needed("argv", Shape::Texts), free("secrets", Shape::Texts)]),
        look: None,
        effect: EffectClass::Once,
    },
    Tool {
        name: "systemd_unit",
        act: Some(&[needed("unit", Shape::Text), needed("verb", Shape::Word(&["start", "stop", "restart", "reload"]))]),
        look: Some(&[
            needed("unit", Shape::Text),
            needed("expect", Shape::Word(&["active", "inactive", "failed"])),
            free("age", Shape::Whole { least: 1, most: 86_400 }),
        ]),
        // Unless it is a restart.
        effect: EffectClass::Converge,
    },
    Tool {
        name: "terraform_apply",
        act: Some(&[
            needed("workspace", Shape::Text),
            needed("plan", Shape::Digest),
            needed("deletes", Shape::Whole { least: 0, most: 1_000 }),
        ]),
        look: Some(&[needed("workspace", Shape::Text)]),
        effect: EffectClass::Cas,
    },
    Tool { name: "terraform_plan", act: Some(&[needed("workspace", Shape::Text)]), look: None, effect: EffectClass::Read },
    Tool { name: "tls_probe", act: Some(PROBE), look: Some(PROBE), effect: EffectClass::Read },
    Tool { name: "wait_for", act: Some(WAIT), look: Some(WAIT), effect: EffectClass::Read },
];
