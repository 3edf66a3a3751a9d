//! Exporting the ledger from a store into a directory that an auditor verifies without us.

use std::collections::BTreeMap;
use std::path::Path;

use lineclear_ledger::{Entry, ExportError, ExportSource, Exported, Hash, SaltedPayload, SourceError, Verifier, write_export};
use lineclear_store::{Store, StoreError};

/// How many entries are read at once.
const PAGE: u32 = 1_024;

/// Why there is no export.
#[derive(Debug, thiserror::Error)]
pub enum ExportFault {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The directory cannot be written, or the log is broken.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// An entry of the store is none.
    #[error("entry {0} of the store is no ledger entry")]
    Entry(u64),
    /// The writing task was lost.
    #[error("the export was interrupted")]
    Interrupted,
}

struct Copy {
    checkpoint: String,
    vkey: String,
    entries: Vec<Vec<u8>>,
    payloads: BTreeMap<Hash, SaltedPayload>,
}

impl ExportSource for Copy {
    fn checkpoint(&self) -> Result<String, SourceError> {
        Ok(self.checkpoint.clone())
    }

    fn vkey(&self) -> Result<String, SourceError> {
        Ok(self.vkey.clone())
    }

    fn entries(&self, from: u64, count: u32) -> Result<Vec<Vec<u8>>, SourceError> {
        let from = usize::try_from(from)?;
        let count = usize::try_from(count)?;
        Ok(self.entries.iter().skip(from).take(count).cloned().collect())
    }

    fn payload(&self, commitment: &Hash) -> Result<Option<SaltedPayload>, SourceError> {
        Ok(self.payloads.get(commitment).cloned())
    }
}

/// Copies the ledger at its present head into `directory`, which must be empty or not there.
///
/// # Errors
/// When the store fails or the directory cannot be written.
pub async fn export(store: &dyn Store, verifier: &Verifier, directory: &Path) -> Result<Exported, ExportFault> {
    let head = store.head().await?;
    let mut copy = Copy { checkpoint: head.note, vkey: verifier.to_string(), entries: Vec::new(), payloads: BTreeMap::new() };
    let mut from = 0;
    while from < head.size {
        let wanted = u32::try_from(head.size - from).unwrap_or(PAGE).min(PAGE);
        let page = store.entries(from, wanted).await?;
        if page.is_empty() {
            return Err(ExportFault::Entry(from));
        }
        for (index, bytes) in page {
            collect_payloads(store, index, &bytes, &mut copy.payloads).await?;
            copy.entries.push(bytes);
            from = index + 1;
        }
    }
    let directory = directory.to_owned();
    let written = tokio::task::spawn_blocking(move || write_export(&directory, &copy)).await;
    Ok(written.map_err(|_| ExportFault::Interrupted)??)
}

async fn collect_payloads(
    store: &dyn Store,
    index: u64,
    bytes: &[u8],
    payloads: &mut BTreeMap<Hash, SaltedPayload>,
) -> Result<(), ExportFault> {
    let entry = Entry::parse(bytes).map_err(|_| ExportFault::Entry(index))?;
    for commitment in entry.commit().values() {
        let hash = Hash::from_base64url(&commitment.hash).map_err(|_| ExportFault::Entry(index))?;
        if let Some(payload) = store.payload(commitment.hash.clone()).await? {
            payloads.insert(hash, payload);
        }
    }
    Ok(())
}
