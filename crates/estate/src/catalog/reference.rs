//! References as Backstage writes them: `resource:default/shop-db`, `component:shop`, `edge`.

use std::fmt;
use std::str::FromStr;

use lineclear_core::name::EntityName;

use crate::fault::{At, Faults};

/// A reference to an entity of the catalog.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CatalogRef {
    /// In lower case; none when the place where it stands implies it.
    pub(crate) kind: Option<String>,
    pub(crate) name: String,
}

/// A text that is no reference.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no reference: write `kind:name`, as in `component:shop` or `resource:web-1`")]
pub(crate) struct CatalogRefError(String);

impl FromStr for CatalogRef {
    type Err = CatalogRefError;

    fn from_str(text: &str) -> Result<Self, CatalogRefError> {
        let bad = || CatalogRefError(text.chars().filter(|c| !c.is_control()).take(80).collect());
        let (kind, rest) = match text.split_once(':') {
            Some((kind, rest)) => (Some(kind.to_lowercase()), rest),
            None => (None, text),
        };
        let known = ["component", "resource", "system", "domain", "group", "user"];
        if kind.as_deref().is_some_and(|kind| !known.contains(&kind)) {
            return Err(bad());
        }
        let name = match rest.split_once('/') {
            Some(("default", name)) => name,
            Some(_) => return Err(bad()),
            None => rest,
        };
        let name: EntityName = name.parse().map_err(|_| bad())?;
        Ok(Self { kind, name: name.to_string() })
    }
}

impl At<CatalogRef> {
    /// The reference, whose kind is this one or is left out.
    pub(crate) fn kinded(self, kind: &str, faults: &Faults) -> Option<Self> {
        match &self.value.kind {
            Some(given) if given != kind => {
                faults.at(&self.place, format!("a {kind} is wanted here, not a {given}"), Some(format!("write `{kind}:…`")));
                None
            }
            // Backstage reads an owner without a kind as a group.
            None if kind == "user" => {
                faults.at(
                    &self.place,
                    format!("`{}` would be a group", self.value.name),
                    Some(format!("write `user:{}`", self.value.name)),
                );
                None
            }
            Some(_) | None => Some(self),
        }
    }
}

impl fmt::Display for CatalogRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Some(kind) => write!(f, "{kind}:{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(text.parse::<CatalogRef>().ok().map(|r| r.to_string()).as_deref(), expected, "{text}");
    }

    #[test]
    fn references_are_backstage_references() {
        check("resource:default/shop-db", Some("resource:shop-db"));
        check("Component:shop", Some("component:shop"));
        check("edge", Some("edge"));
        check("group:default/edge", Some("group:edge"));
        for bad in ["", ":", "api:x", "resource:", "resource:other/x", "a b", "resource:A"] {
            check(bad, None);
        }
    }
}
