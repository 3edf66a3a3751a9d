//! What an approval of a new version binds: which estate replaces which, and what was found out about it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Report, Revision};
use crate::authority::{Authority, Grade};
use crate::bundle::Needs;
use crate::digest::Digest;
use crate::id::{OperatorId, RevisionId};

/// The format of what an approval of a new version binds; part of its bytes.
pub const ACTIVATION_FORMAT: &str = "lineclear.activation/1";

/// What an approval of a new version binds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Activation {
    /// [`ACTIVATION_FORMAT`].
    pub format: String,
    /// Which installation; an approval for one is worth nothing in another.
    pub audience: String,
    /// Which proposal.
    pub revision: RevisionId,
    /// How often it was asked: 1 for the first time.
    pub round: u32,
    /// Who proposed it.
    pub proposer: OperatorId,
    /// People whose approval counts for nothing here: the proposer.
    pub recused: BTreeSet<OperatorId>,
    /// Whether a single-operator posture is declared in the estate in force, so that the proposer may approve after all.
    pub single_operator: bool,
    /// The estate in force that it replaces.
    pub base: Digest,
    /// The estate that comes into force.
    pub estate: Digest,
    /// Everything that was found out about it.
    pub report: Digest,
    /// The people it needs.
    pub needs: Needs,
}

/// The people that the estate in force asks for when another one is to replace it. An estate has no owning team, so that
/// part of a rung is not asked; and it never comes into force on nobody's word, whatever the ladder says.
pub fn needs(authority: &Authority) -> Option<Needs> {
    let rung = authority.activation_rung()?;
    let needs = Needs::of(rung);
    Some(Needs { humans: needs.humans.max(1), grade: needs.grade.max(Grade::Session), owner: false, ..needs })
}

/// The same with the reviews that a report asks for.
#[must_use]
pub fn reviewed(needs: Needs, report: &Report) -> Needs {
    let reviews = report.reviews.iter().map(|review| (review.team.clone(), review.people.clone())).collect();
    Needs { reviews, ..needs }
}

impl Activation {
    /// What is asked of people: by the estate in force, about this report.
    pub fn of(revision: &Revision, audience: &str, authority: &Authority, report: Digest, needs: Needs) -> Self {
        Self {
            format: ACTIVATION_FORMAT.into(),
            audience: audience.into(),
            revision: revision.id,
            round: revision.rounds + 1,
            proposer: revision.by,
            recused: BTreeSet::from([revision.by]),
            single_operator: authority.single_operator,
            base: revision.base,
            estate: revision.estate,
            report,
            needs,
        }
    }
}
