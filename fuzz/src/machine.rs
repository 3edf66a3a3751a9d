//! Events as the store reads them: each from a line of JSON, all of them folded into the machines they belong to.

use lineclear_core::machine::Machine;
use lineclear_core::record::{Event, Happened};
use lineclear_core::situation::Actor;
use lineclear_core::{EventId, Timestamp, approval, change, deployment, incident, installation, run};

use crate::json_again;

#[derive(Default)]
struct Machines {
    installation: Option<installation::Installation>,
    approval: Option<approval::Approval>,
    change: Option<change::Change>,
    deployment: Option<deployment::Deployment>,
    incident: Option<incident::Incident>,
    run: Option<run::Run>,
}

/// Reads one event a line, writes each as a leaf, and applies those that can happen; the others are skipped.
pub fn fold_lines(bytes: &[u8]) {
    let mut all = Machines::default();
    for event in bytes.split(|byte| *byte == b'\n').filter_map(json_again::<Event>) {
        match &event {
            Event::Installation(event) => step(&mut all.installation, event),
            Event::Approval(event) => step(&mut all.approval, event),
            Event::Change(event) => step(&mut all.change, event),
            Event::Deployment(event) => step(&mut all.deployment, event),
            Event::Incident(event) => step(&mut all.incident, event),
            Event::Run(event) => step(&mut all.run, event),
        }
        let id: EventId = "event_00000000000000000000000000000001".parse().expect("an id");
        let happened = Happened { id, at: Timestamp::from_micros(0), by: Actor::Engine, event, salt: [0; 32] };
        assert_eq!(happened.leaf().kind, happened.event.kind());
    }
}

fn step<M: Machine + Clone>(state: &mut Option<M>, event: &M::Event) {
    let next = match state.clone() {
        None => M::begin(event),
        Some(machine) => machine.apply(event),
    };
    if let Ok(next) = next {
        assert!(!next.word().is_empty());
        let _ = (next.open(), next.due());
        *state = Some(next);
    }
}
