//! The runner in this process talks to the engine through the same protocol as any other; only the wire is missing.

use lineclear_core::RunnerId;
use lineclear_engine::Engine;
use lineclear_runner::{BoxFuture, Link, LinkError};
use lineclear_warrant::{Answer, Beat, Poll, Report, Work};

/// The wire between a runner and the engine of the same process.
pub struct InProcess {
    engine: Engine,
    runner: RunnerId,
}

impl InProcess {
    /// A wire for this runner.
    pub const fn new(engine: Engine, runner: RunnerId) -> Self {
        Self { engine, runner }
    }
}

impl Link for InProcess {
    fn poll(&self, poll: Poll) -> BoxFuture<'_, Result<Work, LinkError>> {
        Box::pin(async move { self.engine.poll(poll).await.map_err(|error| LinkError::new(error.to_string())) })
    }

    fn beat(&self, beat: Beat) -> BoxFuture<'_, Result<(), LinkError>> {
        Box::pin(async move { self.engine.heartbeat(self.runner, beat).await.map_err(|error| LinkError::new(error.to_string())) })
    }

    fn report(&self, report: Report) -> BoxFuture<'_, Result<(), LinkError>> {
        Box::pin(async move { self.engine.report(self.runner, report).await.map_err(|error| LinkError::new(error.to_string())) })
    }

    fn answer(&self, answer: Answer) -> BoxFuture<'_, Result<(), LinkError>> {
        Box::pin(async move { self.engine.answer(self.runner, answer).map_err(|error| LinkError::new(error.to_string())) })
    }
}
