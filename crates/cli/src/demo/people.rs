//! The people of the demo: real SSH keys, and the statements they sign with them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lineclear_core::statement::SSH_NAMESPACE;
use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::{HashAlg, LineEnding, PrivateKey};

use super::DemoError;
use crate::keys::write_private;

/// A person of the demo, with a key of their own.
pub struct Person {
    /// Where the private key lies, for those who want to sign by hand.
    pub key_file: PathBuf,
    key: PrivateKey,
}

impl Person {
    /// Makes a key and writes it where OpenSSH's own tools can use it.
    ///
    /// # Errors
    /// When there are no random numbers, or the file cannot be written.
    pub fn make(login: &str, folder: &Path) -> Result<Self, DemoError> {
        let mut seed = [0_u8; 32];
        getrandom::fill(&mut seed).map_err(|_| DemoError::Random)?;
        let pair = KeypairData::Ed25519(Ed25519Keypair::from_seed(&seed));
        let key = PrivateKey::new(pair, format!("{login} (demo)")).map_err(|error| DemoError::Key(error.to_string()))?;
        let text = key.to_openssh(LineEnding::LF).map_err(|error| DemoError::Key(error.to_string()))?;
        let key_file = folder.join(login);
        write_private(&key_file, &text).map_err(|source| DemoError::Io { path: key_file.clone(), source })?;
        Ok(Self { key_file, key })
    }

    /// The public key, as the estate keeps it.
    ///
    /// # Errors
    /// When the key has no text form.
    pub fn public(&self) -> Result<String, DemoError> {
        self.key.public_key().to_openssh().map_err(|error| DemoError::Key(error.to_string()))
    }

    /// Signs a statement's exact bytes, as `ssh-keygen -Y sign -n approval@lineclear` does.
    ///
    /// # Errors
    /// When the key cannot sign.
    pub fn sign(&self, statement: &str) -> Result<String, DemoError> {
        let bad = |error: ssh_key::Error| DemoError::Key(error.to_string());
        let signature = self.key.sign(SSH_NAMESPACE, HashAlg::Sha512, statement.as_bytes()).map_err(bad)?;
        signature.to_pem(LineEnding::LF).map_err(bad)
    }
}

/// Makes keys for everybody of the example estate.
///
/// # Errors
/// As [`Person::make`].
pub fn everybody(logins: &[String], folder: &Path) -> Result<BTreeMap<String, Person>, DemoError> {
    std::fs::create_dir_all(folder).map_err(|source| DemoError::Io { path: folder.to_owned(), source })?;
    logins.iter().map(|login| Ok((login.clone(), Person::make(login, folder)?))).collect()
}
