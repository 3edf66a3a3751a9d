//! Where facts are asked: behind a trait, so that tests can age, drop and bend them.

use std::future::Future;
use std::pin::Pin;

use lineclear_core::Timestamp;
use lineclear_core::fact::Reading;

/// A source of readings.
pub trait Telemetry: Send + Sync {
    /// Asks one source; whatever goes wrong is an absent reading that says why.
    fn ask<'a>(&'a self, source: &'a str, query: &'a str, now: Timestamp) -> Pin<Box<dyn Future<Output = Reading> + Send + 'a>>;
}

impl Telemetry for lineclear_connect::Sources {
    fn ask<'a>(&'a self, source: &'a str, query: &'a str, now: Timestamp) -> Pin<Box<dyn Future<Output = Reading> + Send + 'a>> {
        Box::pin(self.ask(source, query, now))
    }
}
