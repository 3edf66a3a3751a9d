//! Prometheus asked for one number: the instant query of its HTTP API, bounded in size and time, without redirects or
//! proxies.
//!
//! **How old an answer is.** An instant query answers with the moment of its evaluation, not of the scrape: a target that
//! vanished four minutes ago still answers "now". So where the query is a plain selector (`name{label="value"}`), its
//! sample's own time is asked first, as `timestamp(<query>)`, and is what the reading states. It is asked first because a scrape
//! between the two questions then makes the reading look older than it is, never younger. Of any other expression the
//! time of evaluation is all there is to know; whoever writes a fact that needs a true age writes a plain selector.
//!
//! No `time` is sent: Prometheus evaluates on its own clock. Were it asked on ours, a Lineclear whose clock is an hour late
//! would take an hour-old value for a fresh one; this way the value comes from the future, and the fact is not usable.

mod answer;
mod selector;

use std::fmt;
use std::time::Duration;

use lineclear_core::fact::Reading;
use lineclear_core::measure::Measure;
use lineclear_core::{Span, Timestamp};
use reqwest::{Client, Response, Url};

use self::answer::Sample;

/// Largest answer, in bytes: a thousand series, of which none but a single one is used.
pub const ANSWER_MAX: usize = 1 << 20;
/// Longest query, in bytes: far more than people write into an estate.
pub const QUERY_MAX: usize = 8_192;
/// Longest time one reading may take: beyond it a gate would wait on facts that are stale when they come.
pub const TIMEOUT_MAX: Span = Span::from_secs(30);

/// Longest address shown in an error, in characters.
const ADDRESS_MAX: usize = 200;
/// Idle connections kept to one Prometheus: two questions a second need no more.
const IDLE_MAX: usize = 4;

/// Why there is no client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PrometheusError {
    /// The address is none that can be asked.
    #[error("`{given}` is no address of a Prometheus: {why}")]
    Address {
        /// The address, hidden where it may hold a password.
        given: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The timeout is zero or longer than [`TIMEOUT_MAX`].
    #[error("a timeout of {0} is not above zero and at most {TIMEOUT_MAX}")]
    Timeout(Span),
    /// The HTTP client could not be built, for instance without any trusted certificate on this machine.
    #[error("no HTTP client: {0}")]
    Client(String),
}

/// One Prometheus, asked over HTTP or HTTPS.
#[derive(Clone)]
pub struct Prometheus {
    client: Client,
    // INVARIANT: `new` has checked it: `http` or `https`, no credentials, a path that ends in `/api/v1/query`.
    address: Url,
    timeout: Duration,
}

impl Prometheus {
    /// A client for the Prometheus at this base address, such as `http://127.0.0.1:9090` or `https://host/prometheus/`. It
    /// installs the process's TLS provider when none is there, see [`crate::install_tls`]; certificates are checked by
    /// the machine's own trust store. `timeout` bounds a whole reading, both questions together.
    ///
    /// # Errors
    ///
    /// See [`PrometheusError`].
    pub fn new(base_url: &str, timeout: Span) -> Result<Self, PrometheusError> {
        let address = query_address(base_url)?;
        if timeout == Span::ZERO || timeout > TIMEOUT_MAX {
            return Err(PrometheusError::Timeout(timeout));
        }
        crate::install_tls();
        let timeout = Duration::from(timeout);
        let client = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .timeout(timeout)
            .pool_max_idle_per_host(IDLE_MAX);
        // Plain `http` must also work on a machine without a trust store, which the client would read in any case.
        let client = if address.scheme() == "http" { client.tls_certs_only([]) } else { client.https_only(true) };
        let client = client.build().map_err(|error| PrometheusError::Client(crate::text::one_line(&error.to_string(), ADDRESS_MAX)))?;
        Ok(Self { client, address, timeout })
    }

    /// The one value of the query, with the time at which it was observed (see the head of this file), or why there is
    /// none. The reason is one of a closed list of short texts; what the source writes never gets in, but for an error type
    /// of at most 32 lower-case letters and `_`:
    ///
    /// `no series`, `several series`, `not a number` (also a histogram), `out of range` (no [`Measure`]), `not an instant
    /// value` (a range or a string), `partial answer` (with a warning of the source), `source unreachable` (also too slow),
    /// `query failed`, `query failed: bad_data`, `query failed: http 502`, `query too long`, `answer too large`, `answer not
    /// understood`.
    ///
    /// `now` is not sent, see the head of this file; it is the caller's clock, against which the age is traced.
    pub async fn ask(&self, query: &str, now: Timestamp) -> Reading {
        if query.len() > QUERY_MAX {
            return absent("query too long");
        }
        let asked = tokio::time::timeout(self.timeout, self.read(query)).await;
        match asked.unwrap_or_else(|_| Err("source unreachable".to_owned())) {
            Ok((value, observed)) => {
                tracing::debug!(age.us = now.since(observed).as_micros(), ahead.us = observed.since(now).as_micros(), "a value was read");
                Reading::Value { value, observed }
            }
            Err(why) => {
                tracing::debug!(why, "no value was read");
                Reading::Absent { why }
            }
        }
    }

    async fn read(&self, query: &str) -> Result<(Measure, Timestamp), String> {
        let scraped = if selector::is_plain(query) { Some(self.instant(&format!("timestamp({query})")).await?.moment()?) } else { None };
        let sample = self.instant(query).await?;
        Ok((sample.measure()?, scraped.unwrap_or(sample.evaluated)))
    }

    async fn instant(&self, query: &str) -> Result<Sample, String> {
        let unreachable = |_| "source unreachable".to_owned();
        let response = self.client.post(self.address.clone()).form(&[("query", query)]).send().await.map_err(unreachable)?;
        let status = response.status();
        let body = bounded(response).await?;
        if status.is_success() { answer::read(&body) } else { Err(answer::failure(&body, status.as_u16())) }
    }
}

impl fmt::Debug for Prometheus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prometheus").field("address", &self.address.as_str()).field("timeout", &self.timeout).finish()
    }
}

/// Whether the query is one selector of an instant vector and nothing else, such as `up{job="a"}`: then a range can be put behind
/// it, and its samples tell their own time. When in doubt it is `false`.
pub fn is_plain_selector(query: &str) -> bool {
    selector::is_plain(query)
}

/// A reading without a value.
pub(crate) fn absent(why: &str) -> Reading {
    Reading::Absent { why: why.to_owned() }
}

fn query_address(base: &str) -> Result<Url, PrometheusError> {
    let given = || if base.contains('@') { "(hidden)".to_owned() } else { crate::text::one_line(base, ADDRESS_MAX) };
    let wrong = |why| PrometheusError::Address { given: given(), why };
    let mut address = Url::parse(base).map_err(|_| wrong("it is no URL"))?;
    if !matches!(address.scheme(), "http" | "https") || !address.has_host() {
        return Err(wrong("it begins with `http://` or `https://` and names a host"));
    }
    if !address.username().is_empty() || address.password().is_some() {
        return Err(wrong("it may hold no credentials"));
    }
    if address.query().is_some() || address.fragment().is_some() {
        return Err(wrong("it may hold no `?` and no `#`"));
    }
    let path = format!("{}/api/v1/query", address.path().trim_end_matches('/'));
    address.set_path(&path);
    Ok(address)
}

async fn bounded(mut response: Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| "source unreachable".to_owned())? {
        if body.len() + chunk.len() > ANSWER_MAX {
            return Err("answer too large".to_owned());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

#[cfg(test)]
mod tests;
