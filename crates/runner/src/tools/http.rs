//! `http`: one request to one of the services in the runner's own file. No redirects, no proxy, no second try: a request that
//! was sent and not answered is *unknown*.

use std::collections::BTreeMap;
use std::time::Duration;

use lineclear_core::plan::{EffectClass, Preview, ToolCall};
use reqwest::{Client, ClientBuilder, Method, Url};
use serde_json::{Value, json};

use super::args::{Args, cut};
use super::{Look, Site, Tool, ToolError, spelled};
use crate::config::Service;
use crate::link::BoxFuture;

/// Largest body in either direction.
const BODY_MAX: usize = 256 * 1024;
/// Largest part of an answer that is reported.
const SHOWN_MAX: usize = 8 * 1024;
/// Longest path in bytes.
const PATH_MAX: usize = 2_048;
/// How long a look may take.
const LOOK_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

pub(super) struct Http {
    client: Client,
    services: BTreeMap<String, (Url, Option<crate::secret::Secret>)>,
}

struct Request<'a> {
    service: &'a str,
    method: Method,
    path: &'a str,
    body: Option<&'a Value>,
    statuses: Vec<u16>,
    json: BTreeMap<&'a str, &'a Value>,
    effect: EffectClass,
}

struct Reply {
    status: u16,
    body: Vec<u8>,
}

/// A client to be that follows nothing, retries nothing, and asks each time on a connection of its own.
pub(super) fn closed() -> ClientBuilder {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Another thread may have been faster; then there is one, which is all that is asked for.
        let _beaten = rustls::crypto::ring::default_provider().install_default();
    }
    Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        // A connection that was kept may be one that its server has just closed: then nobody knows whether a request was taken.
        .pool_max_idle_per_host(0)
        .connect_timeout(CONNECT_TIMEOUT)
}

/// Such a client, which trusts the machine's own certificates.
pub(crate) fn client(urls: &[Url]) -> Result<Client, String> {
    let builder = closed();
    // Plain `http` must also work on a machine without a trust store, which the client would read in any case.
    let builder = if urls.iter().all(|url| url.scheme() == "http") { builder.tls_certs_only([]) } else { builder };
    builder.build().map_err(|error| error.to_string())
}

/// A base address: `http` or `https`, no credentials, no query.
pub(crate) fn base(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|_| "no address".to_owned())?;
    let plain = matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none();
    if plain && url.query().is_none() && url.fragment().is_none() && url.has_host() {
        Ok(url)
    } else {
        Err("no plain http or https address".into())
    }
}

impl Http {
    pub(crate) fn new(services: &BTreeMap<String, Service>) -> Result<Self, String> {
        let read = |(name, service): (&String, &Service)| {
            let url = base(&service.url).map_err(|why| format!("`{name}`: {why}"))?;
            Ok((name.clone(), (url, service.bearer.clone())))
        };
        let services: BTreeMap<_, _> = services.iter().map(read).collect::<Result<_, String>>()?;
        let urls: Vec<Url> = services.values().map(|(url, _)| url.clone()).collect();
        Ok(Self { client: client(&urls)?, services })
    }

    async fn send(&self, request: &Request<'_>, key: Option<String>) -> Result<Reply, ToolError> {
        let before = |why: String| ToolError::NotApplied(why);
        let (base, bearer) = self
            .services
            .get(request.service)
            .ok_or_else(|| before(format!("`{}` is no service of this runner", cut(request.service, 80))))?;
        let text = format!("{}{}", base.as_str().trim_end_matches('/'), request.path);
        let url = Url::parse(&text).map_err(|_| before("the path makes no address".into()))?;
        // The path has been checked; that the address still is the service's own is checked all the same.
        if url.origin() != base.origin() {
            return Err(before("the path leads to another service".into()));
        }
        let mut sent = self.client.request(request.method.clone(), url);
        if let Some(body) = request.body {
            let body = serde_json::to_vec(body).map_err(|error| before(error.to_string()))?;
            if body.len() > BODY_MAX {
                return Err(before(format!("the body is longer than {BODY_MAX} bytes")));
            }
            sent = sent.header("content-type", "application/json").body(body);
        }
        if let Some(token) = bearer.as_ref().and_then(|token| std::str::from_utf8(token.expose()).ok()) {
            sent = sent.bearer_auth(token);
        }
        if let Some(key) = key {
            sent = sent.header("idempotency-key", key);
        }
        let mut response = sent.send().await.map_err(|error| {
            let why = format!("`{}` does not answer", request.service);
            if error.is_connect() || error.is_builder() { ToolError::NotApplied(why) } else { ToolError::Unknown(why) }
        })?;
        let mut body = Vec::new();
        let broken = |why: &str| ToolError::Unknown(format!("the answer of `{}` {why}", request.service));
        while let Some(chunk) = response.chunk().await.map_err(|_| broken("broke off"))? {
            if body.len() + chunk.len() > BODY_MAX {
                return Err(broken("is too long"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Reply { status: response.status().as_u16(), body })
    }

    async fn get(&self, service: &str, path: &str) -> Result<Option<Value>, String> {
        let request = Request {
            service,
            method: Method::GET,
            path,
            body: None,
            statuses: Vec::new(),
            json: BTreeMap::new(),
            effect: EffectClass::Read,
        };
        let reply = tokio::time::timeout(LOOK_TIMEOUT, self.send(&request, None)).await;
        let reply = reply.map_err(|_| "no answer in time".to_owned())?.map_err(|error| error.to_string())?;
        Ok(if (200..300).contains(&reply.status) { serde_json::from_slice(&reply.body).ok() } else { None })
    }
}

impl Tool for Http {
    fn name(&self) -> &'static str {
        "http"
    }

    fn effect(&self, args: &Args<'_>) -> Result<EffectClass, String> {
        request(*args).map(|request| request.effect)
    }

    fn preview<'a>(&'a self, args: Args<'a>, undo: Option<&'a ToolCall>) -> BoxFuture<'a, Result<Preview, String>> {
        Box::pin(async move {
            let request = request(args)?;
            if !self.services.contains_key(request.service) {
                return Err(format!("`{}` is no service of this runner", cut(request.service, 80)));
            }
            let target = format!("{}{}", request.service, request.path);
            let line = format!("`{} {}` is sent to `{}`", request.method, request.path, request.service);
            let shown = self.get(request.service, request.path).await.ok().flatten().filter(|before| before.to_string().len() <= SHOWN_MAX);
            let put = request.method == Method::PUT || request.method == Method::PATCH;
            let after = match (&shown, request.body) {
                (Some(before), _) if request.effect == EffectClass::Read => Some(before.clone()),
                (Some(Value::Object(before)), Some(Value::Object(body))) if put => {
                    Some(Value::Object(before.iter().chain(body).map(|(name, value)| (name.clone(), value.clone())).collect()))
                }
                _ => None,
            };
            let back = undo.and_then(|undo| self::request(Args::of(undo)).ok());
            let reversible = back.is_some_and(|back| restores(&request, &back, shown.as_ref()));
            let summary = match (&shown, &after) {
                (None, _) => format!("{line}; preview unavailable: the state before cannot be read"),
                (Some(_), None) => format!("{line}; preview unavailable: the state after is not known before"),
                (Some(_), Some(_)) => line,
            };
            Ok(Preview {
                before: shown.unwrap_or(Value::Null),
                after: after.unwrap_or(Value::Null),
                targets: vec![target],
                reversible,
                summary,
            })
        })
    }

    fn call<'a>(&'a self, args: Args<'a>, site: &'a Site) -> BoxFuture<'a, Result<Value, ToolError>> {
        Box::pin(async move {
            let request = request(args).map_err(ToolError::NotApplied)?;
            let key = (request.effect == EffectClass::Keyed).then(|| spelled(&site.key));
            let reply = tokio::time::timeout(site.budget, self.send(&request, key)).await;
            let reply = reply.map_err(|_| ToolError::Unknown(format!("`{}` did not answer in time", request.service)))??;
            let output = json!({"status": reply.status, "body": shown(&reply.body)});
            if !request.statuses.contains(&reply.status) {
                let why = format!("`{}` answered {}", request.service, reply.status);
                // 4xx says that nothing was done (RFC 9110 §15.5); anything else leaves it open.
                return Err(if (400..500).contains(&reply.status) { ToolError::NotApplied(why) } else { ToolError::Unknown(why) });
            }
            match unlike(&reply, &request.json) {
                None => Ok(output),
                Some(pointer) => Err(ToolError::Unknown(format!("the answer of `{}` is not as expected at `{pointer}`", request.service))),
            }
        })
    }

    fn check<'a>(&'a self, args: Args<'a>) -> BoxFuture<'a, Result<Look, String>> {
        Box::pin(async move {
            let request = request(args)?;
            if request.method != Method::GET {
                return Err("a check is a `GET`".into());
            }
            let reply = tokio::time::timeout(LOOK_TIMEOUT, self.send(&request, None)).await;
            let reply = reply.map_err(|_| "no answer in time".to_owned())?.map_err(|error| error.to_string())?;
            if reply.status >= 500 {
                return Err(format!("`{}` answered {}", request.service, reply.status));
            }
            let holds = request.statuses.contains(&reply.status) && unlike(&reply, &request.json).is_none();
            Ok(Look { holds, seen: json!({"status": reply.status, "body": shown(&reply.body)}) })
        })
    }
}

fn request(args: Args<'_>) -> Result<Request<'_>, String> {
    args.only(&["service", "method", "path", "body", "expect_status", "expect_json", "effect"])?;
    let method = match args.text("method")? {
        "GET" => Method::GET,
        "POST" => Method::POST,
        "PUT" => Method::PUT,
        "PATCH" => Method::PATCH,
        "DELETE" => Method::DELETE,
        _ => return Err("`method` is `GET`, `POST`, `PUT`, `PATCH` or `DELETE`".into()),
    };
    let otherwise = if method == Method::GET { "read" } else { "once" };
    let effect = match args.text_or("effect", otherwise)? {
        "read" => EffectClass::Read,
        "keyed" => EffectClass::Keyed,
        "converge" => EffectClass::Converge,
        "once" => EffectClass::Once,
        _ => return Err("`effect` is `read`, `keyed`, `converge` or `once`".into()),
    };
    let status = |value: &Value| value.as_u64().and_then(|status| u16::try_from(status).ok()).filter(|status| (100..600).contains(status));
    let statuses = match args.get("expect_status") {
        None => (200..300).collect(),
        Some(_) => args.list("expect_status")?.iter().map(status).collect::<Option<_>>().ok_or("`expect_status` is a list of statuses")?,
    };
    let json = match args.get("expect_json") {
        None => BTreeMap::new(),
        Some(Value::Object(map)) => map.iter().map(|(pointer, value)| (pointer.as_str(), value)).collect(),
        Some(_) => return Err("`expect_json` is a map of JSON pointers".into()),
    };
    let path = checked_path(args.text("path")?)?;
    Ok(Request { service: args.text("service")?, method, path, body: args.get("body"), statuses, json, effect })
}

/// A path stays on its service: it begins with `/`, goes nowhere up, and holds nothing that a client would rewrite.
pub(super) fn checked_path(path: &str) -> Result<&str, String> {
    let bad = |why: &str| Err(format!("the path {why}"));
    if !path.starts_with('/') || path.starts_with("//") {
        return bad("does not begin with one `/`");
    }
    if path.len() > PATH_MAX || !path.bytes().all(|byte| byte.is_ascii_graphic()) || path.contains(['\\', '#', '<', '>', '"', '`']) {
        return bad("is too long, or holds a character that is not allowed");
    }
    let lower = path.to_ascii_lowercase();
    // `%2e` is a dot and `%2f` a slash to many servers.
    if path.contains("..") || ["%2e", "%2f", "%5c", "%00", "%0a", "%0d"].iter().any(|code| lower.contains(code)) || path.contains("/./") {
        return bad("goes elsewhere");
    }
    Ok(path)
}

/// The first pointer at which the answer is not as expected.
fn unlike<'a>(reply: &Reply, expected: &BTreeMap<&'a str, &'a Value>) -> Option<&'a str> {
    let body: Value = serde_json::from_slice(&reply.body).unwrap_or(Value::Null);
    expected.iter().find(|(pointer, value)| body.pointer(pointer) != Some(**value)).map(|(pointer, _)| *pointer)
}

/// An undo that puts every member that it writes back to what it was.
fn restores(request: &Request<'_>, back: &Request<'_>, before: Option<&Value>) -> bool {
    let (Some(Value::Object(before)), Some(Value::Object(written))) = (before, back.body) else { return false };
    let Some(Value::Object(changed)) = request.body else { return false };
    (back.service, back.path) == (request.service, request.path)
        && (back.method == Method::PUT || back.method == Method::PATCH)
        && changed.keys().all(|name| written.contains_key(name))
        && written.iter().all(|(name, value)| before.get(name) == Some(value))
}

fn shown(body: &[u8]) -> Value {
    match serde_json::from_slice::<Value>(body) {
        Ok(value) if body.len() <= SHOWN_MAX => value,
        Ok(_) => Value::String(format!("{} bytes of JSON", body.len())),
        Err(_) => Value::String(cut(&String::from_utf8_lossy(body), 500)),
    }
}

#[cfg(test)]
mod tests;
