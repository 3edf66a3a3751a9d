//! Cedar text, alone and beside the policies of the example estate; what loads must also answer.

#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use lineclear_fuzz::{example, example_files, pick, text};
use lineclear_policy::{Policies, SCHEMA_PATH, Source};

fuzz_target!(|data: &[u8]| {
    let Some((which, rest)) = pick(data, 2) else { return };
    let mut sources = vec![Source { path: "policies/fuzz.cedar".into(), text: text(rest).into() }];
    if which == 1 {
        let shipped = example_files().iter().filter(|(path, _)| path.ends_with(".cedar"));
        sources.extend(shipped.map(|(path, bytes)| Source { path: path.clone(), text: text(bytes).into() }));
    }
    // The schema and the entities are the example's own, whatever the text is: making them again was most of the time.
    match Policies::load_on(Arc::clone(example().policies.base()), &sources) {
        Ok(policies) => answers(&policies),
        Err(diagnostics) => {
            assert!(!diagnostics.is_empty(), "refused without a reason");
            for diagnostic in &diagnostics {
                assert!(!diagnostic.to_string().is_empty());
                let source = sources.iter().find(|source| source.path == diagnostic.path);
                assert!(source.is_some() || diagnostic.path == SCHEMA_PATH, "a fault in no file");
                assert!(source.is_none_or(|source| diagnostic.offset + diagnostic.len <= source.text.len()), "outside the file");
            }
        }
    }
});

/// A verdict never has no reasons, and every other question about a case is answered as well.
fn answers(policies: &Policies) {
    assert_eq!(policies.list().len(), policies.len());
    for story in example().stories.iter().step_by(7) {
        let _ = policies.judge(&story.case);
        let _ = policies.ladder(&story.case);
        let _ = policies.remedies(&story.case);
    }
}
