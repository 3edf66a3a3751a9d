//! The body of an Alertmanager webhook, version 4, and where it goes.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;

use jiff::Timestamp;
use serde_json::{Value, json};

/// The longest URL of a receiver, in bytes.
const URL_BYTES_MAX: usize = 2_048;
/// The time Alertmanager prints for an alert that has not ended.
const NOT_ENDED: &str = "0001-01-01T00:00:00Z";

/// Where webhooks go. The token never shows in `Debug`.
#[derive(Clone)]
pub(crate) struct Receiver {
    authority: String,
    path: String,
    authorization: Option<String>,
}

impl fmt::Debug for Receiver {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Receiver").field("authority", &self.authority).field("path", &self.path).finish_non_exhaustive()
    }
}

impl Receiver {
    /// A receiver on this machine: `http://127.0.0.1:PORT/PATH`, with a bearer token or without. The simulation sends
    /// nothing anywhere else.
    pub fn parse(url: &str, bearer: Option<&str>) -> Option<Self> {
        let clean = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        let rest = url.strip_prefix("http://").filter(|_| url.len() <= URL_BYTES_MAX && clean(url))?;
        let (authority, path) = rest.split_once('/').map_or((rest, String::new()), |(authority, path)| (authority, path.to_owned()));
        let address: SocketAddr = authority.replacen("localhost:", "127.0.0.1:", 1).parse().ok()?;
        if !address.ip().is_loopback() || bearer.is_some_and(|bearer| !clean(bearer)) {
            return None;
        }
        let authorization = bearer.map(|bearer| format!("Bearer {bearer}"));
        Some(Self { authority: address.to_string(), path: format!("/{path}"), authorization })
    }

    /// `host:port`.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Path and query, from the slash on.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The value of the header `authorization`.
    pub fn authorization(&self) -> Option<&str> {
        self.authorization.as_deref()
    }
}

/// One alert: its labels are its identity.
#[derive(Clone, Debug)]
pub(crate) struct Alert {
    labels: BTreeMap<&'static str, String>,
    summary: String,
    grouped_by: &'static str,
}

impl Alert {
    /// A web server does not answer.
    pub fn backend_down(server: &str, address: SocketAddr) -> Self {
        let labels = [
            ("alertname", "BackendDown".to_owned()),
            ("instance", format!("http://{address}/")),
            ("job", "http".to_owned()),
            ("server", server.to_owned()),
            ("service", "shop".to_owned()),
            ("severity", "critical".to_owned()),
            ("team", "hosting".to_owned()),
        ];
        Self { labels: labels.into(), summary: format!("{server} does not answer (simulated)"), grouped_by: "server" }
    }

    /// A name answers with an address that is not in the plan.
    pub fn dns_answer_wrong(host: &str) -> Self {
        let labels = [
            ("alertname", "DnsAnswerWrong".to_owned()),
            ("name", host.to_owned()),
            ("service", "dns".to_owned()),
            ("severity", "critical".to_owned()),
            ("team", "dns".to_owned()),
        ];
        Self { labels: labels.into(), summary: format!("{host} answers with a wrong address (simulated)"), grouped_by: "name" }
    }

    /// FNV-1a over the sorted labels, each name and value followed by the byte 255, as Prometheus' `LabelSet.Fingerprint`.
    pub fn fingerprint(&self) -> String {
        const PRIME: u64 = 0x0000_0100_0000_01b3;
        let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(PRIME);
        let hash = self.labels.iter().fold(0xcbf2_9ce4_8422_2325, |hash, (name, value)| {
            let hash = mix(name.bytes().fold(hash, mix), 255);
            mix(value.bytes().fold(hash, mix), 255)
        });
        format!("{hash:016x}")
    }

    /// The body, for one alert in its own group.
    pub fn webhook(&self, since: Timestamp, ended: Option<Timestamp>) -> Value {
        let status = if ended.is_some() { "resolved" } else { "firing" };
        let value = |label| self.labels.get(label).map_or("", String::as_str);
        let (kind, member) = (value("alertname"), value(self.grouped_by));
        let annotations = json!({ "summary": self.summary });
        json!({
            "version": "4",
            "receiver": "lineclear",
            "status": status,
            "groupKey": format!("{{}}:{{alertname={kind:?}, {}={member:?}}}", self.grouped_by),
            "groupLabels": { "alertname": kind, self.grouped_by: member },
            "commonLabels": self.labels,
            "commonAnnotations": annotations,
            "externalURL": "http://simulated.invalid",
            "truncatedAlerts": 0,
            "alerts": [{
                "status": status,
                "labels": self.labels,
                "annotations": annotations,
                "startsAt": since.to_string(),
                "endsAt": ended.map_or_else(|| NOT_ENDED.to_owned(), |ended| ended.to_string()),
                "generatorURL": "http://simulated.invalid/graph",
                "fingerprint": self.fingerprint(),
            }],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receiver_is_on_this_machine() {
        let check = |url: &str, expected: Option<(&str, &str)>| {
            let receiver = Receiver::parse(url, Some("secret"));
            assert_eq!(receiver.as_ref().map(|one| (one.authority(), one.path())), expected, "{url}");
            assert!(!format!("{receiver:?}").contains("secret"));
        };
        check("http://127.0.0.1:8080/hooks/a?b=c", Some(("127.0.0.1:8080", "/hooks/a?b=c")));
        check("http://localhost:8080", Some(("127.0.0.1:8080", "/")));
        check("http://192.0.2.1:8080/", None);
        check("https://127.0.0.1:8080/", None);
        check("http://127.0.0.1/", None);
        check("http://127.0.0.1:8080/a\r\nx: y", None);
        assert!(Receiver::parse("http://127.0.0.1:1/", Some("a\r\nx: y")).is_none());
    }

    #[test]
    fn the_fingerprint_is_the_one_alertmanager_computes() {
        let alert = Alert::backend_down("web-2", SocketAddr::from(([127, 0, 0, 1], 19_004)));
        assert_eq!(alert.fingerprint(), "45efab2fe74a3714", "sent by Alertmanager 0.25.0 for the same labels");
    }

    #[test]
    fn the_body_says_when_it_began_and_ended_and_keeps_its_fingerprint() {
        let alert = Alert::backend_down("web-1", SocketAddr::from(([127, 0, 0, 1], 81)));
        let at = |second| Timestamp::from_second(second).unwrap();
        let (firing, resolved) = (alert.webhook(at(0), None), alert.webhook(at(0), Some(at(9))));
        assert_eq!(firing["groupKey"], "{}:{alertname=\"BackendDown\", server=\"web-1\"}");
        assert_eq!((&firing["status"], &resolved["status"]), (&json!("firing"), &json!("resolved")));
        assert_eq!(firing["alerts"][0]["endsAt"], NOT_ENDED);
        assert_eq!(resolved["alerts"][0]["endsAt"], "1970-01-01T00:00:09Z");
        assert_eq!(firing["alerts"][0]["fingerprint"], resolved["alerts"][0]["fingerprint"]);
    }
}
