//! `signals/*.yaml`: how JSON that nobody wrote a reader for becomes signals.

use std::collections::{BTreeMap, BTreeSet};

use lineclear_core::incident::Severity;
use lineclear_core::name::EntityName;
use lineclear_core::signal::{Mapping, POINTERS_MAX, Pointer};

use crate::fault::{Faults, LoadError, Place, Text};
use crate::members::{Members, bounded, integer, list, parsed};
use crate::yaml::document;

/// Most words of one list, and most labels of one mapping: a format with more is mapped by a program.
const WORDS_MAX: usize = 64;
/// Longest word, in characters.
const WORD_MAX: usize = 80;

/// A mapping with the place of its name.
#[derive(Debug)]
pub(crate) struct MappingDraft {
    pub(crate) name: String,
    pub(crate) mapping: Mapping,
    pub(crate) place: Place,
}

/// Reads one mapping; answers its name and what it says.
///
/// # Errors
/// Everything that this file alone shows to be wrong.
pub fn parse_mapping(path: &str, text: &str) -> Result<(String, Mapping), LoadError> {
    let faults = Faults::default();
    let draft = read(path, text, &faults);
    faults.settle(draft.map(|draft| (draft.name, draft.mapping)))
}

pub(crate) fn read(path: &str, text: &str, faults: &Faults) -> Option<MappingDraft> {
    let text = Text::new(path, text);
    let node = document(&text, faults)?;
    let of = Members::of(&node, "a mapping", faults)?;
    let name = of.parsed::<EntityName>("mapping");
    let items = of.maybe("items").and_then(|node| parsed::<Pointer>(node, faults)).map(|at| at.value);
    let said = of.need("fingerprint").is_some();
    let fingerprint = pointers(&of, "fingerprint");
    if said && fingerprint.is_empty() {
        faults.at(of.place(), "nothing says what makes a signal the same when it comes again", Some("add `fingerprint: [/id]`".into()));
    }
    let severities = of
        .named::<String>("severities")
        .into_iter()
        .filter_map(|(word, (_, node))| {
            Some((word.to_lowercase(), Severity::try_from(u8::try_from(integer(node, 1, 5, faults)?).ok()?).ok()?))
        })
        .collect();
    let mapping = Mapping {
        items,
        fingerprint,
        title: pointers(&of, "title"),
        service: pointers(&of, "service"),
        severity: pointers(&of, "severity"),
        severities,
        state: pointers(&of, "state"),
        resolved: words(&of, "resolved"),
        starts: pointers(&of, "starts"),
        group: pointers(&of, "group"),
        labels: places(&of, "labels"),
        annotations: places(&of, "annotations"),
    };
    of.finish();
    if mapping.state.is_empty() != mapping.resolved.is_empty() {
        let help = "write `state: [/place]` and `resolved: [word]`, or neither";
        faults.at(&node.place, "where the state stands and which words mean that it is over belong together", Some(help.into()));
    }
    let name = name?;
    Some(MappingDraft { name: name.value.to_string(), mapping, place: name.place })
}

/// Places, in the order in which they are tried.
fn pointers(of: &Members<'_>, name: &'static str) -> Vec<Pointer> {
    let found: Vec<Pointer> = of.names::<Pointer>(name).into_iter().map(|at| at.value).collect();
    if found.len() > POINTERS_MAX {
        of.faults().at(of.place(), format!("`{name}` has at most {POINTERS_MAX} places, not {}", found.len()), None);
    }
    found
}

fn words(of: &Members<'_>, name: &'static str) -> BTreeSet<String> {
    let faults = of.faults();
    let items = of.maybe(name).and_then(|node| list(node, faults)).unwrap_or(&[]);
    if items.len() > WORDS_MAX {
        faults.at(of.place(), format!("`{name}` has at most {WORDS_MAX} words, not {}", items.len()), None);
    }
    items.iter().filter_map(|node| bounded(node, WORD_MAX, faults)).map(|word| word.to_lowercase()).collect()
}

fn places(of: &Members<'_>, name: &'static str) -> BTreeMap<String, Pointer> {
    let found = of.named::<String>(name);
    if found.len() > WORDS_MAX {
        of.faults().at(of.place(), format!("`{name}` has at most {WORDS_MAX} members, not {}", found.len()), None);
    }
    found.into_iter().filter_map(|(name, (_, node))| Some((name, parsed::<Pointer>(node, of.faults())?.value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, said: &str) {
        let told = parse_mapping("signals/a.yaml", text).map(drop).map_err(|error| error.to_string());
        assert!(told.as_ref().is_err_and(|told| told.contains(said)), "{text}: {told:?}");
    }

    #[test]
    fn a_mapping_says_where_everything_stands() {
        let text = "mapping: zabbix\nfingerprint: [/id, \"/tags/{tag=a}/value\"]\nseverities: { HIGH: 2 }\nstate: [/value]\nresolved: [\"OK\"]\nlabels: { host: /h }\n";
        let (name, mapping) = parse_mapping("signals/a.yaml", text).unwrap();
        assert_eq!((name.as_str(), mapping.fingerprint.len(), mapping.severities["high"].number()), ("zabbix", 2, 2));
        assert!(mapping.resolved.contains("ok") && mapping.labels.contains_key("host"));
    }

    #[test]
    fn what_is_wrong_with_a_mapping_is_said() {
        check("mapping: a\n", "a mapping lacks `fingerprint`");
        check("mapping: a\nfingerprint: []\n", "nothing says what makes a signal the same");
        check("mapping: a\nfingerprint: [id]\n", "`id` is no place in a document");
        check("mapping: a\nfingerprint: [/id]\nstate: [/s]\n", "belong together");
        check("mapping: a\nfingerprint: [/id]\nseverities: { bad: 9 }\n", "from 1 to 5");
        check("mapping: a\nfingerprint: [/id]\nlabel: {}\n", "has no member `label`");
    }
}
