//! What a folder holds: how many files, how many bytes, and one digest over every name and every byte, in a fixed order.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Deepest folder.
const DEPTH_MAX: usize = 128;

/// How much there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Counts {
    pub(super) files: u64,
    pub(super) bytes: u64,
}

/// What there is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    #[serde(flatten)]
    pub(super) counts: Counts,
    /// SHA-256 over kind, name, length and content of everything, in the order of names.
    pub(super) digest: String,
}

/// Counts without reading the files.
pub(super) fn count(root: &Path) -> io::Result<Counts> {
    let mut counts = Counts::default();
    walk(root, DEPTH_MAX, &mut |path, kind| {
        if kind.is_file() {
            counts.files += 1;
            counts.bytes += fs::symlink_metadata(path)?.len();
        }
        Ok(())
    })?;
    Ok(counts)
}

/// Reads everything.
pub(super) fn read(root: &Path) -> io::Result<Manifest> {
    let (mut counts, mut whole) = (Counts::default(), Sha256::new());
    let mut piece = vec![0_u8; 64 * 1024];
    walk(root, DEPTH_MAX, &mut |path, kind| {
        let name = path.strip_prefix(root).unwrap_or(path).as_os_str().as_bytes();
        let word: &[u8] = if kind.is_dir() {
            b"d"
        } else if kind.is_symlink() {
            b"l"
        } else {
            b"f"
        };
        for part in [word, name] {
            whole.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            whole.update(part);
        }
        if kind.is_symlink() {
            let target = fs::read_link(path)?;
            whole.update(u64::try_from(target.as_os_str().len()).unwrap_or(u64::MAX).to_be_bytes());
            whole.update(target.as_os_str().as_bytes());
        } else if kind.is_file() {
            let (mut file, mut content, mut length) = (File::open(path)?, Sha256::new(), 0_u64);
            loop {
                let read = file.read(&mut piece)?;
                if read == 0 {
                    break;
                }
                content.update(piece.get(..read).unwrap_or_default());
                length += u64::try_from(read).unwrap_or_default();
            }
            whole.update(length.to_be_bytes());
            whole.update(content.finalize());
            counts.files += 1;
            counts.bytes += length;
        }
        Ok(())
    })?;
    let digest = whole.finalize().iter().fold(String::from("sha256:"), |text, byte| text + &format!("{byte:02x}"));
    Ok(Manifest { counts, digest })
}

/// Everything below a folder, without following links, in the order of names.
fn walk(folder: &Path, depth: usize, each: &mut impl FnMut(&Path, fs::FileType) -> io::Result<()>) -> io::Result<()> {
    if depth == 0 {
        return Err(io::Error::other("folders are too deep"));
    }
    let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_unstable_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let (path, kind) = (entry.path(), entry.file_type()?);
        each(&path, kind)?;
        if kind.is_dir() {
            walk(&path, depth - 1, each)?;
        }
    }
    Ok(())
}
