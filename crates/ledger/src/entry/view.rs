//! A record read in place: what the verifier needs of a million of them, without building a value for each body.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::{ENTRY_MAX_BYTES, ENTRY_VERSION, EntryError, FIRST_SEQ};
use crate::canonical::Scan;
use crate::commitment::{COMMIT_ALG, Commitment};
use crate::hash::Hash;
use crate::key::is_key_name;

/// Bytes in an id, a stream or a name at most: four times what our longest ids take.
const NAME_MAX: usize = 128;

/// Payloads and links of one record at most.
const NAMED_MAX: usize = 64;

/// The shape of `time`; a `0` stands for any digit.
const TIME_SHAPE: &[u8] = b"0000-00-00T00:00:00.000000Z";

/// The members of one record, borrowed from its bytes.
pub(crate) struct View<'a> {
    pub(crate) body: &'a [u8],
    pub(crate) by_id: Cow<'a, str>,
    pub(crate) by_kind: Cow<'a, str>,
    pub(crate) commit: BTreeMap<String, Commitment>,
    pub(crate) id: Cow<'a, str>,
    pub(crate) kind: Cow<'a, str>,
    pub(crate) links: BTreeMap<String, String>,
    pub(crate) log: Cow<'a, str>,
    pub(crate) prev: Option<Hash>,
    pub(crate) seq: u64,
    pub(crate) stream: Cow<'a, str>,
    pub(crate) time: Cow<'a, str>,
}

impl<'a> View<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, EntryError> {
        if bytes.len() > ENTRY_MAX_BYTES {
            return Err(EntryError::TooLong(bytes.len()));
        }
        let mut scan = Scan::new(bytes)?;
        at(&mut scan, "body", b"{\"body\":")?;
        let body = scan.object(1)?;
        at(&mut scan, "by", b",\"by\":{\"id\":")?;
        let by_id = text(&mut scan, "by", "a party with a short id", is_short)?;
        at(&mut scan, "by", b",\"kind\":")?;
        let by_kind = text(&mut scan, "by", "a party of a short kind", is_short)?;
        at(&mut scan, "commit", b"},\"commit\":")?;
        let commit = commitments(&mut scan)?;
        at(&mut scan, "id", b",\"id\":")?;
        let id = text(&mut scan, "id", "a short id", is_short)?;
        at(&mut scan, "kind", b",\"kind\":")?;
        let kind = text(&mut scan, "kind", "a name and a major version", is_kind)?;
        at(&mut scan, "links", b",\"links\":")?;
        let links = links(&mut scan)?;
        at(&mut scan, "log", b",\"log\":")?;
        let log = text(&mut scan, "log", "the origin of a log", is_key_name)?;
        at(&mut scan, "prev", b",\"prev\":")?;
        let prev = prev(&mut scan)?;
        at(&mut scan, "seq", b",\"seq\":")?;
        let seq = u64::try_from(scan.integer()?).map_err(|_| wrong("seq", "counted from 0"))?;
        if prev.is_none() != (seq == FIRST_SEQ) {
            return Err(wrong("prev", "absent at seq 0 and present after it"));
        }
        at(&mut scan, "sign", b",\"sign\":[]")?;
        at(&mut scan, "stream", b",\"stream\":")?;
        let stream = text(&mut scan, "stream", "a short name", is_short)?;
        at(&mut scan, "time", b",\"time\":")?;
        let time = text(&mut scan, "time", "UTC with six digits after the second", is_time)?;
        at(&mut scan, "v", b",\"v\":")?;
        match scan.integer()? {
            ENTRY_VERSION => {}
            other => return Err(EntryError::Version(other)),
        }
        at(&mut scan, "v", b"}")?;
        scan.end()?;
        Ok(Self { body, by_id, by_kind, commit, id, kind, links, log, prev, seq, stream, time })
    }
}

const fn wrong(member: &'static str, expected: &'static str) -> EntryError {
    EntryError::Member { member, expected }
}

fn at(scan: &mut Scan<'_>, member: &'static str, literal: &[u8]) -> Result<(), EntryError> {
    scan.literal(literal).map_err(|_| EntryError::Shape(member))
}

fn text<'a>(
    scan: &mut Scan<'a>,
    member: &'static str,
    expected: &'static str,
    holds: fn(&str) -> bool,
) -> Result<Cow<'a, str>, EntryError> {
    let text = scan.text()?;
    if holds(&text) { Ok(text) } else { Err(wrong(member, expected)) }
}

fn prev(scan: &mut Scan<'_>) -> Result<Option<Hash>, EntryError> {
    if scan.take(b"null") {
        return Ok(None);
    }
    let text = scan.text()?;
    Hash::from_base64url(&text).map(Some).map_err(|_| wrong("prev", "a leaf hash in base64url"))
}

fn commitments(scan: &mut Scan<'_>) -> Result<BTreeMap<String, Commitment>, EntryError> {
    let mut commitments = BTreeMap::new();
    scan.members(|scan, name| {
        if !is_short(&name) || commitments.len() >= NAMED_MAX {
            return Err(wrong("commit", "at most 64 payloads with short names"));
        }
        commitments.insert(name.into_owned(), commitment(scan)?);
        Ok(())
    })?;
    Ok(commitments)
}

fn commitment(scan: &mut Scan<'_>) -> Result<Commitment, EntryError> {
    at(scan, "commit", b"{\"alg\":")?;
    let alg = text(scan, "commit", "of a known algorithm", |alg| alg == COMMIT_ALG)?.into_owned();
    at(scan, "commit", b",\"hash\":")?;
    let hash = text(scan, "commit", "a digest in base64url", |hash| Hash::from_base64url(hash).is_ok())?.into_owned();
    at(scan, "commit", b",\"len\":")?;
    let len = u64::try_from(scan.integer()?).map_err(|_| wrong("commit", "of a length"))?;
    at(scan, "commit", b",\"type\":")?;
    let media = text(scan, "commit", "of a media type", is_media)?.into_owned();
    at(scan, "commit", b"}")?;
    Ok(Commitment { alg, hash, len, media })
}

fn links(scan: &mut Scan<'_>) -> Result<BTreeMap<String, String>, EntryError> {
    let mut links = BTreeMap::new();
    scan.members(|scan, name| {
        let id = scan.text()?;
        if !is_short(&name) || !is_short(&id) || links.len() >= NAMED_MAX {
            return Err(wrong("links", "at most 64 short ids with short names"));
        }
        links.insert(name.into_owned(), id.into_owned());
        Ok(())
    })?;
    Ok(links)
}

/// 1 to 128 bytes without white space and control characters.
fn is_short(text: &str) -> bool {
    let plain = || text.bytes().all(|byte| byte.is_ascii_graphic());
    !text.is_empty() && text.len() <= NAME_MAX && (plain() || !text.chars().any(|c| c.is_whitespace() || c.is_control()))
}

fn is_media(text: &str) -> bool {
    !text.is_empty() && text.len() <= NAME_MAX && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

/// `name/major`: lower case, digits, dots, dashes and underscores; a major version from 1 to 9999 without leading zeros.
fn is_kind(text: &str) -> bool {
    let Some((name, major)) = text.split_once('/') else { return false };
    let named = name.starts_with(|c: char| c.is_ascii_lowercase()) && name.len() <= NAME_MAX;
    let plain = name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-'));
    let counted = (1..=4).contains(&major.len()) && !major.starts_with('0') && major.bytes().all(|byte| byte.is_ascii_digit());
    named && plain && counted
}

/// A moment that exists, in the one spelling. Leap seconds have none: clocks here smear or repeat.
fn is_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    let shaped = bytes.len() == TIME_SHAPE.len()
        && bytes.iter().zip(TIME_SHAPE).all(|(byte, shape)| if *shape == b'0' { byte.is_ascii_digit() } else { byte == shape });
    let number = |from: usize, until: usize| text.get(from..until).and_then(|digits| digits.parse::<u16>().ok());
    let (Some(year), Some(month), Some(day)) = (number(0, 4), number(5, 7), number(8, 10)) else { return false };
    let (Some(hour), Some(minute), Some(second)) = (number(11, 13), number(14, 16), number(17, 19)) else { return false };
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 => 28 + u16::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    shaped && (1..=12).contains(&month) && (1..=days).contains(&day) && hour < 24 && minute < 60 && second < 60
}
