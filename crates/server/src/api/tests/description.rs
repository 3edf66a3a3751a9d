//! The published description is the one that the handlers give.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::api::openapi::text;

#[test]
fn the_committed_description_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    let stale =
        "docs/openapi.json is stale: `cargo run -p lineclear-server --example openapi > docs/openapi.json`, and read the difference";
    assert!(committed == text(), "{stale}");
}

#[test]
fn every_operation_says_what_a_problem_looks_like() {
    let described: Value = serde_json::from_str(&text()).unwrap();
    assert_eq!(described["openapi"], "3.1.0");
    let mut seen = BTreeSet::new();
    for (path, item) in described["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let problem = &operation["responses"]["default"]["content"]["application/problem+json"]["schema"]["$ref"];
            assert_eq!(problem, "#/components/schemas/Problem", "{method} {path}");
            assert!(seen.insert(operation["operationId"].as_str().unwrap().to_owned()), "{method} {path}");
            assert!(operation["summary"].is_string() || operation["description"].is_string(), "{method} {path}");
        }
    }
}
