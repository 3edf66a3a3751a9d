//! `[breakglass]` of a runner's file: who may act on this host without the control plane, with which runbooks, for how long. A
//! file without it lets nobody.

use std::collections::{BTreeMap, BTreeSet};

use lineclear_core::digest::Digest;
use lineclear_core::glass::GLASS_MAX;
use lineclear_core::name::ActionName;
use lineclear_core::{OperatorId, Span};
use lineclear_warrant::TrustDraft;
use serde::Deserialize;

use super::{ConfigError, unique};

/// Most runbooks that are pinned: what one person can know by heart at night is a fraction of it.
const PINNED_MAX: usize = 64;

/// How the lines of keys begin that can sign a statement: a passkey needs a browser.
const SSH_KINDS: [&str; 2] = ["ssh-ed25519 ", "sk-ssh-ed25519@openssh.com "];

/// Who may break the glass here, and what for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GlassRules {
    /// Where the control plane answers when it is well; it is asked first.
    pub plane: String,
    /// People, each with an SSH key among the approvers.
    pub people: BTreeSet<OperatorId>,
    /// How long one statement may be good for.
    pub longest: Span,
    /// The runbooks that may be run, by digest, and the action of the allow list under which each is.
    pub runbooks: BTreeMap<Digest, ActionName>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GlassSection {
    plane: String,
    people: BTreeSet<OperatorId>,
    longest_minutes: u64,
    #[serde(default)]
    runbook: Vec<Pin>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pin {
    digest: Digest,
    action: ActionName,
}

impl GlassSection {
    /// Reads the section against everything else that the file says.
    pub fn read(self, trust: &TrustDraft) -> Result<GlassRules, ConfigError> {
        let bad = |why| ConfigError::Section("breakglass".into(), why);
        if !(self.plane.starts_with("http://") || self.plane.starts_with("https://")) {
            return Err(bad("needs a `plane` that begins with `http://` or `https://`"));
        }
        let longest = Span::from_secs(self.longest_minutes.saturating_mul(60));
        if longest == Span::ZERO || longest > GLASS_MAX {
            return Err(bad("needs `longest_minutes` between 1 and 480"));
        }
        let signs = |person: &OperatorId| {
            trust.approvers.get(person).is_some_and(|keys| keys.iter().any(|key| SSH_KINDS.iter().any(|kind| key.starts_with(kind))))
        };
        if self.people.is_empty() || !self.people.iter().all(signs) {
            return Err(bad("names nobody, or somebody without an SSH key among the approvers"));
        }
        if self.runbook.len() > PINNED_MAX {
            return Err(bad("pins more than 64 runbooks"));
        }
        if !self.runbook.iter().all(|pin| trust.allow.contains_key(&pin.action)) {
            return Err(bad("pins a runbook to an action that is not allowed here"));
        }
        let runbooks = unique(self.runbook.into_iter().map(|pin| (pin.digest, pin.action)))?;
        Ok(GlassRules { plane: self.plane.trim_end_matches('/').into(), people: self.people, longest, runbooks })
    }
}
