//! The body of Alertmanager's webhook: anybody who can reach the port may write it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use lineclear_connect::alertmanager::{FINGERPRINT_MAX, SEVERITY_MAX, TITLE_MAX, parse};
use lineclear_core::signal::{LABEL_MAX, LABELS_MAX, Signal};
use lineclear_fuzz::json_again;

fuzz_target!(|data: &[u8]| {
    match parse(data) {
        Ok(signals) => {
            assert_eq!(parse(data).as_ref(), Ok(&signals), "read in two ways");
            signals.iter().for_each(bounded);
        }
        Err(error) => assert!(error.to_string().chars().count() < 1_000, "an error as long as the body"),
    }
});

fn bounded(signal: &Signal) {
    assert!(signal.title.chars().count() <= TITLE_MAX && !signal.title.contains('\n'));
    assert!(signal.stated_severity.chars().count() <= SEVERITY_MAX);
    assert!(signal.group.chars().count() <= LABEL_MAX && signal.fingerprint.chars().count() <= FINGERPRINT_MAX);
    for pairs in [&signal.labels, &signal.annotations] {
        assert!(pairs.len() <= LABELS_MAX);
        assert!(pairs.iter().all(|(name, value)| name.chars().count() <= LABEL_MAX && value.chars().count() <= LABEL_MAX));
        let hidden = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        assert!(!pairs.iter().any(|(name, value)| name.contains(hidden) || value.contains(hidden)), "deceptive text");
    }
    let text = serde_json::to_vec(signal).expect("a signal can be written");
    assert_eq!(json_again::<Signal>(&text).as_ref(), Some(signal));
}
