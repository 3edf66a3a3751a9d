//! A small log in memory, the same bytes every time, and ways to spoil its export.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use lineclear_ledger::{
    Checkpoint, Commitment, Draft, Edge, Entry, ExportSource, FindingKind, Hash, LogKey, MemoryHashes, Report, SaltedPayload, SourceError,
    Status, Ticket, TilePath, Verifier, commit_payload, decode_bundle, encode_bundle, inclusion_proof, leaf_hash, verify_export,
    write_export,
};

pub const ORIGIN: &str = "ledger.example/acme/e1";

/// The log's key.
pub fn key() -> LogKey {
    LogKey::from_seed(ORIGIN, &[0x11; 32]).unwrap()
}

/// Another key of the same name.
pub fn other_key() -> LogKey {
    LogKey::from_seed(ORIGIN, &[0x22; 32]).unwrap()
}

/// Records, payloads and the key that signs.
pub struct Log {
    pub key: LogKey,
    pub records: Vec<Vec<u8>>,
    pub payloads: BTreeMap<Hash, SaltedPayload>,
}

impl Log {
    /// `count` records in three streams; each record whose index leaves 1 when divided by 4 has a payload.
    pub fn of(count: u64) -> Self {
        Self::with(count, key(), |_| {})
    }

    /// The same, with each draft changed before it is sealed and everything after it chained to what came out.
    pub fn with(count: u64, key: LogKey, change: impl Fn(&mut Draft)) -> Self {
        let mut log = Self { key, records: Vec::new(), payloads: BTreeMap::new() };
        let mut last = BTreeMap::new();
        for index in 0..count {
            let mut draft = log.draft(index, &last);
            change(&mut draft);
            let entry = draft.seal().unwrap();
            last.insert(draft.stream, (draft.seq, entry.leaf()));
            log.records.push(entry.into_bytes());
        }
        log
    }

    fn draft(&mut self, index: u64, last: &BTreeMap<String, (u64, Hash)>) -> Draft {
        let stream = format!("change_{}", index % 3);
        let before = last.get(&stream);
        let commit = if index % 4 == 1 { BTreeMap::from([("evidence".to_owned(), self.payload(index))]) } else { BTreeMap::new() };
        Draft {
            log: ORIGIN.to_owned(),
            seq: before.map_or(0, |(seq, _)| seq + 1),
            prev: before.map(|(_, leaf)| *leaf),
            stream,
            id: format!("id-{index}"),
            kind: "change.noted/1".to_owned(),
            time: format!("2026-11-22T{:02}:{:02}:{:02}.000000Z", index / 3600, index / 60 % 60, index % 60),
            by_kind: "agent".to_owned(),
            by_id: "agent_1".to_owned(),
            body: serde_json::json!({"index": index}),
            commit,
            links: BTreeMap::new(),
        }
    }

    fn payload(&mut self, index: u64) -> Commitment {
        let salt = [u8::try_from(index % 251).unwrap(); 32];
        let (bytes, media) = if index % 8 == 1 {
            (format!("{{\"evidence\":{index}}}").into_bytes(), "application/json")
        } else {
            (index.to_be_bytes().to_vec(), "application/octet-stream")
        };
        let commitment = commit_payload(&salt, &bytes, media);
        self.payloads.insert(commitment.digest().unwrap(), (salt, bytes));
        commitment
    }

    pub fn leaves(&self) -> Vec<Hash> {
        self.records.iter().map(|record| leaf_hash(record)).collect()
    }

    /// The signed head at `size`.
    pub fn head(&self, size: usize) -> String {
        let root = Edge::from_leaves(self.leaves().into_iter().take(size)).root();
        self.key.sign_checkpoint(&Checkpoint { origin: self.key.name().to_owned(), size: size as u64, root })
    }

    pub fn ticket(&self, index: u64, size: u64) -> Ticket {
        let proof = inclusion_proof(&MemoryHashes(self.leaves()), index, size).unwrap();
        Ticket { index, proof, checkpoint: self.head(usize::try_from(size).unwrap()) }
    }

    pub fn export(&self) -> Export {
        let dir = tempfile::tempdir().unwrap();
        write_export(dir.path(), self).unwrap();
        Export { dir }
    }
}

impl ExportSource for Log {
    fn checkpoint(&self) -> Result<String, SourceError> {
        Ok(self.head(self.records.len()))
    }

    fn vkey(&self) -> Result<String, SourceError> {
        Ok(self.key.verifier().to_string())
    }

    fn entries(&self, from: u64, count: u32) -> Result<Vec<Vec<u8>>, SourceError> {
        Ok(self.records.iter().skip(usize::try_from(from)?).take(usize::try_from(count)?).cloned().collect())
    }

    fn payload(&self, commitment: &Hash) -> Result<Option<SaltedPayload>, SourceError> {
        Ok(self.payloads.get(commitment).cloned())
    }
}

/// An export on disk that a test may spoil.
pub struct Export {
    dir: tempfile::TempDir,
}

impl Export {
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Verified with the auditor's key and these kept heads.
    pub fn verify(&self, kept: &[String]) -> Report {
        verify_export(self.path(), &[key().verifier()], kept)
    }

    /// Verified with other keys.
    pub fn verify_with(&self, trust: &[Verifier], kept: &[String]) -> Report {
        verify_export(self.path(), trust, kept)
    }

    pub fn change(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let path = self.path().join(name);
        let mut bytes = fs::read(&path).unwrap();
        change(&mut bytes);
        fs::write(path, bytes).unwrap();
    }

    pub fn remove(&self, name: &str) {
        fs::remove_file(self.path().join(name)).unwrap();
    }

    /// Changes the records of a bundle and nothing else.
    pub fn records(&self, bundle: TilePath, change: impl FnOnce(&mut Vec<Vec<u8>>)) {
        self.change(&bundle.to_string(), |bytes| {
            let mut records = decode_bundle(bytes).unwrap().into_iter().map(<[u8]>::to_vec).collect();
            change(&mut records);
            *bytes = encode_bundle(&records).unwrap();
        });
    }

    /// All files below, sorted.
    pub fn files(&self) -> Vec<String> {
        files_below(self.path())
    }
}

pub fn files_below(root: &Path) -> Vec<String> {
    let (mut open, mut found) = (vec![PathBuf::new()], Vec::new());
    while let Some(below) = open.pop() {
        for item in fs::read_dir(root.join(&below)).unwrap() {
            let name = below.join(item.unwrap().file_name());
            if root.join(&name).is_dir() { open.push(name) } else { found.push(name.to_str().unwrap().to_owned()) }
        }
    }
    found.sort();
    found
}

/// The status, and that some finding of this kind says this.
#[track_caller]
pub fn expect(report: &Report, status: Status, kind: FindingKind, text: &str) {
    let said = report.findings.iter().any(|finding| finding.kind == kind && finding.text.contains(text));
    assert!(said, "nobody says `{text}`: {:#?}", report.findings);
    assert_eq!(report.status(), status, "{:#?}", report.findings);
}

/// A record changed and sealed again.
pub fn resealed(record: &[u8], change: impl FnOnce(&mut Draft)) -> Vec<u8> {
    let mut draft = Entry::parse(record).unwrap().draft().clone();
    change(&mut draft);
    draft.seal().unwrap().into_bytes()
}
