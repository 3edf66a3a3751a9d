//! What the policies of an action read of a situation. A question above the lowest rung carries no more than that: what
//! nobody reads cannot change an answer, and typing it again at every rung was the dearest part of the ladder.

use std::collections::BTreeSet;

/// The attributes that are read, by the record that holds them.
#[derive(Debug, Default)]
pub(crate) struct Reads {
    /// Of `context` itself, `approvals`, `evidence` and `permissions` among them.
    pub context: Part,
    /// Of `context.approvals`.
    pub approvals: Part,
    /// Of `context.evidence`.
    pub evidence: Part,
    /// Of `context.permissions`.
    pub permissions: Part,
}

/// What is read of one record.
#[derive(Debug)]
pub(crate) enum Part {
    /// These attributes and no others.
    Only(BTreeSet<String>),
    /// The record as such: `context has freeze`, or a comparison of whole records.
    All,
}

/// What a request carries when the schema checks it.
pub(crate) static EVERYTHING: Reads = Reads { context: Part::All, approvals: Part::All, evidence: Part::All, permissions: Part::All };

impl Reads {
    /// Adds a path as policies write it, `context.approvals.humans`. One that ends early reads all that it could go on to.
    pub fn add(&mut self, path: &str) {
        let mut words = path.split('.').skip(1);
        let (first, second) = (words.next(), words.next());
        self.context.add(first);
        if first.is_none_or(|word| word == "approvals") {
            self.approvals.add(second);
        }
        if first.is_none_or(|word| word == "evidence") {
            self.evidence.add(second);
        }
        if first.is_none_or(|word| word == "permissions") {
            self.permissions.add(second);
        }
    }
}

impl Part {
    /// Whether the attribute is read.
    pub fn has(&self, attribute: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.contains(attribute),
        }
    }

    fn add(&mut self, attribute: Option<&str>) {
        match (&mut *self, attribute) {
            (Self::All, _) => {}
            (Self::Only(names), Some(name)) => {
                names.insert(name.to_owned());
            }
            (Self::Only(_), None) => *self = Self::All,
        }
    }
}

impl Default for Part {
    fn default() -> Self {
        Self::Only(BTreeSet::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of a few attributes are read after these paths: of the context, of the approvals, of the evidence.
    fn check(paths: &[&str], expected: [&str; 3]) {
        let mut reads = Reads::default();
        for path in paths {
            reads.add(path);
        }
        let of = |part: &Part, names: &[&str]| names.iter().copied().filter(|n| part.has(n)).collect::<Vec<_>>().join(" ");
        let found = [
            of(&reads.context, &["freeze", "hosts", "approvals", "evidence"]),
            of(&reads.approvals, &["humans", "owner"]),
            of(&reads.evidence, &["backend_down", "standby_ready"]),
        ];
        assert_eq!(found, expected, "{paths:?}");
    }

    #[test]
    fn a_path_that_ends_early_reads_all_below_it() {
        check(&[], ["", "", ""]);
        check(&["context.freeze"], ["freeze", "", ""]);
        check(&["context.approvals.humans"], ["approvals", "humans", ""]);
        check(&["context.evidence.standby_ready", "context.hosts"], ["hosts evidence", "", "standby_ready"]);
        check(&["context.approvals", "context.approvals.owner"], ["approvals", "humans owner", ""]);
        check(&["context.evidence"], ["evidence", "", "backend_down standby_ready"]);
        check(&["context.freeze", "context"], ["freeze hosts approvals evidence", "humans owner", "backend_down standby_ready"]);
        check(&["context", "context.freeze"], ["freeze hosts approvals evidence", "humans owner", "backend_down standby_ready"]);
    }
}
