//! A zone behind the HTTP interface of PowerDNS' authoritative server (`/api/v1`, application/json). It has no precondition: records
//! are read, compared and replaced while nobody else of this runner is at the zone. Whoever writes past the runner can still come in
//! between, so a second send is protected only by ending the same.

use std::time::Duration;

use hickory_proto::rr::Name;
use reqwest::{Client, RequestBuilder, Url};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Mutex;

use super::record::{Records, absolute};
use crate::config::PowerdnsZone;
use crate::secret::Secret;
use crate::tools::ToolError;
use crate::tools::exchange::exchange;
use crate::tools::http::{base, client};

/// Largest answer: a zone of about a hundred thousand records.
const ANSWER_MAX: usize = 16 * 1024 * 1024;
/// How long a look may take.
const LOOK_TIMEOUT: Duration = Duration::from_secs(5);
/// As it stands in messages.
const WHO: &str = "PowerDNS";

pub(super) struct Powerdns {
    zone: Name,
    url: Url,
    key: Secret,
    client: Client,
    turn: Mutex<()>,
}

#[derive(Deserialize)]
struct Answered {
    rrsets: Vec<Set>,
}

#[derive(Deserialize)]
struct Set {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    records: Vec<One>,
}

#[derive(Deserialize)]
struct One {
    content: String,
    #[serde(default)]
    disabled: bool,
}

impl Powerdns {
    pub(super) fn new(zone: &str, config: &PowerdnsZone) -> Result<Self, String> {
        let name = absolute(zone)?;
        let root = base(&config.url)?;
        let at = format!("{}/api/v1/servers/{}/zones/{}", root.as_str().trim_end_matches('/'), config.server, name.to_ascii());
        let url = Url::parse(&at).map_err(|error| error.to_string())?;
        Ok(Self { zone: name, client: client(&[root])?, url, key: config.key.clone(), turn: Mutex::new(()) })
    }

    pub(super) const fn zone(&self) -> &Name {
        &self.zone
    }

    fn authorised(&self, request: RequestBuilder) -> RequestBuilder {
        request.header("x-api-key", String::from_utf8_lossy(self.key.expose()).as_ref()).header("accept", "application/json")
    }

    /// The values that the server has now, as sorted texts.
    pub(super) async fn look(&self, at: &Records) -> Result<Vec<String>, String> {
        let (name, kind) = (at.name().to_lowercase().to_ascii(), at.kind().to_string());
        // Asked for one set only (`rrset_name`), it would not show the records that are disabled, and an update removes those too.
        let asked = self.authorised(self.client.get(self.url.clone()));
        let answer = tokio::time::timeout(LOOK_TIMEOUT, exchange(asked, WHO, ANSWER_MAX)).await;
        let answer = answer.map_err(|_| format!("{WHO} did not answer in time"))?.map_err(|error| error.to_string())?;
        if !answer.is_good() {
            return Err(format!("{WHO} answered {}", answer.status));
        }
        let answered: Answered = serde_json::from_slice(&answer.body).map_err(|_| format!("the answer of {WHO} was not understood"))?;
        let Some(set) = answered.rrsets.iter().find(|set| set.kind == kind && set.name.eq_ignore_ascii_case(&name)) else {
            return Ok(Vec::new());
        };
        if set.records.iter().any(|one| one.disabled) {
            return Err(format!("`{}` has disabled records, which an update would remove", at.title()));
        }
        at.read_contents(set.records.iter().map(|one| one.content.as_str()))
    }

    /// Replaces `old` by `new` when `old` is what is there; whether it was, and what is there otherwise.
    pub(super) async fn replace(&self, old: &Records, new: &Records, ttl: u32) -> Result<Result<(), Vec<String>>, ToolError> {
        let _turn = self.turn.lock().await;
        let now = self.look(old).await.map_err(ToolError::NotApplied)?;
        if now == new.texts() {
            return Ok(Ok(()));
        }
        if now != old.texts() {
            return Ok(Err(now));
        }
        let (name, kind) = (old.name().to_lowercase().to_ascii(), old.kind().to_string());
        let records: Vec<_> = new.contents().into_iter().map(|content| json!({"content": content, "disabled": false})).collect();
        let set = if records.is_empty() {
            json!({"name": name, "type": kind, "changetype": "DELETE"})
        } else {
            json!({"name": name, "type": kind, "ttl": ttl, "changetype": "REPLACE", "records": records})
        };
        let sent = self.client.patch(self.url.clone()).json(&json!({"rrsets": [set]}));
        exchange(self.authorised(sent), WHO, ANSWER_MAX).await?.changed(WHO)?;
        let now = self.look(new).await.map_err(ToolError::Unknown)?;
        if now == new.texts() {
            Ok(Ok(()))
        } else {
            Err(ToolError::Partly(format!("`{}` was replaced, and is another again", new.title())))
        }
    }
}
