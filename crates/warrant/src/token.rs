//! The token that lets one runner in: shown once, kept as a digest, and it names the runner that it is for.

use std::fmt;
use std::str::FromStr;

use lineclear_core::{Digest, RunnerId};
use lineclear_ledger::Hash;

/// What a token begins with, so that scanners for secrets know it.
const PREFIX: &str = "lcr_";

/// A one-time token. It prints as `lcr_`, the runner's 32 digits, `_` and 64 digits of chance; it is never shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    runner: RunnerId,
    secret: [u8; 32],
}

/// A text that is no [`Token`]. The text is left out: it may be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a runner's token begins with `{PREFIX}` and has 101 characters")]
pub struct TokenError;

impl Token {
    /// A token for this runner. `secret` is fresh and random.
    pub const fn new(runner: RunnerId, secret: [u8; 32]) -> Self {
        Self { runner, secret }
    }

    /// The runner that it is for.
    pub const fn runner(&self) -> RunnerId {
        self.runner
    }

    /// SHA-256 of its text: all that is kept.
    pub fn digest(&self) -> Digest {
        Digest::of(self.to_string().as_bytes())
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}_{}", self.runner.number().simple(), Hash::from_bytes(self.secret))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({})", self.runner)
    }
}

impl FromStr for Token {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        let (runner, secret) = text.strip_prefix(PREFIX).and_then(|rest| rest.split_once('_')).ok_or(TokenError)?;
        let runner = format!("{}_{runner}", RunnerId::KIND).parse().map_err(|_| TokenError)?;
        let secret: lineclear_core::runner::RunnerKey = secret.parse().map_err(|_| TokenError)?;
        Ok(Self { runner, secret: *secret.as_bytes() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_prints_once_and_parses_back_and_is_not_shown_by_accident() {
        let runner: RunnerId = "runner_00000000000000000000000000000007".parse().unwrap();
        let token = Token::new(runner, [0xab; 32]);
        let text = token.to_string();
        assert_eq!((text.len(), text.parse()), (101, Ok(token.clone())));
        assert_eq!(token.digest(), Digest::of(text.as_bytes()));
        assert!(!format!("{token:?}").contains("abab"));
        for bad in ["", "lcr_", &text.to_uppercase(), &text.replace("lcr_", "lca_"), &format!("{text}0"), &text.replacen('0', "g", 1)] {
            assert_eq!(bad.parse::<Token>(), Err(TokenError), "{bad}");
        }
    }
}
