//! One clock for several processes: eight bytes in a file. The plane moves it while nothing is under way, so that minutes of waiting
//! take milliseconds, and every process reads the same time.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use lineclear_core::Timestamp;
use lineclear_engine::Clock;

/// Where every world begins: 2026-11-22T02:14:07Z.
const BEGINNING: i64 = 1_795_313_647_000_000;
/// The file in the world's folder.
const FILE: &str = "clock";

/// The clock of a world.
pub struct SharedClock {
    file: File,
    writing: Mutex<()>,
}

impl SharedClock {
    /// Sets a new world's clock to its beginning.
    pub fn create(world: &Path) {
        std::fs::write(world.join(FILE), BEGINNING.to_le_bytes()).expect("the world's folder can be written");
    }

    /// The clock of an existing world.
    pub fn open(world: &Path) -> Self {
        let file = OpenOptions::new().read(true).write(true).open(world.join(FILE)).expect("the world has a clock");
        Self { file, writing: Mutex::new(()) }
    }

    /// What it shows.
    pub fn read(&self) -> Timestamp {
        let mut bytes = [0; 8];
        self.file.read_exact_at(&mut bytes, 0).expect("the clock can be read");
        Timestamp::from_micros(i64::from_le_bytes(bytes))
    }

    /// Moves it forwards; only the plane does.
    pub fn advance(&self, micros: i64) -> Timestamp {
        let _one = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let moved = Timestamp::from_micros(self.read().as_micros().saturating_add(micros));
        self.file.write_all_at(&moved.as_micros().to_le_bytes(), 0).expect("the clock can be moved");
        moved
    }
}

impl Clock for SharedClock {
    /// The plane's own look at the clock moves it by a microsecond, so that what the plane decides and what happens because of it never
    /// have the same time.
    fn now(&self) -> Timestamp {
        self.advance(1)
    }
}
