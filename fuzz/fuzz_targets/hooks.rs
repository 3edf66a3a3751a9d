//! Bodies of every other sender of signals: the first byte chooses the format.

#![no_main]

use libfuzzer_sys::fuzz_target;
use lineclear_connect::alertmanager::{FINGERPRINT_MAX, SEVERITY_MAX, TITLE_MAX};
use lineclear_connect::{Headers, Heard, proof, read};
use lineclear_core::signal::{LABEL_MAX, LABELS_MAX, Signal, SourceKind};
use lineclear_core::{Span, Timestamp};
use lineclear_fuzz::json_again;

fuzz_target!(|data: &[u8]| {
    let Some((first, body)) = data.split_first() else { return };
    let (_, kind) = SourceKind::ALL[usize::from(*first) % SourceKind::ALL.len()];
    let headers = [("x-github-event", "push"), ("authorization", "Basic eDp5"), ("webhook-id", "a")];
    let now = Timestamp::from_micros(1_795_000_000_000_000);
    let heard = read("src", kind, None, Headers::new(&headers), body, now);
    assert!(proof::signed(kind, b"secret", Headers::new(&headers), body, now, Span::from_secs(300)).is_err(), "nothing was signed");
    assert!(proof::presented(kind, Headers::new(&headers), body).len() < 8);
    match heard {
        Ok(Heard::Signals(signals)) => signals.iter().for_each(bounded),
        Ok(Heard::Reports(reports)) => {
            assert!(reports.iter().all(|report| report.title.chars().count() <= TITLE_MAX && report.fingerprint.chars().count() <= FINGERPRINT_MAX));
        }
        Ok(Heard::Nothing(_) | Heard::Confirm { .. }) => {}
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
    }
    let text = serde_json::to_vec(signal).expect("a signal can be written");
    assert_eq!(json_again::<Signal>(&text).as_ref(), Some(signal));
}
