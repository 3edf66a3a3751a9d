//! The `World`: an engine over a store in memory, with a clock that is moved by hand, telemetry and a runner that do as they
//! are told, a small production to act on, and people with keys of their own. Stories told with it read aloud.
//!
//! Nothing here ships, and nothing here waits: time passes only when a story says so.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a story that cannot be told stops the test that tells it, wherever that is"
)]

mod brittle;
mod channels;
mod clock;
mod estates;
mod glass;
mod northwind;
mod pager;
mod people;
mod production;
mod runner;
mod telemetry;
mod voices;
mod world;

pub use brittle::{Break, Brittle};
pub use channels::{FakeChannels, Said};
pub use clock::{FakeClock, FakeIds};
pub use estates::FakeEstates;
pub use glass::broken_glass;
pub use northwind::Northwind;
pub use pager::Pager;
pub use people::{public_key, sign};
pub use production::{Effect, Production};
pub use runner::{FakeRunner, Manner, Tamper};
pub use telemetry::FakeTelemetry;
pub use voices::{AgentVoice, PersonVoice, inputs};
pub use world::{World, minutes, seconds};
