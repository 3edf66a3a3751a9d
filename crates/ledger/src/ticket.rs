//! What a runner is shown: the proof that one record is in the log. C2SP `tlog-proof@v1`.

use crate::checkpoint::{Checkpoint, CheckpointError, parse_decimal};
use crate::hash::Hash;
use crate::key::Verifier;
use crate::note::NOTE_MAX_BYTES;
use crate::proof::{PROOF_MAX_HASHES, ProofInvalid, verify_inclusion};

/// The first line of a ticket.
const HEADER: &str = "c2sp.org/tlog-proof@v1\n";

/// Bytes in a ticket at most: a note, 63 hashes of 45 bytes, and 8 KiB for `extra` data that is thrown away.
pub const TICKET_MAX_BYTES: usize = NOTE_MAX_BYTES + 12 * 1024;

/// A record's index, its audit path, and a signed checkpoint. **It can be replayed for ever**: freshness is the warrant's business.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// Which record, counted from 0.
    pub index: u64,
    /// The leaf's sibling first.
    pub proof: Vec<Hash>,
    /// The signed note.
    pub checkpoint: String,
}

/// Why a ticket proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TicketError {
    /// Longer than [`TICKET_MAX_BYTES`].
    #[error("a ticket of {0} bytes")]
    TooLong(usize),
    /// Not a `tlog-proof@v1`.
    #[error("not a `c2sp.org/tlog-proof@v1`")]
    Shape,
    /// More than 63 hashes.
    #[error("more than 63 hashes in a proof")]
    TooManyHashes,
    /// The checkpoint in it cannot be believed.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The record is not in that tree.
    #[error(transparent)]
    Proof(#[from] ProofInvalid),
}

impl Ticket {
    /// The text to send. It carries no `extra` line: nobody signs that.
    pub fn to_text(&self) -> String {
        let proof: String = self.proof.iter().flat_map(|hash| [hash.to_base64(), "\n".to_owned()]).collect();
        format!("{HEADER}index {}\n{proof}\n{}", self.index, self.checkpoint)
    }

    /// Reads a ticket; nothing in it is believed yet. An `extra` line is dropped.
    pub fn parse(text: &str) -> Result<Self, TicketError> {
        if text.len() > TICKET_MAX_BYTES {
            return Err(TicketError::TooLong(text.len()));
        }
        let rest = text.strip_prefix(HEADER).ok_or(TicketError::Shape)?;
        let rest = match rest.strip_prefix("extra ") {
            Some(extra) => extra.split_once('\n').ok_or(TicketError::Shape)?.1,
            None => rest,
        };
        let (index, mut rest) = rest.strip_prefix("index ").and_then(|rest| rest.split_once('\n')).ok_or(TicketError::Shape)?;
        let index = parse_decimal(index).ok_or(TicketError::Shape)?;
        let mut proof = Vec::new();
        loop {
            let (line, tail) = rest.split_once('\n').ok_or(TicketError::Shape)?;
            rest = tail;
            if line.is_empty() {
                break;
            }
            if proof.len() >= PROOF_MAX_HASHES {
                return Err(TicketError::TooManyHashes);
            }
            proof.push(Hash::from_base64(line).map_err(|_| TicketError::Shape)?);
        }
        Ok(Self { index, proof, checkpoint: rest.to_owned() })
    }

    /// Whether `leaf` is the record of this index in the checkpoint that `verifier`'s log signed; that checkpoint.
    ///
    /// `leaf` is the hash of *the bytes that will be acted on*, computed by the caller.
    pub fn verify(&self, leaf: Hash, verifier: &Verifier) -> Result<Checkpoint, TicketError> {
        let checkpoint = verifier.open_checkpoint(&self.checkpoint)?;
        verify_inclusion(leaf, self.index, checkpoint.size, &self.proof, checkpoint.root)?;
        Ok(checkpoint)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::key::LogKey;
    use crate::proof::{MemoryHashes, inclusion_proof};
    use crate::tree::{Edge, leaf_hash};

    fn key() -> LogKey {
        LogKey::from_seed("ledger.example/e1", &[1; 32]).unwrap()
    }

    fn leaf(index: u64) -> Hash {
        leaf_hash(&index.to_be_bytes())
    }

    fn ticket(index: u64, size: u64) -> Ticket {
        let leaves: Vec<Hash> = (0..size).map(leaf).collect();
        let root = Edge::from_leaves(leaves.iter().copied()).root();
        let checkpoint = key().sign_checkpoint(&Checkpoint { origin: "ledger.example/e1".to_owned(), size, root });
        Ticket { index, proof: inclusion_proof(&MemoryHashes(leaves), index, size).unwrap(), checkpoint }
    }

    #[test]
    fn a_ticket_proves_its_record_and_no_other() {
        let ticket = ticket(4, 11);
        assert_eq!(Ticket::parse(&ticket.to_text()), Ok(ticket.clone()));
        assert_eq!(ticket.verify(leaf(4), &key().verifier()).unwrap().size, 11);
        assert_eq!(ticket.verify(leaf(5), &key().verifier()), Err(TicketError::Proof(ProofInvalid::Root)));
        let elsewhere = Ticket { index: 5, ..ticket.clone() };
        assert_eq!(elsewhere.verify(leaf(4), &key().verifier()), Err(TicketError::Proof(ProofInvalid::Root)));
        let beyond = Ticket { index: 11, ..ticket.clone() };
        assert_eq!(beyond.verify(leaf(4), &key().verifier()), Err(TicketError::Proof(ProofInvalid::Index { index: 11, size: 11 })));
        let stranger = LogKey::from_seed("ledger.example/e1", &[2; 32]).unwrap();
        assert!(matches!(ticket.verify(leaf(4), &stranger.verifier()), Err(TicketError::Checkpoint(_))));
    }

    #[test]
    fn a_ticket_for_the_only_record_has_no_hashes() {
        let ticket = ticket(0, 1);
        assert_eq!(Ticket::parse(&ticket.to_text()).unwrap().verify(leaf(0), &key().verifier()).unwrap().size, 1);
    }

    #[test]
    fn extra_data_is_dropped() {
        let ticket = ticket(4, 11);
        let text = ticket.to_text().replacen("index", "extra AAAA\nindex", 1);
        assert_eq!(Ticket::parse(&text), Ok(ticket));
    }

    #[test]
    fn a_ticket_out_of_shape_is_refused() {
        let good = ticket(4, 11).to_text();
        let check = |text: String, expected| assert_eq!(Ticket::parse(&text), Err(expected), "{text}");
        check(String::new(), TicketError::Shape);
        check(good.replace("@v1", "@v2"), TicketError::Shape);
        check(good.replace("index 4", "index 04"), TicketError::Shape);
        check(good.replace("index 4", "index -4"), TicketError::Shape);
        check(good.replace("index 4\n", "index 4\nAAAA\n"), TicketError::Shape);
        let line = format!("{}\n", leaf(0).to_base64());
        check(good.replace("index 4\n", &format!("index 4\n{}", line.repeat(60))), TicketError::TooManyHashes);
        check("x".repeat(TICKET_MAX_BYTES + 1), TicketError::TooLong(TICKET_MAX_BYTES + 1));
    }

    #[test]
    fn no_changed_byte_of_a_ticket_goes_unseen() {
        let good = ticket(4, 11).to_text();
        for at in 0..good.len() {
            let mut bytes = good.clone().into_bytes();
            bytes[at] ^= 1;
            let accepted = String::from_utf8(bytes)
                .is_ok_and(|text| Ticket::parse(&text).is_ok_and(|ticket| ticket.verify(leaf(4), &key().verifier()).is_ok()));
            assert!(!accepted, "byte {at}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_text_is_answered(text in "(\\PC|\n|index |extra ){0,80}") {
            let _ = Ticket::parse(&format!("{HEADER}{text}"));
            let _ = Ticket::parse(&text);
        }
    }
}
