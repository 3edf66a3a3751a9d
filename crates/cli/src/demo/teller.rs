//! The story as it happens: on standard output for people, on standard error when a JSON document is wanted.

use std::io::Write as _;

use anstream::{AutoStream, ColorChoice};

/// Who tells the story.
pub struct Teller {
    json: bool,
}

impl Teller {
    /// A teller; with `json`, standard output is left to the document.
    pub const fn new(json: bool) -> Self {
        Self { json }
    }

    /// Says a line.
    pub fn say(&self, line: &str) {
        self.write(&format!("{line}\n"));
    }

    /// Begins a chapter.
    pub fn chapter(&self, title: &str) {
        self.write(&format!("\n\x1b[1m{title}\x1b[0m\n"));
    }

    /// Something that happened, with who did it.
    pub fn happens(&self, who: &str, what: &str) {
        self.write(&format!("  \x1b[36m{who:<13}\x1b[0m {what}\n"));
    }

    fn write(&self, text: &str) {
        // A reader that went away is no reason to stop.
        let _ = if self.json {
            AutoStream::new(std::io::stderr(), ColorChoice::Auto).write_all(text.as_bytes())
        } else {
            AutoStream::new(std::io::stdout(), ColorChoice::Auto).write_all(text.as_bytes())
        };
    }

    /// Prints the document, and nothing else, on standard output.
    pub fn document(value: &serde_json::Value) {
        let text = serde_json::to_string_pretty(value).unwrap_or_default();
        // A reader that went away is no reason to stop.
        let _ = writeln!(std::io::stdout().lock(), "{text}");
    }
}
