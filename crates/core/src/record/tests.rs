//! Laws of what is recorded: streams, kinds, payloads that come back, and leaves without prose.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::Value;
use uuid::Uuid;

use super::{Event, Happened, Stream};
use crate::id::{
    ApprovalId, ChangeId, DeliveryId, DeploymentId, EmergencyId, EventId, IncidentId, LaneId, PageId, PatchId, RevisionId, RunId, RunnerId,
};
use crate::sample::{MARK, all_events, id, second};
use crate::situation::Actor;

fn happened(event: Event) -> Happened {
    Happened { id: EventId::new(id(1)), at: second(1), by: Actor::Engine, event, salt: [7; 32] }
}

fn floats(value: &Value) -> usize {
    match value {
        Value::Number(number) => usize::from(number.is_f64()),
        Value::Array(items) => items.iter().map(floats).sum(),
        Value::Object(members) => members.values().map(floats).sum(),
        Value::Null | Value::Bool(_) | Value::String(_) => 0,
    }
}

#[test]
fn every_event_comes_back_from_its_payload_as_it_was() {
    for event in all_events() {
        let payload = event.payload();
        let text = payload.to_string();
        assert_eq!(serde_json::from_value::<Event>(payload.clone()).unwrap(), event, "{text}");
        assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), event, "{text}");
        assert_eq!(floats(&payload), 0, "{text}");
    }
}

#[test]
fn no_prose_and_no_float_reaches_a_leaf() {
    let mut with_prose = 0;
    for event in all_events() {
        with_prose += usize::from(event.payload().to_string().contains(MARK));
        let leaf = happened(event).leaf();
        assert!(!format!("{leaf:?}").contains(MARK), "{leaf:?}");
        assert_eq!(floats(&leaf.body), 0, "{leaf:?}");
    }
    assert!(with_prose > 30, "the samples were to be full of prose, but only {with_prose} were");
}

#[test]
fn a_word_that_could_be_a_sentence_is_not_repeated_in_a_leaf() {
    let refused = |code: &str| {
        let event = crate::run::Event::Refused { code: code.into(), why: String::new(), at: second(1) };
        happened(Event::Run(event)).leaf().body["code"].clone()
    };
    assert_eq!(refused("expired"), "expired");
    for other in ["", "call me", "Alice", &"a".repeat(41)] {
        assert_eq!(refused(other), "other", "{other}");
    }
}

#[test]
fn every_kind_is_machine_and_word_and_no_two_are_alike() {
    for event in all_events() {
        let payload = event.payload();
        let named = format!("{}.{}/1", payload["machine"].as_str().unwrap(), payload["event"]["event"].as_str().unwrap());
        assert_eq!(event.kind(), named);
    }
    let kinds: BTreeSet<String> = all_events().iter().map(Event::kind).collect();
    insta::assert_snapshot!(kinds.into_iter().collect::<Vec<_>>().join("\n"));
}

#[test]
fn what_only_looks_like_a_stream_is_none() {
    for bad in ["", "installation_1", "change", "change_", "agent_00000000000000000000000000000007", "run_7", " installation"] {
        assert!(bad.parse::<Stream>().is_err(), "{bad:?}");
    }
}

proptest! {
    #[test]
    fn a_stream_prints_and_parses_back(number: u128, kind in 0_u8..13) {
        let number = Uuid::from_u128(number);
        let stream = match kind {
            0 => Stream::Installation,
            1 => Stream::Approval(ApprovalId::new(number)),
            2 => Stream::Change(ChangeId::new(number)),
            3 => Stream::Incident(IncidentId::new(number)),
            4 => Stream::Lane(LaneId::new(number)),
            5 => Stream::Revision(RevisionId::new(number)),
            6 => Stream::Deployment(DeploymentId::new(number)),
            7 => Stream::Delivery(DeliveryId::new(number)),
            8 => Stream::Runner(RunnerId::new(number)),
            9 => Stream::Page(PageId::new(number)),
            10 => Stream::Patch(PatchId::new(number)),
            11 => Stream::Emergency(EmergencyId::new(number)),
            _ => Stream::Run(RunId::new(number)),
        };
        prop_assert_eq!(stream.to_string().parse::<Stream>(), Ok(stream));
        prop_assert_eq!(serde_json::from_value::<Stream>(serde_json::to_value(stream).unwrap()).unwrap(), stream);
        let prefixed = stream.to_string().starts_with(&(stream.kind().to_owned() + "_"));
        prop_assert!(kind == 0 || prefixed);
    }
}
