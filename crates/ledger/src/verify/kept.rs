//! Heads and tickets that others kept: the only thing that shows a cut, a fork or a rewrite with the log's own key.

use std::collections::BTreeMap;

use super::Seen;
use super::head::listed;
use super::report::{FindingKind, Gravity, Report};
use crate::checkpoint::Checkpoint;
use crate::hash::Hash;
use crate::key::Verifier;
use crate::note::{self, NoteError};
use crate::proof::verify_inclusion;
use crate::ticket::Ticket;

/// One kept head, with the proof of a record when it came in a ticket.
pub(super) struct Kept {
    label: String,
    head: Checkpoint,
    /// Who signed it, when that is nobody we trust.
    strangers: Option<String>,
    trusted: String,
    ticket: Option<Ticket>,
}

impl Kept {
    /// Reads the `number`th kept text, a note or a ticket.
    pub(super) fn read(number: usize, text: &str, keys: &[Verifier], report: &mut Report) -> Option<Self> {
        let label = format!("kept head {number}");
        let ticket = if text.starts_with("c2sp.org/") { Some(Ticket::parse(text)) } else { None };
        let read = match ticket.transpose() {
            Ok(ticket) => {
                let note = ticket.as_ref().map_or(text, |ticket| ticket.checkpoint.as_str());
                open(note, keys).map(|(head, strangers)| (head, strangers, ticket.clone()))
            }
            Err(error) => Err(error.to_string()),
        };
        match read {
            Ok((head, strangers, ticket)) => Some(Self { label, head, strangers, trusted: listed(keys), ticket }),
            Err(error) => {
                report.find(Gravity::Unverifiable, FindingKind::Kept, None, format!("{label} cannot be used: {error}"));
                None
            }
        }
    }

    /// Holds the export against this head.
    pub(super) fn compare(&self, export: &Checkpoint, seen: &Seen, report: &mut Report) {
        let label = &self.label;
        if self.head.origin != export.origin {
            let text = format!("{label} is of the log `{}`, the export is of `{}`", self.head.origin, export.origin);
            report.find(Gravity::Unverifiable, FindingKind::Kept, None, text);
            return;
        }
        let by = self.strangers.as_ref().map(|strangers| format!(" (signed by {strangers}, trusted is {})", self.trusted));
        let by = by.unwrap_or_default();
        if self.head.size > export.size {
            let text =
                format!("the export ends at {}, {label} says {}: the records after it were cut off{by}", export.size, self.head.size);
            report.find(Gravity::Tampered, FindingKind::Truncated, None, text);
            return;
        }
        match seen.roots.get(&self.head.size).copied().flatten() {
            Some(root) if root == self.head.root => self.agree(seen, report),
            Some(_) => {
                let text = format!("the first {} records are not those of {label}: the log was rewritten{by}", self.head.size);
                report.find(Gravity::Tampered, FindingKind::Forked, None, text);
            }
            None => {
                let text = format!("{label} could not be compared: the records up to {} are not all there", self.head.size);
                report.find(Gravity::Incomplete, FindingKind::Kept, None, text);
            }
        }
    }

    fn agree(&self, seen: &Seen, report: &mut Report) {
        let label = &self.label;
        if let Some(strangers) = &self.strangers {
            let text = format!("{label} fits but proves nothing: it is signed by {strangers}, trusted is {}", self.trusted);
            report.find(Gravity::Unverifiable, FindingKind::Kept, None, text);
            return;
        }
        if let Some(ticket) = &self.ticket {
            let leaf = seen.leaves.get(&ticket.index).copied().flatten();
            let proven =
                leaf.is_some_and(|leaf| verify_inclusion(leaf, ticket.index, self.head.size, &ticket.proof, self.head.root).is_ok());
            if !proven {
                let text = format!("record {}: not the one that the ticket in {label} was made for", ticket.index);
                report.find(Gravity::Tampered, FindingKind::Kept, Some(ticket.index), text);
                return;
            }
        }
        // The empty head agrees with every log and therefore says nothing.
        if self.head.size > 0 {
            report.witnesses += 1;
            report.witnessed_size = report.witnessed_size.max(self.head.size);
        }
    }
}

/// Opens a kept note. One that strangers signed is still compared: the person who kept it may hold the key that was replaced.
fn open(note: &str, keys: &[Verifier]) -> Result<(Checkpoint, Option<String>), String> {
    let (text, strangers) = match note::open(note, keys) {
        Ok(text) => (text, None),
        Err(NoteError::Unknown(strangers)) => (note::split(note).map_err(|error| error.to_string())?.0, Some(strangers)),
        Err(error) => return Err(error.to_string()),
    };
    let head = Checkpoint::parse(text).map_err(|error| error.to_string())?;
    if strangers.is_none() && !keys.iter().any(|key| key.open_checkpoint(note).is_ok()) {
        return Err(format!("a head of `{}` signed by the key of another log", head.origin));
    }
    Ok((head, strangers))
}

/// The sizes and indexes to remember while the records go by.
pub(super) fn wanted(kept: &[Kept], export: &Checkpoint) -> Seen {
    let within = kept.iter().filter(|kept| kept.head.size <= export.size);
    let roots: BTreeMap<u64, Option<Hash>> = within.map(|kept| (kept.head.size, None)).collect();
    let leaves = kept.iter().filter_map(|kept| kept.ticket.as_ref()).map(|ticket| (ticket.index, None)).collect();
    Seen { roots, leaves }
}
