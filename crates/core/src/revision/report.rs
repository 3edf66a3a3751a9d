//! What was found out about a proposed version: in words for people, with one rule on what may be put to them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::digest::{Digest, DigestError};
use crate::id::OperatorId;
use crate::name::{RunbookName, TeamName};

/// Most entries of one list of a report. What is longer cannot be read before an answer is due, so it is not asked.
pub const LIST_MAX: usize = 1_000;

/// A kind of request that opens or closes, with one concrete example.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kind {
    /// Principal, action and resource type.
    pub environment: String,
    /// The example, in a sentence.
    pub sentence: String,
}

/// Something that moves beside the policies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Beside {
    /// What, in a sentence.
    pub says: String,
    /// Whether it may open something.
    pub widens: bool,
}

/// Stories that were told: how many, and those that came out another way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Told {
    /// How many.
    pub total: u32,
    /// Those that failed, and how.
    pub failed: Vec<String>,
}

/// How it stands with one obligation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// It holds for every request.
    Proved,
    /// It does not hold.
    Refuted,
    /// Nobody knows; that counts as no.
    NotProved,
}

/// One obligation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Obligation {
    /// For machines.
    pub name: String,
    /// For people.
    pub says: String,
    /// How it stands.
    pub status: Proof,
    /// The counterexample, or why nobody knows.
    pub told: Option<String>,
}

/// What was proved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "proofs", rename_all = "snake_case")]
pub enum Proofs {
    /// The solver was asked.
    Ran {
        /// Every obligation, in a fixed order.
        obligations: Vec<Obligation>,
    },
    /// It was not; that counts as no.
    NotRun {
        /// Why, and what to do about it.
        why: String,
    },
}

/// How a file differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// Its text is another.
    Changed,
}

/// A team whose runbooks change, are new, or go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Review {
    /// The team.
    pub team: TeamName,
    /// Which of its runbooks.
    pub runbooks: BTreeSet<RunbookName>,
    /// Its people in the estate in force; one of them has to say yes.
    pub people: BTreeSet<OperatorId>,
}

/// A file that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Changed {
    /// Its path in the estate.
    pub path: String,
    /// How.
    pub how: How,
}

/// Everything that was found out about a proposed version, compared with the one in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// What keeps it from being read, or from coming into force here.
    pub faults: Vec<String>,
    /// What is allowed and looks careless.
    pub warnings: Vec<String>,
    /// The stories of `policies/cases`.
    pub cases: Told,
    /// The tests of its runbooks; none when they were not run.
    pub rehearsals: Option<Told>,
    /// The proofs.
    pub proofs: Proofs,
    /// Kinds of request that are permitted from then on and are not now.
    pub opened: Vec<Kind>,
    /// Kinds of request that are permitted now and no longer then.
    pub closed: Vec<Kind>,
    /// Kinds of request of which nobody knows.
    pub unknown: Vec<String>,
    /// What moves beside the policies.
    pub beside: Vec<Beside>,
    /// The files that differ.
    pub files: Vec<Changed>,
    /// The teams whose runbooks change; each reviews its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reviews: Vec<Review>,
}

impl Report {
    /// A report of files that could not even be read.
    pub fn unreadable(faults: Vec<String>) -> Self {
        Self {
            faults,
            warnings: Vec::new(),
            cases: Told::default(),
            rehearsals: None,
            proofs: Proofs::NotRun { why: "the files cannot be used".into() },
            opened: Vec::new(),
            closed: Vec::new(),
            unknown: Vec::new(),
            beside: Vec::new(),
            files: Vec::new(),
            reviews: Vec::new(),
        }
    }

    /// Whether it may be put to people: everything was read, told and proved. What it opens is for people to judge.
    pub fn fit(&self) -> bool {
        self.obstacles().is_empty()
    }

    /// Why it may not be put to people, one sentence each.
    pub fn obstacles(&self) -> Vec<String> {
        let mut all: Vec<String> = self.faults.clone();
        all.extend(self.cases.failed.iter().map(|case| format!("a story of `policies/cases` comes out another way: {case}")));
        let rehearsed = self.rehearsals.iter().flat_map(|told| &told.failed);
        all.extend(rehearsed.map(|test| format!("a test of a runbook fails: {test}")));
        match &self.proofs {
            Proofs::NotRun { why } => all.push(format!("nothing is proved, and what is not proved does not come into force: {why}")),
            Proofs::Ran { obligations } => {
                for one in obligations.iter().filter(|one| one.status != Proof::Proved) {
                    let how = if one.status == Proof::Refuted { "refuted" } else { "not proved" };
                    let told = one.told.as_ref().map(|told| format!(": {told}")).unwrap_or_default();
                    all.push(format!("{how}: {}{told}", one.says));
                }
            }
        }
        all.extend(self.unknown.iter().map(|kind| format!("nobody knows whether it opens {kind}")));
        let alone = self.reviews.iter().filter(|review| review.people.is_empty());
        all.extend(alone.map(|review| {
            let names: Vec<String> = review.runbooks.iter().map(|name| format!("`{name}`")).collect();
            let names = names.join(", ");
            format!("nobody can review {names} for team `{}`: it has no people here beside the proposer", review.team)
        }));
        let lengths = [self.opened.len(), self.closed.len(), self.beside.len(), self.files.len()];
        if lengths.into_iter().any(|length| length > LIST_MAX) {
            all.push(format!("more than {LIST_MAX} things of one kind change, more than people can judge at once: propose it in parts"));
        }
        all
    }

    /// Whether anything is wider, or may be.
    pub fn widens(&self) -> bool {
        !self.opened.is_empty() || !self.unknown.is_empty() || self.beside.iter().any(|one| one.widens)
    }

    /// How many obligations there are.
    pub fn obligations(&self) -> usize {
        match &self.proofs {
            Proofs::Ran { obligations } => obligations.len(),
            Proofs::NotRun { .. } => 0,
        }
    }

    /// How many of them are proved.
    pub fn proved(&self) -> usize {
        match &self.proofs {
            Proofs::Ran { obligations } => obligations.iter().filter(|one| one.status == Proof::Proved).count(),
            Proofs::NotRun { .. } => 0,
        }
    }

    /// What statements name.
    ///
    /// # Errors
    /// Never for a report of this type; the signature of the canonicaliser allows for it.
    pub fn digest(&self) -> Result<Digest, DigestError> {
        Digest::of_json(self)
    }
}
