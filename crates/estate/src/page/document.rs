//! Headings, lines, lists and tables, written as Markdown or as HTML that needs nothing else.

use std::fmt;

/// A page.
#[derive(Debug, Clone)]
pub struct Page {
    pub(super) title: String,
    pub(super) blocks: Vec<Block>,
}

/// One block of a page.
#[derive(Debug, Clone)]
pub(super) enum Block {
    Heading(u8, Line),
    Text(Line),
    List(Vec<Line>),
    Table(Vec<Line>, Vec<Vec<Line>>),
}

/// Words and code, on one line.
#[derive(Debug, Clone, Default)]
pub(super) struct Line(Vec<Piece>);

#[derive(Debug, Clone)]
enum Piece {
    Text(String),
    Code(String),
}

impl Line {
    pub(super) fn new(text: &str) -> Self {
        Self::default().text(text)
    }

    pub(super) fn text(mut self, text: &str) -> Self {
        self.0.push(Piece::Text(text.to_owned()));
        self
    }

    /// A sentence that sets code in backticks, as messages do.
    pub(super) fn told(mut self, sentence: &str) -> Self {
        let pieces: Vec<&str> = sentence.split('`').collect();
        if pieces.len().is_multiple_of(2) {
            return self.text(sentence);
        }
        for (index, piece) in pieces.into_iter().enumerate() {
            self = if index.is_multiple_of(2) { self.text(piece) } else { self.code(piece) };
        }
        self
    }

    pub(super) fn code(mut self, code: impl fmt::Display) -> Self {
        self.0.push(Piece::Code(code.to_string()));
        self
    }
}

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b;background:#fff}\
code{font:0.9em ui-monospace,monospace;background:#f0f0f0;padding:0 .25em;border-radius:3px;overflow-wrap:anywhere}\
table{border-collapse:collapse}td,th{border:1px solid #ccc;padding:.25rem .5rem;text-align:left;vertical-align:top}\
@media(prefers-color-scheme:dark){body{color:#e8e8e8;background:#161616}code{background:#2a2a2a}td,th{border-color:#444}}";

impl Page {
    /// The page as Markdown.
    pub fn markdown(&self) -> String {
        let blocks: Vec<String> = self.blocks.iter().map(Block::markdown).collect();
        format!("{}\n", blocks.join("\n\n"))
    }

    /// The page as HTML that loads nothing.
    pub fn html(&self) -> String {
        let (title, body) = (escaped(&self.title), self.blocks.iter().map(Block::html).collect::<Vec<_>>().join("\n"));
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
             <title>{title}</title>\n<style>{STYLE}</style>\n<main>\n{body}\n</main>\n</html>\n"
        )
    }
}

impl Block {
    fn markdown(&self) -> String {
        let row = |cells: &[Line]| format!("| {} |", cells.iter().map(Line::cell).collect::<Vec<_>>().join(" | "));
        match self {
            Self::Heading(level, line) => format!("{} {}", "#".repeat(usize::from(*level)), line.markdown()),
            Self::Text(line) => line.markdown(),
            Self::List(lines) => lines.iter().map(|line| format!("- {}", line.markdown())).collect::<Vec<_>>().join("\n"),
            Self::Table(head, rows) => {
                let under = format!("|{}", " --- |".repeat(head.len()));
                let lines = [row(head), under].into_iter().chain(rows.iter().map(|cells| row(cells)));
                lines.collect::<Vec<_>>().join("\n")
            }
        }
    }

    fn html(&self) -> String {
        let row = |cells: &[Line], tag: &str| {
            let cells: String = cells.iter().map(|line| format!("<{tag}>{}</{tag}>", line.html())).collect();
            format!("<tr>{cells}</tr>")
        };
        match self {
            Self::Heading(level, line) => format!("<h{level}>{}</h{level}>", line.html()),
            Self::Text(line) => format!("<p>{}</p>", line.html()),
            Self::List(lines) => {
                let items: String = lines.iter().map(|line| format!("<li>{}</li>\n", line.html())).collect();
                format!("<ul>\n{items}</ul>")
            }
            Self::Table(head, rows) => {
                let body: String = rows.iter().map(|cells| row(cells, "td")).collect::<Vec<_>>().join("\n");
                format!("<table>\n{}\n{body}\n</table>", row(head, "th"))
            }
        }
    }
}

impl Line {
    fn markdown(&self) -> String {
        self.0.iter().map(Piece::markdown).collect()
    }

    /// In a table a bar would end the cell, also inside code.
    fn cell(&self) -> String {
        self.markdown().replace('|', "\\|")
    }

    fn html(&self) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => escaped(text),
            Piece::Code(code) => format!("<code>{}</code>", escaped(code)),
        };
        self.0.iter().map(piece).collect()
    }
}

impl Piece {
    fn markdown(&self) -> String {
        match self {
            Self::Text(text) => plain(text),
            // A fence of one more backtick than the text has in a row (CommonMark 0.31 §6.1).
            Self::Code(code) => {
                let code = code.replace('\n', " ");
                let longest = code.split(|c| c != '`').map(str::len).max().unwrap_or(0);
                let fence = "`".repeat(longest + 1);
                let pad = if code.starts_with('`') || code.ends_with('`') { " " } else { "" };
                format!("{fence}{pad}{code}{pad}{fence}")
            }
        }
    }
}

/// Text in which Markdown sees nothing but text.
fn plain(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '\n' => out.push(' '),
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '&' | '~' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}
