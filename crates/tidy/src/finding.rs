//! What a check reports: a place and what is wrong there.

use std::fmt;

/// One broken rule at one place, printed as `path:line: what`; line 0 means the whole file and is left out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    path: String,
    line: usize,
    what: String,
}

impl Finding {
    /// A finding about a whole file.
    pub fn of_file(path: &str, what: impl Into<String>) -> Self {
        Self::at(path, 0, what)
    }

    /// A finding at a line, counted from 1.
    pub fn at(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, what: what.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 { write!(f, "{}: {}", self.path, self.what) } else { write!(f, "{}:{}: {}", self.path, self.line, self.what) }
    }
}
