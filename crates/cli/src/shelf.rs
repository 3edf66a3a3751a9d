//! The shelf: every version of the estate that was proposed or in force here, one folder each, named by its content address
//! and readable like any estate directory.
//!
//! ```text
//! data/estates/<64 hexadecimal digits>/lineclear.toml, authority.yaml, policies/…
//! ```

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use lineclear_core::Digest;
use lineclear_engine::{FetchError, Files};

use crate::keys::{hex, private_directory};

/// Most versions that are kept: more than a busy team proposes in years, and a bound on what proposals can fill.
const KEPT_MAX: usize = 2_000;
/// What a folder is called while it is being written.
const FRESH: &str = ".fresh-";

/// Where versions are kept.
#[derive(Debug, Clone)]
pub struct Shelf {
    root: PathBuf,
}

impl Shelf {
    /// The shelf in this folder, which need not be there yet.
    pub const fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// Where a version is, or would be.
    pub fn folder(&self, digest: Digest) -> PathBuf {
        self.root.join(hex(digest.as_bytes()))
    }

    /// Keeps files; once this has answered they outlive a crash.
    ///
    /// # Errors
    /// Why they cannot be kept, in words.
    pub fn keep(&self, files: &Files) -> Result<Digest, String> {
        let digest = lineclear_estate::digest(files);
        match self.fetch(digest) {
            Ok(_) => return Ok(digest),
            Err(FetchError::Missing) => {}
            Err(FetchError::Broken(why)) => return Err(why),
        }
        self.write(digest, files).map_err(|error| format!("`{}` cannot be written: {error}", self.folder(digest).display()))?;
        Ok(digest)
    }

    fn write(&self, digest: Digest, files: &Files) -> io::Result<()> {
        private_directory(&self.root)?;
        if fs::read_dir(&self.root)?.count() >= KEPT_MAX {
            return Err(io::Error::other(format!("{KEPT_MAX} versions are kept already")));
        }
        let fresh = self.root.join(format!("{FRESH}{}", hex(digest.as_bytes())));
        match fs::remove_dir_all(&fresh) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            // What an interrupted write left is of no use.
            Ok(()) | Err(_) => {}
        }
        private_directory(&fresh)?;
        for (path, bytes) in files {
            let path = fresh.join(path);
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
            file.write_all(bytes)?;
            file.sync_all()?;
        }
        sync_folders(&fresh)?;
        fs::rename(&fresh, self.folder(digest))?;
        File::open(&self.root)?.sync_all()
    }

    /// The files of a version, checked against its name.
    ///
    /// # Errors
    /// When it is not kept, or is not what it was.
    pub fn fetch(&self, digest: Digest) -> Result<Files, FetchError> {
        let folder = self.folder(digest);
        if !folder.is_dir() {
            return Err(FetchError::Missing);
        }
        let files = lineclear_estate::read_files(&folder)
            .map_err(|error| FetchError::Broken(format!("`{}` cannot be read: {error}", folder.display())))?;
        let found = lineclear_estate::digest(&files);
        if found == digest {
            return Ok(files);
        }
        let what = format!("`{}` is no longer what it was: its files make `{found}`", folder.display());
        Err(FetchError::Broken(format!(
            "{what}. Put them back as they were; another estate comes into force by `lineclear estate propose`"
        )))
    }
}

fn sync_folders(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_folders(&entry.path())?;
        }
    }
    File::open(folder)?.sync_all()
}

/// The folders of a shelf below a directory; the directory itself when it is an estate.
pub fn estates_in(directory: &Path) -> Vec<PathBuf> {
    if directory.join("lineclear.toml").is_file() {
        return vec![directory.to_owned()];
    }
    let named = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.len() == 64 && name.bytes().all(|b| b.is_ascii_hexdigit())
    };
    let mut found: Vec<PathBuf> =
        fs::read_dir(directory).into_iter().flatten().filter_map(|entry| entry.ok().map(|entry| entry.path())).filter(named).collect();
    found.sort();
    if found.is_empty() { vec![directory.to_owned()] } else { found }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(text: &str) -> Files {
        let all = [("lineclear.toml", text), ("policies/cases/one.toml", "b"), ("notes.md", "c")];
        all.into_iter().map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec())).collect()
    }

    #[test]
    fn what_is_kept_comes_back_and_what_was_touched_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::new(folder.path().join("estates"));
        let digest = shelf.keep(&files("a")).unwrap();
        assert_eq!(shelf.fetch(digest), Ok(files("a")));
        assert_eq!(shelf.keep(&files("a")), Ok(digest), "twice is once");
        assert_eq!(shelf.fetch(Digest::of(b"other")), Err(FetchError::Missing));
        fs::write(shelf.folder(digest).join("policies/cases/one.toml"), "touched").unwrap();
        assert!(matches!(shelf.fetch(digest), Err(FetchError::Broken(why)) if why.contains("no longer what it was")));
        assert!(shelf.keep(&files("a")).is_err(), "what was touched is not taken for what was meant");
        fs::remove_file(shelf.folder(digest).join("lineclear.toml")).unwrap();
        assert!(matches!(shelf.fetch(digest), Err(FetchError::Broken(_))));
    }

    #[test]
    fn an_interrupted_write_is_no_version() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::new(folder.path().to_owned());
        let digest = lineclear_estate::digest(&files("a"));
        let fresh = folder.path().join(format!("{FRESH}{}", hex(digest.as_bytes())));
        fs::create_dir(&fresh).unwrap();
        fs::write(fresh.join("lineclear.toml"), "half").unwrap();
        assert_eq!(shelf.fetch(digest), Err(FetchError::Missing));
        assert_eq!(shelf.keep(&files("a")), Ok(digest));
        assert_eq!(shelf.fetch(digest), Ok(files("a")));
    }

    #[test]
    fn a_shelf_is_a_folder_of_estates_and_an_estate_is_itself() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::new(folder.path().join("estates"));
        let (one, two) = (shelf.keep(&files("a")).unwrap(), shelf.keep(&files("b")).unwrap());
        let mut both = vec![shelf.folder(one), shelf.folder(two)];
        both.sort();
        assert_eq!(estates_in(&folder.path().join("estates")), both);
        assert_eq!(estates_in(&shelf.folder(one)), [shelf.folder(one)]);
        assert_eq!(estates_in(folder.path()), [folder.path().to_owned()]);
    }
}
