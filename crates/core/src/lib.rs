//! Types, rules and state machines of Lineclear: no I/O, no `async`, no clock.
//!
//! Every machine has the same three pure functions: `decide` (what a command leads to), `apply` (the only way to change)
//! and `effects` (what is owed to the world now).

pub mod approval;
pub mod authority;
pub mod budget;
pub mod bundle;
pub mod catalogue;
pub mod change;
pub mod delivery;
pub mod deployment;
pub mod digest;
pub mod dossier;
pub mod emergency;
pub mod escalation;
pub mod estate;
pub mod fact;
pub mod glass;
pub mod id;
pub mod incident;
pub mod installation;
pub mod label;
pub mod lane;
pub mod machine;
pub mod maintenance;
pub mod measure;
pub mod name;
pub mod notice;
pub mod page;
pub mod passkey;
pub mod patch;
pub mod permission;
pub mod plan;
pub mod posture;
pub mod proposal;
pub mod record;
pub mod revision;
pub mod rotation;
pub mod routine;
pub mod run;
pub mod runbook;
pub mod runner;
#[cfg(test)]
mod sample;
pub mod sandbox;
pub mod severity;
pub mod signal;
pub mod situation;
pub mod slo;
pub mod statement;
pub mod subject;
pub mod text;
pub mod time;
pub mod topology;
pub mod verdict;

pub use digest::Digest;
pub use id::{
    AgentId, ApprovalId, ChangeId, DeliveryId, DeploymentId, EmergencyId, EventId, IncidentId, LaneId, OperatorId, PageId, PatchId,
    RevisionId, RunId, RunnerId, SignalId, WarrantId,
};
pub use time::{Span, Timestamp};
