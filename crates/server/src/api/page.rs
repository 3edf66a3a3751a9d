//! Lists: pages with a cursor that says where the next one begins.

use lineclear_core::Timestamp;
use lineclear_core::record::{Row, Stream};
use lineclear_store::{Page, RowQuery};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{Code, Problem};

/// Rows on a page that asks for no number.
const LIMIT: u32 = 50;
/// Most rows on a page: what a screen or a script takes in at once.
const LIMIT_MAX: u32 = 200;

/// What a list may ask for.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// Only this state; several are separated by commas.
    state: Option<String>,
    /// Only what can still change (`true`), or only what cannot (`false`).
    open: Option<bool>,
    /// At most this many, 1 to 200; 50 when nothing is said.
    limit: Option<u32>,
    /// The `next` of the page before.
    cursor: Option<String>,
}

/// One line of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Line {
    /// Its id.
    #[schema(value_type = String)]
    id: Stream,
    /// Its state in one word.
    state: String,
    /// Whether anything can still happen to it.
    open: bool,
    /// One line for people.
    title: String,
    /// When it began (RFC 3339).
    #[schema(value_type = String, format = DateTime)]
    begun: Timestamp,
}

/// One page.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Listed {
    /// Newest first.
    items: Vec<Line>,
    /// The cursor of the next page; none on the last.
    next: Option<String>,
}

impl Wanted {
    /// The query for rows of this kind.
    ///
    /// # Errors
    /// A limit out of bounds, or a cursor that no page gave.
    pub fn query(self, kind: &str) -> Result<RowQuery, Problem> {
        let limit = self.limit.unwrap_or(LIMIT);
        if !(1..=LIMIT_MAX).contains(&limit) {
            return Err(Problem::with(Code::BadParameter, format!("`limit` is 1 to {LIMIT_MAX}")));
        }
        let words: Vec<String> = self.state.iter().flat_map(|text| text.split(',')).map(str::to_owned).collect();
        if words.len() > 20 || words.iter().any(|word| word.is_empty() || !word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')) {
            return Err(Problem::with(Code::BadParameter, "`state` is a state's word, or several with commas between them"));
        }
        let after = self.cursor.as_deref().map(read_cursor).transpose()?;
        Ok(RowQuery { kind: kind.into(), words, open: self.open, key: None, after, limit })
    }
}

impl From<Page> for Listed {
    fn from(page: Page) -> Self {
        let next = page.rows.last().filter(|_| page.more).map(cursor);
        let line = |row: Row| Line { id: row.stream, state: row.word, open: row.open, title: row.title, begun: row.begun };
        Self { items: page.rows.into_iter().map(line).collect(), next }
    }
}

fn cursor(row: &Row) -> String {
    format!("{}.{}", row.begun.as_micros(), row.stream)
}

fn read_cursor(text: &str) -> Result<(Timestamp, Stream), Problem> {
    let read = text.split_once('.').and_then(|(micros, stream)| {
        let micros = micros.parse().ok()?;
        Some((Timestamp::from_micros(micros), stream.parse().ok()?))
    });
    read.ok_or_else(|| Problem::with(Code::BadParameter, "`cursor` is the `next` of a page, unchanged"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(wanted: Wanted, expected: Option<&RowQuery>) {
        let shown = format!("{wanted:?}");
        assert_eq!(wanted.query("change").ok().as_ref(), expected, "{shown}");
    }

    #[test]
    fn what_a_list_may_ask_for_is_bounded() {
        let plain = RowQuery { kind: "change".into(), limit: 50, ..RowQuery::default() };
        check(Wanted::default(), Some(&plain));
        let words = vec!["awaiting".to_owned(), "blocked".to_owned()];
        check(Wanted { state: Some("awaiting,blocked".into()), ..Wanted::default() }, Some(&RowQuery { words, ..plain.clone() }));
        let stream: Stream = "change_00000000000000000000000000000007".parse().unwrap();
        let cursor = Some(format!("1795400047120000.{stream}"));
        let after = Some((Timestamp::from_micros(1_795_400_047_120_000), stream));
        check(Wanted { cursor, ..Wanted::default() }, Some(&RowQuery { after, ..plain }));
        check(Wanted { limit: Some(0), ..Wanted::default() }, None);
        check(Wanted { limit: Some(201), ..Wanted::default() }, None);
        for state in ["", "a,,b", "A", "a b", "a;drop"] {
            check(Wanted { state: Some(state.into()), ..Wanted::default() }, None);
        }
        for cursor in ["", ".", "7", "7.change_7", "x.installation", "7 .installation"] {
            check(Wanted { cursor: Some(cursor.into()), ..Wanted::default() }, None);
        }
    }
}
