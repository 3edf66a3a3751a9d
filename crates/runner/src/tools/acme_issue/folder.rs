//! Where a certificate lives:
//!
//! ```text
//! current -> issued-1f3a…/     what servers are pointed at; it changes in one stroke
//! issued-1f3a…/chain.pem       key.pem, and both.pem with the two in one file, as HAProxy wants it
//! order.json, key.new.pem      an order that is under way
//! ```

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, symlink};
use std::path::{Path, PathBuf};

use lineclear_core::digest::Digest;

use crate::config::read_secret;

/// Who may read a file.
#[derive(Debug, Clone, Copy)]
pub(super) enum Secrecy {
    /// Its owner.
    Owner,
    /// Everybody.
    Nobody,
}

/// The folder of one certificate.
pub(super) struct Folder<'a>(&'a Path);

impl<'a> Folder<'a> {
    pub(super) const fn at(path: &'a Path) -> Self {
        Self(path)
    }

    /// The chain and the key that are there; none before the first.
    pub(super) fn current(&self) -> Result<Option<(String, String)>, String> {
        let current = self.0.join("current");
        if !current.exists() {
            return Ok(None);
        }
        let read = |name: &str| {
            fs::read_to_string(current.join(name)).map_err(|error| format!("`{name}` of the certificate cannot be read: {error}"))
        };
        Ok(Some((read("chain.pem")?, read("key.pem")?)))
    }

    /// Puts chain and key in their place. Servers see the old pair or the new one, never one of each.
    pub(super) fn install(&self, chain: &str, key: &str) -> Result<(), String> {
        let name = format!("issued-{}", Digest::of(chain.as_bytes()).short());
        let install = || -> io::Result<()> {
            let issued = self.0.join(&name);
            fs::create_dir_all(&issued)?;
            put(&issued.join("key.pem"), key.as_bytes(), Secrecy::Owner)?;
            put(&issued.join("chain.pem"), chain.as_bytes(), Secrecy::Nobody)?;
            put(&issued.join("both.pem"), format!("{}\n{key}", chain.trim_end()).as_bytes(), Secrecy::Owner)?;
            let before = fs::read_link(self.0.join("current")).ok();
            let next = self.0.join("current.new");
            // Left by a crash.
            let _ = fs::remove_file(&next);
            symlink(&name, &next)?;
            fs::rename(next, self.0.join("current"))?;
            sync(self.0)?;
            self.tidy(&[Some(PathBuf::from(&name)), before])
        };
        install().map_err(|error| error.to_string())
    }

    /// Only what is current and what was before it stays, and no order that is over.
    fn tidy(&self, keep: &[Option<PathBuf>]) -> io::Result<()> {
        for entry in fs::read_dir(self.0)?.flatten() {
            let (name, kept) = (entry.file_name(), keep.iter().flatten().any(|kept| kept.as_os_str() == entry.file_name()));
            if name.to_string_lossy().starts_with("issued-") && !kept {
                fs::remove_dir_all(entry.path())?;
            }
        }
        self.forget();
        Ok(())
    }

    /// What is kept of an order that is under way.
    pub(super) fn order(&self) -> Option<String> {
        fs::read_to_string(self.0.join("order.json")).ok()
    }

    /// Keeps it: synced before this returns.
    pub(super) fn keep_order(&self, text: &str) -> Result<(), String> {
        let kept = fs::create_dir_all(self.0).and_then(|()| put(&self.0.join("order.json"), text.as_bytes(), Secrecy::Owner));
        kept.map_err(|error| format!("the order could not be kept: {error}"))
    }

    /// The key that an order was finalized with.
    pub(super) fn new_key(&self) -> Option<String> {
        read_secret(&self.0.join("key.new.pem")).ok()
    }

    /// Keeps it: synced before this returns.
    pub(super) fn keep_key(&self, key: &str) -> Result<(), String> {
        put(&self.0.join("key.new.pem"), key.as_bytes(), Secrecy::Owner).map_err(|error| format!("the key could not be kept: {error}"))
    }

    /// Forgets an order, and its key.
    pub(super) fn forget(&self) {
        for name in ["order.json", "key.new.pem"] {
            // What is not there is forgotten.
            let _ = fs::remove_file(self.0.join(name));
        }
    }
}

/// Writes a file beside its place, syncs it, and moves it there.
pub(super) fn put(path: &Path, bytes: &[u8], secrecy: Secrecy) -> io::Result<()> {
    let mode = match secrecy {
        Secrecy::Owner => 0o600,
        Secrecy::Nobody => 0o644,
    };
    let beside = path.with_extension("part");
    // Left by a crash, perhaps with another mode.
    let _ = fs::remove_file(&beside);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(beside, path)?;
    path.parent().map_or(Ok(()), sync)
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
