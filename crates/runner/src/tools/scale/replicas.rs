//! How many there are, and how their number is changed.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::header::IF_MATCH;
use reqwest::{Client, RequestBuilder, Url};
use serde_json::Value;

use crate::config::{Scaler, Service};
use crate::secret::Secret;
use crate::tools::exchange::{Answer, exchange};
use crate::tools::http::{base, checked_path, client};
use crate::tools::systemd_unit::systemctl::Manager;
use crate::tools::{Site, ToolError};

/// Largest answer of a scaler.
const ANSWER_MAX: usize = 64 * 1024;
/// How long a look may take.
const LOOK_TIMEOUT: Duration = Duration::from_secs(5);

/// What counts and changes them.
pub(super) enum Replicas {
    Units { template: String, most: u32, manager: Box<Manager> },
    Http(Box<Remote>),
}

/// A scaler behind HTTP.
pub(super) struct Remote {
    client: Client,
    who: String,
    url: Url,
    bearer: Option<Secret>,
    member: String,
}

/// A number as it was seen.
pub(super) struct Seen {
    pub(super) count: u64,
    tag: String,
    /// What is said beside the summary.
    pub(super) aside: &'static str,
}

impl Replicas {
    pub(super) fn new(by: &Scaler, most: u32, services: &BTreeMap<String, Service>, manager: Option<&Manager>) -> Result<Self, String> {
        match by {
            Scaler::Units { template } => {
                let manager = manager.ok_or("there is no `[systemd]`")?;
                Ok(Self::Units { template: template.clone(), most, manager: Box::new(manager.clone()) })
            }
            Scaler::Http { service, path, member } => {
                let config = services.get(service).ok_or("there is no such service")?;
                let root = base(&config.url)?;
                let url = Url::parse(&format!("{}{}", root.as_str().trim_end_matches('/'), checked_path(path)?))
                    .map_err(|error| error.to_string())?;
                let (who, bearer, member) = (format!("`{service}`"), config.bearer.clone(), member.clone());
                Ok(Self::Http(Box::new(Remote { client: client(&[root])?, who, url, bearer, member })))
            }
        }
    }

    pub(super) async fn look(&self) -> Result<Seen, String> {
        match self {
            Self::Units { template, most, manager } => {
                let names: Vec<String> = (1..=*most).map(|number| format!("{template}{number}.service")).collect();
                let states = manager.look(&names).await?;
                for (name, state) in names.iter().zip(&states) {
                    state.loaded(name)?;
                    if !state.runs() && !matches!(state.active.as_str(), "inactive" | "failed") {
                        return Err(format!("`{name}` is on its way: `{}`", state.active));
                    }
                }
                let count = states.iter().take_while(|state| state.runs()).count();
                if let Some((name, _)) = names.iter().zip(&states).skip(count).find(|(_, state)| state.runs()) {
                    return Err(format!("`{name}` runs, and one with a lower number does not"));
                }
                let aside = states.first().map_or("", |state| state.aside());
                Ok(Seen { count: u64::try_from(count).unwrap_or(u64::MAX), tag: String::new(), aside })
            }
            Self::Http(remote) => {
                tokio::time::timeout(LOOK_TIMEOUT, remote.look()).await.map_err(|_| format!("{} did not answer in time", remote.who))?
            }
        }
    }

    /// Goes to another number, from the one that was seen.
    pub(super) async fn set(&self, seen: &Seen, to: u64, site: &Site) -> Result<(), ToolError> {
        match self {
            Self::Units { template, manager, .. } => {
                let (verb, numbers): (&str, Vec<u64>) = if to > seen.count {
                    ("start", (seen.count + 1..=to).collect())
                } else {
                    ("stop", (to + 1..=seen.count).rev().collect())
                };
                let each = site.budget / u32::try_from(numbers.len().max(1)).unwrap_or(u32::MAX);
                for (done, number) in numbers.into_iter().enumerate() {
                    let unit = format!("{template}{number}.service");
                    match manager.order(verb, &unit, site, each).await {
                        Ok(Ok(())) => {}
                        Err(ToolError::NotApplied(why)) if done == 0 => return Err(ToolError::NotApplied(why)),
                        Err(ToolError::Unknown(why)) => return Err(ToolError::Unknown(why)),
                        Ok(Err(why)) | Err(ToolError::NotApplied(why) | ToolError::Partly(why)) => {
                            return Err(ToolError::Partly(format!("`{unit}`: {why}; before it, {done} were changed")));
                        }
                    }
                }
                Ok(())
            }
            Self::Http(remote) => remote.set(seen, to).await,
        }
    }
}

impl Remote {
    fn authorised(&self, request: RequestBuilder) -> RequestBuilder {
        match self.bearer.as_ref().and_then(|token| std::str::from_utf8(token.expose()).ok()) {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    async fn look(&self) -> Result<Seen, String> {
        let answer = exchange(self.authorised(self.client.get(self.url.clone())), &self.who, ANSWER_MAX).await;
        let answer = answer.map_err(|error| error.to_string())?;
        if !answer.is_good() {
            return Err(format!("{} answered {}", self.who, answer.status));
        }
        let count = self.count(&answer).ok_or_else(|| format!("{} shows no whole number as `{}`", self.who, self.member))?;
        // Without a tag nothing could be refused: whoever came in between would be overwritten.
        let tag = answer.etag.filter(|tag| tag.starts_with('"'));
        let tag = tag.ok_or_else(|| format!("{} shows no strong entity tag, so it could not refuse a stale number", self.who))?;
        Ok(Seen { count, tag, aside: "" })
    }

    fn count(&self, answer: &Answer) -> Option<u64> {
        serde_json::from_slice::<Value>(&answer.body).ok()?.get(&self.member)?.as_u64()
    }

    async fn set(&self, seen: &Seen, to: u64) -> Result<(), ToolError> {
        let body = serde_json::json!({ &self.member: to });
        let request = self.client.put(self.url.clone()).header(IF_MATCH, &seen.tag).json(&body);
        let answer = exchange(self.authorised(request), &self.who, ANSWER_MAX).await?;
        if answer.status == 412 {
            return Err(ToolError::NotApplied(format!("{} refuses: it has changed since it was looked at", self.who)));
        }
        answer.changed(&self.who).map(|_| ())
    }
}
