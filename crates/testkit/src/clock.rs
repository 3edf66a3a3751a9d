//! Time that passes only when somebody says so, and numbers that come in the same order every time.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use lineclear_core::{Span, Timestamp};
use lineclear_engine::{Clock, IdSource};
use uuid::Uuid;

/// 2026-11-22T02:14:07Z: a quiet night, outside every freeze of the example estate.
const BEGINNING: i64 = 1_795_313_647_000_000;
/// Where ids begin: they look like UUIDs of version 7 and count upwards.
const FIRST_ID: u128 = 0x0193_f0c4_0000_7000_8000_0000_0000_0000;

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct FakeClock(AtomicI64);

impl Default for FakeClock {
    fn default() -> Self {
        Self(AtomicI64::new(BEGINNING))
    }
}

impl FakeClock {
    /// Moves it forwards.
    pub fn advance(&self, span: Span) {
        self.0.fetch_add(i64::try_from(span.as_micros()).unwrap_or(0), Ordering::SeqCst);
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

/// Ids that count, and "random" bytes that count too.
#[derive(Debug, Default)]
pub struct FakeIds(AtomicU64);

impl FakeIds {
    fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }
}

impl IdSource for FakeIds {
    fn number(&self) -> Uuid {
        Uuid::from_u128(FIRST_ID + u128::from(self.next()))
    }

    fn random(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (byte, counted) in bytes.iter_mut().zip(self.next().to_be_bytes()) {
            *byte = counted;
        }
        bytes
    }
}
