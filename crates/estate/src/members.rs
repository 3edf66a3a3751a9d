//! Members of a mapping, taken by name: what is missing, of another type, or unknown becomes a fault with its place.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use lineclear_core::Span;
use lineclear_core::sandbox::Sandbox;

use crate::duration::{DURATION_FORM, duration};
use crate::fault::{At, Faults, Place};
use crate::suggest::suggest;
use crate::yaml::{Kind, Node};

/// Longest title, in characters: one line of a screen.
const TITLE_MAX: usize = 120;
/// Longest other text, in characters: a query or a sentence or two.
const TEXT_MAX: usize = 2_000;
/// Most items of one list.
const ITEMS_MAX: usize = 200;

#[cfg(test)]
/// What one reading asked for: the mapping's name, the members that may stand in it, and those that must.
type Asking = (&'static str, BTreeSet<&'static str>, BTreeSet<&'static str>);

#[cfg(test)]
thread_local! {
    /// Every mapping that this thread has read, for the test that holds the schemas against the reader.
    pub(crate) static ASKED: RefCell<Vec<Asking>> = const { RefCell::new(Vec::new()) };
}

/// The members of one mapping; what nobody takes is unknown.
pub(crate) struct Members<'n> {
    what: &'static str,
    place: Place,
    all: &'n [(crate::yaml::Key, Node)],
    asked: RefCell<BTreeSet<&'static str>>,
    #[cfg(test)]
    needed: RefCell<BTreeSet<&'static str>>,
    faults: &'n Faults,
}

impl<'n> Members<'n> {
    /// The members of a mapping called `what` in messages.
    pub(crate) fn of(node: &'n Node, what: &'static str, faults: &'n Faults) -> Option<Self> {
        let Kind::Map(all) = &node.kind else {
            faults.at(&node.place, format!("{what} is written as members, not as {}", node.called()), None);
            return None;
        };
        Some(Self {
            what,
            place: node.place.clone(),
            all,
            asked: RefCell::default(),
            #[cfg(test)]
            needed: RefCell::default(),
            faults,
        })
    }

    /// Where the mapping stands.
    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// Where faults go.
    pub(crate) fn faults(&self) -> &'n Faults {
        self.faults
    }

    /// The member, if it is there and not empty.
    pub(crate) fn maybe(&self, name: &'static str) -> Option<&'n Node> {
        self.asked.borrow_mut().insert(name);
        let found = self.all.iter().find(|(key, _)| key.text == name).map(|(_, node)| node)?;
        if matches!(found.kind, Kind::Nothing) {
            self.faults.at(&found.place, format!("`{name}` is empty"), Some("give it a value, or remove it".into()));
            return None;
        }
        Some(found)
    }

    /// The member, which must be there.
    pub(crate) fn need(&self, name: &'static str) -> Option<&'n Node> {
        #[cfg(test)]
        self.needed.borrow_mut().insert(name);
        let there = self.all.iter().any(|(key, _)| key.text == name);
        let found = self.maybe(name);
        if !there {
            self.faults.at(&self.place, format!("{} lacks `{name}`", self.what), Some(format!("add `{name}: …`")));
        }
        found
    }

    /// A needed text that is a name, an id or the like.
    pub(crate) fn parsed<T: FromStr<Err: fmt::Display>>(&self, name: &'static str) -> Option<At<T>> {
        parsed(self.need(name)?, self.faults)
    }

    /// A needed title.
    pub(crate) fn title(&self) -> Option<String> {
        bounded(self.need("title")?, TITLE_MAX, self.faults)
    }

    /// A needed text.
    pub(crate) fn text(&self, name: &'static str) -> Option<At<String>> {
        let node = self.need(name)?;
        Some(At { value: bounded(node, TEXT_MAX, self.faults)?, place: node.place.clone() })
    }

    /// A needed length of time between two bounds.
    pub(crate) fn duration(&self, name: &'static str, least: Span, most: Span) -> Option<Span> {
        duration_between(self.need(name)?, least, most, self.faults)
    }

    /// A length of time, or what stands for it when it is not given.
    pub(crate) fn duration_or(&self, name: &'static str, default: Span, least: Span, most: Span) -> Option<Span> {
        self.maybe(name).map_or(Some(default), |node| duration_between(node, least, most, self.faults))
    }

    /// True or false, or what stands for it.
    pub(crate) fn flag_or(&self, name: &'static str, default: bool) -> Option<bool> {
        self.maybe(name).map_or(Some(default), |node| flag(node, self.faults))
    }

    /// A whole number between bounds, or what stands for it.
    pub(crate) fn integer_or(&self, name: &'static str, default: i64, least: i64, most: i64) -> Option<i64> {
        self.maybe(name).map_or(Some(default), |node| integer(node, least, most, self.faults))
    }

    /// One of a closed list of words.
    pub(crate) fn choice<T: Copy>(&self, name: &'static str, words: &[(&'static str, T)]) -> Option<T> {
        choice(self.need(name)?, words, self.faults)
    }

    /// One of a closed list of words, or what stands for it.
    pub(crate) fn choice_or<T: Copy>(&self, name: &'static str, default: T, words: &[(&'static str, T)]) -> Option<T> {
        self.maybe(name).map_or(Some(default), |node| choice(node, words, self.faults))
    }

    /// A list of names; empty when it is not given.
    pub(crate) fn names<T: FromStr<Err: fmt::Display>>(&self, name: &'static str) -> Vec<At<T>> {
        let items = self.maybe(name).and_then(|node| list(node, self.faults)).unwrap_or(&[]);
        let names: Vec<At<T>> = items.iter().filter_map(|item| parsed(item, self.faults)).collect();
        let mut seen = BTreeSet::new();
        for item in &names {
            if !seen.insert(item.place.written().to_owned()) {
                self.faults.at(&item.place, format!("`{}` is listed twice", item.place.written()), None);
            }
        }
        names
    }

    /// The items of a needed list.
    pub(crate) fn items(&self, name: &'static str) -> &'n [Node] {
        self.need(name).and_then(|node| list(node, self.faults)).unwrap_or(&[])
    }

    /// The members of a mapping whose keys are names of the estate's own; empty when it is not given.
    pub(crate) fn named<T: FromStr<Err: fmt::Display> + Ord>(&self, name: &'static str) -> BTreeMap<T, (Place, &'n Node)> {
        let Some(node) = self.maybe(name) else { return BTreeMap::new() };
        let Kind::Map(members) = &node.kind else {
            self.faults.at(&node.place, format!("`{name}` is written as members, not as {}", node.called()), None);
            return BTreeMap::new();
        };
        let mut found = BTreeMap::new();
        for (key, value) in members {
            match key.text.parse::<T>() {
                Ok(parsed) => {
                    found.insert(parsed, (key.place.clone(), value));
                }
                Err(error) => self.faults.at(&key.place, T::Err::to_string(&error), None),
            }
        }
        found
    }

    /// Reports every member that nobody asked for.
    pub(crate) fn finish(self) {
        let asked = self.asked.into_inner();
        #[cfg(test)]
        ASKED.with_borrow_mut(|all| all.push((self.what, asked.clone(), self.needed.into_inner())));
        for (key, _) in self.all {
            if !asked.contains(key.text.as_str()) {
                let known = asked.iter().copied();
                self.faults.at(&key.place, format!("{} has no member `{}`", self.what, cut(&key.text)), suggest(&key.text, known));
            }
        }
    }
}

/// `{ at_least: whole }`: how far programs must be boxed in; none when it is not given.
pub(crate) fn sandbox(of: &Members<'_>) -> Option<Sandbox> {
    let of = Members::of(of.maybe("sandbox")?, "`sandbox`", of.faults())?;
    let least = of.choice("at_least", &Sandbox::WORDS);
    of.finish();
    least
}

/// A text that parses as the wanted type.
pub(crate) fn parsed<T: FromStr<Err: fmt::Display>>(node: &Node, faults: &Faults) -> Option<At<T>> {
    match text(node, faults)?.parse() {
        Ok(value) => Some(At { value, place: node.place.clone() }),
        Err(error) => {
            faults.at(&node.place, error.to_string(), None);
            None
        }
    }
}

/// Any text.
pub(crate) fn text<'n>(node: &'n Node, faults: &Faults) -> Option<&'n str> {
    if let Kind::Text(text) = &node.kind {
        return Some(text);
    }
    let help = match node.kind {
        Kind::Flag(_) | Kind::Integer(_) | Kind::Number => Some(format!("write it in quotes: \"{}\"", cut(node.place.written()))),
        Kind::Nothing | Kind::Text(_) | Kind::List(_) | Kind::Map(_) => None,
    };
    faults.at(&node.place, format!("text is wanted here, not {}", node.called()), help);
    None
}

/// A text of at most this many characters, without control characters.
pub(crate) fn bounded(node: &Node, max: usize, faults: &Faults) -> Option<String> {
    let given = text(node, faults)?;
    let length = given.chars().count();
    if length == 0 || length > max {
        faults.at(&node.place, format!("a text of 1 to {max} characters is wanted here, not of {length}"), None);
        return None;
    }
    if given.chars().any(|c| c.is_control() && c != '\n') {
        faults.at(&node.place, "control characters are not read", None);
        return None;
    }
    Some(given.to_owned())
}

/// True or false.
pub(crate) fn flag(node: &Node, faults: &Faults) -> Option<bool> {
    if let Kind::Flag(flag) = node.kind {
        return Some(flag);
    }
    faults.at(&node.place, format!("`true` or `false` is wanted here, not {}", node.called()), None);
    None
}

/// A whole number between bounds.
pub(crate) fn integer(node: &Node, least: i64, most: i64, faults: &Faults) -> Option<i64> {
    if let Kind::Integer(n) = node.kind
        && (least..=most).contains(&n)
    {
        return Some(n);
    }
    faults.at(&node.place, format!("a whole number from {least} to {most} is wanted here"), None);
    None
}

/// The items of a list.
pub(crate) fn list<'n>(node: &'n Node, faults: &Faults) -> Option<&'n [Node]> {
    let Kind::List(items) = &node.kind else {
        faults.at(&node.place, format!("a list is wanted here, not {}", node.called()), Some("write `[a, b]`".into()));
        return None;
    };
    if items.len() > ITEMS_MAX {
        faults.at(&node.place, format!("a list has at most {ITEMS_MAX} items, this one has {}", items.len()), None);
        return None;
    }
    Some(items)
}

/// One of a closed list of words.
pub(crate) fn choice<T: Copy>(node: &Node, words: &[(&'static str, T)], faults: &Faults) -> Option<T> {
    let given = text(node, faults)?;
    let found = words.iter().find(|(word, _)| *word == given).map(|(_, value)| *value);
    if found.is_none() {
        let known = words.iter().map(|(word, _)| *word);
        faults.at(&node.place, format!("`{}` is not one of the words known here", cut(given)), suggest(given, known));
    }
    found
}

/// A length of time between two bounds.
pub(crate) fn duration_between(node: &Node, least: Span, most: Span, faults: &Faults) -> Option<Span> {
    let written = match &node.kind {
        Kind::Text(text) => text.as_str(),
        Kind::Nothing | Kind::Flag(_) | Kind::Integer(_) | Kind::Number | Kind::List(_) | Kind::Map(_) => node.place.written(),
    };
    let Some(span) = duration(written) else {
        faults.at(&node.place, format!("`{}` is no length of time", cut(written)), Some(DURATION_FORM.into()));
        return None;
    };
    if !(least..=most).contains(&span) {
        faults.at(&node.place, format!("from {least} to {most} is allowed here, not {span}"), None);
        return None;
    }
    Some(span)
}

/// Input as a message shows it: one line, not endless.
pub(crate) fn cut(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(80).collect()
}
