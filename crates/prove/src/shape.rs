//! What a request can carry: the attributes of `context`, as the schema has them, and the schema with a fact twice.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use cedar_policy::{Schema, SchemaFragment};
use serde_json::Value;

use crate::report::ProveError;

/// Where the generated schema opens the record of facts.
const OPENING: &str = "type Facts = {\n";
/// How the second copies of facts are called: no fact of an estate begins so, because its facts are members of a record below.
pub(crate) const OTHER: &str = "other_";

/// The type of a fact that can be ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Bool,
    Long,
}

/// Every leaf of `context`, by its path.
#[derive(Debug)]
pub(crate) struct Shape {
    leaves: BTreeMap<Vec<String>, Kind>,
}

impl Shape {
    /// Reads the schema.
    pub fn of(text: &str) -> Result<Self, ProveError> {
        let strange = |what: String| ProveError::Schema(what);
        let (fragment, _) = SchemaFragment::from_cedarschema_str(text).map_err(|error| strange(error.to_string()))?;
        let json = fragment.to_json_value().map_err(|error| strange(error.to_string()))?;
        let types = json.pointer("/~1commonTypes").or_else(|| json.get("").and_then(|all| all.get("commonTypes")));
        let types = types.ok_or_else(|| strange("it has no common types".into()))?;
        let mut leaves = BTreeMap::new();
        gather(types, "Facts", &[], &mut leaves);
        if leaves.is_empty() { Err(strange("it has no facts".into())) } else { Ok(Self { leaves }) }
    }

    /// The type of one leaf; none when the schema does not have it.
    pub fn kind(&self, path: &[String]) -> Option<Kind> {
        self.leaves.get(path).copied()
    }

    /// Every leaf below a path, by the last part of its name.
    pub fn below(&self, path: &[String]) -> Vec<String> {
        let direct = |leaf: &&Vec<String>| leaf.len() == path.len() + 1 && leaf.starts_with(path);
        self.leaves.keys().filter(direct).filter_map(|leaf| leaf.last().cloned()).collect()
    }

    /// Every leaf.
    pub fn leaves(&self) -> impl Iterator<Item = (&Vec<String>, Kind)> {
        self.leaves.iter().map(|(path, kind)| (path, *kind))
    }
}

fn gather(types: &Value, name: &str, at: &[String], leaves: &mut BTreeMap<Vec<String>, Kind>) {
    let Some(attributes) = types.get(name).and_then(|one| one.get("attributes")).and_then(Value::as_object) else { return };
    for (attribute, of) in attributes {
        let mut path = at.to_vec();
        path.push(attribute.clone());
        let named = of.get("name").or_else(|| of.get("type")).and_then(Value::as_str).unwrap_or_default();
        match named.trim_start_matches("__cedar::") {
            "Long" => drop(leaves.insert(path, Kind::Long)),
            "Bool" | "Boolean" => drop(leaves.insert(path, Kind::Bool)),
            // Two levels is all there is; a record that holds itself does not parse.
            other if at.is_empty() => gather(types, other, &path, leaves),
            _ => {}
        }
    }
}

/// How the second copy of a fact is called: `other_approvals_humans`.
pub(crate) fn other(path: &[String]) -> String {
    format!("{OTHER}{}", path.join("_"))
}

/// The schema with a second copy of each of these facts beside the first.
pub(crate) fn doubled<'a>(text: &str, twice: impl Iterator<Item = (&'a [String], Kind)>) -> Result<Schema, ProveError> {
    if !text.contains(OPENING) {
        return Err(ProveError::Schema("it has no record of facts".into()));
    }
    let mut opening = OPENING.to_owned();
    for (path, kind) in twice {
        let of = match kind {
            Kind::Bool => "Bool",
            Kind::Long => "Long",
        };
        let _ = writeln!(opening, "  \"{}\": {of},", other(path));
    }
    let (schema, _) =
        Schema::from_cedarschema_str(&text.replacen(OPENING, &opening, 1)).map_err(|error| ProveError::Schema(error.to_string()))?;
    Ok(schema)
}
