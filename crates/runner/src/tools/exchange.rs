//! One HTTP request and its bounded answer, and what a missing answer says about the world.

use reqwest::RequestBuilder;
use reqwest::header::ETAG;

use super::ToolError;

/// What came back.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) etag: Option<String>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) const fn is_good(&self) -> bool {
        matches!(self.status, 200..300)
    }

    /// What became of a request that changes something: 4xx says that nothing was done (RFC 9110 §15.5); anything else leaves it open.
    pub(super) fn changed(self, who: &str) -> Result<Self, ToolError> {
        if self.is_good() {
            return Ok(self);
        }
        let said = super::args::cut(&String::from_utf8_lossy(&self.body), 300);
        let why = format!("{who} answered {}{}{said}", self.status, if said.is_empty() { "" } else { ": " });
        Err(if matches!(self.status, 400..500) { ToolError::NotApplied(why) } else { ToolError::Unknown(why) })
    }
}

/// Sends it. Without a connection nothing was sent; after that, only an answer tells.
pub(super) async fn exchange(request: RequestBuilder, who: &str, most: usize) -> Result<Answer, ToolError> {
    let mut response = request.send().await.map_err(|error| {
        let why = format!("{who} does not answer");
        if error.is_connect() || error.is_builder() { ToolError::NotApplied(why) } else { ToolError::Unknown(why) }
    })?;
    let mut body = Vec::new();
    let broken = |why: &str| ToolError::Unknown(format!("the answer of {who} {why}"));
    while let Some(chunk) = response.chunk().await.map_err(|_| broken("broke off"))? {
        if body.len() + chunk.len() > most {
            return Err(broken("is too long"));
        }
        body.extend_from_slice(&chunk);
    }
    let etag = response.headers().get(ETAG).and_then(|tag| tag.to_str().ok()).map(str::to_owned);
    Ok(Answer { status: response.status().as_u16(), etag, body })
}
