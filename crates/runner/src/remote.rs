//! The wire to a control plane on another machine: HTTP requests that this runner signs with its own key. What comes back is
//! believed no more than what comes in process: warrants carry their own proofs.

use std::sync::Arc;
use std::time::Duration;

use lineclear_core::{RunnerId, Timestamp};
use lineclear_warrant::request::{NONCE_DIGITS, NONCE_HEADER, RUNNER_HEADER, SIGNATURE_HEADER, TIME_HEADER};
use lineclear_warrant::{Answer, Beat, Poll, Report, Request, RequestKey, Work};
use reqwest::{Client, Response, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::link::{BoxFuture, Link, LinkError};
use crate::tools::{Clock, http};

/// How long a poll may take: 20 seconds of waiting there, and the way.
const POLL_TIMEOUT: Duration = Duration::from_secs(35);
/// How long anything else may take.
const TIMEOUT: Duration = Duration::from_secs(15);
/// The longest answer that is read: an envelope of 1 MiB inside JSON, which may double it.
const ANSWER_MAX: usize = 2 * lineclear_warrant::warrant::ENVELOPE_MAX + 64 * 1024;
/// The longest part of a refusal that is repeated, in characters.
const SAID_MAX: usize = 300;

/// The wire of one runner.
pub struct Remote {
    http: Client,
    base: Url,
    audience: String,
    runner: RunnerId,
    key: RequestKey,
    clock: Clock,
}

/// Why there is no wire.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RemoteError {
    /// No address.
    #[error("`{0}` is no address: write `https://` and a host")]
    Address(String),
    /// Warrants and reports could be read and held back on the way.
    #[error("`{0}` is neither TLS nor loopback: what is reported could be read on the way")]
    Plain(String),
    /// No HTTP client.
    #[error("no HTTP client: {0}")]
    Client(String),
}

impl Remote {
    /// A wire to the control plane at `base`, which keeps the ledger `audience`. `https`, or `http` on loopback.
    ///
    /// # Errors
    /// When the address cannot be used.
    pub fn new(
        base: &str,
        audience: String,
        runner: RunnerId,
        key: RequestKey,
        clock: impl Fn() -> Timestamp + Send + Sync + 'static,
    ) -> Result<Self, RemoteError> {
        let shown = || base.chars().take(200).collect::<String>();
        let url = http::base(base).map_err(|_| RemoteError::Address(shown()))?;
        let loopback = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        if url.path() != "/" {
            return Err(RemoteError::Address(shown()));
        }
        if url.scheme() != "https" && !loopback {
            return Err(RemoteError::Plain(shown()));
        }
        let http = http::client(std::slice::from_ref(&url)).map_err(RemoteError::Client)?;
        Ok(Self { http, base: url, audience, runner, key, clock: Arc::new(clock) })
    }

    async fn send<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize, timeout: Duration) -> Result<T, LinkError> {
        let fault = |why: String| LinkError::new(why);
        let body = serde_json::to_vec(body).map_err(|error| fault(error.to_string()))?;
        let (at, nonce) = ((self.clock)(), nonce().map_err(fault)?);
        let (audience, runner) = (self.audience.as_str(), self.runner);
        let request = Request { audience, runner, method: "POST", path, body: &body, at, nonce: &nonce };
        let signature = self.key.sign(&request).map_err(|error| fault(error.to_string()))?;
        let url = self.base.join(path).map_err(|error| fault(error.to_string()))?;
        let sent = self
            .http
            .post(url)
            .timeout(timeout)
            .header("content-type", "application/json")
            .header(RUNNER_HEADER, runner.to_string())
            .header(TIME_HEADER, at.as_micros().to_string())
            .header(NONCE_HEADER, &nonce)
            .header(SIGNATURE_HEADER, signature)
            .body(body);
        let response = sent.send().await.map_err(|error| fault(told(&error)))?;
        let status = response.status();
        let bytes = read(response).await?;
        if status.is_success() {
            return serde_json::from_slice(&bytes).map_err(|error| fault(format!("its answer cannot be read: {error}")));
        }
        let problem: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let word =
            |member: &str| problem.get(member).and_then(Value::as_str).unwrap_or_default().chars().take(SAID_MAX).collect::<String>();
        Err(fault(format!("it refused with {} `{}`: {}", status.as_u16(), word("code"), word("detail"))))
    }
}

/// An error with what caused it, and without the address, which is said elsewhere.
fn told(error: &reqwest::Error) -> String {
    let mut text = if error.is_timeout() { "it did not answer in time".to_owned() } else { "it cannot be reached".to_owned() };
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text.chars().take(SAID_MAX).collect()
}

async fn read(mut response: Response) -> Result<Vec<u8>, LinkError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| LinkError::new(told(&error)))? {
        if bytes.len() + chunk.len() > ANSWER_MAX {
            return Err(LinkError::new(format!("its answer is longer than {ANSWER_MAX} bytes")));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn nonce() -> Result<String, String> {
    let long = super::runner::nonce()?;
    Ok(long.chars().take(NONCE_DIGITS).collect())
}

impl Link for Remote {
    fn poll(&self, poll: Poll) -> BoxFuture<'_, Result<Work, LinkError>> {
        Box::pin(async move { self.send("/api/v1/runner/poll", &poll, POLL_TIMEOUT).await })
    }

    fn report(&self, report: Report) -> BoxFuture<'_, Result<(), LinkError>> {
        Box::pin(async move { self.send("/api/v1/runner/report", &report, TIMEOUT).await })
    }

    fn answer(&self, answer: Answer) -> BoxFuture<'_, Result<(), LinkError>> {
        Box::pin(async move { self.send("/api/v1/runner/answer", &answer, TIMEOUT).await })
    }

    fn beat(&self, beat: Beat) -> BoxFuture<'_, Result<(), LinkError>> {
        Box::pin(async move { self.send("/api/v1/runner/heartbeat", &beat, TIMEOUT).await })
    }
}

#[cfg(test)]
mod tests;
