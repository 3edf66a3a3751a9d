//! SQLite counts in signed 64-bit numbers; everything here counts from 0.

use crate::StoreError;

/// As a column holds it.
pub(super) fn column(number: u64) -> i64 {
    // Indexes grow by one from 0 and cannot get there; a number out of a request that does finds nothing.
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// As a column held it.
pub(super) fn counted(number: i64, table: &'static str) -> Result<u64, StoreError> {
    u64::try_from(number).map_err(|_| StoreError::Corrupt { table, id: number.to_string(), why: "a count below 0".into() })
}
