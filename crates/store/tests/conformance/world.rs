//! What the suite is played with: numbered events on numbered streams, and a store of either kind.

use std::path::Path;

use lineclear_core::posture::Posture;
use lineclear_core::record::{Event, Happened, Row, Stream};
use lineclear_core::situation::Actor;
use lineclear_core::{
    Digest, Timestamp, approval, change, delivery, deployment, emergency, incident, installation, lane, page, patch, revision, run, runner,
};
use lineclear_ledger::LogKey;
use lineclear_store::{Append, Batch, Memory, Once, Sqlite, StoreError};

pub const ORIGIN: &str = "ledger.example/acme/e1";

pub fn key() -> LogKey {
    LogKey::from_seed(ORIGIN, &[7; 32]).unwrap()
}

pub fn memory() -> Memory {
    Memory::new(key())
}

pub fn sqlite(path: &Path) -> Sqlite {
    Sqlite::open(path, key()).unwrap()
}

fn id<T: std::str::FromStr<Err: std::fmt::Debug>>(kind: &str, number: u128) -> T {
    format!("{kind}_{number:032x}").parse().unwrap()
}

pub fn incident(number: u128) -> Stream {
    Stream::Incident(id("incident", number))
}

pub fn change(number: u128) -> Stream {
    Stream::Change(id("change", number))
}

pub fn approval(number: u128) -> Stream {
    Stream::Approval(id("approval", number))
}

pub fn run(number: u128) -> Stream {
    Stream::Run(id("run", number))
}

pub fn moment(micros: i64) -> Timestamp {
    Timestamp::from_micros(1_795_400_000_000_000 + micros)
}

/// Event `number`; everything in it follows from the number and the stream.
pub fn happened(stream: Stream, number: u128) -> Happened {
    let at = moment(i64::try_from(number).unwrap());
    let by = match number % 3 {
        0 => Actor::Engine,
        1 => Actor::Agent(id("agent", number)),
        _ => Actor::Operator(id("operator", number)),
    };
    let reason = format!("reason {number}: \"ä\u{7}\u{1f980}\"");
    let event = match stream {
        Stream::Installation => Event::Installation(installation::Event::PostureSet { posture: Posture::AdviseOnly, by, reason, at }),
        Stream::Approval(_) => Event::Approval(approval::Event::Lapsed),
        Stream::Change(_) => Event::Change(change::Event::Withdrawn { by, reason, at }),
        Stream::Delivery(_) => Event::Delivery(delivery::Event::Dismissed { by: id("operator", 9), reason, at }),
        Stream::Deployment(_) => {
            let progress = deployment::Progress::Succeeded;
            Event::Deployment(deployment::Event::Moved { progress, said: at, at })
        }
        Stream::Emergency(_) => Event::Emergency(emergency::Event::Ended { by: id("operator", 9), reason, at }),
        Stream::Incident(_) => Event::Incident(incident::Event::Closed { by: id("operator", 9), reason, at }),
        Stream::Lane(_) => Event::Lane(lane::Event::Left { run: id("run", number), at }),
        Stream::Page(_) => Event::Page(page::Event::Rested { at }),
        Stream::Patch(_) => Event::Patch(patch::Event::Declined { by: id("operator", 9), reason, at }),
        Stream::Revision(_) => Event::Revision(revision::Event::Withdrawn { by: id("operator", 9), reason, at }),
        Stream::Runner(_) => Event::Runner(runner::Event::Revoked { by: id("operator", 9), reason, at }),
        Stream::Run(_) => Event::Run(run::Event::Dispatched { runner: id("runner", 3), warrant: Digest::of(reason.as_bytes()), at }),
    };
    Happened { id: id("event", number), at, by, event, salt: *Digest::of(&number.to_be_bytes()).as_bytes() }
}

pub fn row(stream: Stream, word: &str) -> Row {
    let (key, title) = (format!("key of {stream}"), format!("title of {stream}"));
    Row { stream, word: word.into(), open: true, due: None, key, title, begun: moment(0) }
}

pub fn append(stream: Stream, expect: u64, numbers: impl IntoIterator<Item = u128>) -> Append {
    let events = numbers.into_iter().map(|number| happened(stream, number)).collect();
    Append { stream, expect, events, row: row(stream, "open") }
}

pub fn batch(appends: impl IntoIterator<Item = Append>) -> Batch {
    Batch { appends: appends.into_iter().collect(), ..Batch::default() }
}

pub fn once(key: &str, asked: &str, stream: Stream) -> Once {
    Once { key: key.into(), digest: Digest::of(asked.as_bytes()), stream }
}

pub fn conflict(stream: Stream, expected: u64, found: u64) -> StoreError {
    StoreError::Conflict { stream, expected, found }
}
