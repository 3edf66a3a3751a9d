//! Whatever stands in a file, reading it ends in an estate or in faults with a place inside the text.

use lineclear_estate::{
    LoadError, parse_actions, parse_authority, parse_calendar, parse_catalog, parse_escalation, parse_facts, parse_freezes, parse_keys,
    parse_rotation, parse_runbook, parse_settings, parse_severity, parse_slos, parse_stories,
};
use proptest::prelude::*;

use crate::bench::{example, loaded};

/// One edit of a text: where (in thousandths), how much is removed, and what is put there.
#[derive(Debug, Clone)]
struct Edit {
    at: usize,
    remove: usize,
    put: String,
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let put = prop_oneof![
        "[ -~\\n]{0,6}",
        "\\PC{0,3}",
        prop::sample::select(vec![
            "&a ",
            "*a",
            "<<: ",
            "!!str ",
            "---\n",
            "...\n",
            "\t",
            ": ",
            "- ",
            "{",
            "}",
            "[",
            "]",
            "\"",
            "'",
            "|\n",
            ">\n",
            "${",
            "${inputs.",
            "}",
            "\u{feff}",
            "\0",
            "\r\n",
            "? ",
            "# ",
            "%YAML 1.2\n",
            "0x",
            "1e999",
            "~",
            "null",
            "yes",
            "ä",
            "\u{2028}",
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec((0_usize..1_000, 0_usize..12, put).prop_map(|(at, remove, put)| Edit { at, remove, put }), 1..6)
}

fn edited(text: &str, edits: &[Edit]) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for edit in edits {
        let start = chars.len() * edit.at / 1_000;
        let end = (start + edit.remove).min(chars.len());
        chars.splice(start..end, edit.put.chars());
    }
    chars.into_iter().collect()
}

fn sound<T>(text: &str, read: Result<T, LoadError>) {
    let Err(error) = read else { return };
    assert!(!error.faults().is_empty());
    for fault in error.faults() {
        assert!(fault.line <= text.lines().count() + 1, "{fault:?}");
        assert!(!fault.message.is_empty() && !fault.message.contains('\u{1b}'), "{fault:?}");
        crate::bench::rendered(fault);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn an_edited_file_is_read_or_refused(which in any::<prop::sample::Index>(), edits in edits()) {
        let files = example();
        let (path, bytes) = files.iter().nth(which.index(files.len())).unwrap();
        let text = edited(&String::from_utf8(bytes.clone()).unwrap(), &edits);
        match path.split('/').next().unwrap() {
            "catalog" => sound(&text, parse_catalog(path, &text)),
            "actions" => sound(&text, parse_actions(path, &text)),
            "runbooks" => sound(&text, parse_runbook(path, &text)),
            "facts.yaml" => sound(&text, parse_facts(path, &text)),
            "freezes.yaml" => sound(&text, parse_freezes(path, &text)),
            "authority.yaml" => sound(&text, parse_authority(path, &text)),
            "slos" => sound(&text, parse_slos(path, &text)),
            "severity.yaml" => sound(&text, parse_severity(path, &text)),
            "rotations" if std::path::Path::new(path).extension().is_some_and(|end| end == "ics") => sound(&text, parse_calendar(path, &text)),
            "rotations" => sound(&text, parse_rotation(path, &text)),
            "escalation" => sound(&text, parse_escalation(path, &text)),
            "lineclear.toml" => sound(&text, parse_settings(path, &text)),
            _ => sound(&text, parse_keys(path, &text)),
        }
    }

    #[test]
    fn any_text_at_all_is_read_or_refused(text in "\\PC{0,200}") {
        sound(&text, parse_catalog("a", &text));
        sound(&text, parse_runbook("a", &text));
        sound(&text, parse_authority("a", &text));
        sound(&text, parse_slos("a", &text));
        sound(&text, parse_settings("a", &text));
        sound(&text, parse_keys("a", &text));
    }
}

proptest! {
    // Each case validates every policy, which takes a while.
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn an_edited_estate_loads_or_is_refused(which in any::<prop::sample::Index>(), edits in edits()) {
        let path = example().keys().nth(which.index(example().len())).unwrap().clone();
        let read = loaded(|files| {
            let text = edited(&String::from_utf8(files[&path].clone()).unwrap(), &edits);
            files.insert(path.clone(), text.into_bytes());
        });
        if let Err(error) = read {
            prop_assert!(!error.faults().is_empty());
            for fault in error.faults() {
                crate::bench::rendered(fault);
            }
        }
    }

    #[test]
    fn edited_stories_are_read_or_refused(edits in edits()) {
        let estate = loaded(|_| {}).unwrap().estate;
        let text = edited(&crate::bench::text("policies/cases/medium.toml"), &edits);
        sound(&text, parse_stories("a.toml", &text, &estate));
    }
}
