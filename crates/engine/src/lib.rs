//! The engine: the clock, commands, commits, and the effects that follow them. It decides nothing by itself: it asks
//! `core` and `policy`, records the answer, and only then acts.

mod caller;
mod changes;
mod clock;
mod decision;
mod desk;
mod engine;
mod error;
mod gather;
mod history;
mod incidents;
mod mint;
mod posture;
mod preview;
mod propose;
mod pulse;
mod runs;
mod story;
mod telemetry;
mod view;
mod votes;

pub use caller::Caller;
pub use clock::{Clock, IdSource, SystemClock, SystemIds};
pub use decision::{DecisionRecord, RECORD_FORMAT};
pub use engine::{Engine, InForce, Parts};
pub use error::EngineError;
pub use incidents::Received;
pub use propose::{Ask, KEY_MAX, Proposed};
pub use telemetry::Telemetry;
pub use view::{ChangeView, Checked, Moment, WAIT_MAX};
pub use votes::Cast;
