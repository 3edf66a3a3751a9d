//! Every example of `docs/policy.md` is run: policies are added to the example estate, and the stories that follow them must hold,
//! or the load must be refused with the words that stand there.
#![cfg(test)]

use std::path::Path;

use lineclear_estate::{check, load_files, read_files};

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

#[test]
fn every_example_of_the_page_holds() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = std::fs::read_to_string(root.join("docs/policy.md")).unwrap();
    let estate = read_files(&root.join("estate/example")).unwrap();
    let blocks = blocks(&page);
    assert!(blocks.len() >= 14 && blocks.len().is_multiple_of(2), "{} blocks", blocks.len());
    for pair in blocks.chunks(2) {
        let [(first, policies), (second, expected)] = pair else { panic!("half a pair") };
        assert_eq!(*first, "cedar", "{policies}");
        let mut files = estate.clone();
        files.insert("policies/page.cedar".into(), policies.clone().into_bytes());
        match *second {
            "toml" => {
                files.insert("policies/cases/page.toml".into(), expected.clone().into_bytes());
                let loaded = load_files(&files).unwrap_or_else(|error| panic!("{error:?}\n{policies}"));
                let told: Vec<_> = check(&loaded).outcomes.into_iter().filter(|one| one.path == "policies/cases/page.toml").collect();
                assert!(!told.is_empty(), "{expected}");
                for one in told {
                    assert!(one.fault.is_none(), "{}: expected {}, found {}, {:?}", one.title, one.expected, one.found, one.fault);
                }
            }
            "refused" => {
                let said = format!("{:?}", miette::Report::new(load_files(&files).unwrap_err()));
                assert!(said.contains("policies/page.cedar"), "{said}");
                assert!(said.contains(expected.trim()), "expected `{}` in\n{said}", expected.trim());
            }
            other => panic!("a block of `{other}`"),
        }
    }
}
