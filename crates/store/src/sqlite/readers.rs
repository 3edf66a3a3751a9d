//! A few connections that only read, lent out one at a time.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::connection;
use crate::StoreError;

/// Connections that read at the same time; twice the cores of a small host, since some of them wait for the disk.
const READERS: usize = 4;

/// The connections that nobody uses right now.
pub(super) struct Readers {
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
}

/// One connection, given back when it is dropped.
pub(super) struct Lease {
    readers: Arc<Readers>,
    connection: Option<Connection>,
    // After `connection` was given back by `drop`, so that whoever gets the permit finds it.
    _permit: OwnedSemaphorePermit,
}

impl Readers {
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let idle = (0..READERS).map(|_| connection::reader(path)).collect::<Result<_, _>>()?;
        Ok(Self { idle: Mutex::new(idle), permits: Arc::new(Semaphore::new(READERS)) })
    }

    pub(super) async fn lease(self: &Arc<Self>) -> Result<Lease, StoreError> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let connection = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Ok(Lease { readers: Arc::clone(self), connection, _permit: permit })
    }

    /// Closes what is idle, and whatever is lent out once it comes back.
    pub(super) fn close(&self) {
        self.permits.close();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Lease {
    pub(super) fn read<T>(&self, read: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        read(self.connection.as_ref().ok_or(StoreError::Closed)?)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut idle = self.readers.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.extend(self.connection.take().filter(|_| !self.readers.permits.is_closed()));
    }
}
