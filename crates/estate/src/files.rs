//! The files of an estate directory, read within bounds.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::fault::{Fault, Faults, LoadError};

/// Most files in one estate: several times what a large one needs.
pub const FILES_MAX: usize = 500;
/// Largest file, in bytes.
pub const FILE_BYTES_MAX: usize = 256 * 1024;
/// Deepest folder below the estate directory; `policies/cases` is two.
pub const DIRECTORY_DEPTH_MAX: usize = 4;

/// Reads every file below the directory, by its path with `/`; names that begin with `.` are left out, so that a git
/// checkout is an estate. Links are followed when they lead to a file inside the directory.
///
/// # Errors
/// Files or folders that cannot be read, are no plain files, are too large, too many or too deep, or lead outside.
pub fn read_files(directory: &Path) -> Result<BTreeMap<String, Vec<u8>>, LoadError> {
    let faults = Faults::default();
    let root = match directory.canonicalize() {
        Ok(root) => root,
        Err(error) => {
            faults.push(Fault::of_file(".", format!("the estate directory cannot be read: {error}"), None));
            return faults.settle(None);
        }
    };
    let mut walk = Walk { root, files: BTreeMap::new(), seen: 0, faults: &faults };
    walk.folder(&walk.root.clone(), "", 0);
    let files = walk.files;
    faults.settle(Some(files))
}

struct Walk<'f> {
    root: PathBuf,
    files: BTreeMap<String, Vec<u8>>,
    seen: usize,
    faults: &'f Faults,
}

impl Walk<'_> {
    fn fault(&self, path: &str, message: impl Into<String>) {
        self.faults.push(Fault::of_file(path, message, None));
    }

    fn folder(&mut self, folder: &Path, prefix: &str, depth: usize) {
        let named = if prefix.is_empty() { "." } else { prefix };
        if depth > DIRECTORY_DEPTH_MAX {
            return self.fault(named, format!("folders deeper than {DIRECTORY_DEPTH_MAX} are not read"));
        }
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => return self.fault(named, format!("the folder cannot be read: {error}")),
        };
        for entry in entries {
            self.seen += 1;
            if self.seen > FILES_MAX {
                return self.fault(named, format!("an estate has at most {FILES_MAX} files and folders"));
            }
            match entry {
                Ok(entry) => self.entry(&entry, prefix, depth),
                Err(error) => self.fault(named, format!("the folder cannot be read: {error}")),
            }
        }
    }

    fn entry(&mut self, entry: &fs::DirEntry, prefix: &str, depth: usize) {
        let Ok(name) = entry.file_name().into_string() else {
            return self.fault(prefix, "a file name that is not UTF-8");
        };
        if name.starts_with('.') {
            return;
        }
        let path = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
        let kind = match entry.file_type() {
            Ok(kind) => kind,
            Err(error) => return self.fault(&path, format!("it cannot be read: {error}")),
        };
        if kind.is_dir() {
            return self.folder(&entry.path(), &path, depth + 1);
        }
        match entry.path().canonicalize() {
            Ok(target) if target.starts_with(&self.root) && target.is_file() => self.file(&target, path),
            Ok(target) if target.starts_with(&self.root) => self.fault(&path, "it is no plain file"),
            Ok(_) => self.fault(&path, "a link that leads out of the estate"),
            Err(error) => self.fault(&path, format!("it cannot be read: {error}")),
        }
    }

    fn file(&mut self, target: &Path, path: String) {
        let mut bytes = Vec::new();
        // One byte more than allowed, so that a file that grows meanwhile is still bounded.
        let most = u64::try_from(FILE_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
        match fs::File::open(target).and_then(|file| file.take(most).read_to_end(&mut bytes)) {
            Err(error) => self.fault(&path, format!("it cannot be read: {error}")),
            Ok(_) if bytes.len() > FILE_BYTES_MAX => self.fault(&path, format!("larger than {} KiB", FILE_BYTES_MAX / 1024)),
            Ok(_) => {
                self.files.insert(path, bytes);
            }
        }
    }
}
