//! The wire to the control plane, as the runner sees it: it always asks first.

use std::future::Future;
use std::pin::Pin;

use lineclear_warrant::{Answer, Beat, Poll, Report, Work};

/// A future behind a pointer, so that a [`Link`] and a [`crate::Tool`] can be chosen at run time.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The other side was not reached, or would not answer. Nothing follows from it but trying again later.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the control plane did not answer: {0}")]
pub struct LinkError(String);

/// How a runner talks to its control plane: in process, or over HTTP.
pub trait Link: Send + Sync {
    /// Asks for work. It may wait for a while before it answers [`Work::Nothing`].
    fn poll(&self, poll: Poll) -> BoxFuture<'_, Result<Work, LinkError>>;

    /// Reports on a warrant. `Ok` means that it has arrived.
    fn report(&self, report: Report) -> BoxFuture<'_, Result<(), LinkError>>;

    /// Answers a question. A lost answer is asked for again.
    fn answer(&self, answer: Answer) -> BoxFuture<'_, Result<(), LinkError>>;

    /// Says that it is there. One that says that it stops has its poll answered at once.
    fn beat(&self, beat: Beat) -> BoxFuture<'_, Result<(), LinkError>>;
}

impl LinkError {
    /// An error with this reason.
    pub fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}
