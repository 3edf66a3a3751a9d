//! `[notices]` in `lineclear.toml`: the channels through which people are told, and where each person is found in them.
//! Secrets are named, never written; a Teams address is itself a secret.

use core::net::IpAddr;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lineclear_core::name::{ChannelName, Login};
use lineclear_core::notice::{Carrier, Channel, Channels, Kind, Urgency};
use lineclear_core::signal::SecretName;
use serde::Deserialize;
use toml::Spanned;

use crate::fault::{At, Faults, Place, Text};
use crate::members::cut;
use crate::senders::plain;
use crate::suggest::suggest;

/// Most channels: several of each kind for each team of a large house.
const CHANNELS_MAX: usize = 50;
/// Most people with places.
const PEOPLE_MAX: usize = 500;
/// Longest address of a server, in bytes.
const URL_MAX: usize = 500;
/// Longest place, in bytes: RFC 5321 §4.5.3.1.3 lets a mail address have 254.
const PLACE_MAX: usize = 254;
/// The words for `kind`.
const KINDS: [&str; 6] = ["slack", "teams", "mail", "webhook", "pagerduty", "ntfy"];
/// Slack's own address.
const SLACK: &str = "https://slack.com/api";
/// `PagerDuty`'s own address.
const PAGERDUTY: &str = "https://events.pagerduty.com/v2/enqueue";
/// Ntfy's own address.
const NTFY: &str = "https://ntfy.sh";

/// The table as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawNotices {
    #[serde(default)]
    channels: BTreeMap<Spanned<String>, RawChannel>,
    #[serde(default)]
    people: BTreeMap<Spanned<String>, BTreeMap<Spanned<String>, Spanned<String>>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawChannel {
    kind: Spanned<String>,
    url: Option<Spanned<String>>,
    server: Option<Spanned<String>>,
    from: Option<Spanned<String>>,
    user: Option<Spanned<String>>,
    team: Option<Spanned<String>>,
    room: Option<Spanned<String>>,
    kinds: Option<Vec<Spanned<String>>>,
    urgency: Option<Spanned<String>>,
    secret_file: Option<Spanned<String>>,
    secret_env: Option<Spanned<String>>,
    signing_file: Option<Spanned<String>>,
    signing_env: Option<Spanned<String>>,
}

/// What is wrong was told.
struct Told;

struct Reader<'a> {
    text: &'a Arc<Text>,
    faults: &'a Faults,
}

/// Reads the table; the people whose places it names come with their own places in the file.
pub(crate) fn read(
    raw: &RawNotices,
    text: &Arc<Text>,
    at: &dyn Fn(&Spanned<String>) -> At<String>,
    faults: &Faults,
) -> (Channels, Vec<At<Login>>) {
    let reader = Reader { text, faults };
    if raw.channels.len() > CHANNELS_MAX || raw.people.len() > PEOPLE_MAX {
        let message = format!("at most {CHANNELS_MAX} channels and {PEOPLE_MAX} people are read");
        faults.at(&Place::start(text), message, None);
    }
    let channels: BTreeMap<ChannelName, Channel> = raw.channels.iter().filter_map(|(name, raw)| reader.channel(&at(name), raw)).collect();
    let mut people = BTreeMap::new();
    let mut named = Vec::new();
    for (login, places) in &raw.people {
        let login = at(login);
        let Some(parsed) = reader.parsed::<Login>(&login) else { continue };
        named.push(At { value: parsed.clone(), place: login.place });
        let found = places.iter().filter_map(|(name, place)| reader.place(&at(name), &at(place), &channels));
        people.insert(parsed, found.collect());
    }
    (Channels { channels, people }, named)
}

impl Reader<'_> {
    fn at(&self, value: &Spanned<String>) -> At<String> {
        At { value: value.get_ref().clone(), place: Place::new(self.text, value.span()) }
    }

    fn parsed<T: std::str::FromStr<Err = lineclear_core::name::NameError>>(&self, name: &At<String>) -> Option<T> {
        name.value.parse().map_err(|error: lineclear_core::name::NameError| self.faults.at(&name.place, error.to_string(), None)).ok()
    }

    fn channel(&self, name: &At<String>, raw: &RawChannel) -> Option<(ChannelName, Channel)> {
        let parsed = self.parsed::<ChannelName>(name);
        let carrier = self.carrier(raw);
        let urgency = raw.urgency.as_ref().map(|word| self.word(&self.at(word), Urgency::ALL, "urgency"));
        let kinds = raw.kinds.iter().flatten().filter_map(|word| self.word(&self.at(word), Kind::ALL, "kind of notice"));
        let kinds: BTreeSet<Kind> = kinds.collect();
        let carrier = carrier?;
        let room = raw.room.as_ref().and_then(|room| {
            let room = self.at(room);
            self.fits(&carrier, &room).then_some(room.value)
        });
        Some((parsed?, Channel { carrier, room, kinds, least: urgency.flatten().unwrap_or(Urgency::Low) }))
    }

    fn word<T: Copy>(&self, word: &At<String>, all: &[(&str, T)], what: &str) -> Option<T> {
        let found = all.iter().find(|(known, _)| *known == word.value).map(|(_, value)| *value);
        if found.is_none() {
            let help = suggest(&word.value, all.iter().map(|(word, _)| *word));
            self.faults.at(&word.place, format!("`{}` is no {what}", cut(&word.value)), help);
        }
        found
    }

    fn carrier(&self, raw: &RawChannel) -> Option<Carrier> {
        let kind = self.at(&raw.kind);
        let secret = || self.needed(&kind, self.secret(raw.secret_file.as_ref(), raw.secret_env.as_ref()).ok()?, "secret");
        self.strangers(&kind, raw);
        match kind.value.as_str() {
            "slack" => Some(Carrier::Slack {
                api: self.url(raw.url.as_ref(), Some(SLACK), &kind)?,
                token: secret()?,
                signing: self.secret(raw.signing_file.as_ref(), raw.signing_env.as_ref()).ok()?,
                team: raw.team.as_ref().map(|team| team.get_ref().clone()),
            }),
            "teams" => Some(Carrier::Teams { url: secret()? }),
            "mail" => Some(Carrier::Mail {
                server: self.server(&kind, raw.server.as_ref())?,
                from: self.from(&kind, raw.from.as_ref())?,
                user: raw.user.as_ref().map(|user| user.get_ref().clone()),
                password: self.secret(raw.secret_file.as_ref(), raw.secret_env.as_ref()).ok()?,
            }),
            "webhook" => Some(Carrier::Webhook { url: self.url(raw.url.as_ref(), None, &kind)?, secret: secret()? }),
            "pagerduty" => Some(Carrier::Pagerduty { url: self.url(raw.url.as_ref(), Some(PAGERDUTY), &kind)?, key: secret()? }),
            "ntfy" => Some(Carrier::Ntfy {
                url: self.url(raw.url.as_ref(), Some(NTFY), &kind)?,
                token: self.secret(raw.secret_file.as_ref(), raw.secret_env.as_ref()).ok()?,
            }),
            other => {
                self.faults.at(&kind.place, format!("`{}` is no kind of channel", cut(other)), suggest(other, KINDS));
                None
            }
        }
    }

    /// Members that this kind does not read.
    fn strangers(&self, kind: &At<String>, raw: &RawChannel) {
        let mine: &[&str] = match kind.value.as_str() {
            "slack" => &["url", "team", "room", "signing_file", "signing_env"],
            "mail" => &["server", "from", "user", "room"],
            "webhook" | "pagerduty" => &["url"],
            "ntfy" => &["url", "room"],
            _ => &[],
        };
        let given = [
            ("url", &raw.url),
            ("server", &raw.server),
            ("from", &raw.from),
            ("user", &raw.user),
            ("team", &raw.team),
            ("room", &raw.room),
            ("signing_file", &raw.signing_file),
            ("signing_env", &raw.signing_env),
        ];
        for (member, value) in given {
            if let Some(value) = value.as_ref().filter(|_| KINDS.contains(&kind.value.as_str()) && !mine.contains(&member)) {
                self.faults.at(&self.at(value).place, format!("a channel of kind `{}` has no `{member}`", kind.value), None);
            }
        }
    }

    /// The name of a secret, when there is one.
    fn secret(&self, file: Option<&Spanned<String>>, env: Option<&Spanned<String>>) -> Result<Option<SecretName>, Told> {
        match (file.map(|it| self.at(it)), env.map(|it| self.at(it))) {
            (Some(_), Some(env)) => {
                self.faults.at(&env.place, "a secret lies in a file or in the environment, not in both", None);
                Err(Told)
            }
            (Some(file), None) => plain(&file, false, self.faults).map(|name| Some(SecretName::File(name))).ok_or(Told),
            (None, Some(env)) => plain(&env, true, self.faults).map(|name| Some(SecretName::Env(name))).ok_or(Told),
            (None, None) => Ok(None),
        }
    }

    fn needed<T>(&self, kind: &At<String>, value: Option<T>, what: &str) -> Option<T> {
        if value.is_none() {
            let help = if what == "secret" {
                "add `secret_file = \"name\"` or `secret_env = \"NAME\"`".to_owned()
            } else {
                format!("add `{what} = \"…\"`")
            };
            self.faults.at(&kind.place, format!("a channel of kind `{}` needs a `{what}`", kind.value), Some(help));
        }
        value
    }

    fn url(&self, given: Option<&Spanned<String>>, otherwise: Option<&str>, kind: &At<String>) -> Option<String> {
        let Some(given) = given.map(|url| self.at(url)) else {
            return self.needed(kind, otherwise.map(str::to_owned), "url");
        };
        let (safe, rest) = match given.value.split_once("://") {
            Some(("https", rest)) => (true, rest),
            Some(("http", rest)) => (false, rest),
            _ => (false, ""),
        };
        let host = rest.split('/').next().unwrap_or("");
        let plain = given.value.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'@' | b'?' | b'#'));
        if host.is_empty() || given.value.len() > URL_MAX || !plain || !(safe || is_loopback(host)) {
            // Without what was written: people paste addresses that hold keys.
            let help = "write `https://host/path`, without credentials, `?` and `#`; plain `http` reaches this machine only";
            self.faults.at(&given.place, "this is no address that a channel can use", Some(help.into()));
            return None;
        }
        Some(given.value.trim_end_matches('/').to_owned())
    }

    fn server(&self, kind: &At<String>, given: Option<&Spanned<String>>) -> Option<String> {
        let given = self.at(self.needed(kind, given, "server")?);
        let (scheme, rest) = given.value.split_once("://").unwrap_or(("", ""));
        let (host, port) = rest.rsplit_once(':').unwrap_or((rest, ""));
        let host_fits =
            !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'[' | b']' | b':'));
        let fits = match scheme {
            "smtps" | "smtp" => true,
            "smtp+plain" => is_loopback(rest),
            _ => false,
        };
        if !fits || !host_fits || port.parse::<u16>().is_err() || given.value.len() > URL_MAX {
            let help = "write `smtps://host:465`, or `smtp://host:587` for STARTTLS; `smtp+plain://127.0.0.1:25` reaches this machine only";
            self.faults.at(&given.place, "this is no mail server", Some(help.into()));
            return None;
        }
        Some(given.value)
    }

    fn from(&self, kind: &At<String>, given: Option<&Spanned<String>>) -> Option<String> {
        let given = self.at(self.needed(kind, given, "from")?);
        let fits = is_mail(&given.value);
        if !fits {
            self.faults.at(&given.place, format!("`{}` is no mail address", cut(&given.value)), None);
        }
        fits.then_some(given.value)
    }

    fn place(&self, name: &At<String>, place: &At<String>, channels: &BTreeMap<ChannelName, Channel>) -> Option<(ChannelName, String)> {
        let parsed = self.parsed::<ChannelName>(name)?;
        let Some(channel) = channels.get(&parsed) else {
            let help = suggest(&name.value, channels.keys().map(ChannelName::as_str));
            self.faults.at(&name.place, format!("there is no channel `{}`", cut(&name.value)), help);
            return None;
        };
        if !channel.carrier.finds_people() {
            let message = format!("a channel of kind `{}` has one place for everybody", channel.carrier.word());
            self.faults.at(&name.place, message, Some("leave it out here".into()));
            return None;
        }
        self.fits(&channel.carrier, place).then(|| (parsed, place.value.clone()))
    }

    fn fits(&self, carrier: &Carrier, place: &At<String>) -> bool {
        let text = &place.value;
        let (fits, help) = match carrier {
            Carrier::Slack { .. } => (
                (2..=40).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()),
                "write the id of a member (`U0123ABC`) or of a channel (`C0123ABC`), not a name",
            ),
            Carrier::Mail { .. } => (is_mail(text), "write a mail address, and nothing around it"),
            Carrier::Ntfy { .. } => (
                (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')),
                "write a topic: up to 64 letters, digits, `_` and `-`; whoever knows it can read it",
            ),
            Carrier::Teams { .. } | Carrier::Webhook { .. } | Carrier::Pagerduty { .. } => (false, "it has one place for everybody"),
        };
        if !fits {
            self.faults.at(
                &place.place,
                format!("`{}` is no place in a channel of kind `{}`", cut(text), carrier.word()),
                Some(help.into()),
            );
        }
        fits
    }
}

/// Whether `host` or `host:port` is this machine, whatever a resolver says.
fn is_loopback(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|rest| rest.split(']').next()).unwrap_or_else(|| host.split(':').next().unwrap_or(""));
    bare == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether a text is a bare mail address: enough to keep a header or a list of recipients out of it.
fn is_mail(text: &str) -> bool {
    let parts = text.split_once('@');
    let plain = text.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'<' | b'>' | b',' | b';' | b'"' | b'(' | b')' | b'\\' | b':'));
    text.len() <= PLACE_MAX && plain && parts.is_some_and(|(local, host)| !local.is_empty() && !host.is_empty() && !host.contains('@'))
}

#[cfg(test)]
mod tests;
