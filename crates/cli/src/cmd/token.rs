//! Tokens: made by whoever owns the data directory, kept as digests.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use lineclear_core::situation::Actor;
use lineclear_core::{Digest, Span, Timestamp};
use lineclear_engine::{Clock as _, SystemClock};
use lineclear_server::{AgentToken, OperatorToken};
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

    /// The agents'.
    pub fn agents(&self) -> Vec<AgentToken> {
        let agent = |kept: &Kept| match kept.holder {
            Some(Actor::Agent(agent)) => Some(AgentToken { agent, hash: kept.hash, expires: kept.expires }),
            Some(Actor::Operator(_) | Actor::Engine) | None => None,
        };
        self.0.iter().filter_map(agent).collect()
    }

    /// The operators'.
    pub fn operators(&self) -> Vec<OperatorToken> {
        let operator = |kept: &Kept| match kept.holder {
            Some(Actor::Operator(operator)) => Some(OperatorToken { operator, hash: kept.hash, expires: kept.expires }),
            Some(Actor::Agent(_) | Actor::Engine) | None => None,
        };
        self.0.iter().filter_map(operator).collect()
    }

    /// The digests of those that senders of signals hold.
    pub fn webhooks(&self) -> Vec<Digest> {
        let now = SystemClock::default().now();
        self.0.iter().filter(|kept| kept.holder.is_none() && now < kept.expires).map(|kept| kept.hash).collect()
    }
}

pub fn secret() -> Result<[u8; 32], Failure> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|_| Failure::new("the operating system gives no random numbers"))?;
    Ok(bytes)
}

/// Makes a token and prints it, once.
///
/// # Errors
/// When the estate knows nobody of that login, or the file cannot be written.
pub fn run(token: &Token, as_json: bool) -> Result<ExitCode, Failure> {
    let Token::Create { login, data, estate, days } = token;
    let directory = &load(estate)?.estate.directory;
    let holder = match login.as_str() {
        "webhook" => None,
        name => {
            let unknown = || Failure::new(format!("the estate knows no agent or operator `{name}`"));
            let name = name.parse().map_err(|_| unknown())?;
            let agent = directory.agent(&name).map(|agent| Actor::Agent(agent.id));
            let person = directory.operator(&name).map(|person| Actor::Operator(person.id));
            Some(agent.or(person).ok_or_else(unknown)?)
        }
    };
    let place = Place { data: data.clone() };
    private_directory(data).map_err(|error| Failure::new(format!("`{}` cannot be made: {error}", data.display())))?;
    let mut tokens = Tokens::read(&place.tokens())?;
    let now = SystemClock::default().now();
    tokens.0.retain(|kept| now < kept.expires);
    if tokens.0.len() >= TOKENS_MAX {
        return Err(Failure::new(format!("there are {TOKENS_MAX} tokens already")));
    }
    let text = format!("lc_{}", hex(&secret()?));
    let expires = now + Span::from_secs(u64::from(*days) * 86_400);
    tokens.0.push(Kept { holder, hash: hash(&text), expires });
    tokens.write(&place.tokens())?;
    if as_json {
        render::document(&json!({"version": 1, "login": login, "token": text, "expires": expires}));
    } else {
        render::line(&text);
        render::say(&format!("for `{login}`, good until {expires}; it is not shown again. Restart a running `lineclear serve`."));
    }
    Ok(ExitCode::SUCCESS)
}
