//! Policy texts as they come in, and what is wrong with them, to the byte.

use std::fmt;

use serde::Serialize;

/// One file of policies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Where it lies, relative to the estate: `policies/dns.cedar`.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// One thing that is wrong, with the place that shows it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Diagnostic {
    /// The path of the [`Source`]; [`crate::SCHEMA_PATH`] when the estate itself cannot carry a schema.
    pub path: String,
    /// First byte in that text.
    pub offset: usize,
    /// How many bytes; within the text.
    pub len: usize,
    /// The line, from 1; 0 when it is about no text.
    pub line: usize,
    /// The column in characters, from 1; 0 when it is about no text.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub help: Option<String>,
}

/// A place in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// First byte.
    pub offset: usize,
    /// How many bytes.
    pub len: usize,
}

impl Source {
    /// A complaint about this text; the place is cut to the text.
    pub fn complain(&self, place: Place, message: impl Into<String>, help: Option<String>) -> Diagnostic {
        let offset = place.offset.min(self.text.len());
        let len = place.len.min(self.text.len() - offset);
        let before = self.text.get(..offset).unwrap_or(&self.text);
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let line = before.matches('\n').count() + 1;
        Diagnostic { path: self.path.clone(), offset, len, line, column, message: message.into(), help }
    }

    /// The same from a report of Cedar, whose labels are byte offsets into this very text.
    pub fn relay(&self, report: &dyn miette::Diagnostic, otherwise: Place) -> Diagnostic {
        let label = report.labels().and_then(|mut labels| labels.next());
        let place = label.map_or(otherwise, |l| Place { offset: l.offset(), len: l.len() });
        self.complain(place, report.to_string(), report.help().map(|h| h.to_string()))
    }
}

impl Diagnostic {
    /// A complaint about a text that nobody wrote: the schema that the estate gives.
    pub(crate) fn of_schema(message: String) -> Self {
        Self { path: crate::SCHEMA_PATH.into(), offset: 0, len: 0, line: 0, column: 0, message, help: None }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.path, self.line, self.column, self.message)?;
        match &self.help {
            Some(help) => write!(f, " (help: {help})"),
            None => Ok(()),
        }
    }
}
