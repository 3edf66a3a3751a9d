//! Bad weather on the wire between a runner and its plane: messages come late, twice, out of order, or their receipt is lost; a warrant is
//! lost, or an old one comes again in its place. Which of it happens when follows from a seed.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lineclear_runner::LinkError;
use lineclear_warrant::Work;

use crate::wire::{self, Reply, Request};

/// How late a message can be, in milliseconds: longer than an attempt takes.
const LATE_MAX: u64 = 60;
/// How much later still a repetition can be: longer than an attempt's own time.
const AGAIN_MAX: u64 = 700;
/// How often a message is sent before its sender is told that it did not arrive.
const TRIES_MAX: u32 = 50;
/// How many old warrants are kept for replay.
const KEPT_MAX: usize = 16;

/// The weather of one life of a runner.
pub struct Weather {
    state: Mutex<u64>,
    old: Mutex<Vec<Work>>,
}

impl Weather {
    /// The weather that follows from this seed.
    pub fn new(seed: u64) -> Self {
        Self { state: Mutex::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1), old: Mutex::default() }
    }

    /// A number below `below` (xorshift64, Marsaglia 2003).
    fn draw(&self, below: u64) -> u64 {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        (*state >> 11) % below
    }

    /// One in twelve warrants is lost, one in six is replaced by an older one.
    pub fn on_work(&self, work: Work) -> Work {
        if !matches!(work, Work::Act { .. }) {
            return work;
        }
        let mut old = self.old.lock().unwrap_or_else(PoisonError::into_inner);
        if old.len() < KEPT_MAX {
            old.push(work.clone());
        }
        match self.draw(12) {
            0 => Work::Nothing,
            1 | 2 => usize::try_from(self.draw(16)).ok().and_then(|at| old.get(at % old.len()).cloned()).unwrap_or(work),
            _ => work,
        }
    }

    /// A report comes late; one in three comes again, later still; of one in four the receipt is lost.
    pub async fn on_report(&self, world: &Path, report: Request) -> Result<(), LinkError> {
        self.deliver(world, report).await?;
        if self.draw(4) == 0 { Err(LinkError::new("the receipt was lost")) } else { Ok(()) }
    }

    /// An answer comes late, and one in three comes again.
    pub async fn on_answer(&self, world: &Path, answer: Request) -> Result<(), LinkError> {
        self.deliver(world, answer).await
    }

    async fn deliver(&self, world: &Path, message: Request) -> Result<(), LinkError> {
        tokio::time::sleep(Duration::from_millis(self.draw(LATE_MAX))).await;
        if self.draw(3) == 0 {
            let (world, message, later): (PathBuf, _, _) = (world.to_owned(), message.clone(), self.draw(AGAIN_MAX));
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(later)).await;
                let _ = wire::call(&world, &message).await;
            });
        }
        for _ in 0..TRIES_MAX {
            match wire::call(world, &message).await {
                Ok(Reply::Done) => return Ok(()),
                Ok(Reply::Failed(why)) => return Err(LinkError::new(why)),
                Ok(_) | Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
        Err(LinkError::new("the plane is gone"))
    }
}
