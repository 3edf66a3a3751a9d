//! The text files of the workspace, read once, so that every check is a pure function over them.

use std::fs;
use std::io;
use std::path::Path;

/// Folders that hold output or another tool's state and are never committed.
const FOLDERS_SKIPPED: &[&str] = &["target", ".git", ".axe", ".axe-venv", ".lab", ".receivers", ".smt", ".venv", "node_modules"];

/// Anything larger is data and not something a person wrote.
const TEXT_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// One text file; the path is relative to the workspace root, with `/` between its parts.
#[derive(Debug, Clone)]
pub struct SourceFile {
    /// Path from the workspace root.
    pub path: String,
    /// The whole text.
    pub text: String,
}

/// Every UTF-8 text file of a workspace, in the order of its paths.
#[derive(Debug, Clone)]
pub struct Tree {
    files: Vec<SourceFile>,
}

impl Tree {
    /// Reads the workspace at `root`. Binary files, symbolic links, files over 4 MiB and output folders are
    /// left out; a file that disappears during the walk is not an error, because editors replace files.
    ///
    /// # Errors
    ///
    /// Any other failure to list a folder or to read a file.
    pub fn read(root: &Path) -> io::Result<Self> {
        let mut files = Vec::new();
        walk(root, "", &mut files)?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self { files })
    }

    /// A tree made of the given paths and texts, to plant faults in.
    pub fn of(files: &[(&str, &str)]) -> Self {
        let file = |&(path, text): &(&str, &str)| SourceFile { path: path.to_owned(), text: text.to_owned() };
        Self { files: files.iter().map(file).collect() }
    }

    /// All files.
    pub fn files(&self) -> impl Iterator<Item = &SourceFile> {
        self.files.iter()
    }

    /// The Rust files.
    pub fn rust(&self) -> impl Iterator<Item = &SourceFile> {
        self.files().filter(|file| Path::new(&file.path).extension().is_some_and(|extension| extension == "rs"))
    }

    /// The file at exactly this path.
    pub fn file(&self, path: &str) -> Option<&SourceFile> {
        self.files().find(|file| file.path == path)
    }
}

impl SourceFile {
    /// The folder under `crates/` that holds this file.
    pub fn room(&self) -> Option<&str> {
        self.path.strip_prefix("crates/")?.split('/').next()
    }

    /// Whether the file is built into the library or the binary, and not only into tests, benches or examples.
    pub fn ships(&self) -> bool {
        self.path.contains("/src/") && !self.path.ends_with("/tests.rs") && !self.path.contains("/tests/")
    }

    /// The last part of the path.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

fn walk(folder: &Path, prefix: &str, files: &mut Vec<SourceFile>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let Some(kind) = unless_gone(entry.file_type())? else { continue };
        let path = format!("{prefix}{name}");
        if kind.is_dir() && !FOLDERS_SKIPPED.contains(&name.as_str()) {
            walk(&entry.path(), &format!("{path}/"), files)?;
        } else if kind.is_file()
            && let Some(text) = text_of(&entry.path())?
        {
            files.push(SourceFile { path, text });
        }
    }
    Ok(())
}

fn text_of(path: &Path) -> io::Result<Option<String>> {
    let Some(meta) = unless_gone(fs::metadata(path))? else { return Ok(None) };
    if meta.len() > TEXT_BYTES_MAX {
        return Ok(None);
    }
    let bytes = unless_gone(fs::read(path))?;
    Ok(bytes.and_then(|bytes| String::from_utf8(bytes).ok()))
}

fn unless_gone<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_workspace_is_read_without_its_output() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let tree = Tree::read(&root).unwrap();
        assert!(tree.file("crates/tidy/src/tree.rs").is_some());
        assert!(tree.files().all(|file| !file.path.starts_with("target/")));
    }

    #[test]
    fn tests_do_not_ship() {
        let tree = Tree::of(&[("crates/core/src/run.rs", ""), ("crates/core/src/run/tests.rs", ""), ("crates/core/tests/laws.rs", "")]);
        let shipped: Vec<_> = tree.rust().filter(|file| file.ships()).map(SourceFile::name).collect();
        assert_eq!(shipped, ["run.rs"]);
        assert!(tree.rust().all(|file| file.room() == Some("core")));
    }
}
