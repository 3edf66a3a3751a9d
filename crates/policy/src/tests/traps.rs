//! Every known way in which Cedar fails open, each shown with Cedar alone and then stopped by this room.

use std::sync::Arc;

use cedar_policy::{Authorizer, Context, Decision, Entities, Entity, EntityUid, PolicySet, Request, Schema, ValidationMode, Validator};
use lineclear_core::authority::Approvals;
use lineclear_core::catalogue::Risk;
use lineclear_core::situation::Case;
use lineclear_core::topology::Environment;
use lineclear_core::verdict::{Bearing, Verdict};

use super::estate;
use super::fixture::{ADA, AGENT, case, things};
use crate::facts::Typed;
use crate::reads::EVERYTHING;
use crate::store::{Store, of_thing};
use crate::vocabulary::Vocabulary;
use crate::{AskError, Policies, Source};

const PERMIT_ALL: &str = "@id(\"all\") @title(\"All\") permit (principal, action, resource);";

struct Bench {
    vocabulary: Vocabulary,
    schema: Schema,
    store: Store,
    case: Case,
}

fn bench() -> Bench {
    let estate = estate();
    let (vocabulary, schema) = (Vocabulary::new(&estate).unwrap(), crate::schema::parse(&crate::schema_text(&estate)).unwrap());
    let store = Store::new(&estate, &vocabulary, &schema).unwrap();
    Bench { vocabulary, schema, store, case: case(AGENT, "host.reboot", Environment::Production) }
}

impl Bench {
    /// A slice made by hand from these things, with the principal or without.
    fn by_hand(&self, names: &[&str], principal: bool, with_schema: bool) -> Entities {
        let all = things();
        let kept = all.iter().filter(|t| names.contains(&t.reference.to_string().as_str()));
        let mut list: Vec<Entity> = kept.map(|t| of_thing(&self.vocabulary, t).unwrap()).collect();
        if principal {
            list.push(Entity::with_uid(self.vocabulary.principal(AGENT).unwrap()));
        }
        Entities::from_entities(list, with_schema.then_some(&self.schema)).unwrap()
    }

    /// Cedar's own answer, with a request that passes the schema.
    fn cedar(&self, text: &str, entities: &Entities) -> (Decision, usize) {
        let set: PolicySet = text.parse().unwrap();
        let context: Context =
            Typed::new(&self.vocabulary, &self.case.situation).unwrap().with(&self.vocabulary, &EVERYTHING, &Approvals::default()).unwrap();
        let principal = self.vocabulary.principal(self.case.principal).unwrap();
        let resource = self.vocabulary.thing(&self.case.target).unwrap();
        let action = self.vocabulary.action(self.case.action.as_str());
        let request = Request::new(principal, action, resource, context, Some(&self.schema)).unwrap();
        let answer = Authorizer::new().is_authorized(&request, &set, entities);
        (answer.decision(), answer.diagnostics().errors().count())
    }

    /// Whether Cedar's validator takes the text without a word.
    fn validates(&self, text: &str) -> bool {
        let set: PolicySet = text.parse().unwrap();
        Validator::new(self.schema.clone()).validate_with_level(&set, ValidationMode::Strict, 1).validation_passed_without_warnings()
    }

    /// What our own check says to a store made by hand.
    fn refuses(&self, entities: Entities) -> bool {
        let parties = |store: &Store| store.parties(&estate(), &self.vocabulary, &self.case).map(|_| ());
        parties(&self.store).unwrap();
        parties(&Store { entities }) == Err(AskError::Slice)
    }
}

fn load(text: &str) -> Result<Policies, Vec<crate::Diagnostic>> {
    Policies::load(Arc::new(estate()), &[Source { path: "a.cedar".into(), text: format!("{PERMIT_ALL}\n{text}") }])
}

fn forbid(body: &str) -> String {
    format!("{PERMIT_ALL} @id(\"never\") @title(\"Never\") forbid {body};")
}

#[test]
fn a_forbid_that_fails_forbids() {
    let overflow = "(principal, action, resource) when { context.customers * 9223372036854775807 > 0 }";
    let bench = bench();
    assert!(bench.validates(&forbid(overflow)));
    assert_eq!(bench.cedar(&forbid(overflow), &bench.store.entities), (Decision::Allow, 1));
    let policies = load(&format!("@id(\"never\") @title(\"Never\") forbid {overflow};")).unwrap();
    let Verdict::Denied { because } = policies.judge(&bench.case).unwrap() else { panic!("not denied") };
    let reasons: Vec<_> = because.iter().map(|r| (r.bearing, r.policy.as_ref().map(ToString::to_string), r.facts.len())).collect();
    assert_eq!(reasons, [(Bearing::Failed, Some("never".into()), 0)]);
    assert!(!because.iter().any(|r| r.to_string().contains("overflow")), "Cedar's own words change between versions");
    assert!(!policies.permits(&bench.case, &Approvals { humans: 9, ..Approvals::default() }).unwrap().allowed);
}

#[test]
fn a_permit_that_fails_denies_even_beside_one_that_matches() {
    let text = "@id(\"odd\") @title(\"Odd\") permit (principal, action, resource) when { context.customers * 9223372036854775807 > 0 };";
    let bench = bench();
    assert_eq!(bench.cedar(&format!("{PERMIT_ALL}{text}"), &bench.store.entities), (Decision::Allow, 1));
    assert!(matches!(load(text).unwrap().judge(&bench.case).unwrap(), Verdict::Denied { .. }));
}

#[test]
fn a_slice_without_the_resource_fails_where_a_forbid_reads_it() {
    let bench = bench();
    let text = forbid("(principal, action, resource) when { resource.money_path }");
    let empty = bench.by_hand(&[], true, true);
    assert_eq!(bench.cedar(&text, &empty), (Decision::Allow, 1));
    assert!(bench.refuses(empty));
    assert_eq!(bench.cedar(&text, &bench.store.entities), (Decision::Deny, 0));
}

#[test]
fn a_slice_without_the_resource_is_quietly_outside_everything() {
    let bench = bench();
    let text = forbid("(principal, action, resource in Service::\"shop\")");
    assert!(bench.validates(&text), "neither levels nor schema see it");
    let without = bench.by_hand(&["pool/shop", "service/shop"], true, true);
    assert_eq!(bench.cedar(&text, &without), (Decision::Allow, 0));
    assert!(bench.refuses(without));
    assert_eq!(bench.cedar(&text, &bench.store.entities), (Decision::Deny, 0));
}

#[test]
fn a_slice_without_the_principal_quietly_holds_no_role() {
    let mut bench = bench();
    bench.case = case(ADA, "host.reboot", Environment::Production);
    let text = forbid("(principal in Role::\"operator\", action, resource)");
    let without = bench.by_hand(&["host/shop", "pool/shop", "service/shop"], false, true);
    assert_eq!(bench.cedar(&text, &without), (Decision::Allow, 0));
    assert!(bench.refuses(without));
    assert_eq!(bench.cedar(&text, &bench.store.entities), (Decision::Deny, 0));
}

#[test]
fn a_slice_without_a_middle_ancestor_quietly_ends_there() {
    let bench = bench();
    let text = forbid("(principal, action, resource in Service::\"shop\")");
    let gap = bench.by_hand(&["host/shop", "service/shop"], true, true);
    assert_eq!(bench.cedar(&text, &gap), (Decision::Allow, 0));
    assert!(bench.refuses(gap));
    let top_only_missing = bench.by_hand(&["host/shop", "pool/shop"], true, true);
    assert_eq!(bench.cedar(&text, &top_only_missing), (Decision::Deny, 0), "the link is there, the top is not needed");
    assert!(bench.refuses(top_only_missing), "but ours is whole or refused");
}

#[test]
fn entities_without_the_schema_quietly_lose_the_risk_classes() {
    let bench = bench();
    let names = ["host/shop", "pool/shop", "service/shop"];
    for text in [
        forbid("(principal, action in Action::\"medium_risk\", resource)"),
        forbid("(principal, action, resource) when { action in Action::\"medium_risk\" }"),
    ] {
        assert_eq!(bench.cedar(&text, &bench.by_hand(&names, true, false)), (Decision::Allow, 0));
        assert_eq!(bench.cedar(&text, &bench.by_hand(&names, true, true)), (Decision::Deny, 0));
        assert_eq!(bench.cedar(&text, &bench.store.entities), (Decision::Deny, 0));
    }
}

#[test]
fn a_reference_to_nothing_stops_the_builder() {
    // A topology that was never checked can only come from outside `Topology::new`.
    let json = serde_json::to_value(estate().topology.get(&"host/shop".parse().unwrap()).unwrap()).unwrap();
    let mut estate = estate();
    if let Ok(alone) = serde_json::from_value(serde_json::json!({ "host/shop": json })) {
        estate.topology = alone;
        let bench = bench();
        let store = Store::new(&estate, &bench.vocabulary, &bench.schema).unwrap();
        let parties = store.parties(&estate, &bench.vocabulary, &bench.case).map(|_| ());
        assert_eq!(parties, Err(AskError::Unknown("pool/shop".into())));
    }
}

#[test]
fn an_absent_fact_quietly_does_not_forbid_so_no_fact_is_optional() {
    let schema: Schema = "entity A; action x appliesTo { principal: A, resource: A, context: { freeze?: Bool } };".parse().unwrap();
    let ask = |forbid: &str| {
        let set: PolicySet =
            format!("permit (principal, action, resource); forbid (principal, action, resource) {forbid};").parse().unwrap();
        assert!(Validator::new(schema.clone()).validate(&set, ValidationMode::Strict).validation_passed_without_warnings());
        let a: EntityUid = "A::\"a\"".parse().unwrap();
        let request = Request::new(a.clone(), "Action::\"x\"".parse().unwrap(), a, Context::empty(), Some(&schema)).unwrap();
        let answer = Authorizer::new().is_authorized(&request, &set, &Entities::from_entities([], Some(&schema)).unwrap());
        (answer.decision(), answer.diagnostics().errors().count())
    };
    assert_eq!(ask("when { context has freeze && context.freeze }"), (Decision::Allow, 0));
    assert_eq!(ask("unless { context has freeze && !context.freeze }"), (Decision::Deny, 0));
    assert!(!crate::schema_text(&estate()).contains('?'));
}

#[test]
fn an_unused_fact_reads_as_false_so_what_it_would_open_is_refused() {
    let bench = bench();
    let text = "(principal, action == Action::\"host.reboot\", resource) when { context.evidence.error_rate_high }";
    assert_eq!(bench.cedar(&forbid(text), &bench.store.entities), (Decision::Allow, 0));
    assert!(load(&format!("@id(\"never\") @title(\"Never\") forbid {text};")).is_err());
}

#[test]
fn an_unvalidated_typo_is_skipped_so_validation_is_part_of_loading() {
    let bench = bench();
    let text = "(principal, action, resource) when { context.freze }";
    assert_eq!(bench.cedar(&forbid(text), &bench.store.entities), (Decision::Allow, 1));
    assert!(load(&format!("@id(\"never\") @title(\"Never\") forbid {text};")).is_err());
}

#[test]
fn a_thing_that_does_not_exist_validates_so_literals_are_checked() {
    let bench = bench();
    let text = "(principal, action, resource in Service::\"shopp\")";
    assert!(bench.validates(&forbid(text)));
    assert_eq!(bench.cedar(&forbid(text), &bench.store.entities), (Decision::Allow, 0));
    assert!(load(&format!("@id(\"never\") @title(\"Never\") forbid {text};")).is_err());
}

#[test]
fn an_empty_text_parses_so_a_lost_file_is_refused() {
    assert!("".parse::<PolicySet>().unwrap().is_empty());
    let lost = [Source { path: "a.cedar".into(), text: PERMIT_ALL.into() }, Source { path: "forbids.cedar".into(), text: String::new() }];
    assert!(Policies::load(Arc::new(estate()), &lost).is_err());
}

#[test]
fn ids_in_annotations_mean_nothing_to_cedar() {
    let set: PolicySet = PERMIT_ALL.parse().unwrap();
    assert_eq!(set.policies().map(|p| p.id().to_string()).collect::<Vec<_>>(), ["policy0"]);
    assert_eq!(load("").unwrap().list()[0].id.as_str(), "all");
}

#[test]
fn an_action_in_another_class_than_the_catalogue_says_is_found() {
    let bench = bench();
    let mut moved = estate();
    moved.catalogue.actions.get_mut(&"dns.update".parse().unwrap()).unwrap().risk = Risk::Low;
    assert_eq!(crate::schema::misclassed(&estate(), &bench.schema, &bench.vocabulary), Vec::<String>::new());
    let found = crate::schema::misclassed(&moved, &bench.schema, &bench.vocabulary);
    assert_eq!(found, ["action `dns.update` must be in exactly the class `low_risk`"]);
    let twice = crate::schema_text(&estate()).replace("\"dns.update\" in [", "\"dns.update\" in [\"low_risk\", ");
    let found = crate::schema::misclassed(&estate(), &crate::schema::parse(&twice).unwrap(), &bench.vocabulary);
    assert_eq!(found, ["action `dns.update` must be in exactly the class `high_risk`"]);
}
