//! Tokens: made by whoever owns the data directory, kept as digests.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use lineclear_core::situation::Actor;
use lineclear_core::{Digest, Span, Timestamp};
use lineclear_engine::{Clock as _, SystemClock};
use lineclear_server::{AgentToken, Issued, OperatorToken, WebhookToken};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::serve::{hash, load};
use crate::args::Token;
use crate::exit::Failure;
use crate::keys::{hex, private_directory, write_private};
use crate::{house::Place, render};

/// Most tokens of one installation.
const TOKENS_MAX: usize = 1_000;
/// The largest file that is read here.
const FILE_MAX: u64 = 1024 * 1024;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    /// Whose; none for a sender of signals.
    holder: Option<Actor>,
    hash: Digest,
    expires: Timestamp,
}

/// The tokens of an installation, as digests.
#[derive(Debug, Default)]
pub struct Tokens(Vec<Kept>);

impl Tokens {
    /// Reads them; a missing file holds none.
    ///
    /// # Errors
    /// When the file is not of this shape.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let bad = |why: String| Failure::new(format!("`{}` cannot be used: {why}", path.display()));
        match fs::metadata(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(bad(error.to_string())),
            Ok(found) if found.len() > FILE_MAX => Err(bad("it is too large".into())),
            Ok(_) => {
                let text = fs::read_to_string(path).map_err(|error| bad(error.to_string()))?;
                serde_json::from_str(&text).map(Self).map_err(|error| bad(error.to_string()))
            }
        }
    }

    fn write(&self, path: &Path) -> Result<(), Failure> {
        let bad = |error: std::io::Error| Failure::new(format!("`{}` cannot be written: {error}", path.display()));
        let fresh = path.with_extension("new");
        // A file left by an interrupted write is of no use.
        let _ = fs::remove_file(&fresh);
        write_private(&fresh, &serde_json::to_string_pretty(&self.0).unwrap_or_default()).map_err(bad)?;
        fs::rename(&fresh, path).map_err(bad)
    }

    /// Those that work, by kind of holder.
    pub fn issued(&self) -> Issued {
        let mut issued = Issued::default();
        for Kept { holder, hash, expires } in self.0.iter().cloned() {
            match holder {
                Some(Actor::Agent(agent)) => issued.agents.push(AgentToken { agent, hash, expires }),
                Some(Actor::Operator(operator)) => issued.operators.push(OperatorToken { operator, hash, expires }),
                None => issued.webhooks.push(WebhookToken { hash, expires }),
                // The engine holds none.
                Some(Actor::Engine) => {}
            }
        }
        issued
    }
}

/// 32 bytes that nobody can guess.
///
/// # Errors
/// When the operating system gives none.
pub fn secret() -> Result<[u8; 32], Failure> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|_| Failure::new("the operating system gives no random numbers"))?;
    Ok(bytes)
}

/// Whose token a login means: an agent's, an operator's, or a sender of signals'.
fn holder(login: &str, estate: &Path) -> Result<Option<Actor>, Failure> {
    if login == "webhook" {
        return Ok(None);
    }
    let directory = &load(estate)?.estate.directory;
    let unknown = || Failure::new(format!("the estate knows no agent or operator `{login}`"));
    let name = login.parse().map_err(|_| unknown())?;
    let agent = directory.agent(&name).map(|agent| Actor::Agent(agent.id));
    let person = directory.operator(&name).map(|person| Actor::Operator(person.id));
    agent.or(person).map(Some).ok_or_else(unknown)
}

/// Makes a token and prints it, once; or takes tokens back.
///
/// # Errors
/// When the estate knows nobody of that login, or the file cannot be written.
pub fn run(token: &Token, as_json: bool) -> Result<ExitCode, Failure> {
    match token {
        Token::Create { login, data, estate, days } => create(login, data, estate, *days, as_json),
        Token::Revoke { login, data, estate } => revoke(login, data, estate, as_json),
    }
}

fn create(login: &str, data: &Path, estate: &Path, days: u16, as_json: bool) -> Result<ExitCode, Failure> {
    let holder = holder(login, estate)?;
    let place = Place { data: data.to_owned() };
    private_directory(data).map_err(|error| Failure::new(format!("`{}` cannot be made: {error}", data.display())))?;
    let mut tokens = Tokens::read(&place.tokens())?;
    let now = SystemClock::default().now();
    tokens.0.retain(|kept| now < kept.expires);
    if tokens.0.len() >= TOKENS_MAX {
        return Err(Failure::new(format!("there are {TOKENS_MAX} tokens already")));
    }
    let text = format!("lc_{}", hex(&secret()?));
    let expires = now + Span::from_secs(u64::from(days) * 86_400);
    tokens.0.push(Kept { holder, hash: hash(&text), expires });
    tokens.write(&place.tokens())?;
    if as_json {
        render::document(&json!({"version": 1, "login": login, "token": text, "expires": expires}));
    } else {
        render::line(&text);
        render::say(&format!(
            "for `{login}`, good until {expires}; it is not shown again. A running `lineclear serve` takes it within a second."
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// Takes back every token of one holder.
fn revoke(login: &str, data: &Path, estate: &Path, as_json: bool) -> Result<ExitCode, Failure> {
    let holder = holder(login, estate)?;
    let place = Place { data: data.to_owned() };
    let mut tokens = Tokens::read(&place.tokens())?;
    let before = tokens.0.len();
    tokens.0.retain(|kept| kept.holder != holder);
    let revoked = before - tokens.0.len();
    if revoked > 0 {
        tokens.write(&place.tokens())?;
    }
    if as_json {
        render::document(&json!({"version": 1, "login": login, "revoked": revoked}));
    } else {
        render::line(&format!("{revoked} tokens of `{login}` taken back"));
        render::say("a running `lineclear serve` refuses them within a second; sessions of the console end when their person signs out");
    }
    Ok(ExitCode::SUCCESS)
}
