//! Files that nothing in the log refers to: harmless to the proof, but somebody may read them for part of it.

use super::folder::Folder;
use super::payloads::Payloads;
use super::report::{FindingKind, Gravity, Report};
use crate::checkpoint::Checkpoint;
use crate::hash::Hash;
use crate::tile::{TILE_WIDTH, TileKind, TilePath, full_tiles, partial_width};

/// Files looked at, at most: four times what a log of ten million records with a payload each has.
const FILES_MAX: usize = 100_000_000;

/// Strays named one by one.
const NAMED_MAX: usize = 20;

/// Remarks on every file that belongs to no record, tile or payload of this checkpoint.
pub(super) fn look(folder: &Folder<'_>, head: &Checkpoint, payloads: &Payloads, report: &mut Report) {
    let (mut open, mut looked, mut strays) = (vec![String::new()], 0usize, 0usize);
    while let Some(below) = open.pop() {
        for (name, is_folder, is_file) in folder.list(&below) {
            looked += 1;
            if looked > FILES_MAX {
                return;
            }
            if is_folder {
                open.push(name);
            } else if !is_file || !belongs(&name, head, payloads) {
                strays += 1;
                if strays <= NAMED_MAX {
                    report.find(Gravity::Remark, FindingKind::Stray, None, format!("nothing refers to `{name}`"));
                }
            }
        }
    }
    if strays > NAMED_MAX {
        let text = format!("nothing refers to {} more files", strays - NAMED_MAX);
        report.find(Gravity::Remark, FindingKind::Stray, None, text);
    }
}

fn belongs(name: &str, head: &Checkpoint, payloads: &Payloads) -> bool {
    if matches!(name, "checkpoint" | "trust.txt" | "manifest.json") {
        return true;
    }
    if let Some(payload) = name.strip_prefix("payloads/") {
        let digest = payload.split_once('.').filter(|(_, kind)| matches!(*kind, "json" | "bin" | "salt"));
        return digest.and_then(|(digest, _)| Hash::from_hex(digest).ok()).is_some_and(|digest| payloads.knows(&digest));
    }
    TilePath::parse(name).is_ok_and(|path| {
        let level = match path.kind {
            TileKind::Hashes(level) => level,
            TileKind::Entries => 0,
        };
        match path.width {
            None => path.n < full_tiles(head.size, level),
            Some(width) => path.n == full_tiles(head.size, level) && u16::from(width) == partial_width(head.size, level),
        }
    }) && head.size.div_ceil(TILE_WIDTH) > 0
}
