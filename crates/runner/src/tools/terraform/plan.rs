//! What a saved plan would touch, from the JSON that `terraform show -json` prints (format 1). Addresses and verbs only: values may
//! be secret, and are neither read nor told.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::tools::args::cut;

/// Most resources of a plan: beyond it nobody has read what they approve.
const RESOURCES_MAX: usize = 2_000;
/// Most addresses that are told one by one; the numbers are always whole.
const TOLD_MAX: usize = 100;
/// Longest address that is told, in characters.
const ADDRESS_MAX: usize = 200;

/// What becomes of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verb {
    Create,
    Update,
    Delete,
    /// It is deleted, and another one takes its place.
    Replace,
    /// Terraform no longer looks after it; it stays.
    Forget,
}

/// The resources that a plan touches, in the order of their addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan(BTreeMap<String, Verb>);

#[derive(Deserialize)]
struct Shown {
    format_version: String,
    #[serde(default)]
    errored: bool,
    #[serde(default = "yes")]
    complete: bool,
    #[serde(default)]
    resource_changes: Vec<Resource>,
    #[serde(default)]
    output_changes: BTreeMap<String, Change>,
}

#[derive(Deserialize)]
struct Resource {
    address: String,
    #[serde(default)]
    deposed: Option<String>,
    change: Change,
}

#[derive(Deserialize)]
struct Change {
    actions: Vec<String>,
}

const fn yes() -> bool {
    true
}

impl Verb {
    fn read(actions: &[String]) -> Result<Option<Self>, String> {
        let actions: Vec<&str> = actions.iter().map(String::as_str).collect();
        Ok(match actions.as_slice() {
            ["no-op" | "read"] => None,
            ["create"] => Some(Self::Create),
            ["update"] => Some(Self::Update),
            ["delete"] => Some(Self::Delete),
            ["delete", "create"] | ["create", "delete"] => Some(Self::Replace),
            ["forget"] => Some(Self::Forget),
            other => return Err(format!("the plan says `{}` of a resource, which this version does not know", cut(&other.join(", "), 80))),
        })
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Replace => "replace",
            Self::Forget => "forget",
        }
    }
}

impl Plan {
    /// Reads the JSON. What is not understood is refused: a verb that is passed over could be a deletion.
    pub(super) fn read(json: &[u8]) -> Result<Self, String> {
        let shown: Shown = serde_json::from_slice(json).map_err(|error| format!("the plan cannot be read: {error}"))?;
        if shown.format_version.split('.').next() != Some("1") {
            return Err(format!("the plan has format {}, and 1 is known", cut(&shown.format_version, 20)));
        }
        if shown.errored || !shown.complete {
            return Err("the plan is not complete: Terraform met an error, or left something for another plan".into());
        }
        if shown.resource_changes.len() > RESOURCES_MAX {
            return Err(format!("the plan has more than {RESOURCES_MAX} resources"));
        }
        let mut touched = BTreeMap::new();
        for resource in shown.resource_changes {
            let Some(verb) = Verb::read(&resource.change.actions)? else { continue };
            let address = match resource.deposed {
                Some(deposed) => format!("{} (deposed {deposed})", resource.address),
                None => resource.address,
            };
            touched.insert(cut(&address, ADDRESS_MAX), verb);
        }
        for (name, output) in shown.output_changes {
            if let Some(verb) = Verb::read(&output.actions)? {
                touched.insert(cut(&format!("output.{name}"), ADDRESS_MAX), if verb == Verb::Delete { Verb::Forget } else { verb });
            }
        }
        Ok(Self(touched))
    }

    /// How many resources are deleted, or replaced, which deletes them too.
    pub(super) fn deleted(&self) -> u64 {
        self.count(|verb| matches!(verb, Verb::Delete | Verb::Replace))
    }

    /// How many are touched at all.
    pub(super) fn changed(&self) -> u64 {
        self.count(|_| true)
    }

    fn count(&self, wanted: impl Fn(Verb) -> bool) -> u64 {
        u64::try_from(self.0.values().filter(|verb| wanted(**verb)).count()).unwrap_or(u64::MAX)
    }

    /// The numbers in words: `1 to update, 2 to delete`.
    pub(super) fn counted(&self) -> String {
        let verbs = [Verb::Create, Verb::Update, Verb::Replace, Verb::Delete, Verb::Forget];
        let counts = verbs.map(|verb| (verb, self.count(|one| one == verb)));
        counts
            .iter()
            .filter(|(_, count)| *count > 0)
            .map(|(verb, count)| format!("{count} to {}", verb.word()))
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// What is touched.
    pub(super) fn addresses(&self) -> Vec<String> {
        self.0.iter().take(TOLD_MAX).map(|(address, verb)| format!("{} {address}", verb.word())).collect()
    }

    /// Numbers, and the first addresses.
    pub(super) fn to_json(&self) -> Value {
        json!({"counts": self.counted(), "changed": self.changed(), "deleted": self.deleted(), "resources": self.addresses()})
    }

    /// Whether each resource is there before and after.
    pub(super) fn before_and_after(&self) -> (Value, Value) {
        let side = |missing: Verb, word: &str| {
            let one = |(address, verb): (&String, &Verb)| (address.clone(), if *verb == missing { Value::Null } else { Value::from(word) });
            Value::Object(self.0.iter().take(TOLD_MAX).map(one).collect())
        };
        let mut after = side(Verb::Delete, "as planned");
        if let Some(members) = after.as_object_mut() {
            for (address, verb) in self.0.iter().take(TOLD_MAX) {
                let word = match verb {
                    Verb::Replace => "another one",
                    Verb::Forget => "as it is, and not looked after",
                    Verb::Create | Verb::Update | Verb::Delete => continue,
                };
                members.insert(address.clone(), Value::from(word));
            }
        }
        (side(Verb::Create, "as it is"), after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(changes: &[(&str, &[&str])]) -> Value {
        let changes: Vec<Value> =
            changes.iter().map(|(address, actions)| json!({"address": address, "change": {"actions": actions}})).collect();
        json!({"format_version": "1.2", "applyable": true, "complete": true, "errored": false, "resource_changes": changes})
    }

    fn read(value: &Value) -> Result<Plan, String> {
        Plan::read(value.to_string().as_bytes())
    }

    #[test]
    fn a_plan_is_counted_by_what_is_lost() {
        let plan = read(&plan(&[
            ("aws_zone.z", &["no-op"]),
            ("data.x.y", &["read"]),
            ("a.new", &["create"]),
            ("a.same", &["update"]),
            ("a.old", &["delete"]),
            ("a.swap", &["delete", "create"]),
            ("a.turn", &["create", "delete"]),
            ("a.left", &["forget"]),
        ]))
        .unwrap();
        assert_eq!((plan.changed(), plan.deleted()), (6, 3));
        assert_eq!(plan.counted(), "1 to create, 1 to update, 2 to replace, 1 to delete, 1 to forget");
        assert_eq!(plan.addresses().first().unwrap(), "forget a.left");
        let (before, after) = plan.before_and_after();
        assert_eq!((&before["a.new"], &after["a.new"]), (&Value::Null, &json!("as planned")));
        assert_eq!((&before["a.old"], &after["a.old"]), (&json!("as it is"), &Value::Null));
        assert_eq!(after["a.swap"], "another one");
    }

    #[test]
    fn values_of_a_plan_are_never_told() {
        let mut secret = plan(&[("db.main", &["update"])]);
        secret["resource_changes"][0]["change"]["after"] = json!({"password": "hunter2"});
        secret["output_changes"] = json!({"token": {"actions": ["create"], "after": "hunter2", "after_sensitive": true}});
        let plan = read(&secret).unwrap();
        let told = format!("{} {:?} {:?}", plan.to_json(), plan.before_and_after(), plan.addresses());
        assert!(!told.contains("hunter2") && told.contains("output.token"), "{told}");
        assert_eq!(plan.deleted(), 0);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let check = |value: Value, why: &str| {
            let said = read(&value).unwrap_err();
            assert!(said.contains(why), "{said}");
        };
        check(plan(&[("a.b", &["obliterate"])]), "`obliterate` of a resource");
        check(plan(&[("a.b", &[])]), "which this version does not know");
        check(json!({"format_version": "2.0"}), "format 2.0");
        check(json!({"format_version": "1.2", "errored": true}), "not complete");
        check(json!({"format_version": "1.2", "complete": false}), "not complete");
        check(json!({"resource_changes": []}), "missing field `format_version`");
        let many: Vec<Value> =
            (0..=RESOURCES_MAX).map(|n| json!({"address": format!("a.n{n}"), "change": {"actions": ["no-op"]}})).collect();
        check(json!({"format_version": "1.2", "resource_changes": many}), "more than 2000");
    }
}
