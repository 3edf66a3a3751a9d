//! One HTTP request and its whole answer over a fresh connection: all that the balancer, the customers and the
//! notifier need. HTTP/1.0 on purpose: the peer closes when it is done, and never sends chunks.

use std::time::Duration;

use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The longest answer that is read.
const REPLY_BYTES_MAX: u64 = 1024 * 1024;

/// What to send. Names and values must be free of line breaks; callers take them from parsed HTTP.
pub(crate) struct Request<'a> {
    pub method: &'a str,
    pub path: &'a str,
    pub headers: &'a [(&'a str, &'a str)],
    pub body: &'a [u8],
}

/// What came back.
pub(crate) struct Reply {
    pub status: u16,
    pub content_type: Option<String>,
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub(crate) enum ExchangeError {
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    #[error("connection failed")]
    Io(#[from] std::io::Error),
    #[error("the answer is not HTTP")]
    Malformed,
}

/// Sends `request` to `authority` (`host:port`) and reads the answer, all within `limit`.
pub(crate) async fn send(authority: &str, request: &Request<'_>, limit: Duration) -> Result<Reply, ExchangeError> {
    tokio::time::timeout(limit, exchange(authority, request)).await.map_err(|_| ExchangeError::Timeout(limit))?
}

async fn exchange(authority: &str, request: &Request<'_>) -> Result<Reply, ExchangeError> {
    let mut stream = TcpStream::connect(authority).await?;
    let mut head = format!(
        "{} {} HTTP/1.0\r\nhost: {authority}\r\nconnection: close\r\ncontent-length: {}\r\n",
        request.method,
        request.path,
        request.body.len()
    );
    for (name, value) in request.headers {
        for part in [name, ": ", value, "\r\n"] {
            head.push_str(part);
        }
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(request.body).await?;
    let mut bytes = Vec::new();
    stream.take(REPLY_BYTES_MAX).read_to_end(&mut bytes).await?;
    parse(&bytes).ok_or(ExchangeError::Malformed)
}

fn parse(bytes: &[u8]) -> Option<Reply> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(bytes.get(..end)?).ok()?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
    let content_type = lines
        .filter_map(|line| line.split_once(':'))
        .find_map(|(name, value)| name.eq_ignore_ascii_case("content-type").then(|| value.trim().to_owned()));
    Some(Reply { status, content_type, body: bytes.get(end + 4..)?.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_and_a_torn_one_is_refused() {
        let reply = parse(b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\n\r\nno").unwrap();
        assert_eq!((reply.status, reply.content_type.as_deref(), reply.body.as_slice()), (503, Some("text/plain"), &b"no"[..]));
        assert!(parse(b"HTTP/1.1 200 OK\r\n").is_none());
        assert!(parse(b"SSH-2.0-OpenSSH\r\n\r\n").is_none());
    }
}
