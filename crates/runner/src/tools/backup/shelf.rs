//! Where copies stand side by side, each under a name of its own, and `current` points to the one that is in use:
//!
//! ```text
//! current -> live-1/          what is in use; it changes in one stroke
//! live-1/  from-tuesday/      copies
//! .from-tuesday.json          what was restored there: the snapshot, how much, and a digest over all of it
//! .from-tuesday.partial/      a restore that is under way
//! ```

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use serde::{Deserialize, Serialize};

use super::manifest::{self, Manifest};
use crate::tools::args::cut;

/// The link.
const CURRENT: &str = "current";
/// Longest name of a copy.
const NAME_MAX: usize = 64;

/// The folder of copies.
pub(super) struct Shelf<'a>(&'a Path);

/// What was restored, and what it was then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Receipt {
    pub(super) snapshot: String,
    #[serde(flatten)]
    pub(super) manifest: Manifest,
}

/// The name of a copy: it stays on the shelf, hides nothing, and is not the link.
pub(super) fn checked_name(name: &str) -> Result<&str, String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if name.is_empty() || name.len() > NAME_MAX || name.starts_with(['.', '-']) || !name.bytes().all(plain) {
        return Err(format!("`{}` is no name of a copy: letters, digits, `-`, `_` and `.`, at most {NAME_MAX}", cut(name, 80)));
    }
    if name == CURRENT { Err(format!("`{CURRENT}` is what points to the copy in use, and never one itself")) } else { Ok(name) }
}

impl<'a> Shelf<'a> {
    pub(super) const fn at(root: &'a Path) -> Self {
        Self(root)
    }

    pub(super) fn copy(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Whether something has this name, whatever it is.
    pub(super) fn has(&self, name: &str) -> bool {
        fs::symlink_metadata(self.copy(name)).is_ok()
    }

    pub(super) fn partial(&self, name: &str) -> PathBuf {
        self.0.join(format!(".{name}.partial"))
    }

    /// Takes away what an earlier restore left.
    pub(super) fn clear(&self, name: &str) -> io::Result<()> {
        match fs::remove_dir_all(self.partial(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Gives what was restored its name; never in the place of anything.
    pub(super) fn name(&self, from: &Path, name: &str, receipt: &Receipt) -> io::Result<()> {
        let text = serde_json::to_vec_pretty(receipt)?;
        let (fresh, file) = (self.0.join(format!(".{name}.json.new")), self.receipt_file(name));
        let mut written = File::create(&fresh)?;
        written.write_all(&text)?;
        written.sync_all()?;
        fs::rename(&fresh, file)?;
        renameat_with(CWD, from, CWD, self.copy(name), RenameFlags::NOREPLACE)?;
        File::open(self.0)?.sync_all()
    }

    fn receipt_file(&self, name: &str) -> PathBuf {
        self.0.join(format!(".{name}.json"))
    }

    /// What was restored under this name; none when it was not restored here.
    pub(super) fn receipt(&self, name: &str) -> Result<Option<Receipt>, String> {
        match fs::read(self.receipt_file(name)) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|_| format!("what is written about `{name}` was not understood")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(format!("what is written about `{name}` cannot be read: {error}")),
        }
    }

    /// The copy in use.
    pub(super) fn current(&self) -> Result<String, String> {
        let link = self.0.join(CURRENT);
        let target = fs::read_link(&link).map_err(|error| format!("`{}` is no link to a copy: {error}", link.display()))?;
        let name = target.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if target == Path::new(&name) { Ok(name) } else { Err(format!("`{}` points out of its folder", link.display())) }
    }

    /// A copy that may be put into use: it is there, and as much as was restored.
    pub(super) fn usable(&self, name: &str) -> Result<(), String> {
        let copy = self.copy(name);
        if !fs::symlink_metadata(&copy).is_ok_and(|found| found.is_dir()) {
            return Err(format!("there is no copy `{name}`"));
        }
        let Some(receipt) = self.receipt(name)? else { return Ok(()) };
        let counts = manifest::count(&copy).map_err(|error| format!("`{name}` cannot be read: {error}"))?;
        if counts == receipt.manifest.counts {
            return Ok(());
        }
        let (has, had) = (counts, receipt.manifest.counts);
        Err(format!("`{name}` has {} files of {} bytes; {} of {} were restored", has.files, has.bytes, had.files, had.bytes))
    }

    /// Points to another copy, in one stroke.
    pub(super) fn point(&self, name: &str) -> io::Result<()> {
        let fresh = self.0.join(".current.new");
        match fs::remove_file(&fresh) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        symlink(name, &fresh)?;
        fs::rename(&fresh, self.0.join(CURRENT))?;
        File::open(self.0)?.sync_all()
    }
}
