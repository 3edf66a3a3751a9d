//! Bounded reads below one directory: regular files only, so that neither a link nor a pipe in an export leads anywhere.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// The directory of an export.
pub(super) struct Folder<'a> {
    root: &'a Path,
}

/// Why a file was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unread {
    Missing,
    Unfit(String),
}

impl<'a> Folder<'a> {
    pub(super) const fn new(root: &'a Path) -> Self {
        Self { root }
    }

    /// The whole file, when it is a regular one of at most `max` bytes.
    pub(super) fn read(&self, name: &str, max: usize) -> Result<Vec<u8>, Unread> {
        let path = self.root.join(name);
        let unfit = |error: &std::io::Error| {
            let kind = error.kind();
            if matches!(kind, std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) {
                Unread::Missing
            } else {
                Unread::Unfit(format!("`{name}` could not be read: {kind}"))
            }
        };
        let meta = fs::symlink_metadata(&path).map_err(|error| unfit(&error))?;
        if !meta.is_file() {
            return Err(Unread::Unfit(format!("`{name}` is not a regular file")));
        }
        let (length, limit) = (meta.len(), u64::try_from(max).unwrap_or(u64::MAX));
        if length > limit {
            return Err(Unread::Unfit(format!("`{name}` has {length} bytes, at most {limit} are read")));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
        let file = File::open(&path).map_err(|error| unfit(&error))?;
        file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| unfit(&error))?;
        if bytes.len() > max { Err(Unread::Unfit(format!("`{name}` grew while it was read"))) } else { Ok(bytes) }
    }

    /// Files and folders directly below `name`, with whether they are folders and whether they are regular files.
    pub(super) fn list(&self, name: &str) -> Vec<(String, bool, bool)> {
        let Ok(listing) = fs::read_dir(self.root.join(name)) else { return Vec::new() };
        let mut found = Vec::new();
        for item in listing.flatten() {
            let below: PathBuf = Path::new(name).join(item.file_name());
            let kind = item.file_type();
            let is = |test: fn(&fs::FileType) -> bool| kind.as_ref().is_ok_and(test);
            found.push((below.to_string_lossy().into_owned(), is(fs::FileType::is_dir), is(fs::FileType::is_file)));
        }
        found.sort();
        found
    }
}
