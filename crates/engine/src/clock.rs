//! Time and chance: the only place of the control plane that reads a clock or draws a number.

use std::sync::atomic::{AtomicI64, Ordering};

use lineclear_core::Timestamp;
use uuid::Uuid;

/// The time of day. It never goes backwards within one life of the process.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// Where ids and salts come from.
pub trait IdSource: Send + Sync {
    /// A number no other call has given (UUID version 7, RFC 9562).
    fn number(&self) -> Uuid;
    /// 32 random bytes.
    fn random(&self) -> [u8; 32];
}

/// The machine's own clock, held from going backwards.
#[derive(Debug, Default)]
pub struct SystemClock {
    last: AtomicI64,
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else is given")]
        let now = std::time::SystemTime::now();
        let since = now.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let micros = i64::try_from(since.as_micros()).unwrap_or(i64::MAX);
        let last = self.last.fetch_max(micros, Ordering::SeqCst);
        Timestamp::from_micros(micros.max(last))
    }
}

/// Ids by time and the operating system's random numbers.
#[derive(Debug, Default)]
pub struct SystemIds;

impl IdSource for SystemIds {
    fn number(&self) -> Uuid {
        #[expect(clippy::disallowed_methods, reason = "this is the id source that everything else is given")]
        let number = Uuid::now_v7();
        number
    }

    fn random(&self) -> [u8; 32] {
        let mut bytes = [0_u8; 32];
        #[expect(
            clippy::expect_used,
            reason = "without random numbers nothing here is safe; the kernel's source does not fail once seeded"
        )]
        getrandom::fill(&mut bytes).expect("the operating system gives random numbers");
        bytes
    }
}
