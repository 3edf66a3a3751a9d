//! The engine: the clock, commands, commits, and the effects that follow them. It decides nothing by itself: it asks
//! `core` and `policy`, records the answer, and only then acts.

mod budget;
mod caller;
mod changes;
mod clock;
mod decision;
mod deployments;
mod desk;
mod engine;
mod error;
mod estates;
mod force;
mod gather;
mod history;
mod incidents;
mod intake;
mod lanes;
mod mint;
mod posture;
mod preview;
mod propose;
mod pulse;
mod revisions;
mod room;
mod routine;
mod runs;
mod story;
mod telemetry;
mod view;
mod votes;

pub use budget::{Questions, questions};
pub use caller::Caller;
pub use clock::{Clock, IdSource, SystemClock, SystemIds};
pub use decision::{DecisionRecord, RECORD_FORMAT};
pub use deployments::{RECENT, RECENT_MAX, Recent};
pub use engine::{Engine, InForce, Parts};
pub use error::EngineError;
pub use estates::{BYTES_MAX, Estates, Examination, FILE_BYTES_MAX, FILES_MAX, FetchError, Files, Later};
pub use intake::Received;
pub use propose::{Ask, KEY_MAX, Proposed};
pub use revisions::{OPEN_MAX, RevisionView};
pub use room::{MOMENTS_MAX, RoomView};
pub use telemetry::Telemetry;
pub use view::{ChangeView, Checked, Moment, WAIT_MAX};
pub use votes::Cast;
