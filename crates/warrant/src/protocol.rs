//! What runner and control plane say to each other. The runner always asks first; it works behind NAT.

use lineclear_core::plan::{EffectClass, Preview, ToolCall};
use lineclear_core::run::{Applied, AttemptKey, Found};
use lineclear_core::{RunnerId, WarrantId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A runner asks for work, and shows the head of the ledger that it saw last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Poll {
    /// Who asks.
    pub runner: RunnerId,
    /// 32 random bytes in hexadecimal, drawn for this poll.
    pub nonce: String,
    /// The signed checkpoint that it saw last; none before the first.
    pub head: Option<String>,
}

/// A runner says that it is there, whether or not it asks for work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Beat {
    /// Its version, at most 64 characters.
    pub version: String,
    /// The sandbox that it has for commands, in words, at most 200 characters.
    pub sandbox: String,
    /// Whether it is stopping: it takes nothing new, and finishes what it has.
    pub stopping: bool,
    /// The signed checkpoint that it saw last; none before the first.
    pub head: Option<String>,
}

/// What a runner is asked to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "work", rename_all = "snake_case")]
pub enum Work {
    /// Nothing for now.
    Nothing,
    /// Look at the live system and say what the call would change; changes nothing.
    Preview {
        /// Names the question.
        question: u64,
        /// The call.
        call: ToolCall,
        /// Its undo, if any.
        undo: Option<ToolCall>,
    },
    /// Act on this warrant: a DSSE envelope.
    Act {
        /// The envelope's exact JSON text.
        envelope: String,
    },
    /// Say what you know of this attempt; when you started it and lost track, fence it, look, and say what you found.
    Ask {
        /// Names the question.
        question: u64,
        /// Which attempt.
        attempt: AttemptKey,
        /// Its warrant.
        warrant: WarrantId,
    },
}

/// What a runner tells of its own accord about a warrant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "report", rename_all = "snake_case")]
pub enum Report {
    /// It is in my journal, synced.
    Accepted {
        /// Which attempt.
        attempt: AttemptKey,
    },
    /// I will not, and why.
    Refused {
        /// Which attempt, as far as the envelope told.
        attempt: Option<AttemptKey>,
        /// Which check failed: a stable word.
        code: String,
        /// Why, in words.
        why: String,
    },
    /// I have begun; it is in my journal, synced.
    Started {
        /// Which attempt.
        attempt: AttemptKey,
    },
    /// It did what it should, and its check held.
    Succeeded {
        /// Which attempt.
        attempt: AttemptKey,
        /// What the tool reports, at most 64 KiB.
        output: Value,
    },
    /// It did not.
    Failed {
        /// Which attempt.
        attempt: AttemptKey,
        /// Whether anything may have been changed.
        applied: Applied,
        /// Why, at most 2,000 characters.
        why: String,
    },
}

/// What a runner answers to a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answer {
    /// What the call would change.
    Preview {
        /// Which question.
        question: u64,
        /// What the tool read, or why it could not.
        result: Result<(EffectClass, Preview), String>,
    },
    /// What is known of an attempt.
    Known {
        /// Which question.
        question: u64,
        /// What.
        known: Knowledge,
    },
}

/// What a runner knows of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "known", rename_all = "snake_case")]
pub enum Knowledge {
    /// It is under way.
    UnderWay,
    /// It is over, and this is what I reported, or would have.
    Reported {
        /// The report.
        report: Report,
    },
    /// I lost track of it, have made sure that nothing of it runs any more, and looked.
    Found {
        /// What I found. `NeverStarted` also when it never reached me; it never will be started.
        found: Found,
        /// What I saw.
        output: Value,
    },
}
