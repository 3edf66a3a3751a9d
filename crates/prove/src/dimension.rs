//! The facts along which permission is ordered, and which way. Another one is one line of data.

use cedar_policy::PolicySet;

use crate::axiom::{parsed, range, split};
use crate::report::ProveError;
use crate::shape::{Kind, Shape, other};

/// Which way a fact may open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opens {
    /// Only upwards: more of it may permit more, less of it never.
    Up,
    /// Only downwards.
    Down,
    /// Not at all: it changes nothing.
    Never,
    /// Not for nobody: without it nothing less is permitted, where nobody is asked.
    Alone,
}

/// One ordered fact.
#[derive(Debug, Clone)]
pub(crate) struct Dimension {
    pub path: Vec<String>,
    pub kind: Kind,
    pub opens: Opens,
    /// The claim, for people.
    pub says: String,
}

/// The facts, each with its direction and its law. Those that a schema does not have are left out.
const ORDERED: [(&str, Opens, &str); 9] = [
    ("approvals.humans", Opens::Up, "more people approving never permit less"),
    ("approvals.owner", Opens::Up, "the owning team approving never permits less"),
    ("approvals.grade", Opens::Up, "stronger signatures never permit less"),
    ("confidence_bp", Opens::Up, "less confidence never permits more"),
    ("posture", Opens::Up, "a lower posture never permits more"),
    ("freeze", Opens::Down, "a freeze never permits more"),
    ("conflicting", Opens::Down, "a fact that contradicts never permits more"),
    ("budget_bp", Opens::Up, "less error budget never permits more"),
    ("burn", Opens::Down, "a faster burn never permits more"),
];

/// The record that holds approvals, roles among them.
const APPROVALS: &str = "approvals";
/// The fact that must change nothing where risk is high.
const CONFIDENCE: &str = "confidence_bp";

/// What somebody declares or raises, and what must not follow from that alone: declaring an incident is never the fastest route to
/// autonomy.
const DECLARED: [(&str, &str); 2] = [
    ("emergency", "with nobody asked, a declared emergency never permits more"),
    ("severity", "with nobody asked, an incident never permits more, however severe somebody says it is"),
];

/// The facts that must open nothing where nobody is asked.
pub(crate) fn declared(shape: &Shape) -> Vec<Dimension> {
    let one = |(name, says): &(&str, &str)| {
        let path = split(name);
        shape.kind(&path).map(|kind| Dimension { path, kind, opens: Opens::Alone, says: (*says).to_owned() })
    };
    DECLARED.iter().filter_map(one).collect()
}

/// Every ordered fact of a schema: the table, and each role.
pub(crate) fn ordered(shape: &Shape) -> Vec<Dimension> {
    let one = |name: &str, opens: Opens, says: String| {
        let path = split(name);
        shape.kind(&path).map(|kind| Dimension { path, kind, opens, says })
    };
    let table = ORDERED.iter().map(|(name, opens, says)| one(name, *opens, (*says).to_owned()));
    let named: Vec<String> = ORDERED.iter().map(|(name, _, _)| (*name).to_owned()).collect();
    let roles = shape.below(&split(APPROVALS)).into_iter().filter(|role| !named.contains(&format!("{APPROVALS}.{role}")));
    let roles = roles.map(|role| one(&format!("{APPROVALS}.{role}"), Opens::Up, format!("a `{role}` approving never permits less")));
    table.chain(roles).flatten().collect()
}

/// Confidence where risk is high.
pub(crate) fn idle(shape: &Shape) -> Option<Dimension> {
    let path = split(CONFIDENCE);
    let says = "on high risk, confidence changes nothing".to_owned();
    shape.kind(&path).map(|kind| Dimension { path, kind, opens: Opens::Never, says })
}

impl Dimension {
    /// The name of its claim: `order/approvals.humans`.
    pub fn name(&self) -> String {
        match self.opens {
            Opens::Up | Opens::Down => format!("order/{}", self.path.join(".")),
            Opens::Never => format!("no-effect/{}", self.path.join(".")),
            Opens::Alone => format!("alone/{}", self.path.join(".")),
        }
    }

    /// Forbids that leave only pairs of values in order: the second may permit whatever the first does.
    pub fn order(&self, bounded: bool) -> Result<PolicySet, ProveError> {
        let (one, two) = (format!("context.{}", self.path.join(".")), format!("context.{}", other(&self.path)));
        let mut text = match (self.opens, self.kind) {
            (Opens::Up, Kind::Long) => forbid("#order", &format!("{one} <= {two}")),
            (Opens::Down, Kind::Long) => forbid("#order", &format!("{two} <= {one}")),
            (Opens::Up, Kind::Bool) => forbid("#order", &format!("!{one} || {two}")),
            (Opens::Down, Kind::Bool) => forbid("#order", &format!("{one} || !{two}")),
            (Opens::Alone, Kind::Bool) => forbid("#order", &format!("!{two}")),
            (Opens::Alone, Kind::Long) => forbid("#order", &format!("{two} == 0")),
            (Opens::Never, _) => String::new(),
        };
        // The second value is bounded here, on the left: a bound on the right would refuse, and look like a refutation.
        if bounded && let Some((low, high)) = range(&self.path) {
            text.push_str(&forbid("#order-range", &format!("{low} <= {two} && {two} <= {high}")));
        }
        parsed(&text)
    }

    /// Whether a change from the first value to the second is one that may not refuse.
    pub fn in_order(&self, one: &serde_json::Value, two: &serde_json::Value) -> bool {
        let ranked = |value: &serde_json::Value| value.as_i64().or_else(|| value.as_bool().map(i64::from));
        let (Some(one), Some(two)) = (ranked(one), ranked(two)) else { return false };
        match self.opens {
            Opens::Up => one <= two,
            Opens::Down => one >= two,
            Opens::Never => true,
            Opens::Alone => two == 0,
        }
    }
}

fn forbid(id: &str, unless: &str) -> String {
    format!("@id(\"{id}\") forbid(principal, action, resource) unless {{ {unless} }};\n")
}
