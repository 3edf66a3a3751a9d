//! What is wrong with an estate, where it stands, and what to write instead.

use std::cell::RefCell;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};

/// Most faults that one reading reports: a page or two; nobody repairs a hundred before trying again.
pub(crate) const FAULTS_MAX: usize = 100;

/// One text of the estate, with the path that messages show.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Text {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// A stretch of one text, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) text: Arc<Text>,
    pub(crate) at: Range<usize>,
}

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) place: Place,
}

/// One thing that is wrong.
#[derive(Debug, Clone)]
pub struct Fault {
    /// The file, relative to the estate directory.
    pub path: String,
    /// The line, from 1; 0 when the fault concerns the whole file.
    pub line: usize,
    /// The column in characters, from 1; 0 when the fault concerns the whole file.
    pub column: usize,
    /// What is wrong: a fragment in lower case.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    span: Option<Range<usize>>,
    source: Arc<NamedSource<String>>,
}

/// An estate that cannot be used, with everything that is wrong with it, ordered by file and line; never empty.
#[derive(Debug, Clone)]
pub struct LoadError {
    // INVARIANT: `new` is only called with faults, and sorts them.
    faults: Vec<Fault>,
}

/// Collects faults while a reading goes on.
#[derive(Debug, Default)]
pub(crate) struct Faults(RefCell<Vec<Fault>>);

impl Text {
    pub(crate) fn new(path: &str, text: &str) -> Arc<Self> {
        Arc::new(Self { path: path.to_owned(), text: text.to_owned() })
    }
}

impl Place {
    /// A place inside the text: cut to its length and to whole characters.
    pub(crate) fn new(text: &Arc<Text>, at: Range<usize>) -> Self {
        let start = text.text.floor_char_boundary(at.start.min(text.text.len()));
        let end = text.text.ceil_char_boundary(at.end.clamp(start, text.text.len()));
        Self { text: Arc::clone(text), at: start..end }
    }

    /// The start of the text.
    pub(crate) fn start(text: &Arc<Text>) -> Self {
        Self::new(text, 0..0)
    }

    /// What is written there.
    pub(crate) fn written(&self) -> &str {
        self.text.text.get(self.at.clone()).unwrap_or("")
    }
}

impl Fault {
    pub(crate) fn at(place: &Place, message: impl Into<String>, help: Option<String>) -> Self {
        let before = place.text.text.get(..place.at.start).unwrap_or("");
        let (lines, last) = (before.matches('\n').count(), before.rsplit('\n').next().unwrap_or(""));
        Self {
            path: place.text.path.clone(),
            line: lines + 1,
            column: last.chars().count() + 1,
            message: message.into(),
            help,
            span: Some(place.at.clone()),
            source: Arc::new(NamedSource::new(&place.text.path, place.text.text.clone())),
        }
    }

    /// A fault of a whole file, or of a file that is not there.
    pub(crate) fn of_file(path: &str, message: impl Into<String>, help: Option<String>) -> Self {
        Self {
            path: path.to_owned(),
            line: 0,
            column: 0,
            message: message.into(),
            help,
            span: None,
            source: Arc::new(NamedSource::new(path, String::new())),
        }
    }
}

impl LoadError {
    /// Sorts the faults and keeps the first [`FAULTS_MAX`].
    pub(crate) fn new(mut faults: Vec<Fault>) -> Self {
        faults.sort_by(|a, b| (&a.path, a.line, a.column, &a.message).cmp(&(&b.path, b.line, b.column, &b.message)));
        faults.truncate(FAULTS_MAX);
        Self { faults }
    }

    /// Everything that is wrong, by file and line.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }
}

impl Faults {
    pub(crate) fn push(&self, fault: Fault) {
        let mut list = self.0.borrow_mut();
        // One more than is shown, so that a hostile file costs neither memory nor time.
        if list.len() <= FAULTS_MAX {
            list.push(fault);
        }
    }

    /// A fault at a place. Where nothing more is taken nothing is made: making one counts lines and copies the text.
    pub(crate) fn at(&self, place: &Place, message: impl Into<String>, help: Option<String>) {
        if self.count() > FAULTS_MAX {
            return;
        }
        self.push(Fault::at(place, message, help));
    }

    pub(crate) fn count(&self) -> usize {
        self.0.borrow().len()
    }

    /// The value, unless there are faults.
    pub(crate) fn settle<T>(self, value: Option<T>) -> Result<T, LoadError> {
        let faults = self.0.into_inner();
        match value {
            Some(value) if faults.is_empty() => Ok(value),
            Some(_) | None => Err(LoadError::new(faults)),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}

impl Diagnostic for Fault {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.span.as_ref().map(|_| &*self.source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = self.span.clone()?;
        Some(Box::new(std::iter::once(LabeledSpan::new_with_span(Some("here".into()), span))))
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.faults.len();
        write!(f, "the estate has {count} {}", if count == 1 { "fault" } else { "faults" })?;
        for fault in &self.faults {
            write!(f, "\n{}", fault.path)?;
            if fault.line > 0 {
                write!(f, ":{}:{}", fault.line, fault.column)?;
            }
            write!(f, ": {}", fault.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for LoadError {}

impl Diagnostic for LoadError {
    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(self.faults.iter().map(|fault| fault as &dyn Diagnostic)))
    }
}
