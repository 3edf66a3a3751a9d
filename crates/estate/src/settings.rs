//! `lineclear.toml`: who we are, the posture of a new installation, where telemetry is asked, and who sends signals.

use std::collections::BTreeMap;
use std::sync::Arc;

use lineclear_core::name::{Login, SourceName};
use lineclear_core::notice::Channels;
use lineclear_core::posture::Posture;
use lineclear_core::signal::SignalSource;
use serde::Deserialize;
use toml::Spanned;

use crate::fault::{At, Fault, Faults, LoadError, Place, Text};
use crate::members::cut;
use crate::notices::{self, RawNotices};
use crate::senders::{self, RawSender, SENDERS_MAX, Sender};
use crate::suggest::suggest;

/// Longest origin, in bytes: it stands in every checkpoint and statement.
const ORIGIN_MAX: usize = 120;
/// Longest title, in characters.
const TITLE_MAX: usize = 120;
/// Longest source URL, in bytes.
const URL_MAX: usize = 500;

/// What `lineclear.toml` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// For people.
    pub title: String,
    /// The ledger's origin.
    pub origin: String,
    /// The posture of a new installation.
    pub posture: Posture,
    /// Where facts are asked, by name.
    pub sources: BTreeMap<String, String>,
    /// Who sends signals, by name.
    pub signals: BTreeMap<SourceName, SignalSource>,
    /// Through which channels people are told.
    pub notices: Channels,
}

/// What `lineclear.toml` says, with the places of what it names elsewhere.
#[derive(Debug)]
pub(crate) struct SettingsDraft {
    pub(crate) settings: Settings,
    /// The mappings that senders name.
    pub(crate) mappings: Vec<At<String>>,
    /// The people whose places it names.
    pub(crate) people: Vec<At<Login>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    title: Spanned<String>,
    origin: Spanned<String>,
    posture: Spanned<String>,
    #[serde(default)]
    sources: BTreeMap<Spanned<String>, Spanned<String>>,
    #[serde(default)]
    signals: BTreeMap<Spanned<String>, RawSender>,
    #[serde(default)]
    notices: RawNotices,
}

/// Reads `lineclear.toml`.
///
/// # Errors
/// Everything in it that is wrong.
pub fn parse_settings(path: &str, text: &str) -> Result<Settings, LoadError> {
    let faults = Faults::default();
    let draft = read(path, text, &faults);
    faults.settle(draft.map(|draft| draft.settings))
}

pub(crate) fn read(path: &str, text: &str, faults: &Faults) -> Option<SettingsDraft> {
    let text = Text::new(path, text);
    let raw: Raw = toml(&text, faults)?;
    let at = |value: &Spanned<String>| At { value: value.get_ref().clone(), place: Place::new(&text, value.span()) };
    let title = at(&raw.title);
    if title.value.is_empty() || title.value.chars().count() > TITLE_MAX || title.value.chars().any(char::is_control) {
        faults.at(&title.place, format!("a title has 1 to {TITLE_MAX} characters"), None);
    }
    let origin = at(&raw.origin);
    // C2SP tlog-checkpoint: an origin is one line without blanks or `+`, in the form of a URL without its scheme.
    let fit = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'_' | b'/');
    if origin.value.is_empty() || origin.value.len() > ORIGIN_MAX || !origin.value.bytes().all(fit) || !origin.value.contains('/') {
        let help = "a host of yours and a generation: `ledger.example.org/g1`";
        faults.at(&origin.place, format!("`{}` is no origin of a ledger", cut(&origin.value)), Some(help.into()));
    }
    let sources = raw.sources.iter().map(|(name, url)| (at(name), at(url)));
    let sources = sources.inspect(|(name, url)| source(name, url, faults)).map(|(name, url)| (name.value, url.value)).collect();
    if raw.signals.len() > SENDERS_MAX {
        faults.push(Fault::of_file(path, format!("at most {SENDERS_MAX} senders of signals are read, not {}", raw.signals.len()), None));
    }
    let senders: BTreeMap<SourceName, Sender> =
        raw.signals.iter().filter_map(|(name, raw)| senders::read(&at(name), raw, &at, faults)).collect();
    let mappings = senders.values().filter_map(|sender| sender.mapping.clone()).collect();
    let signals = senders.into_iter().map(|(name, sender)| (name, sender.source)).collect();
    let (notices, people) = notices::read(&raw.notices, &text, &at, faults);
    let posture = posture(&at(&raw.posture), faults)?;
    let settings = Settings { title: title.value, origin: origin.value, posture, sources, signals, notices };
    Some(SettingsDraft { settings, mappings, people })
}

/// Reads a TOML text into a type of ours.
pub(crate) fn toml<T: serde::de::DeserializeOwned>(text: &Arc<Text>, faults: &Faults) -> Option<T> {
    match toml::from_str(&text.text) {
        Ok(value) => Some(value),
        Err(error) => {
            let place = Place::new(text, error.span().unwrap_or(0..0));
            let message = error.message();
            let known: Vec<&str> =
                message.split_once("expected").map_or_else(Vec::new, |(_, list)| list.split('`').skip(1).step_by(2).collect());
            let given = message.split('`').nth(1).unwrap_or("");
            let help = message.starts_with("unknown").then(|| suggest(given, known)).flatten();
            let message: String = message.lines().collect::<Vec<_>>().join(" ").chars().take(200).collect();
            faults.at(&place, message, help);
            None
        }
    }
}

fn source(name: &At<String>, url: &At<String>, faults: &Faults) {
    if name.value != "prometheus" {
        faults.at(&name.place, format!("`{}` is no kind of source", cut(&name.value)), suggest(&name.value, ["prometheus"]));
    }
    let rest = url.value.strip_prefix("http://").or_else(|| url.value.strip_prefix("https://"));
    let host = rest.map(|rest| rest.split('/').next().unwrap_or(""));
    if url.value.contains('@') {
        // Without its place, so that no message repeats it.
        let message = format!("the address of source `{}` holds credentials", cut(&name.value));
        faults.push(Fault::of_file(&url.place.text.path, message, Some("keep them out of the estate".into())));
        return;
    }
    if host.is_none_or(str::is_empty) || url.value.len() > URL_MAX || !url.value.bytes().all(|b| b.is_ascii_graphic()) {
        let help = "write `http://host:port` or `https://host:port`";
        faults.at(&url.place, format!("`{}` is no address of a source", cut(&url.value)), Some(help.into()));
    }
}

fn posture(word: &At<String>, faults: &Faults) -> Option<Posture> {
    let all = [Posture::Stopped, Posture::AdviseOnly, Posture::RoutineOnly, Posture::Full];
    let found = all.into_iter().find(|posture| posture.to_string() == word.value);
    if found.is_none() {
        let words: Vec<String> = all.iter().map(ToString::to_string).collect();
        let help = suggest(&word.value, words.iter().map(String::as_str));
        faults.at(&word.place, format!("`{}` is no posture", cut(&word.value)), help);
    }
    found
}
