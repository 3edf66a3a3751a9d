//! Every example of `docs/runbooks.md` is read, its tests are played, and what is refused is refused with the words that stand there.
#![cfg(test)]

use std::path::Path;

use lineclear_estate::{LoadError, parse_runbook, parse_runbook_tests};

/// One fenced block: its language and its text.
fn blocks(page: &str) -> Vec<(&str, String)> {
    let (mut found, mut open): (Vec<(&str, String)>, bool) = (Vec::new(), false);
    for line in page.lines() {
        match (line.strip_prefix("```"), open) {
            (Some(_), true) => open = false,
            (Some(language), false) => {
                found.push((language, String::new()));
                open = true;
            }
            (None, true) => {
                let (_, text) = found.last_mut().unwrap();
                text.push_str(line);
                text.push('\n');
            }
            (None, false) => {}
        }
    }
    assert!(!open, "a block is not closed");
    found
}

/// A runbook around a part of one.
fn around(limits: &str, steps: &str) -> String {
    let inputs = if steps.contains("input:") { "inputs: { mode: { type: choice, of: [careful, fast] } }\n" } else { "" };
    format!("runbook: v1\nid: page\ntitle: A page\nowner: shop\n{inputs}{limits}steps:\n{steps}")
}

const STEP: &str = "- id: wait\n  do: { http: { service: pool, method: GET, path: /state } }\n  timeout: 5s\n";

/// What the permissions of the page are for.
const GUARDED: &str = "- id: drain\n  do: { haproxy_server: { backend: shop, server: \"${target.name}\", state: drain } }\n  timeout: 5s\n  \
    verify: { http: { service: pool, method: GET, path: /state } }\n";

fn read(language: &str, text: &str) -> Result<(), LoadError> {
    match language {
        "yaml runbook" => {
            let (runbook, tests) = parse_runbook_tests("page.yaml", text)?;
            assert!(!tests.is_empty(), "no tests in\n{text}");
            for test in &tests {
                let told = test.tell(&runbook);
                assert!(told.fault.is_none(), "{}: {:?}", told.title, told.fault);
            }
            Ok(())
        }
        "yaml step" => parse_runbook("page.yaml", &around("deadline: 5m\n", text)).map(drop),
        "yaml serves" => parse_runbook("page.yaml", &around(&format!("deadline: 5m\n{text}"), STEP)).map(drop),
        "yaml permissions" => parse_runbook("page.yaml", &around(&format!("deadline: 5m\n{text}"), GUARDED)).map(drop),
        "yaml limits" => parse_runbook("page.yaml", &around(text, STEP)).map(drop),
        other => panic!("a block of `{other}`"),
    }
}

#[test]
fn every_example_of_the_page_is_as_it_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/runbooks.md");
    let page = std::fs::read_to_string(path).unwrap();
    let blocks = blocks(&page);
    assert!(blocks.len() >= 12, "{} blocks", blocks.len());
    for (index, (language, text)) in blocks.iter().enumerate().filter(|(_, (language, _))| *language != "refused") {
        let refused = blocks.get(index + 1).filter(|(next, _)| *next == "refused");
        match (read(language, text), refused) {
            (Ok(()), None) => {}
            (Ok(()), Some((_, said))) => panic!("it is not refused with `{}`:\n{text}", said.trim()),
            (Err(error), None) => panic!("{error}\n{text}"),
            (Err(error), Some((_, said))) => {
                let shown: Vec<&str> = error.faults().iter().map(|fault| fault.message.as_str()).collect();
                assert!(shown.iter().any(|message| message.contains(said.trim())), "expected `{}` in {shown:?}", said.trim());
            }
        }
    }
}

/// The members that the schema tells of a runbook and of a step are those that the page explains.
#[test]
fn the_page_explains_every_member() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let page = std::fs::read_to_string(root.join("runbooks.md")).unwrap();
    let schema: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(root.join("schema/runbook.json")).unwrap()).unwrap();
    let step = &schema["properties"]["steps"]["items"];
    for object in [
        &schema,
        step,
        &schema["properties"]["limits"],
        &schema["properties"]["verification"],
        &schema["properties"]["serves"],
        &step["properties"]["retry"],
    ] {
        for member in object["properties"].as_object().unwrap().keys() {
            assert!(page.contains(&format!("`{member}`")) || page.contains(&format!("`{member}:")), "the page does not explain `{member}`");
        }
    }
}
