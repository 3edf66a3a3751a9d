//! What every handler is given: the engine, who may speak to it, and how this installation is reached.

use std::fmt;
use std::sync::Arc;

use http::Uri;
use lineclear_engine::Engine;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::api::STREAMS_MAX;
use crate::auth::{Auth, Nonces};

/// What every handler is given; clones share everything.
#[derive(Clone)]
pub struct App {
    /// The engine.
    pub engine: Engine,
    /// Who may speak.
    pub auth: Arc<Auth>,
    /// How this installation is reached.
    pub settings: Arc<Settings>,
    /// Cancelled when the server stops: streams end then.
    pub stop: CancellationToken,
    /// Places for event streams.
    pub(crate) streams: Arc<Semaphore>,
    /// What runners have signed of late.
    pub(crate) nonces: Arc<Nonces>,
}

impl App {
    /// An app that runs until it is dropped, or [`crate::serve`] gives it an end.
    pub fn new(engine: Engine, auth: Auth, settings: Settings) -> Self {
        let streams = Arc::new(Semaphore::new(STREAMS_MAX));
        let nonces = Arc::new(Nonces::new(engine.now()));
        Self { engine, auth: Arc::new(auth), settings: Arc::new(settings), stop: CancellationToken::new(), streams, nonces }
    }
}

/// How this installation is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Whether the estate behind it is simulated; every screen says so then.
    pub simulated: bool,
    /// Whether it may listen on more than loopback; something else must bring TLS then.
    pub beyond_loopback: bool,
    // INVARIANT: only `new` sets these two; the origin has no path and no trailing slash.
    origin: String,
    authority: String,
}

/// Why this installation cannot be reached this way.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// Not an `http` or `https` URL of a host and nothing else.
    #[error("`{0}` is no public URL: it is `https://` and a host, or `http://` and a loopback address")]
    PublicUrl(String),
    /// Cookies and tokens could be read on the way.
    #[error("`{0}` is neither TLS nor loopback: cookies and tokens could be read on the way")]
    Plain(String),
}

impl Settings {
    /// Settings for the URL that people open.
    ///
    /// # Errors
    /// A URL with a path, or one on which cookies could be read.
    pub fn new(public_url: &str) -> Result<Self, SettingsError> {
        let shown = || public_url.chars().take(200).collect::<String>();
        let url: Uri = public_url.parse().map_err(|_| SettingsError::PublicUrl(shown()))?;
        let (Some(scheme), Some(authority)) = (url.scheme_str(), url.authority()) else {
            return Err(SettingsError::PublicUrl(shown()));
        };
        let bare = matches!(url.path(), "" | "/") && url.query().is_none() && !authority.as_str().contains('@');
        if !bare || !matches!(scheme, "http" | "https") {
            return Err(SettingsError::PublicUrl(shown()));
        }
        if scheme == "http" && !is_loopback(authority.host()) {
            return Err(SettingsError::Plain(shown()));
        }
        let authority = authority.as_str().to_ascii_lowercase();
        let origin = format!("{scheme}://{authority}");
        Ok(Self { simulated: false, beyond_loopback: false, origin, authority })
    }

    /// The URL that people open, without a trailing slash; also the only origin that browsers may write from.
    pub fn public_url(&self) -> &str {
        &self.origin
    }

    /// Whether browsers reach it through TLS.
    pub fn secure(&self) -> bool {
        self.origin.starts_with("https://")
    }

    /// The name of the session's cookie: with the `__Host-` prefix (RFC 6265bis) wherever TLS allows it.
    pub fn cookie(&self) -> &'static str {
        if self.secure() { "__Host-lineclear" } else { "lineclear" }
    }

    /// Whether a `Host` header names this installation or this machine; others come from rebound DNS names.
    pub fn knows_host(&self, host: &str) -> bool {
        host.eq_ignore_ascii_case(&self.authority) || host.parse::<http::uri::Authority>().is_ok_and(|host| is_loopback(host.host()))
    }
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || matches!(host, "127.0.0.1" | "[::1]")
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("settings", &self.settings).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, expected: Result<&str, &str>) {
        let settings = Settings::new(url);
        let shown = settings.as_ref().map(Settings::public_url).map_err(ToString::to_string);
        assert_eq!(shown, expected.map_err(ToOwned::to_owned), "{url}");
    }

    #[test]
    fn a_public_url_is_tls_or_loopback_and_nothing_but_a_host() {
        check("https://Line.example", Ok("https://line.example"));
        check("http://127.0.0.1:7171/", Ok("http://127.0.0.1:7171"));
        check("http://localhost:7171", Ok("http://localhost:7171"));
        check("http://line.example", Err("`http://line.example` is neither TLS nor loopback: cookies and tokens could be read on the way"));
        for bad in
            ["", "line.example", "ftp://line.example", "https://line.example/path", "https://a@line.example", "https://line.example?x=1"]
        {
            assert!(matches!(Settings::new(bad), Err(SettingsError::PublicUrl(_))), "{bad}");
        }
    }

    #[test]
    fn a_rebound_name_is_no_host_of_ours() {
        let settings = Settings::new("https://line.example").unwrap();
        for host in ["line.example", "LINE.example", "127.0.0.1:7171", "localhost:7171", "[::1]:7171"] {
            assert!(settings.knows_host(host), "{host}");
        }
        for host in ["evil.example", "line.example.evil.example", "127.0.0.1.evil.example", "", "line.example:81", "10.0.0.1"] {
            assert!(!settings.knows_host(host), "{host}");
        }
    }
}
