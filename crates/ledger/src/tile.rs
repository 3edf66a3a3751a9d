//! Where tiles and bundles lie and what is in them: C2SP `tlog-tiles` 0.1.0.

use crate::hash::Hash;

/// Hashes in a full tile and records in a full bundle.
pub const TILE_WIDTH: u64 = 256;

/// A tile of 256 hashes.
const TILE_BYTES: usize = 8_192;

/// A bundle of 256 records of the largest length that its 16-bit prefix can say.
pub const BUNDLE_MAX_BYTES: usize = 256 * (2 + 65_535);

/// The largest level that the path of a tile may name.
const LEVEL_MAX: u8 = 63;

/// Groups of three digits in a path at most: 2^64 has twenty digits.
const GROUPS_MAX: usize = 7;

/// What a path points to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TileKind {
    /// Hashes of a level, 0 being the leaves.
    Hashes(u8),
    /// Records.
    Entries,
}

/// The place of a tile or a bundle below the prefix of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TilePath {
    /// What lies there.
    pub kind: TileKind,
    /// Its number within the level.
    pub n: u64,
    /// 1 to 255 when it is unfinished.
    pub width: Option<u8>,
}

/// Why bytes are no tile, no bundle or no path of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TileError {
    /// Not 1 to 256 whole hashes.
    #[error("a tile of {0} bytes")]
    TileLength(usize),
    /// A bundle ends within a record.
    #[error("a bundle that ends within record {0}")]
    BundleCut(usize),
    /// More than 256 records, or none.
    #[error("a bundle of {0} records")]
    BundleWidth(usize),
    /// A record that a 16-bit length cannot say.
    #[error("a record of {0} bytes does not fit a bundle")]
    RecordLength(usize),
    /// Not spelled as `tile/<level>/<n>[.p/<width>]` or `tile/entries/<n>[.p/<width>]`.
    #[error("not the path of a tile")]
    Path,
}

impl TilePath {
    /// Tile `n` of `level`; `width` 0 or 256 is a full one.
    pub fn hashes(level: u8, n: u64, width: u16) -> Self {
        Self { kind: TileKind::Hashes(level), n, width: u8::try_from(width).ok().filter(|width| *width > 0) }
    }

    /// Bundle `n`; `width` 0 or 256 is a full one.
    pub fn entries(n: u64, width: u16) -> Self {
        Self { kind: TileKind::Entries, n, width: u8::try_from(width).ok().filter(|width| *width > 0) }
    }

    /// How many hashes or records lie there.
    pub fn count(&self) -> usize {
        self.width.map_or(256, usize::from)
    }

    /// Reads a path as strictly as [`std::fmt::Display`] writes it: no spelling but one.
    pub fn parse(text: &str) -> Result<Self, TileError> {
        let rest = text.strip_prefix("tile/").ok_or(TileError::Path)?;
        let (kind, rest) = rest.split_once('/').ok_or(TileError::Path)?;
        let kind = match kind {
            "entries" => TileKind::Entries,
            level => TileKind::Hashes(level.parse().ok().filter(|level| *level <= LEVEL_MAX).ok_or(TileError::Path)?),
        };
        let (digits, width) = match rest.split_once(".p/") {
            Some((digits, width)) => (digits, Some(width.parse().ok().filter(|width| *width > 0).ok_or(TileError::Path)?)),
            None => (rest, None),
        };
        if digits.split('/').count() > GROUPS_MAX {
            return Err(TileError::Path);
        }
        let digits: String = digits.split('/').map(|group| group.trim_start_matches('x')).collect();
        let path = Self { kind, n: digits.parse().map_err(|_| TileError::Path)?, width };
        if path.to_string() == text { Ok(path) } else { Err(TileError::Path) }
    }
}

impl std::fmt::Display for TilePath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.kind {
            TileKind::Hashes(level) => write!(f, "tile/{level}")?,
            TileKind::Entries => f.write_str("tile/entries")?,
        }
        let (mut groups, mut rest) = (vec![self.n % 1_000], self.n / 1_000);
        while rest > 0 {
            groups.push(rest % 1_000);
            rest /= 1_000;
        }
        while let Some(group) = groups.pop() {
            write!(f, "/{}{group:03}", if groups.is_empty() { "" } else { "x" })?;
        }
        self.width.map_or(Ok(()), |width| write!(f, ".p/{width}"))
    }
}

/// Full tiles at `level` in a log of `size` records: `floor(size / 256^(level + 1))`.
pub fn full_tiles(size: u64, level: u8) -> u64 {
    size.checked_shr(8 * (u32::from(level) + 1)).unwrap_or(0)
}

/// Hashes in the unfinished tile at `level`: `floor(size / 256^level) mod 256`. 0 means that there is none.
pub fn partial_width(size: u64, level: u8) -> u16 {
    let hashes = size.checked_shr(8 * u32::from(level)).unwrap_or(0);
    u16::try_from(hashes % TILE_WIDTH).unwrap_or(0)
}

/// The hashes one after the other.
pub fn encode_tile(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| *hash.as_bytes()).collect()
}

/// 1 to 256 hashes.
pub fn decode_tile(bytes: &[u8]) -> Result<Vec<Hash>, TileError> {
    if bytes.is_empty() || bytes.len() > TILE_BYTES || !bytes.len().is_multiple_of(32) {
        return Err(TileError::TileLength(bytes.len()));
    }
    bytes.chunks_exact(32).map(|chunk| Hash::from_slice(chunk).map_err(|_| TileError::TileLength(bytes.len()))).collect()
}

/// Records, each behind its length in two bytes, big-endian.
pub fn encode_bundle<B: AsRef<[u8]>>(records: &[B]) -> Result<Vec<u8>, TileError> {
    if records.is_empty() || records.len() > 256 {
        return Err(TileError::BundleWidth(records.len()));
    }
    let mut bundle = Vec::new();
    for record in records.iter().map(AsRef::as_ref) {
        let length = u16::try_from(record.len()).map_err(|_| TileError::RecordLength(record.len()))?;
        bundle.extend_from_slice(&length.to_be_bytes());
        bundle.extend_from_slice(record);
    }
    Ok(bundle)
}

/// The 1 to 256 records of a bundle, borrowed from it.
pub fn decode_bundle(bytes: &[u8]) -> Result<Vec<&[u8]>, TileError> {
    let mut records = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let cut = TileError::BundleCut(records.len());
        let (length, tail) = rest.split_first_chunk::<2>().ok_or(cut)?;
        let (record, tail) = tail.split_at_checked(usize::from(u16::from_be_bytes(*length))).ok_or(cut)?;
        records.push(record);
        if records.len() > 256 {
            return Err(TileError::BundleWidth(records.len()));
        }
        rest = tail;
    }
    if records.is_empty() { Err(TileError::BundleWidth(0)) } else { Ok(records) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_one_spelling() {
        let check = |path: TilePath, expected: &str| {
            assert_eq!(path.to_string(), expected);
            assert_eq!(TilePath::parse(expected), Ok(path));
        };
        check(TilePath::hashes(0, 1_234_067, 256), "tile/0/x001/x234/067");
        check(TilePath::hashes(1, 999, 0), "tile/1/999");
        check(TilePath::hashes(63, 1_000, 17), "tile/63/x001/000.p/17");
        check(TilePath::entries(0, 1), "tile/entries/000.p/1");
        check(TilePath::entries(u64::MAX, 0), "tile/entries/x018/x446/x744/x073/x709/x551/615");
    }

    #[test]
    fn a_path_in_any_other_spelling_is_refused() {
        let check = |text: &str| assert_eq!(TilePath::parse(text), Err(TileError::Path), "{text}");
        for text in ["", "tile/", "tile/0", "tile/64/000", "tile/00/000", "tile/0/00", "tile/0/0000", "tile/0/x000/001", "tile/0/001/000"] {
            check(text);
        }
        for text in
            ["tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/xx1/000", "tile/data/000", "tile/0/../000", "/tile/0/000"]
        {
            check(text);
        }
        check("tile/0/x999/x999/x999/x999/x999/x999/x999/999");
        check("tile/0/x018/x446/x744/x073/x709/x551/616");
    }

    #[test]
    fn a_log_of_seventy_thousand_has_the_tiles_of_the_specification() {
        let check = |size, level, expected| assert_eq!((full_tiles(size, level), partial_width(size, level)), expected);
        check(70_000, 0, (273, 112));
        check(70_000, 1, (1, 17));
        check(70_000, 2, (0, 1));
        check(256, 0, (1, 0));
        check(256, 1, (0, 1));
        check(u64::MAX, 63, (0, 0));
    }

    #[test]
    fn a_bundle_gives_back_what_was_put_in() {
        let records: Vec<&[u8]> = vec![b"", b"a", &[7; 65_535]];
        assert_eq!(decode_bundle(&encode_bundle(&records).unwrap()).unwrap(), records);
        assert_eq!(encode_bundle(&[vec![0; 65_536]]), Err(TileError::RecordLength(65_536)));
        assert_eq!(encode_bundle(&vec![b""; 257]), Err(TileError::BundleWidth(257)));
    }

    #[test]
    fn a_broken_bundle_or_tile_is_refused() {
        assert_eq!(decode_bundle(&[]), Err(TileError::BundleWidth(0)));
        assert_eq!(decode_bundle(&[0, 1, 9, 0]), Err(TileError::BundleCut(1)));
        assert_eq!(decode_bundle(&[0, 2, 9]), Err(TileError::BundleCut(0)));
        assert_eq!(decode_bundle(&[0; 514]), Err(TileError::BundleWidth(257)));
        assert_eq!(decode_tile(&[0; 33]), Err(TileError::TileLength(33)));
        assert_eq!(decode_tile(&[]), Err(TileError::TileLength(0)));
        assert_eq!(decode_tile(&[0; 8_224]), Err(TileError::TileLength(8_224)));
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_bytes_are_answered_and_what_is_read_is_written_back(
            bytes in proptest::collection::vec(0..4u8, 0..600),
            text in "(tile/|entries/|x|0|12|/|\\.p/|[0-9]{3}|\\PC){0,9}",
        ) {
            if let Ok(records) = decode_bundle(&bytes) {
                proptest::prop_assert_eq!(encode_bundle(&records).unwrap(), bytes.clone());
            }
            if let Ok(hashes) = decode_tile(&bytes) {
                proptest::prop_assert_eq!(encode_tile(&hashes), bytes);
            }
            if let Ok(path) = TilePath::parse(&text) {
                proptest::prop_assert_eq!(path.to_string(), text);
            }
        }
    }
}
