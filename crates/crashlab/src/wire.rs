//! The wire between the processes of a world: one request and one answer, a line of JSON each, over a socket in the world's folder.

use std::io;
use std::path::{Path, PathBuf};

use lineclear_core::run::AttemptKey;
use lineclear_core::statement::Signature;
use lineclear_core::{ApprovalId, ChangeId, RunnerId};
use lineclear_warrant::{Answer, Poll, Report, Work};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;

/// What is asked of the plane.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Request {
    /// A runner is there, for as long as this connection lasts, and has these attempts in hand.
    Here {
        /// Who.
        runner: RunnerId,
        /// What it has in hand.
        holding: Vec<AttemptKey>,
    },
    /// A runner asks for work.
    Poll(Poll),
    /// A runner reports.
    Report {
        /// Who.
        runner: RunnerId,
        /// What.
        report: Report,
    },
    /// A runner answers.
    Answer {
        /// Who.
        runner: RunnerId,
        /// What.
        answer: Answer,
    },
    /// An agent proposes to switch a target; the same target is the same proposal.
    Propose {
        /// Which.
        target: String,
    },
    /// Wait until a change stands at one of these words.
    Await {
        /// Which.
        change: ChangeId,
        /// The words.
        words: Vec<String>,
    },
    /// A person asks for the statement to sign.
    Statement {
        /// On which change.
        change: ChangeId,
    },
    /// A person signs.
    Vote {
        /// On which request.
        approval: ApprovalId,
        /// The statement.
        text: String,
        /// The signature.
        signature: Signature,
    },
}

/// What the plane answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Reply {
    /// Work, or none.
    Work(Work),
    /// It has arrived.
    Done,
    /// It led to nothing, and why.
    Failed(String),
    /// The change.
    Change(ChangeId),
    /// Where the change stands.
    Word(String),
    /// The statement.
    Statement {
        /// On which request.
        approval: ApprovalId,
        /// Its exact text.
        text: String,
    },
}

/// The socket of a world's plane.
pub fn socket(world: &Path) -> PathBuf {
    world.join("plane.sock")
}

/// Asks, and waits for the answer for as long as it takes.
///
/// # Errors
/// When the plane is not there, or goes away.
pub async fn call(world: &Path, request: &Request) -> io::Result<Reply> {
    let mut stream = UnixStream::connect(socket(world)).await?;
    write(&mut stream, request).await?;
    read(&mut BufReader::new(stream)).await
}

/// Writes one line.
///
/// # Errors
/// When the other side is gone.
pub async fn write<T: Serialize>(stream: &mut UnixStream, what: &T) -> io::Result<()> {
    let mut line = serde_json::to_vec(what)?;
    line.push(b'\n');
    stream.write_all(&line).await
}

/// Reads one line.
///
/// # Errors
/// When the other side is gone, or says something else.
pub async fn read<T: for<'de> Deserialize<'de>>(stream: &mut BufReader<UnixStream>) -> io::Result<T> {
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    if line.ends_with('\n') { Ok(serde_json::from_str(&line)?) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}
