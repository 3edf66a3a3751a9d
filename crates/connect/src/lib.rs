//! The outside: signals come in, telemetry is asked, people are told. Nothing here decides.
//!
//! What comes from outside is parsed once, bounded and made harmless here; what leaves is a type of `core`. A source that
//! cannot be reached, lies about its format or answers with anything but one number yields an absent reading with a short
//! reason, never an error to be handled somewhere else.

pub mod alertmanager;
pub mod hook;
mod json;
pub mod prometheus;
pub mod proof;
pub mod sources;
mod subscription;
pub mod tell;
mod tls;

pub use alertmanager::WebhookError;
pub use hook::{Headers, Heard, is_sns, read};
pub use prometheus::{Prometheus, PrometheusError};
pub use proof::ProofError;
pub use sources::{Sources, SourcesError};
pub use subscription::{SubscriptionError, confirm};
pub use tls::install_tls;

use lineclear_core::text;
