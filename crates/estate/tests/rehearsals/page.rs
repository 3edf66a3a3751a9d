//! Every example of `docs/runbook-tests.md` is run: its tests hold, fail, or are refused with the words that stand there.

use std::path::Path;

use lineclear_estate::parse_runbook_tests;

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
fn every_example_of_the_page_is_as_it_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/runbook-tests.md");
    let page = std::fs::read_to_string(path).unwrap();
    let blocks = blocks(&page);
    let (_, runbook) = blocks.iter().find(|(language, _)| *language == "yaml runbook").unwrap();
    let examples: Vec<_> = blocks.iter().filter(|(language, _)| *language != "yaml runbook" && *language != "sh").collect();
    assert!(examples.len() >= 18 && examples.len().is_multiple_of(2), "{} blocks", examples.len());
    for pair in examples.chunks(2) {
        let [(first, tests), (second, said)] = pair else { panic!("half a pair") };
        assert_eq!(*first, "yaml", "{tests}");
        let read = parse_runbook_tests("page.yaml", &format!("{runbook}{tests}"));
        match *second {
            "holds" => {
                let (runbook, tests) = read.unwrap_or_else(|error| panic!("{error:?}\n{tests}"));
                let told: Vec<_> = tests.iter().map(|test| test.tell(&runbook)).collect();
                assert_eq!(told.iter().map(|one| one.title.as_str()).collect::<Vec<_>>(), said.lines().collect::<Vec<_>>());
                for one in told {
                    assert!(one.fault.is_none(), "{}: {:?}", one.title, one.fault);
                }
            }
            "fails" => {
                let (runbook, tests) = read.unwrap_or_else(|error| panic!("{error:?}\n{tests}"));
                let fault = tests[0].tell(&runbook).fault.unwrap_or_else(|| panic!("it holds: {}", tests[0].name));
                assert!(fault.message.contains(said.trim()), "expected `{}` in `{}`", said.trim(), fault.message);
            }
            "refused" => {
                let shown = format!("{:?}", miette::Report::new(read.map(|_| tests).unwrap_err()));
                assert!(shown.contains(said.trim()), "expected `{}` in\n{shown}", said.trim());
            }
            other => panic!("a block of `{other}`"),
        }
    }
}
