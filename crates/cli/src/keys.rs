//! Key files: 32 random bytes in hexadecimal, readable by their owner alone.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// The secret seeds of an installation.
pub struct Keys {
    log: [u8; 32],
    warrant: [u8; 32],
}

/// Why a key file is unusable.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// It cannot be read or made.
    #[error("`{path}` cannot be read or made: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// It does not hold 64 hexadecimal digits.
    #[error("`{0}` is no key file: it holds 64 hexadecimal digits and nothing else")]
    Shape(PathBuf),
    /// Others may read it.
    #[error("`{0}` may be read by others; take that right away with `chmod 600`")]
    Open(PathBuf),
    /// No random numbers.
    #[error("the operating system gives no random numbers")]
    Random,
}

impl Keys {
    /// Reads the keys of a directory; what is missing is made.
    ///
    /// # Errors
    /// When a file cannot be read or made, or others may read it.
    pub fn open(directory: &Path) -> Result<Self, KeysError> {
        let io = |source| KeysError::Io { path: directory.to_owned(), source };
        private_directory(directory).map_err(io)?;
        Ok(Self { log: seed(&directory.join("log.seed"))?, warrant: seed(&directory.join("warrant.seed"))? })
    }

    /// The seed of the key that signs checkpoints.
    pub const fn log(&self) -> &[u8; 32] {
        &self.log
    }

    /// The seed of the key that seals warrants.
    pub const fn warrant(&self) -> &[u8; 32] {
        &self.warrant
    }
}

/// Reads the secret seed of a key file; one that is missing is made.
///
/// # Errors
/// When it cannot be read or made, or others may read it.
pub fn seed(path: &Path) -> Result<[u8; 32], KeysError> {
    let io = |source| KeysError::Io { path: path.to_owned(), source };
    match fs::metadata(path) {
        Ok(found) if found.permissions().mode() & 0o077 != 0 => Err(KeysError::Open(path.to_owned())),
        Ok(_) => parse(&fs::read_to_string(path).map_err(io)?).ok_or_else(|| KeysError::Shape(path.to_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let mut bytes = [0_u8; 32];
            getrandom::fill(&mut bytes).map_err(|_| KeysError::Random)?;
            write_private(path, &hex(&bytes)).map_err(io)?;
            Ok(bytes)
        }
        Err(source) => Err(io(source)),
    }
}

/// Makes a directory that only its owner may enter.
///
/// # Errors
/// When it cannot be made, or is somebody else's.
pub fn private_directory(path: &Path) -> std::io::Result<()> {
    fs::create_dir_all(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o700))
}

/// Writes a file that only its owner may read, durably; it must not be there yet.
///
/// # Errors
/// When it is, or cannot be written.
pub fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Bytes in lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn parse(text: &str) -> Option<[u8; 32]> {
    let digits = text.trim().as_bytes();
    let mut bytes = [0_u8; 32];
    if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_made_once_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let first = Keys::open(folder.path()).unwrap();
        let second = Keys::open(folder.path()).unwrap();
        assert_eq!(first.log(), second.log());
        assert_ne!(first.log(), first.warrant());
    }

    #[test]
    fn a_key_that_others_may_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Keys::open(folder.path()).is_ok());
        let path = folder.path().join("log.seed");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(Keys::open(folder.path()), Err(KeysError::Open(_))));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, "no").unwrap();
        assert!(matches!(Keys::open(folder.path()), Err(KeysError::Shape(_))));
    }
}
