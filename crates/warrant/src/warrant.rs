//! What a warrant says.

use lineclear_core::catalogue::Risk;
use lineclear_core::name::ActionName;
use lineclear_core::plan::{EffectClass, ToolCall};
use lineclear_core::run::AttemptKey;
use lineclear_core::situation::Actor;
use lineclear_core::statement::Vote;
use lineclear_core::topology::EntityRef;
use lineclear_core::{ChangeId, RunnerId, Span, Timestamp, WarrantId};
use serde::{Deserialize, Serialize};

/// The DSSE payload type.
pub const PAYLOAD_TYPE: &str = "application/vnd.lineclear.warrant.v1+json";
/// Longest envelope in bytes: a bundle, 32 votes with statements, an entry, proofs.
pub const ENVELOPE_MAX: usize = 1024 * 1024;

/// One authority for one attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Warrant {
    /// Its id.
    pub id: WarrantId,
    /// Which installation made it out; equal to the ledger's origin.
    pub audience: String,
    /// The one runner that may act on it.
    pub runner: RunnerId,
    /// The nonce that this runner drew for the poll that this answers, 64 hexadecimal digits.
    pub nonce: String,
    /// The attempt.
    pub attempt: AttemptKey,
    /// The change it serves.
    pub change: ChangeId,
    /// The engine's fencing number.
    pub epoch: u64,
    /// The action of the catalogue.
    pub action: ActionName,
    /// On what.
    pub target: EntityRef,
    /// Its risk in the control plane's catalogue; the runner believes its own file.
    pub risk: Risk,
    /// Who proposed it.
    pub proposer: Actor,
    /// The exact call.
    pub call: ToolCall,
    /// How its effect is checked.
    pub verify: Option<ToolCall>,
    /// What protects us from a second send.
    pub effect: EffectClass,
    /// When it was made out.
    pub issued: Timestamp,
    /// After this it is worth nothing.
    pub deadline: Timestamp,
    /// How long call and check may take, by the runner's own monotonic clock from the start.
    pub budget: Span,
    /// The exact bytes of the ledger entry that journals the attempt (`run.intended/1`), which are UTF-8.
    pub entry: String,
    /// Proof that the entry is in the log: `c2sp.org/tlog-proof@v1`.
    pub ticket: String,
    /// Proof (base64 hashes) that the ticket's checkpoint continues the head that the runner named in its poll.
    pub consistency: Vec<String>,
    /// The exact bytes of the bundle, which are UTF-8.
    pub bundle: String,
    /// The approvals that it stands on; none when policy alone cleared it.
    pub votes: Vec<Vote>,
}
