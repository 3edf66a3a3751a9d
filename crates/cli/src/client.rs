//! A client of the REST face, for commands and for the scripted people of the demo.

use std::time::Duration;

use reqwest::{Method, Response, StatusCode, redirect};
use serde_json::Value;

/// How long one request may take; waits are asked for within it.
const TIMEOUT: Duration = Duration::from_mins(1);
/// The longest answer that is read.
const ANSWER_MAX: usize = 8 * 1024 * 1024;

/// Where Lineclear is, and who we are.
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
}

/// Why a request led to nothing.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody answers there.
    #[error("Lineclear does not answer at `{base}`: {source}")]
    Unreachable {
        /// Where.
        base: String,
        /// Why not.
        source: reqwest::Error,
    },
    /// The answer cannot be read.
    #[error("the answer of `{0}` cannot be read")]
    Answer(String),
    /// It was refused, with a problem document (RFC 9457).
    #[error("{}", detail(.problem))]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The problem document.
        problem: Value,
    },
    /// No client could be made.
    #[error("no HTTP client: {0}")]
    Setup(reqwest::Error),
}

fn detail(problem: &Value) -> String {
    let text = |member: &str| problem.get(member).and_then(Value::as_str);
    text("detail").or_else(|| text("title")).unwrap_or("the request was refused").to_owned()
}

impl ClientError {
    /// The stable code of a refusal.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { problem, .. } => problem.get("code").and_then(Value::as_str),
            Self::Unreachable { .. } | Self::Answer(_) | Self::Setup(_) => None,
        }
    }

    /// What to do next, as the refusal says.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Refused { problem, .. } => problem.get("help").and_then(Value::as_str).map(ToOwned::to_owned),
            Self::Unreachable { .. } => Some("start it with `lineclear serve` or `lineclear demo`, or name it with `--url`".into()),
            Self::Answer(_) | Self::Setup(_) => None,
        }
    }
}

impl Client {
    /// A client of the installation at `base`, such as `http://127.0.0.1:7878`.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn new(base: &str, token: Option<String>) -> Result<Self, ClientError> {
        lineclear_connect::install_tls();
        let http = reqwest::Client::builder().redirect(redirect::Policy::none()).no_proxy().timeout(TIMEOUT).build();
        Ok(Self { http: http.map_err(ClientError::Setup)?, base: base.trim_end_matches('/').to_owned(), token })
    }

    /// Reads something.
    ///
    /// # Errors
    /// When nobody answers, or it is refused.
    pub async fn get(&self, path: &str) -> Result<Value, ClientError> {
        self.ask(Method::GET, path, None, &[]).await
    }

    /// Does something.
    ///
    /// # Errors
    /// When nobody answers, or it is refused.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, ClientError> {
        self.ask(Method::POST, path, Some(body), &[]).await
    }

    /// Sets something.
    ///
    /// # Errors
    /// When nobody answers, or it is refused.
    pub async fn put(&self, path: &str, body: &Value) -> Result<Value, ClientError> {
        self.ask(Method::PUT, path, Some(body), &[]).await
    }

    /// Any request, with further headers. An empty answer is null; one that is not JSON is its text.
    ///
    /// # Errors
    /// When nobody answers, or it is refused.
    pub async fn ask(&self, method: Method, path: &str, body: Option<&Value>, headers: &[(&str, &str)]) -> Result<Value, ClientError> {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let unreachable = |source| ClientError::Unreachable { base: self.base.clone(), source };
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let text = self.text(response).await?;
        let value = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap_or(Value::String(text)) };
        if status.is_success() { Ok(value) } else { Err(refused(status, value)) }
    }

    async fn text(&self, mut response: Response) -> Result<String, ClientError> {
        let unreadable = || ClientError::Answer(self.base.clone());
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|_| unreadable())? {
            if bytes.len() + chunk.len() > ANSWER_MAX {
                return Err(unreadable());
            }
            bytes.extend_from_slice(&chunk);
        }
        String::from_utf8(bytes).map_err(|_| unreadable())
    }
}

fn refused(status: StatusCode, problem: Value) -> ClientError {
    ClientError::Refused { status: status.as_u16(), problem }
}
