//! The files of an estate, one by one and one changed among all: reviewed by people, but pulled from a repository.

#![no_main]

use libfuzzer_sys::fuzz_target;
use lineclear_estate as estate;
use lineclear_fuzz::{example, example_files, pick, shown, text};

fuzz_target!(|data: &[u8]| {
    let Some((which, rest)) = pick(data, 13) else { return };
    let given = text(rest);
    match which {
        0 => drop(shown(estate::parse_runbook("runbooks/fuzz.yaml", given))),
        1 => drop(shown(estate::parse_actions("actions/fuzz.yaml", given))),
        2 => drop(shown(estate::parse_catalog("catalog/fuzz.yaml", given))),
        3 => drop(shown(estate::parse_authority("authority.yaml", given))),
        4 => drop(shown(estate::parse_facts("facts.yaml", given))),
        5 => drop(shown(estate::parse_freezes("freezes.yaml", given))),
        6 => drop(shown(estate::parse_settings("lineclear.toml", given))),
        7 => drop(shown(estate::parse_keys("keys/alice.pub", given))),
        8 => drop(shown(estate::parse_stories("policies/cases/fuzz.toml", given, &example().estate))),
        9 => whole(rest),
        10 => drop(shown(estate::parse_slos("slos/fuzz.yaml", given))),
        11 => drop(shown(estate::parse_severity("severity.yaml", given))),
        _ => drop(shown(estate::parse_escalation("escalation/fuzz.yaml", given))),
    }
});

/// The example estate with one file changed, chosen by the first byte of the rest; of the stories only the changed ones,
/// because telling all of them takes longer than everything else.
fn whole(rest: &[u8]) {
    let Some((place, content)) = rest.split_first() else { return };
    let place = usize::from(place.wrapping_sub(b'a')) % example_files().len();
    let files = example_files().iter().enumerate().map(|(at, (path, bytes))| (at == place, path, bytes));
    let files = files.filter(|(changed, path, _)| *changed || !path.starts_with("policies/cases/"));
    let files = files.map(|(changed, path, bytes)| (path.clone(), if changed { content.to_vec() } else { bytes.clone() })).collect();
    if let Some(loaded) = shown(estate::load_files(&files)) {
        let report = estate::check(&loaded);
        assert_eq!(report.outcomes.len(), loaded.stories.len());
    }
}
