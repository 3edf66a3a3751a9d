//! What commands of a client share: the client, ids, and the pieces of an answer.

use std::fmt::Write as _;
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::args::Remote;
use crate::client::Client;
use crate::exit::Failure;
use crate::render;

/// A client of the installation that the arguments name.
///
/// # Errors
/// When no token is given.
pub fn client(remote: &Remote) -> Result<Client, Failure> {
    let Some(token) = remote.token.clone() else {
        return Err(Failure::new("no token: nobody knows who asks")
            .help("give `--token` or LINECLEAR_TOKEN; `lineclear token create LOGIN` makes one"));
    };
    Ok(Client::new(&remote.url, Some(token))?)
}

/// A text inside a document; empty when it is not there.
pub fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The items of a list inside a document.
pub fn items<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A document with the version of its shape.
pub fn versioned(name: &str, value: &Value) -> Value {
    json!({"version": 1, name: value})
}

/// Prints a table: a header, and one row a line, columns as wide as they need to be.
pub fn table(header: &[&str], rows: &[Vec<String>]) {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain(header.get(column).map(|title| title.chars().count())).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let print = |cells: Vec<String>| {
        let mut line = String::new();
        for (cell, width) in cells.iter().zip(&widths) {
            // Writing to a string cannot fail.
            let _ = write!(line, "{cell:<width$}  ");
        }
        render::line(line.trim_end());
    };
    print(header.iter().map(|title| (*title).to_owned()).collect());
    for row in rows {
        print(row.clone());
    }
}

/// Makes control and direction-changing characters visible: what is shown is what is there.
pub fn shown(text: &str) -> String {
    let visible = |c: char| match c {
        '\n' => "\n".to_owned(),
        c if c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}') => {
            format!("\\u{{{:x}}}", u32::from(c))
        }
        c => c.to_string(),
    };
    text.chars().map(visible).collect()
}

/// Lists the actions of the catalogue.
///
/// # Errors
/// When nobody answers.
pub async fn actions(remote: &Remote, as_json: bool) -> Result<ExitCode, Failure> {
    let answer = client(remote)?.get("/api/v1/actions").await?;
    if as_json {
        render::document(&versioned("actions", answer.get("items").unwrap_or(&Value::Null)));
        return Ok(ExitCode::SUCCESS);
    }
    let row = |action: &Value| {
        let inputs = action.get("inputs").and_then(Value::as_object).map(|inputs| inputs.keys().cloned().collect::<Vec<_>>().join(", "));
        vec![
            text(action, "/name").to_owned(),
            text(action, "/risk").to_owned(),
            text(action, "/resource").to_owned(),
            inputs.unwrap_or_default(),
            text(action, "/title").to_owned(),
        ]
    };
    let rows: Vec<Vec<String>> = items(&answer, "/items").iter().map(row).collect();
    table(&["ACTION", "RISK", "ACTS ON", "INPUTS", "WHAT IT DOES"], &rows);
    Ok(ExitCode::SUCCESS)
}

/// What policy has to say at every rung, and what would change it.
pub fn says(answer: &Value) {
    for line in items(answer, "/explanation/says").iter().filter_map(Value::as_str) {
        render::line(&shown(line));
    }
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn what_could_mislead_a_reader_is_made_visible() {
        assert_eq!(shown("a\u{202e}b\u{1b}[0m\nc"), "a\\u{202e}b\\u{1b}[0m\nc");
    }
}
