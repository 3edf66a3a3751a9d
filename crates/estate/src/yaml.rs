//! YAML as the estate allows it: plain mappings, lists and scalars, each with its place. No anchors, aliases, tags, merges or
//! repeated keys, within a budget.

use std::fmt;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::options::{AliasLimits, MergeKeyPolicy, NonFiniteFloatPolicy};
use serde_saphyr::{Budget, Location, Options, Spanned};

use crate::fault::{Faults, Place, Text};

/// Most values in one file: a catalog of some five hundred things; larger ones are split.
const NODES_MAX: usize = 20_000;
/// Deepest nesting: nothing in an estate needs ten, and the stack is spared.
const DEPTH_MAX: usize = 32;
/// Most documents in one file.
const DOCUMENTS_MAX: usize = 1_000;

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    pub(crate) place: Place,
}

/// What a value is.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Nothing,
    Flag(bool),
    Integer(i64),
    /// A number that is not whole, or is beyond 64 bits; its text is what is written at its place.
    Number,
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

/// A member's name and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) text: String,
    pub(crate) place: Place,
}

/// Reads every document of a text; a fault leaves none.
pub(crate) fn documents(text: &Arc<Text>, faults: &Faults) -> Option<Vec<Node>> {
    match serde_saphyr::from_multiple_with_options::<Spanned<Raw>>(&text.text, options()) {
        Ok(list) => {
            let nodes: Vec<Node> = list.into_iter().map(|raw| place(raw, text)).collect();
            let before = faults.count();
            for node in &nodes {
                refuse_tags(node, faults);
            }
            (faults.count() == before).then_some(nodes)
        }
        Err(error) => {
            let (message, help) = words(error.without_snippet());
            let at = error.location().map_or_else(|| Place::start(text), |location| at(&location, text));
            faults.at(&at, message, help);
            None
        }
    }
}

/// Reads a text of exactly one document.
pub(crate) fn document(text: &Arc<Text>, faults: &Faults) -> Option<Node> {
    let mut list = documents(text, faults)?;
    let first = (!list.is_empty()).then(|| list.remove(0));
    match (first, list.first()) {
        (Some(node), None) => Some(node),
        (Some(_), Some(second)) => {
            faults.at(
                &second.place,
                "a second document",
                Some("this file holds one; only `catalog/`, `actions/` and `slos/` may hold many".into()),
            );
            None
        }
        (None, _) => {
            faults.at(&Place::start(text), "the file holds nothing", None);
            None
        }
    }
}

fn options() -> Options {
    let mut budget = Budget::default();
    budget.max_reader_input_bytes = Some(crate::files::FILE_BYTES_MAX);
    budget.max_events = NODES_MAX * 3;
    budget.max_nodes = NODES_MAX;
    budget.max_depth = DEPTH_MAX;
    // Above the depth, so that one limit speaks for both styles.
    budget.flow_nesting_limit = DEPTH_MAX + 8;
    budget.max_documents = DOCUMENTS_MAX;
    budget.max_aliases = 0;
    budget.max_anchors = 0;
    budget.max_merge_keys = 0;
    budget.max_total_scalar_bytes = crate::files::FILE_BYTES_MAX;
    let mut aliases = AliasLimits::default();
    aliases.max_total_replayed_events = 0;
    let mut options = Options::default();
    options.budget = Some(budget);
    options.alias_limits = aliases;
    options.emit_comments = false;
    options.merge_keys = MergeKeyPolicy::Error;
    options.leading_zero_numbers_as_strings = true;
    options.underscored_numbers_as_strings = true;
    options.strict_booleans = true;
    options.reject_unsupported_tags = true;
    options.reject_tagged_field_names = true;
    options.non_finite_float_policy = NonFiniteFloatPolicy::Reject;
    options.with_snippet = false;
    options
}

/// The library's error in our words; whatever is not named here is said in its own.
fn words(error: &serde_saphyr::Error) -> (String, Option<String>) {
    use serde_saphyr::Error;
    use serde_saphyr::budget::BudgetBreach;
    let plainly = Some("write the value out where it is needed".to_owned());
    if let Error::DuplicateMappingKey { key, .. } = error {
        let name = key.as_deref().map_or_else(|| "a member".into(), |key| format!("`{}`", short(key)));
        return (format!("{name} is given twice"), Some("remove one of the two".into()));
    }
    if let Error::Budget { breach, .. } = error {
        if matches!(breach, BudgetBreach::Aliases { .. } | BudgetBreach::Anchors { .. }) {
            return ("anchors and aliases are not read".into(), plainly);
        }
        if matches!(breach, BudgetBreach::MergeKeys { .. }) {
            return ("merge keys are not read".into(), plainly);
        }
        if matches!(breach, BudgetBreach::Depth { .. }) {
            return (format!("nested deeper than {DEPTH_MAX} levels"), None);
        }
        return (format!("more than {NODES_MAX} values"), Some("split the file".into()));
    }
    if matches!(error, Error::UnknownAnchor { .. } | Error::AliasError { .. } | Error::AliasReplayLimitExceeded { .. }) {
        return ("anchors and aliases are not read".into(), plainly);
    }
    if matches!(error, Error::MergeKeyNotAllowed { .. } | Error::MergeValueNotMapOrSeqOfMaps { .. }) {
        return ("merge keys are not read".into(), plainly);
    }
    if matches!(error, Error::UnsupportedTag { .. } | Error::TaggedStructFieldName { .. }) {
        return ("tags are not read".into(), Some("write a plain value; quote it when it is text".into()));
    }
    if let Error::NonFiniteFloat { value, .. } = error {
        return (format!("`{}` is no number that can be compared", short(value)), None);
    }
    let said = error.to_string();
    let line = said.lines().next().unwrap_or("unreadable");
    if line.contains("recursion limit") {
        return (format!("nested deeper than {DEPTH_MAX} levels"), None);
    }
    // The place is shown beside the message, so the library's own suffix would say it twice.
    let line = line.split(" at line ").next().unwrap_or(line);
    (format!("not YAML as it is read here: {}", short(line)), None)
}

fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(120).collect()
}

fn at(location: &Location, text: &Arc<Text>) -> Place {
    let span = location.span();
    let whole = |n: Option<u64>| n.and_then(|n| usize::try_from(n).ok());
    let start = whole(span.byte_offset()).unwrap_or_else(|| line_column(&text.text, location.line(), location.column()));
    let len = whole(span.byte_len()).unwrap_or(0);
    // Scanners close a plain scalar late; blanks and line ends behind it are not part of it.
    let place = Place::new(text, start..start.saturating_add(len));
    let kept = place.written().trim_end().len();
    Place::new(text, start..start.saturating_add(kept))
}

fn line_column(text: &str, line: u64, column: u64) -> usize {
    let whole = |n: u64| usize::try_from(n.saturating_sub(1)).unwrap_or(usize::MAX);
    let start: usize = text.split_inclusive('\n').take(whole(line)).map(str::len).sum();
    let rest = text.get(start..).unwrap_or("");
    start + rest.chars().take(whole(column)).map(char::len_utf8).sum::<usize>()
}

/// Core tags such as `!!str` are understood by the library; here they are refused like any other, since a value that is not
/// what it looks like is a trap for reviewers.
fn refuse_tags(node: &Node, faults: &Faults) {
    let before = node.place.text.text.get(..node.place.at.start).unwrap_or("");
    let line = before.rsplit('\n').next().unwrap_or("").trim_end();
    let tagged = |word: &str| word.starts_with('!');
    if tagged(node.place.written()) || line.rsplit([' ', '\t', '[', '{', ',']).next().is_some_and(tagged) {
        faults.at(&node.place, "tags are not read", Some("write a plain value; quote it when it is text".into()));
    }
    match &node.kind {
        Kind::List(items) => items.iter().for_each(|item| refuse_tags(item, faults)),
        Kind::Map(members) => members.iter().for_each(|(_, value)| refuse_tags(value, faults)),
        Kind::Nothing | Kind::Flag(_) | Kind::Integer(_) | Kind::Number | Kind::Text(_) => {}
    }
}

fn place(raw: Spanned<Raw>, text: &Arc<Text>) -> Node {
    let mut here = at(&raw.referenced, text);
    let kind = match raw.value {
        Raw::Nothing => Kind::Nothing,
        Raw::Flag(flag) => Kind::Flag(flag),
        Raw::Integer(n) => Kind::Integer(n),
        Raw::Number => Kind::Number,
        Raw::Text(value) => Kind::Text(value),
        Raw::List(items) => Kind::List(items.into_iter().map(|item| place(item, text)).collect()),
        Raw::Map(members) => {
            let named = |(key, value): (Spanned<String>, Spanned<Raw>)| {
                (Key { place: at(&key.referenced, text), text: key.value }, place(value, text))
            };
            let members: Vec<(Key, Node)> = members.into_iter().map(named).collect();
            if let Some((first, _)) = members.first().filter(|_| here.at.is_empty()) {
                here = first.place.clone();
            }
            Kind::Map(members)
        }
    };
    Node { kind, place: here }
}

/// What the library hands over, before places are worked out.
enum Raw {
    Nothing,
    Flag(bool),
    Integer(i64),
    Number,
    Text(String),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<String>, Spanned<Raw>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Nothing)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Nothing)
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Raw, D::Error> {
        from.deserialize_any(self)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Raw, E> {
        Ok(Raw::Flag(flag))
    }

    fn visit_i64<E>(self, n: i64) -> Result<Raw, E> {
        Ok(Raw::Integer(n))
    }

    fn visit_u64<E>(self, n: u64) -> Result<Raw, E> {
        Ok(i64::try_from(n).map_or(Raw::Number, Raw::Integer))
    }

    fn visit_i128<E>(self, _: i128) -> Result<Raw, E> {
        Ok(Raw::Number)
    }

    fn visit_u128<E>(self, _: u128) -> Result<Raw, E> {
        Ok(Raw::Number)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Raw, E> {
        Ok(Raw::Number)
    }

    fn visit_str<E>(self, text: &str) -> Result<Raw, E> {
        Ok(Raw::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = from.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Raw, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = from.next_entry()? {
            members.push(member);
        }
        Ok(Raw::Map(members))
    }
}

impl Node {
    /// The kind in words, for messages.
    pub(crate) fn called(&self) -> &'static str {
        match &self.kind {
            Kind::Nothing => "nothing",
            Kind::Flag(_) => "true or false",
            Kind::Integer(_) => "a whole number",
            Kind::Number => "a number that is not whole",
            Kind::Text(_) => "text",
            Kind::List(_) => "a list",
            Kind::Map(_) => "members",
        }
    }
}
