//! `[backups.<name>]`: a restic repository, and the folder in which what comes out of it gets its name.

use std::path::PathBuf;

use serde::Deserialize;

use super::ConfigError;

/// One repository, for one folder that is backed up into it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupConfig {
    /// As restic takes it: a folder, `sftp:…`, `rest:https://…`, `s3:…`.
    pub repository: String,
    /// The file with its password.
    pub password_file: PathBuf,
    /// A file of `NAME=value` lines for its store; every value in it is kept out of reports.
    #[serde(default)]
    pub environment: Option<PathBuf>,
    /// The folder that was backed up, as snapshots name it.
    pub path: PathBuf,
    /// Where copies stand side by side; `current` in it points to the one that is in use.
    pub root: PathBuf,
    /// Where the program is.
    #[serde(default = "restic")]
    pub restic: PathBuf,
}

fn restic() -> PathBuf {
    "/usr/bin/restic".into()
}

pub(super) fn checked_backup(name: &str, backup: &BackupConfig) -> Result<(), ConfigError> {
    let paths = backup.environment.iter().chain([&backup.password_file, &backup.path, &backup.root, &backup.restic]);
    if let Some(path) = paths.into_iter().find(|path| !path.is_absolute()) {
        return Err(ConfigError::Relative(path.clone()));
    }
    let plain = !backup.repository.is_empty()
        && !backup.repository.starts_with('-')
        && backup.repository.bytes().all(|byte| byte.is_ascii_graphic());
    // What stands before the `@` would be seen by everybody who lists processes.
    let secret = backup.repository.split_once("://").is_some_and(|(_, rest)| rest.split('/').next().is_some_and(|host| host.contains('@')));
    if !plain || secret {
        return Err(ConfigError::Section(format!("backups.{name}"), "has a repository that is no address, or one with a password in it"));
    }
    if backup.path.parent().is_none() || backup.path.components().any(|part| part == std::path::Component::ParentDir) {
        return Err(ConfigError::Section(format!("backups.{name}"), "has a `path` that is the root, or leads upwards"));
    }
    Ok(())
}
