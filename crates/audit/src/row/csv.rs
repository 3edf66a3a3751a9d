//! CSV by RFC 4180, strictly: a header, as many fields in every row, quotes only around whole fields.

use serde_json::{Map, Value};

use super::{InputError, Place, Row, bare, bounded};

/// The columns, and how their fields are read; an empty field is one that is not there.
const COLUMNS: [(&str, Kind); 15] = [
    ("time", Kind::Text),
    ("incident", Kind::Text),
    ("action", Kind::Text),
    ("target", Kind::Text),
    ("principal", Kind::Text),
    ("evidence", Kind::Words),
    ("conflicting", Kind::Flag),
    ("confidence", Kind::Number),
    ("severity", Kind::Number),
    ("freeze", Kind::Flag),
    ("routine", Kind::Flag),
    ("undo_drilled", Kind::Flag),
    ("waited_minutes", Kind::Number),
    ("outcome", Kind::Text),
    ("automatic", Kind::Flag),
];

#[derive(Debug, Clone, Copy)]
enum Kind {
    Text,
    /// Separated by blanks.
    Words,
    Number,
    Flag,
}

/// Every row of the file.
pub(super) fn rows(text: &str) -> Result<Vec<Row>, InputError> {
    // Spreadsheets put a byte-order mark before UTF-8.
    let mut records = Records { rest: text.strip_prefix('\u{feff}').unwrap_or(text), line: 1 };
    let Some((_, names)) = records.next_record()? else { return Ok(Vec::new()) };
    let columns = header(&names)?;
    let mut rows = Vec::new();
    while let Some((line, fields)) = records.next_record()? {
        let place = Place::Line(line);
        bounded(rows.len(), &place)?;
        if fields.len() != columns.len() {
            return Err(InputError::at(place, format!("{} fields, and the header has {}", fields.len(), columns.len())));
        }
        let mut object = Map::new();
        for ((name, kind), field) in columns.iter().zip(fields).filter(|(_, field)| !field.is_empty()) {
            let value = kind.value(field).map_err(|wanted| InputError::at(place.clone(), format!("`{name}` is {wanted}")))?;
            object.insert((*name).to_owned(), value);
        }
        let written = serde_json::from_value(Value::Object(object)).map_err(|error| InputError::at(place.clone(), bare(&error)))?;
        rows.push(Row::of(written, place)?);
    }
    Ok(rows)
}

fn header(names: &[String]) -> Result<Vec<(&'static str, Kind)>, InputError> {
    let mut columns: Vec<(&'static str, Kind)> = Vec::new();
    for name in names {
        let wrong = |what: &str| InputError::at(Place::Line(1), format!("column `{name}` {what}"));
        let column = *COLUMNS.iter().find(|(known, _)| known == name).ok_or_else(|| wrong("is not known"))?;
        if columns.iter().any(|(seen, _)| *seen == column.0) {
            return Err(wrong("stands there twice"));
        }
        columns.push(column);
    }
    Ok(columns)
}

impl Kind {
    /// The field's value, or what it should have been.
    fn value(self, field: String) -> Result<Value, &'static str> {
        match self {
            Self::Text => Ok(Value::String(field)),
            Self::Words => Ok(field.split_whitespace().map(Value::from).collect()),
            Self::Number if field.bytes().all(|byte| byte.is_ascii_digit()) => {
                field.parse::<u64>().map(Value::from).map_err(|_| "too large")
            }
            Self::Number => Err("a whole number"),
            Self::Flag => field.parse::<bool>().map(Value::Bool).map_err(|_| "`true` or `false`"),
        }
    }
}

struct Records<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Records<'a> {
    /// The next record and the line on which it begins.
    fn next_record(&mut self) -> Result<Option<(usize, Vec<String>)>, InputError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let (line, mut fields) = (self.line, Vec::new());
        loop {
            fields.push(if self.rest.starts_with('"') { self.quoted()? } else { self.plain()? });
            if let Some(rest) = self.rest.strip_prefix(',') {
                self.rest = rest;
                continue;
            }
            // What is left is nothing or the end of the line; `quoted` and `plain` stop nowhere else.
            self.rest = self.rest.strip_prefix("\r\n").or_else(|| self.rest.strip_prefix('\n')).unwrap_or(self.rest);
            self.line += 1;
            return Ok(Some((line, fields)));
        }
    }

    fn plain(&mut self) -> Result<String, InputError> {
        let end = self.rest.find([',', '\n', '\r', '"']).unwrap_or(self.rest.len());
        let (field, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        if rest.starts_with('"') {
            return Err(InputError::at(Place::Line(self.line), "a quote within a field that does not begin with one"));
        }
        self.ended(rest)?;
        Ok(field.to_owned())
    }

    fn quoted(&mut self) -> Result<String, InputError> {
        let (began, mut field) = (self.line, String::new());
        let mut rest = self.rest.strip_prefix('"').unwrap_or(self.rest);
        loop {
            let (part, after) = rest.split_once('"').ok_or_else(|| InputError::at(Place::Line(began), "a quote that never ends"))?;
            field.push_str(part);
            self.line += part.matches('\n').count();
            let Some(after) = after.strip_prefix('"') else {
                self.ended(after)?;
                return Ok(field);
            };
            field.push('"');
            rest = after;
        }
    }

    /// A field ends at a comma, at the end of its line, or with the file.
    fn ended(&mut self, rest: &'a str) -> Result<(), InputError> {
        let ends = rest.is_empty() || [",", "\n", "\r\n"].iter().any(|end| rest.starts_with(end));
        self.rest = rest;
        if ends { Ok(()) } else { Err(InputError::at(Place::Line(self.line), "text after the end of a field")) }
    }
}
