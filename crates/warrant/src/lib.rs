//! The warrant: the signed, expiring, single-use authority that a runner acts on, and everything a runner checks before
//! it does. No I/O, no clock.
//!
//! A warrant proves three things apart: that the control plane made it out ([`open`], DSSE and Ed25519), that it was recorded
//! before ([`check()`], a proof from the ledger), and that named people wanted it ([`check_vote`], their own SSH or passkey signatures). The third
//! is what a stolen control plane cannot make.

pub mod check;
pub mod envelope;
pub mod glass;
pub mod passkey;
pub mod protocol;
pub mod request;
pub mod signature;
pub mod token;
pub mod trust;
pub mod warrant;

mod people;

pub use check::{Checked, Refusal, check};
pub use envelope::{EnvelopeError, KeyError, SealError, WarrantKey, WarrantVerifier, open};
pub use glass::{GlassFault, GlassJournal, JournalFault, SessionKey, check_glass, read_closed, read_journal};
pub use passkey::{AssertionFault, challenge, check_assertion};
pub use protocol::{Answer, Beat, Knowledge, Poll, Report, Work};
pub use request::{Request, RequestFault, RequestKey};
pub use signature::{VoteFault, check_vote, genuine};
pub use token::{Token, TokenError};
pub use trust::{Rule, TARGET_NAME, TargetRule, Trust, TrustDraft, TrustError};
pub use warrant::Warrant;
