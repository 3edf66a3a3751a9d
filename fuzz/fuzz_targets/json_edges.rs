//! The other edges: what agents ask for, what a runner's file says, and what the store reads back.

#![no_main]

use libfuzzer_sys::fuzz_target;
use lineclear_core::catalogue::{InputValue, Inputs};
use lineclear_core::proposal::Proposal;
use lineclear_core::runbook::render_text;
use lineclear_core::signal::Signal;
use lineclear_core::topology::EntityRef;
use lineclear_engine::Ask;
use lineclear_fuzz::{fold_lines, json_again, pick, text, text_exactly};
use lineclear_runner::Config;

fuzz_target!(|data: &[u8]| {
    let Some((which, rest)) = pick(data, 6) else { return };
    match which {
        0 => {
            if let Some(ask) = json_again::<Ask>(rest) {
                text_exactly::<EntityRef>(&ask.target);
            }
        }
        1 => {
            if let Some(proposal) = json_again::<Proposal>(rest) {
                let _ = proposal.check_bounds();
            }
        }
        2 => config(text(rest)),
        3 => fold_lines(rest),
        4 => template(text(rest)),
        _ => drop(json_again::<Signal>(rest)),
    }
});

/// A runner's file names other files, which are read: inputs that do are left out, because a fuzzer must not open them.
fn config(given: &str) {
    if given.contains("_file") {
        return;
    }
    match Config::parse(given) {
        Ok(config) => assert!(!format!("{config:?}").is_empty()),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// References are filled in once: what an input holds is never read as a reference.
fn template(given: &str) {
    let inputs = Inputs::from([
        ("to".parse().expect("a name"), InputValue::Text("${inputs.n}".into())),
        ("n".parse().expect("a name"), InputValue::Integer(3)),
    ]);
    let target = "zone/example.test".parse().expect("a target");
    if let Ok(filled) = render_text(given, &inputs, &target) {
        assert_eq!(filled.matches("${").count(), given.matches("${inputs.to}").count(), "something was filled in twice\n{filled}");
    }
}
