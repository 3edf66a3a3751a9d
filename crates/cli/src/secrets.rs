//! The secrets that sources of signals share with this installation: by the names that the estate gives them, from files that
//! only their owner can read, or from the environment.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use lineclear_core::estate::Estate;
use lineclear_core::notice::Carrier;
use lineclear_core::signal::{Proof, SecretName};

/// Largest secret, in bytes.
const SECRET_MAX: u64 = 4_096;

/// Every secret that the estate names and that is there. What is missing or readable by others is said, and the source that
/// needs it is refused until it is mended.
pub fn read(data: &Path, estate: &Estate) -> BTreeMap<SecretName, Vec<u8>> {
    let mut found = BTreeMap::new();
    for (source, signals) in &estate.signals {
        let (Proof::Secret { secret } | Proof::Signature { secret }) = &signals.proof else { continue };
        match one(data, secret) {
            Ok(bytes) => drop(found.insert(secret.clone(), bytes)),
            Err(why) => tracing::warn!(%source, why, "a source of signals is refused: its secret cannot be read"),
        }
    }
    for (channel, given) in &estate.notices.channels {
        let Carrier::Slack { signing: Some(secret), .. } = &given.carrier else { continue };
        match one(data, secret) {
            Ok(bytes) => drop(found.insert(secret.clone(), bytes)),
            Err(why) => tracing::warn!(%channel, why, "nothing can be answered in a channel: its signing secret cannot be read"),
        }
    }
    found
}

/// One secret; why it cannot be read otherwise.
pub fn one(data: &Path, name: &SecretName) -> Result<Vec<u8>, String> {
    let bytes = match name {
        SecretName::Env(name) => {
            #[expect(clippy::disallowed_methods, reason = "this is where the command line reads its configuration")]
            let value = std::env::var(name);
            value.map_err(|_| format!("the variable `{name}` is not set"))?.into_bytes()
        }
        SecretName::File(name) => {
            let path = data.join("secrets").join(name);
            let io = |error: std::io::Error| format!("`{}`: {error}", path.display());
            let kind = fs::metadata(&path).map_err(io)?;
            if kind.permissions().mode() & 0o077 != 0 {
                return Err(format!("`{}` may be read by others; take that right away with `chmod 600`", path.display()));
            }
            if !kind.is_file() || kind.len() > SECRET_MAX {
                return Err(format!("`{}` is no file of at most {SECRET_MAX} bytes", path.display()));
            }
            fs::read(&path).map_err(io)?
        }
    };
    // Editors end files with a line break, and no secret does.
    let end = bytes.iter().rposition(|b| !matches!(b, b'\n' | b'\r')).map_or(0, |at| at + 1);
    let secret = bytes.get(..end).unwrap_or_default().to_vec();
    if secret.is_empty() { Err("it is empty".into()) } else { Ok(secret) }
}
