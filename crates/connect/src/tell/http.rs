//! One bounded request: to the address that was configured and nowhere else.

use std::time::Duration;

use lineclear_core::Span;
use lineclear_core::delivery::{Undelivered, Why};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Client, RequestBuilder, StatusCode, Url};

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// Largest answer that is read, in bytes: Slack answers with the whole message.
const ANSWER_MAX: usize = 256 * 1024;

/// Why there is no HTTP client.
#[derive(Debug, thiserror::Error)]
#[error("there can be no HTTP client: {0}")]
pub struct ClientError(String);

/// The clients: for `https`, and for `http` to this machine, which must also work without a trust store.
#[derive(Debug)]
pub(super) struct Http {
    safe: Client,
    near: Client,
}

/// An answer.
pub(super) struct Answer {
    pub status: StatusCode,
    pub wait: Option<Span>,
    pub body: Vec<u8>,
}

impl Http {
    pub(super) fn new() -> Result<Self, ClientError> {
        let client = || {
            Client::builder()
                .no_proxy()
                .redirect(reqwest::redirect::Policy::none())
                .retry(reqwest::retry::never())
                .referer(false)
                .timeout(PATIENCE)
                .connect_timeout(CONNECT)
        };
        let fault = |error: reqwest::Error| ClientError(error.to_string());
        Ok(Self { safe: client().https_only(true).build().map_err(fault)?, near: client().tls_certs_only([]).build().map_err(fault)? })
    }

    /// A request to post something; the address may hold a secret, so no error repeats it.
    pub(super) fn post(&self, url: &str) -> Result<RequestBuilder, Undelivered> {
        let bad = || Undelivered::new(Why::Refused, "its address is none");
        let url = Url::parse(url).map_err(|_| bad())?;
        match (url.scheme(), url.host_str()) {
            ("https", Some(_)) => Ok(self.safe.post(url)),
            ("http", Some(host)) if is_near(host) => Ok(self.near.post(url)),
            (_, _) => Err(bad()),
        }
    }
}

fn is_near(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Sends a request and reads its bounded answer, whatever the status.
pub(super) async fn ask(request: RequestBuilder) -> Result<Answer, Undelivered> {
    let unreachable = |error: reqwest::Error| {
        let why = if error.is_timeout() { "it did not answer in time" } else { "it cannot be reached" };
        Undelivered::new(Why::Unreachable, why)
    };
    let mut response = request.send().await.map_err(unreachable)?;
    let (status, wait) = (response.status(), patience(response.headers()));
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > ANSWER_MAX {
            return Err(Undelivered::new(Why::Busy, "its answer is too large"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status, wait, body })
}

/// Sends a request whose answer only matters by its status.
pub(super) async fn done(request: RequestBuilder) -> Result<(), Undelivered> {
    let answer = ask(request).await?;
    if answer.status.is_success() { Ok(()) } else { Err(refused(&answer)) }
}

/// What a status says: too many, too slow and broken pass; everything else does not.
pub(super) fn refused(answer: &Answer) -> Undelivered {
    let status = answer.status.as_u16();
    let passes = matches!(status, 408 | 425 | 429) || answer.status.is_server_error();
    let why = if passes { Why::Busy } else { Why::Refused };
    Undelivered { wait: answer.wait, ..Undelivered::new(why, &format!("it answered {status}")) }
}

/// `Retry-After` in seconds (RFC 9110 §10.2.3); its form as a date is not read.
fn patience(headers: &HeaderMap) -> Option<Span> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Span::from_secs)
}
