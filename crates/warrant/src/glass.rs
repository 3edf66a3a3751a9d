//! A broken glass: who signed it, and whether the journal that was written under it is whole. A runner reads its own journal with
//! this before it tells it, and the control plane reads it with this again before it believes a word.
//!
//! One line of the file is `{"line":"…","sig":"…"}`: the exact JSON of a [`Line`] as a text, and an Ed25519 signature over that text
//! by the session key which the person's statement names. Every line names the digest of the whole line before it, so none can be
//! edited, left out or moved, and the last says that it is the last.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use lineclear_core::digest::Digest;
use lineclear_core::emergency::told_as;
use lineclear_core::glass::{Closing, GLASS_NAMESPACE, Glass, GlassError, GlassStatement, LINE_MAX, LINES_MAX, Line, Said};
use lineclear_core::id::EmergencyId;
use lineclear_core::machine::{Machine as _, fold};
use lineclear_core::run::{self, Direction, Run};
use lineclear_core::{OperatorId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::signature::{VoteFault, check_ssh};

/// Longest journal in bytes: what one request to the control plane carries, with room for its escapes.
pub const JOURNAL_MAX: usize = 480 * 1_024;
/// What a line's signature is over, before the line: no other text that is signed begins so.
const LINE_PREFIX: &str = "lineclear.break-glass-line/1\n";

/// The key of one session. Its secret half is wiped when it is dropped and never printed.
pub struct SessionKey(SigningKey);

/// Why a statement breaks no glass.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GlassFault {
    /// The bytes are no statement.
    #[error(transparent)]
    Statement(#[from] GlassError),
    /// Nobody here knows the person, or any key of theirs.
    #[error("`{0}` has no key here")]
    Stranger(OperatorId),
    /// The signature does not hold.
    #[error(transparent)]
    Signature(#[from] VoteFault),
}

/// Why a journal is not believed. [`JournalFault::code`] is the stable word.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JournalFault {
    /// Longer than [`JOURNAL_MAX`], or more than [`LINES_MAX`] lines.
    #[error("a journal has at most {JOURNAL_MAX} bytes and {LINES_MAX} lines")]
    TooLong,
    /// Nothing in it.
    #[error("the journal is empty")]
    Empty,
    /// The last line has no end: it was being written, or was cut.
    #[error("line {0} is not whole: the journal was cut, or never written to its end")]
    Torn(usize),
    /// A line that is none.
    #[error("line {number} cannot be read: {why}")]
    Line {
        /// Which, from 0.
        number: usize,
        /// Why.
        why: String,
    },
    /// A line that does not follow the one before it.
    #[error("line {0} does not follow the line before it: one was left out, moved or edited")]
    Order(usize),
    /// A line that the session key did not sign.
    #[error("line {0} is not signed by the key that its statement names: it was edited")]
    Unsigned(usize),
    /// What happened cannot have happened so.
    #[error("line {number} cannot be true: {why}")]
    Untrue {
        /// Which, from 0.
        number: usize,
        /// Why.
        why: String,
    },
    /// The end is missing.
    #[error("the journal has no closing line: its end was cut, or its run was never looked at after a crash")]
    Truncated,
    /// Nobody signed it who counts.
    #[error(transparent)]
    Glass(#[from] GlassFault),
}

/// A journal that was read and is whole as far as it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GlassJournal {
    /// What was signed.
    pub glass: Glass,
    /// Every line with its digest and its exact text.
    pub lines: Vec<(Digest, Line, String)>,
    /// Its run, after everything that is written; none when it never began.
    pub run: Option<Run>,
    /// How it was closed; none while it is not.
    pub closing: Option<Closing>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed {
    line: String,
    sig: String,
}

impl SessionKey {
    /// The key of these 32 secret bytes. The caller wipes its own copy of them.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(SigningKey::from_bytes(&seed))
    }

    /// The public half in base64, as the statement names it.
    pub fn public(&self) -> String {
        STANDARD.encode(self.0.verifying_key().as_bytes())
    }

    /// One signed line with its end.
    pub fn seal(&self, line: &Line) -> String {
        let line = serde_json::to_string(line).unwrap_or_default();
        let sig = STANDARD.encode(self.0.sign(format!("{LINE_PREFIX}{line}").as_bytes()).to_bytes());
        serde_json::to_string(&Sealed { line, sig }).unwrap_or_default() + "\n"
    }
}

impl std::fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SessionKey({})", self.public())
    }
}

impl JournalFault {
    /// The stable word for records and programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::Empty => "empty",
            Self::Torn(_) => "torn",
            Self::Line { .. } => "unreadable",
            Self::Order(_) => "out_of_order",
            Self::Unsigned(_) => "tampered",
            Self::Untrue { .. } => "untrue",
            Self::Truncated => "truncated",
            Self::Glass(_) => "bad_glass",
        }
    }
}

impl GlassJournal {
    /// The emergency that this journal becomes: always the same for the same first line, so that it is told once.
    pub fn emergency(&self) -> Option<EmergencyId> {
        self.lines.first().map(|(digest, _, _)| told_as(*digest))
    }

    /// The digest that the next line names.
    pub fn last(&self) -> Digest {
        self.lines.last().map_or_else(nothing, |(digest, _, _)| *digest)
    }
}

/// The digest that a first line names.
pub fn nothing() -> Digest {
    Digest::of(b"")
}

/// The digest of a sealed line, without its end.
pub fn digest_of(sealed: &str) -> Digest {
    Digest::of(sealed.trim_end_matches('\n').as_bytes())
}

/// What a person signed, once the bytes are a statement and one of these keys signed exactly them.
///
/// # Errors
/// The first fault.
pub fn check_glass(text: &str, signature: &str, keys: Option<&[String]>) -> Result<GlassStatement, GlassFault> {
    let said = GlassStatement::parse(text)?;
    let keys = keys.filter(|keys| !keys.is_empty()).ok_or(GlassFault::Stranger(said.person))?;
    check_ssh(text.as_bytes(), signature, keys, GLASS_NAMESPACE)?;
    Ok(said)
}

/// Reads a journal. Everything that is written is checked: each line's signature and its place, who signed the glass, and that
/// what happened can have happened so. Whether it is closed is left to the caller.
///
/// # Errors
/// The first fault.
pub fn read_journal<'k>(text: &str, keys_of: impl Fn(&OperatorId) -> Option<&'k [String]>) -> Result<GlassJournal, JournalFault> {
    if text.len() > JOURNAL_MAX {
        return Err(JournalFault::TooLong);
    }
    let mut pieces: Vec<&str> = text.split('\n').collect();
    if pieces.pop().is_some_and(|rest| !rest.is_empty()) {
        return Err(JournalFault::Torn(pieces.len()));
    }
    if pieces.len() > LINES_MAX {
        return Err(JournalFault::TooLong);
    }
    let first = pieces.first().ok_or(JournalFault::Empty)?;
    let glass = opened(first, keys_of)?;
    let key = session(&glass.statement)?;
    let mut journal = GlassJournal { glass, lines: Vec::with_capacity(pieces.len()), run: None, closing: None };
    for (number, sealed) in pieces.iter().enumerate() {
        let line = unsealed(number, sealed, &key)?;
        follow(&mut journal, number, &line)?;
        journal.lines.push((Digest::of(sealed.as_bytes()), line, (*sealed).to_owned()));
    }
    Ok(journal)
}

/// The same, for a journal that has to be closed.
///
/// # Errors
/// The first fault; a journal without its last line is truncated.
pub fn read_closed<'k>(text: &str, keys_of: impl Fn(&OperatorId) -> Option<&'k [String]>) -> Result<GlassJournal, JournalFault> {
    let journal = read_journal(text, keys_of)?;
    if journal.closing.is_none() { Err(JournalFault::Truncated) } else { Ok(journal) }
}

fn opened<'k>(sealed: &str, keys_of: impl Fn(&OperatorId) -> Option<&'k [String]>) -> Result<Glass, JournalFault> {
    let line = parsed(0, sealed)?.1;
    let Said::Opened { text, signature } = line.said else { return Err(JournalFault::Order(0)) };
    let person = GlassStatement::parse(&text).map_err(GlassFault::from)?.person;
    let statement = check_glass(&text, &signature, keys_of(&person))?;
    Ok(Glass { statement, text, signature })
}

fn session(said: &GlassStatement) -> Result<VerifyingKey, JournalFault> {
    let key = STANDARD.decode(&said.session_key).ok().and_then(|key| <[u8; 32]>::try_from(key).ok());
    let key = key.and_then(|key| VerifyingKey::from_bytes(&key).ok()).filter(|key| !key.is_weak());
    key.ok_or_else(|| JournalFault::Line { number: 0, why: "the session key is none".into() })
}

fn parsed(number: usize, sealed: &str) -> Result<(Sealed, Line), JournalFault> {
    let bad = |why: String| JournalFault::Line { number, why };
    if sealed.len() > LINE_MAX {
        return Err(bad(format!("it has more than {LINE_MAX} bytes")));
    }
    let outer: Sealed = serde_json::from_str(sealed).map_err(|error| bad(error.to_string()))?;
    let line: Line = serde_json::from_str(&outer.line).map_err(|error| bad(error.to_string()))?;
    // One spelling only: a repeated member cannot hide in it.
    let same = serde_json::to_string(&outer).is_ok_and(|again| again == sealed);
    if same && serde_json::to_string(&line).is_ok_and(|again| again == outer.line) {
        Ok((outer, line))
    } else {
        Err(bad("it is spelled in another way".into()))
    }
}

fn unsealed(number: usize, sealed: &str, key: &VerifyingKey) -> Result<Line, JournalFault> {
    let (outer, line) = parsed(number, sealed)?;
    let signature = STANDARD.decode(&outer.sig).ok().and_then(|bytes| Signature::from_slice(&bytes).ok());
    let signature = signature.ok_or(JournalFault::Unsigned(number))?;
    key.verify_strict(format!("{LINE_PREFIX}{}", outer.line).as_bytes(), &signature).map_err(|_| JournalFault::Unsigned(number))?;
    Ok(line)
}

/// Whether a line follows from those before it, and what it adds to them.
fn follow(journal: &mut GlassJournal, number: usize, line: &Line) -> Result<(), JournalFault> {
    let before = journal.lines.last();
    if usize::try_from(line.number) != Ok(number) || line.prev != journal.last() || journal.closing.is_some() {
        return Err(JournalFault::Order(number));
    }
    let untrue = |why: &str| JournalFault::Untrue { number, why: why.into() };
    if before.is_some_and(|(_, before, _)| line.at < before.at) || line.at < journal.glass.statement.issued_at {
        return Err(untrue("it was written before the one before it"));
    }
    match &line.said {
        Said::Opened { .. } if number == 0 => Ok(()),
        Said::Opened { .. } => Err(JournalFault::Order(number)),
        Said::Closed { how } => {
            journal.closing = Some(*how);
            Ok(())
        }
        Said::Ran { event } => {
            ran(&journal.glass, event, line.at).map_err(untrue)?;
            let run = match journal.run.take() {
                None => fold::<Run>([&**event]).map_err(|error| untrue(&error.to_string()))?,
                Some(run) => Some(run.apply(event).map_err(|error| untrue(&error.to_string()))?),
            };
            journal.run = run;
            Ok(())
        }
    }
}

/// What happened is what was signed: this runbook, and nothing forwards after its time.
fn ran(glass: &Glass, event: &run::Event, at: Timestamp) -> Result<(), &'static str> {
    if let run::Event::Begun { order } = event
        && (order.bundle != Digest::of(glass.text.as_bytes()) || order.plan.runbook_digest != glass.statement.runbook)
    {
        return Err("it runs something else than was signed");
    }
    if let run::Event::Intended { attempt, .. } = event
        && attempt.key.direction == Direction::Do
        && at >= glass.statement.expires_at
    {
        return Err("something was begun after its time was over");
    }
    if matches!(event, run::Event::Resolved { .. } | run::Event::SecondAsked { .. }) {
        return Err("nobody decides about a stuck run here");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
