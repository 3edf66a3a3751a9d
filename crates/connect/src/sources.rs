//! The sources that facts may name, and how many questions they are asked at once.

use std::collections::BTreeMap;
use std::time::Duration;

use lineclear_core::fact::Reading;
use lineclear_core::{Span, Timestamp};
use tokio::sync::Semaphore;

use crate::prometheus::{Prometheus, PrometheusError, absent};

/// Most questions under way at once, over all sources: a storm of gates must not take monitoring down when it is needed.
pub const CONCURRENT_MAX: usize = 16;
/// Most sources: one or two for each region of a large estate.
pub const SOURCES_MAX: usize = 64;

/// Why there are no sources.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourcesError {
    /// More than [`SOURCES_MAX`].
    #[error("{0} sources, at most {SOURCES_MAX} are asked")]
    TooMany(usize),
    /// One of them cannot be asked.
    #[error("source `{name}`: {why}")]
    Source {
        /// Its name.
        name: String,
        /// Why.
        why: PrometheusError,
    },
}

/// The sources of telemetry by name, as `lineclear.toml` lists them.
#[derive(Debug)]
pub struct Sources {
    by_name: BTreeMap<String, Prometheus>,
    turns: Semaphore,
    timeout: Duration,
}

impl Sources {
    /// The sources at these base addresses, by name. Each reading takes at most `timeout`, and waits for its turn at most as
    /// long again.
    ///
    /// # Errors
    ///
    /// See [`SourcesError`] and [`Prometheus::new`].
    pub fn new(addresses: &BTreeMap<String, String>, timeout: Span) -> Result<Self, SourcesError> {
        if addresses.len() > SOURCES_MAX {
            return Err(SourcesError::TooMany(addresses.len()));
        }
        let by_name = addresses.iter().map(|(name, address)| match Prometheus::new(address, timeout) {
            Ok(source) => Ok((name.clone(), source)),
            Err(why) => Err(SourcesError::Source { name: crate::text::one_line(name, 80), why }),
        });
        Ok(Self { by_name: by_name.collect::<Result<_, _>>()?, turns: Semaphore::new(CONCURRENT_MAX), timeout: timeout.into() })
    }

    /// What the source says of the query, see [`Prometheus::ask`]. Further reasons for no value: `no such source`, and
    /// `source busy` when [`CONCURRENT_MAX`] other questions kept it waiting for the whole timeout.
    pub async fn ask(&self, source: &str, query: &str, now: Timestamp) -> Reading {
        let Some(source) = self.by_name.get(source) else { return absent("no such source") };
        match tokio::time::timeout(self.timeout, self.turns.acquire()).await {
            Ok(Ok(_turn)) => source.ask(query, now).await,
            // Nothing closes the semaphore; were it closed, nobody would get a turn.
            Ok(Err(_)) | Err(_) => absent("source busy"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(address: &str) -> Result<Sources, SourcesError> {
        Sources::new(&[("metrics".to_owned(), address.to_owned())].into(), Span::from_millis(50))
    }

    #[tokio::test]
    async fn a_source_that_nobody_named_has_no_value() {
        let sources = sources("http://127.0.0.1:1").unwrap();
        assert_eq!(sources.ask("logs", "up", Timestamp::from_micros(0)).await, absent("no such source"));
    }

    #[tokio::test]
    async fn whoever_gets_no_turn_in_time_is_told_so() {
        let sources = sources("http://127.0.0.1:1").unwrap();
        let taken = sources.turns.acquire_many(u32::try_from(CONCURRENT_MAX).unwrap()).await.unwrap();
        assert_eq!(sources.ask("metrics", "up", Timestamp::from_micros(0)).await, absent("source busy"));
        drop(taken);
        assert_eq!(sources.ask("metrics", "up", Timestamp::from_micros(0)).await, absent("source unreachable"));
    }

    #[test]
    fn a_source_that_cannot_be_asked_is_named() {
        let error = sources("gopher://a").unwrap_err().to_string();
        assert!(error.starts_with("source `metrics`: `gopher://a` is no address"), "{error}");
        let many = (0..=SOURCES_MAX).map(|i| (i.to_string(), "http://127.0.0.1".to_owned())).collect();
        assert_eq!(Sources::new(&many, Span::from_secs(1)).map(drop), Err(SourcesError::TooMany(65)));
    }
}
