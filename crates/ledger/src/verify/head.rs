//! Keys, checkpoint, manifest and root: what the rest of an export is measured against.

use super::SMALL_FILE_MAX;
use super::folder::{Folder, Unread};
use super::report::{FindingKind, Gravity, Report, TrustSource};
use crate::checkpoint::Checkpoint;
use crate::export::{manifest_text, trust_text};
use crate::hash::Hash;
use crate::key::Verifier;
use crate::note::{self, NOTE_MAX_BYTES};

/// The keys to verify with: the auditor's, or the export's own when there are none.
pub(super) fn trusted_keys(folder: &Folder<'_>, given: &[Verifier], report: &mut Report) -> Vec<Verifier> {
    let found = read_trust(folder, given.is_empty(), report);
    match report.trust {
        TrustSource::Given => {
            if !found.is_empty() && !found.iter().any(|key| given.contains(key)) {
                let text = format!("`trust.txt` names {}, none of which you trust", listed(&found));
                report.find(Gravity::Tampered, FindingKind::Key, None, text);
            }
            given.to_vec()
        }
        TrustSource::Export => {
            let text = "the keys are the export's own `trust.txt`: compare them with what you were told elsewhere";
            report.find(Gravity::Remark, FindingKind::Key, None, text);
            found
        }
    }
}

fn read_trust(folder: &Folder<'_>, needed: bool, report: &mut Report) -> Vec<Verifier> {
    let absent = if needed { Gravity::Unverifiable } else { Gravity::Incomplete };
    let bytes = match folder.read("trust.txt", SMALL_FILE_MAX) {
        Ok(bytes) => bytes,
        Err(Unread::Missing) => {
            report.find(absent, FindingKind::Key, None, "`trust.txt` is missing");
            return Vec::new();
        }
        Err(Unread::Unfit(text)) => {
            report.find(absent, FindingKind::Key, None, text);
            return Vec::new();
        }
    };
    let text = String::from_utf8_lossy(&bytes);
    let mut keys = Vec::new();
    for (at, line) in text.lines().enumerate() {
        match Verifier::parse(line) {
            Ok(key) => keys.push(key),
            Err(error) => report.find(Gravity::Tampered, FindingKind::Key, None, format!("`trust.txt`, line {}: {error}", at + 1)),
        }
    }
    let parsed = keys.len() == text.lines().count();
    if parsed && (keys.is_empty() || trust_text(&keys) != bytes) {
        report.find(Gravity::Tampered, FindingKind::Key, None, "`trust.txt` is not verifier keys, one a line");
    }
    keys
}

/// The checkpoint of the export, if it can be read at all. It is used even when its signature fails, to say what else is wrong.
pub(super) fn checkpoint(folder: &Folder<'_>, keys: &[Verifier], report: &mut Report) -> Option<Checkpoint> {
    let bytes = match folder.read("checkpoint", NOTE_MAX_BYTES) {
        Ok(bytes) => bytes,
        Err(Unread::Missing) => {
            report.find(
                Gravity::Unverifiable,
                FindingKind::Checkpoint,
                None,
                "`checkpoint` is missing: the export is unfinished or gutted",
            );
            return None;
        }
        Err(Unread::Unfit(text)) => {
            report.find(Gravity::Unverifiable, FindingKind::Checkpoint, None, text);
            return None;
        }
    };
    let Ok(note) = String::from_utf8(bytes) else {
        report.find(Gravity::Tampered, FindingKind::Checkpoint, None, "`checkpoint` is not UTF-8");
        return None;
    };
    let checkpoint = match opened(&note, keys) {
        Ok((checkpoint, signer)) => {
            report.signed_by = Some(signer);
            Some(checkpoint)
        }
        Err(text) => {
            let gravity = if keys.is_empty() { Gravity::Unverifiable } else { Gravity::Tampered };
            report.find(gravity, FindingKind::Checkpoint, None, text);
            note::split(&note).ok().and_then(|(text, _)| Checkpoint::parse(text).ok())
        }
    }?;
    report.origin = Some(checkpoint.origin.clone());
    report.size = Some(checkpoint.size);
    Some(checkpoint)
}

fn opened(note: &str, keys: &[Verifier]) -> Result<(Checkpoint, String), String> {
    let text = match note::open(note, keys) {
        Ok(text) => text,
        Err(note::NoteError::Unknown(signers)) => {
            return Err(format!("the checkpoint is signed by an unknown key: {signers}; trusted is {}", listed(keys)));
        }
        Err(error) => return Err(format!("`checkpoint`: {error}")),
    };
    let checkpoint = Checkpoint::parse(text).map_err(|error| format!("`checkpoint`: {error}"))?;
    let signer = keys.iter().find(|key| key.open_checkpoint(note).is_ok());
    let signer = signer.ok_or_else(|| format!("no trusted key is the one of `{}`", checkpoint.origin))?;
    Ok((checkpoint, format!("{}+{}", signer.name(), signer.id_hex())))
}

/// Keys as `name+id`, for messages.
pub(super) fn listed(keys: &[Verifier]) -> String {
    let shown: Vec<String> = keys.iter().map(|key| format!("`{}+{}`", key.name(), key.id_hex())).collect();
    if shown.is_empty() { "no key at all".to_owned() } else { shown.join(", ") }
}

/// The manifest says again what the checkpoint says, to the byte.
pub(super) fn manifest(folder: &Folder<'_>, checkpoint: &Checkpoint, report: &mut Report) {
    match folder.read("manifest.json", SMALL_FILE_MAX) {
        Ok(bytes) if bytes == manifest_text(checkpoint) => {}
        Ok(_) => report.find(Gravity::Tampered, FindingKind::Manifest, None, "`manifest.json` says something else than the checkpoint"),
        Err(Unread::Missing) => report.find(Gravity::Incomplete, FindingKind::Manifest, None, "`manifest.json` is missing"),
        Err(Unread::Unfit(text)) => report.find(Gravity::Tampered, FindingKind::Manifest, None, text),
    }
}

/// The root that was rebuilt against the one that was signed.
pub(super) fn root(checkpoint: &Checkpoint, rebuilt: Hash, report: &mut Report) {
    report.root = Some(rebuilt);
    if rebuilt != checkpoint.root {
        let text = format!("the {} records rebuild another root than the one in the checkpoint", checkpoint.size);
        report.find(Gravity::Tampered, FindingKind::Root, None, text);
    }
}
