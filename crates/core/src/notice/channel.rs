//! Through what people are told: the channels of `lineclear.toml`, and where each person is found in them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Kind, Notice, Urgency};
use crate::authority::Directory;
use crate::id::OperatorId;
pub use crate::name::ChannelName;
use crate::name::Login;
use crate::signal::SecretName;

/// Most deliveries of one notice: everybody of a large house in two channels. Rooms come first.
pub const DELIVERIES_MAX: usize = 100;

/// How a channel carries a notice. Secrets are named here and lie elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Carrier {
    /// Slack's Web API, with a bot's token.
    Slack {
        /// Where its methods are: `https://slack.com/api`.
        api: String,
        /// The bot's token.
        token: SecretName,
        /// What Slack signs its calls with; without it nothing can be answered in Slack.
        signing: Option<SecretName>,
        /// The workspace whose members may answer.
        team: Option<String>,
    },
    /// A Teams workflow's webhook; its address is itself a secret.
    Teams {
        /// The address.
        url: SecretName,
    },
    /// Mail by SMTP.
    Mail {
        /// `smtps://host:465`, `smtp://host:587` (which must speak STARTTLS), or `smtp+plain://127.0.0.1:25`.
        server: String,
        /// The sender's address.
        from: String,
        /// The account, when the server wants one.
        user: Option<String>,
        /// Its password.
        password: Option<SecretName>,
    },
    /// Any receiver that speaks Standard Webhooks.
    Webhook {
        /// The receiver.
        url: String,
        /// What its messages are signed with.
        secret: SecretName,
    },
    /// `PagerDuty`'s Events API v2.
    Pagerduty {
        /// Where events are enqueued.
        url: String,
        /// The integration's routing key.
        key: SecretName,
    },
    /// ntfy.
    Ntfy {
        /// The server.
        url: String,
        /// The access token, when the server wants one.
        token: Option<SecretName>,
    },
}

/// One channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    /// How it carries.
    #[serde(flatten)]
    pub carrier: Carrier,
    /// The place in it that everybody reads; none when only people are found in it.
    pub room: Option<String>,
    /// The kinds that the room is told; empty means every kind.
    pub kinds: BTreeSet<Kind>,
    /// The least urgency that it carries.
    pub least: Urgency,
}

/// Who reads a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recipient {
    /// Everybody who reads the channel's room.
    Room,
    /// One person.
    Person(OperatorId),
}

/// Every channel, and where people are found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channels {
    /// The channels by name.
    pub channels: BTreeMap<ChannelName, Channel>,
    /// Each person's place in each channel that reaches them.
    pub people: BTreeMap<Login, BTreeMap<ChannelName, String>>,
}

impl Carrier {
    /// The word that people write.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Slack { .. } => "slack",
            Self::Teams { .. } => "teams",
            Self::Mail { .. } => "mail",
            Self::Webhook { .. } => "webhook",
            Self::Pagerduty { .. } => "pagerduty",
            Self::Ntfy { .. } => "ntfy",
        }
    }

    /// Whether people have a place of their own in it. Elsewhere there is one place, which its address or key names.
    pub const fn finds_people(&self) -> bool {
        match self {
            Self::Slack { .. } | Self::Mail { .. } | Self::Ntfy { .. } => true,
            Self::Teams { .. } | Self::Webhook { .. } | Self::Pagerduty { .. } => false,
        }
    }

    /// The secrets that it names.
    pub fn secrets(&self) -> Vec<&SecretName> {
        match self {
            Self::Slack { token, signing, .. } => std::iter::once(token).chain(signing).collect(),
            Self::Teams { url } => vec![url],
            Self::Mail { password, .. } => password.iter().collect(),
            Self::Webhook { secret, .. } => vec![secret],
            Self::Pagerduty { key, .. } => vec![key],
            Self::Ntfy { token, .. } => token.iter().collect(),
        }
    }
}

impl Channel {
    fn has_room(&self) -> bool {
        self.room.is_some() || !self.carrier.finds_people()
    }

    fn carries(&self, notice: &Notice) -> bool {
        notice.urgency >= self.least
    }
}

impl Channels {
    /// Whether nobody is told anything outside the console.
    pub fn is_empty(&self) -> bool {
        self.channels.is_empty()
    }

    /// Where a notice to these people goes: first the rooms, then each person, at most [`DELIVERIES_MAX`] in all. Rooms are told
    /// whoever it is for, even nobody in particular.
    pub fn routes(&self, notice: &Notice, to: &BTreeSet<OperatorId>, directory: &Directory) -> Vec<(ChannelName, Recipient)> {
        let told = |channel: &Channel| channel.has_room() && (channel.kinds.is_empty() || channel.kinds.contains(&notice.kind));
        let rooms = self.channels.iter().filter(|(_, channel)| told(channel) && channel.carries(notice));
        let rooms = rooms.map(|(name, _)| (name.clone(), Recipient::Room));
        let people = to.iter().flat_map(|person| {
            let places = directory.operators.get(person).and_then(|person| self.people.get(&person.login));
            let names = places.into_iter().flat_map(BTreeMap::keys);
            let carried = names.filter(|name| self.channels.get(*name).is_some_and(|channel| channel.carries(notice)));
            carried.map(|name| (name.clone(), Recipient::Person(*person)))
        });
        rooms.chain(people).take(DELIVERIES_MAX).collect()
    }

    /// Whether a recipient is told of this kind at all: people are, rooms as the estate says.
    pub fn hears(&self, name: &ChannelName, to: Recipient, kind: Kind) -> bool {
        let asked = |channel: &Channel| to.person().is_some() || channel.kinds.is_empty() || channel.kinds.contains(&kind);
        self.channels.get(name).is_some_and(asked)
    }

    /// The place of a recipient in a channel; none when the estate knows of none. For a channel with one place it is empty.
    pub fn place(&self, name: &ChannelName, to: Recipient, directory: &Directory) -> Option<String> {
        let channel = self.channels.get(name)?;
        match to {
            Recipient::Room if channel.carrier.finds_people() => channel.room.clone(),
            Recipient::Room => Some(channel.room.clone().unwrap_or_default()),
            Recipient::Person(person) => {
                let login = &directory.operators.get(&person)?.login;
                self.people.get(login)?.get(name).cloned()
            }
        }
    }

    /// The person whose place this is in a channel; none when it is nobody's, or that of several.
    pub fn person_at(&self, name: &ChannelName, place: &str, directory: &Directory) -> Option<OperatorId> {
        let mut found = self.people.iter().filter(|(_, places)| places.get(name).is_some_and(|it| it == place));
        let (Some((login, _)), None) = (found.next(), found.next()) else { return None };
        directory.operator(login).map(|person| person.id)
    }
}

impl Recipient {
    /// The person, when it is one.
    pub const fn person(self) -> Option<OperatorId> {
        match self {
            Self::Room => None,
            Self::Person(person) => Some(person),
        }
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Room => f.write_str("room"),
            Self::Person(person) => person.fmt(f),
        }
    }
}
