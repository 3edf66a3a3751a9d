//! A counterexample in one plain sentence: who may do what to what, with whose approval, while what is so, and by which policy.

use std::collections::BTreeSet;

use lineclear_core::estate::Estate;
use lineclear_core::posture::Posture;
use serde_json::{Map, Value};

use crate::scene::{Ruling, Scene};
use crate::shape::Shape;
use crate::trial::{Shrunk, ordinary};

/// Words of one estate.
#[derive(Debug)]
pub(crate) struct Words<'a> {
    pub estate: &'a Estate,
    pub shape: &'a Shape,
}

impl Words<'_> {
    /// An agent may change one address record on a zone.
    pub fn act(&self, shrunk: &Shrunk, may: &str) -> String {
        let scene = &shrunk.scene;
        let name = scene.action.id().unescaped();
        let title = name.parse().ok().and_then(|name| self.estate.catalogue.actions.get(&name)).map_or(name, |action| &action.title);
        format!("{} {may} {} (`{name}`) on {}", who(shrunk), lower(title), thing(shrunk))
    }

    /// `, while a freeze is on and confidence is 80 %`: what is not ordinary, approvals and the fact in question aside.
    pub fn circumstances(&self, scene: &Scene, aside: Option<&[String]>) -> String {
        let mut told = Vec::new();
        for (path, kind) in self.shape.leaves() {
            let Some(value) = scene.get(path) else { continue };
            let passed = path.first().is_some_and(|first| first == "approvals") || aside == Some(path.as_slice());
            if !passed && *value != ordinary(path, kind) {
                told.push(phrase(path, value));
            }
        }
        if told.is_empty() { String::new() } else { format!(", while {}", listed(&told)) }
    }
}

/// `with nobody's approval`, `with the approval of 2 people, one of the owning team, signed`.
pub(crate) fn approval(context: &Map<String, Value>) -> String {
    let given = context.get("approvals");
    let number = |name: &str| given.and_then(|given| given.get(name)).and_then(Value::as_i64).unwrap_or(0);
    let flag = |name: &str| given.and_then(|given| given.get(name)).and_then(Value::as_bool).unwrap_or(false);
    let mut told = vec![match number("humans") {
        0 => "with nobody's approval".to_owned(),
        1 => "with the approval of one person".to_owned(),
        people => format!("with the approval of {people} people"),
    }];
    if flag("owner") {
        told.push("the owning team among them".into());
    }
    let roles = given.and_then(Value::as_object).into_iter().flatten();
    let roles = roles.filter(|(name, value)| **value == Value::Bool(true) && *name != "owner").map(|(name, _)| format!("`{name}`"));
    let roles: Vec<String> = roles.collect();
    if !roles.is_empty() {
        told.push(format!("in the role of {}", listed(&roles)));
    }
    match number("grade") {
        1 => told.push("in a signed-in session".into()),
        2 => told.push("signed with a key".into()),
        3 => told.push("signed with a passkey".into()),
        _ => {}
    }
    told.join(", ")
}

/// Permitted by which policies.
pub(crate) fn permitted(ruling: &Ruling) -> String {
    format!("permitted by {}", names(&ruling.by))
}

/// Refused by which policies, or because none permits it.
pub(crate) fn refused(ruling: &Ruling) -> String {
    if ruling.by.is_empty() { "no policy permits it".into() } else { format!("refused by {}", names(&ruling.by)) }
}

/// Names in backticks.
pub(crate) fn names(all: &BTreeSet<String>) -> String {
    listed(&all.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>())
}

/// One fact with its value.
pub(crate) fn phrase(path: &[String], value: &Value) -> String {
    let name = path.join(".");
    let number = value.as_i64().unwrap_or(0);
    let yes = value.as_bool().unwrap_or(false);
    let choose = |held: &str, not: &str| if yes { held.to_owned() } else { not.to_owned() };
    if let Some(fact) = name.strip_prefix("evidence.") {
        return choose(&format!("`{fact}` is confirmed"), &format!("`{fact}` is not confirmed"));
    }
    if let Some(got) = name.strip_prefix("permissions.") {
        return choose(&format!("its steps can get `{got}`"), &format!("its steps cannot get `{got}`"));
    }
    match name.as_str() {
        "budget_bp" if number < 0 => format!("the error budget is overdrawn by {}", percent(-number)),
        "budget_bp" => format!("{} of the error budget is left", percent(number)),
        "burn" => format!(
            "the error budget burns {}",
            if number <= 0 {
                "steadily"
            } else if number == 1 {
                "slowly"
            } else {
                "fast"
            }
        ),
        "confidence_bp" => format!("confidence is {}", percent(number)),
        "confirmed" => counted(number, "fact is confirmed", "facts are confirmed"),
        "conflicting" => choose("a fact contradicts the proposal", "no fact contradicts the proposal"),
        "customer_data" => choose("customers' data is in reach", "no customers' data is in reach"),
        "customers" => counted(number, "customer is in reach", "customers are in reach"),
        "emergency" => choose("an emergency is declared", "no emergency is declared"),
        "fleet_bp" => format!("{} of the fleet is in reach", percent(number)),
        "freeze" => choose("a freeze is on", "no freeze is on"),
        "hosts" => counted(number, "host is in reach", "hosts are in reach"),
        "in_flight" => counted(number, "other change is in flight", "other changes are in flight"),
        "money_path" => choose("money passes through", "no money passes through"),
        "objective" => choose("an objective is set", "no objective is set"),
        "posture" => format!("the posture is `{}`", posture(number)),
        "regions" => counted(number, "region is in reach", "regions are in reach"),
        "reversible" => choose("the plan has an undo", "the plan has no undo"),
        "routine" => choose("the action has earned to be routine", "the action has not earned to be routine"),
        "services" => counted(number, "service is in reach", "services are in reach"),
        "severity" if number == 0 => "no incident is served".into(),
        "severity" => format!("the incident is of severity {number}"),
        "undo_drilled" => choose("the undo was drilled", "the undo was never drilled"),
        _ => format!("`context.{name}` is {value}"),
    }
}

/// `a, b and c`.
pub(crate) fn listed(all: &[String]) -> String {
    match all {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

fn posture(rank: i64) -> String {
    let all = [Posture::Stopped, Posture::AdviseOnly, Posture::RoutineOnly, Posture::Full];
    all.into_iter().find(|posture| posture.rank() == rank).map_or_else(|| rank.to_string(), |posture| posture.to_string())
}

fn percent(basis_points: i64) -> String {
    let (whole, rest) = (basis_points / 100, basis_points % 100);
    if rest == 0 { format!("{whole} %") } else { format!("{whole}.{rest:02} %") }
}

fn counted(number: i64, one: &str, many: &str) -> String {
    match number {
        0 => format!("no {one}"),
        1 => format!("1 {one}"),
        _ => format!("{number} {many}"),
    }
}

fn who(shrunk: &Shrunk) -> String {
    let scene = &shrunk.scene;
    let kind = lower(&scene.principal.type_name().to_string());
    let mut told = format!("{} {kind}", article(&kind));
    if shrunk.named.0 {
        told = format!("the {kind} `{}`", scene.principal.id().unescaped());
    }
    for other in shrunk.askers.iter().map(|kind| lower(kind)) {
        told = format!("{told} or {} {other}", article(&other));
    }
    let parents = scene.entity(&scene.principal).and_then(|entity| entity.get("parents")).and_then(Value::as_array);
    let roles = parents.into_iter().flatten().filter_map(|parent| parent.get("id").and_then(Value::as_str));
    let roles: Vec<String> = roles.map(|role| format!("`{role}`")).collect();
    if roles.is_empty() { told } else { format!("{told} who is {}", listed(&roles)) }
}

fn thing(shrunk: &Shrunk) -> String {
    let scene = &shrunk.scene;
    let kind = lower(&scene.resource.type_name().to_string());
    let mut told = format!("{} {kind}", article(&kind));
    if shrunk.named.1 {
        told = format!("the {kind} `{}`", scene.resource.id().unescaped());
    }
    let Some(attributes) = scene.entity(&scene.resource).and_then(|entity| entity.get("attrs")) else { return told };
    let text = |name: &str| {
        let value = attributes.get(name)?;
        value.pointer("/__entity/id").or_else(|| value.get("id")).and_then(Value::as_str)
    };
    for name in &shrunk.matters {
        match (name.as_str(), text(name)) {
            ("environment", Some(value)) => told = format!("{told} in {value}"),
            (_, Some(value)) => told = format!("{told} of the team `{value}`"),
            (_, None) => {}
        }
    }
    for (name, words) in [("customer_data", " that holds customers' data"), ("money_path", " that money passes through")] {
        if attributes.get(name) == Some(&Value::Bool(true)) {
            told.push_str(words);
        }
    }
    if let Some(customers) = attributes.get("customers").and_then(Value::as_i64).filter(|customers| *customers != 0) {
        told = format!("{told} with {customers} customers");
    }
    told
}

fn article(word: &str) -> &'static str {
    if word.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" }
}

/// A title inside a sentence.
fn lower(title: &str) -> String {
    let mut letters = title.chars();
    // An abbreviation keeps its letters.
    let small = title.chars().nth(1).is_some_and(|second| second.is_lowercase() || second == ' ');
    match letters.next() {
        Some(first) if small => first.to_lowercase().chain(letters).collect(),
        _ => title.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::axiom::split;

    #[test]
    fn facts_are_told_in_plain_words() {
        let check = |name: &str, value: Value, expected: &str| assert_eq!(phrase(&split(name), &value), expected);
        check("confidence_bp", 9_993.into(), "confidence is 99.93 %");
        check("budget_bp", (-2_500).into(), "the error budget is overdrawn by 25 %");
        check("posture", 2.into(), "the posture is `routine-only`");
        check("in_flight", 1.into(), "1 other change is in flight");
        check("evidence.dns_watched", true.into(), "`dns_watched` is confirmed");
        check("new_fact", 7.into(), "`context.new_fact` is 7");
    }

    #[test]
    fn approvals_are_told_as_people() {
        let check = |given: Value, expected: &str| {
            let Value::Object(context) = serde_json::json!({ "approvals": given }) else { panic!() };
            assert_eq!(approval(&context), expected);
        };
        check(serde_json::json!({"humans": 0, "owner": false, "grade": 0, "operator": false}), "with nobody's approval");
        check(
            serde_json::json!({"humans": 2, "owner": true, "grade": 2, "operator": true}),
            "with the approval of 2 people, the owning team among them, in the role of `operator`, signed with a key",
        );
    }
}
