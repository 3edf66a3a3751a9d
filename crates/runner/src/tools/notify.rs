//! `notify`: tells a named receiver something, as one JSON document by one `POST`. Where the receiver drops a key that it has seen, a
//! message of a step arrives once however often it is sent; elsewhere nothing protects, and nobody can look whether it arrived.

use std::collections::BTreeMap;

use lineclear_core::plan::{EffectClass, Preview, ToolCall};
use lineclear_core::run::Direction;
use reqwest::{Client, Url};
use serde_json::{Value, json};

use super::args::{Args, cut};
use super::exchange::exchange;
use super::http::client;
use super::{Look, Site, Tool, ToolError};
use crate::config::ReceiverConfig;
use crate::link::BoxFuture;
use crate::secret::Secret;

/// Longest title, in characters: one line on a telephone.
const TITLE_MAX: usize = 200;
/// Longest text, in characters.
const TEXT_MAX: usize = 2_000;
/// Largest answer that is read.
const ANSWER_MAX: usize = 64 * 1024;

pub(super) struct Notify {
    client: Client,
    receivers: BTreeMap<String, Receiver>,
}

struct Receiver {
    url: Url,
    bearer: Option<Secret>,
    dedupes: bool,
}

struct Message<'a> {
    name: &'a str,
    receiver: &'a Receiver,
    title: &'a str,
    text: &'a str,
    urgency: &'a str,
}

impl Notify {
    pub(crate) fn new(config: &BTreeMap<String, ReceiverConfig>) -> Result<Self, String> {
        let read = |(name, one): (&String, &ReceiverConfig)| {
            // The address may be a secret of its own: what is wrong with it is said without it.
            let url = Url::parse(&one.url).ok().filter(|url| {
                matches!(url.scheme(), "http" | "https") && url.has_host() && url.username().is_empty() && url.password().is_none()
            });
            let url = url.ok_or_else(|| format!("`{name}` has no plain http or https address"))?;
            Ok((name.clone(), Receiver { url, bearer: one.bearer.clone(), dedupes: one.dedupes }))
        };
        let receivers: BTreeMap<_, _> = config.iter().map(read).collect::<Result<_, String>>()?;
        let urls: Vec<Url> = receivers.values().map(|receiver| receiver.url.clone()).collect();
        Ok(Self { client: client(&urls)?, receivers })
    }

    fn message<'a>(&'a self, args: Args<'a>) -> Result<Message<'a>, String> {
        args.only(&["receiver", "title", "text", "urgency"])?;
        let name = args.text("receiver")?;
        let receiver = self.receivers.get(name).ok_or_else(|| format!("`{}` is no receiver of this runner", cut(name, 80)))?;
        let (title, text, urgency) = (args.text("title")?, args.text_or("text", "")?, args.text_or("urgency", "normal")?);
        if title.trim().is_empty() || title.chars().count() > TITLE_MAX || title.chars().any(char::is_control) {
            return Err(format!("`title` is one line of at most {TITLE_MAX} characters"));
        }
        if text.chars().count() > TEXT_MAX || text.chars().any(|c| c.is_control() && c != '\n') {
            return Err(format!("`text` is at most {TEXT_MAX} characters"));
        }
        if !["low", "normal", "high"].contains(&urgency) {
            return Err("`urgency` is `low`, `normal` or `high`".into());
        }
        Ok(Message { name, receiver, title, text, urgency })
    }
}

/// The key of a step's message: every attempt at the step says the same, so all of them have one.
fn key(site: &Site) -> String {
    let direction = match site.key.direction {
        Direction::Do => "do",
        Direction::Undo => "undo",
    };
    format!("{}/{}/{direction}", site.key.run, site.key.step)
}

impl Tool for Notify {
    fn name(&self) -> &'static str {
        "notify"
    }

    fn effect(&self, args: &Args<'_>) -> Result<EffectClass, String> {
        self.message(*args).map(|message| if message.receiver.dedupes { EffectClass::Keyed } else { EffectClass::Once })
    }

    fn preview<'a>(&'a self, args: Args<'a>, _undo: Option<&'a ToolCall>) -> BoxFuture<'a, Result<Preview, String>> {
        Box::pin(async move {
            let Message { name, title, text, urgency, .. } = self.message(args)?;
            let after = json!({"receiver": name, "title": title, "text": text, "urgency": urgency});
            // What was read cannot be unread, and nobody is asked whether the receiver is there: asking is telling.
            let summary = format!("`{name}` is told: `{}`", cut(title, TITLE_MAX));
            Ok(Preview { before: Value::Null, after, targets: vec![name.into()], reversible: false, summary })
        })
    }

    fn call<'a>(&'a self, args: Args<'a>, site: &'a Site) -> BoxFuture<'a, Result<Value, ToolError>> {
        Box::pin(async move {
            let Message { name, receiver, title, text, urgency } = self.message(args).map_err(ToolError::NotApplied)?;
            let (key, who) = (key(site), format!("`{name}`"));
            let body = json!({
                "format": "lineclear-message/1", "key": key, "run": site.key.run.to_string(), "step": site.key.step.to_string(),
                "title": title, "text": text, "urgency": urgency,
            });
            let mut request = self.client.post(receiver.url.clone()).header("idempotency-key", &key).json(&body);
            if let Some(token) = receiver.bearer.as_ref().and_then(|token| std::str::from_utf8(token.expose()).ok()) {
                request = request.bearer_auth(token);
            }
            let answer = tokio::time::timeout(site.budget, exchange(request, &who, ANSWER_MAX)).await;
            let answer = answer.map_err(|_| ToolError::Unknown(format!("{who} did not answer in time")))??.changed(&who)?;
            Ok(json!({"receiver": name, "key": key, "status": answer.status}))
        })
    }

    fn check<'a>(&'a self, _args: Args<'a>) -> BoxFuture<'a, Result<Look, String>> {
        Box::pin(async { Err("nobody can look whether a message arrived".into()) })
    }
}

#[cfg(test)]
mod tests;
