//! The ledger for those who check it themselves: public formats, exact bytes.

use axum::Json;
use axum::extract::State;
use lineclear_ledger::Ticket;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::parameter::Asked;
use crate::{App, Asking, Code, Problem};

/// Most entries in one answer: at 32 KiB each, 8 MiB.
const ENTRIES_MAX: u32 = 256;

/// Which entries.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Range {
    /// The first entry's index, from 0.
    #[serde(default)]
    #[param(required = false)]
    from: u64,
    /// How many, 1 to 256; 100 when nothing is said.
    count: Option<u32>,
}

/// Which entry.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Index {
    /// The entry's index, from 0.
    index: u64,
}

/// Which two sizes.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Sizes {
    /// The older size, at least 1.
    old: u64,
    /// The newer size.
    new: u64,
}

/// One entry.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Written {
    /// Its index, from 0.
    index: u64,
    /// Its exact text; the leaf is the RFC 6962 hash of these bytes.
    entry: String,
}

/// Entries in order.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Entries {
    /// The entries.
    items: Vec<Written>,
    /// The index of the first entry that is not here; none when these are the last.
    next: Option<u64>,
}

/// Proof that one tree continues another (RFC 6962 §2.1.2).
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Continues {
    /// The older size.
    old: u64,
    /// The newer size.
    new: u64,
    /// The hashes, in base64.
    hashes: Vec<String>,
}

/// The newest checkpoint: a signed note.
#[utoipa::path(get, path = "/api/v1/ledger/checkpoint", tag = "ledger",
    responses((status = 200, description = "A C2SP tlog-checkpoint", body = String, content_type = "text/plain")))]
pub(super) async fn checkpoint(State(app): State<App>, _: Asking) -> Result<String, Problem> {
    Ok(app.engine.store().head().await?.note)
}

/// Exact entries.
#[utoipa::path(get, path = "/api/v1/ledger/entries", tag = "ledger", params(Range), responses((status = 200, description = "Entries in order", body = Entries)))]
pub(super) async fn entries(State(app): State<App>, _: Asking, Asked(range): Asked<Range>) -> Result<Json<Entries>, Problem> {
    let count = range.count.unwrap_or(100);
    if !(1..=ENTRIES_MAX).contains(&count) {
        return Err(Problem::with(Code::BadParameter, format!("`count` is 1 to {ENTRIES_MAX}")));
    }
    let size = app.engine.store().head().await?.size;
    if range.from >= size {
        return Ok(Json(Entries { items: Vec::new(), next: None }));
    }
    let read = app.engine.store().entries(range.from, count).await?;
    let next = read.last().map(|(index, _)| index + 1).filter(|next| *next < size);
    let mut items = Vec::with_capacity(read.len());
    for (index, bytes) in read {
        let entry = String::from_utf8(bytes).map_err(|_| {
            tracing::error!(ledger.index = index, "a ledger entry is not UTF-8");
            Problem::new(Code::Fault)
        })?;
        items.push(Written { index, entry });
    }
    Ok(Json(Entries { items, next }))
}

/// Proof that an entry is in the ledger as it stands.
#[utoipa::path(get, path = "/api/v1/ledger/proof", tag = "ledger", params(Index),
    responses((status = 200, description = "A C2SP tlog-proof with its checkpoint", body = String, content_type = "text/plain")))]
pub(super) async fn proof(State(app): State<App>, _: Asking, Asked(Index { index }): Asked<Index>) -> Result<String, Problem> {
    let head = app.engine.store().head().await?;
    if index >= head.size {
        return Err(Problem::with(Code::NotFound, format!("the ledger has {} entries, the last is before {index}", head.size)));
    }
    let hashes = app.engine.store().inclusion(index, head.size).await?;
    Ok(Ticket { index, proof: hashes, checkpoint: head.note }.to_text())
}

/// Proof that the ledger of one size continues that of another.
#[utoipa::path(get, path = "/api/v1/ledger/consistency", tag = "ledger", params(Sizes), responses((status = 200, description = "The proof", body = Continues)))]
pub(super) async fn consistency(
    State(app): State<App>,
    _: Asking,
    Asked(Sizes { old, new }): Asked<Sizes>,
) -> Result<Json<Continues>, Problem> {
    let head = app.engine.store().head().await?;
    if old == 0 || old > new || new > head.size {
        return Err(Problem::with(Code::BadParameter, format!("sizes are 1 ≤ `old` ≤ `new` ≤ {}", head.size)));
    }
    let hashes = app.engine.store().consistency(old, new).await?;
    Ok(Json(Continues { old, new, hashes: hashes.iter().map(lineclear_ledger::Hash::to_base64).collect() }))
}

/// The ledger's verifier key.
#[utoipa::path(get, path = "/api/v1/ledger/vkey", tag = "ledger",
    responses((status = 200, description = "A signed-note verifier key", body = String, content_type = "text/plain")))]
pub(super) async fn vkey(State(app): State<App>, _: Asking) -> String {
    format!("{}\n", app.engine.log())
}
