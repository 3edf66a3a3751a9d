//! The records of one name and type, as texts that can be compared and as data that can be sent.

use std::net::{Ipv4Addr, Ipv6Addr};

use hickory_proto::rr::rdata::{A, AAAA, CNAME, TXT};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};

/// Longest character string in a TXT record (RFC 1035 §3.3).
const TXT_MAX: usize = 255;

/// All records of one name and type; none is possible.
#[derive(Debug, Clone)]
pub(in crate::tools) struct Records {
    name: Name,
    shown: String,
    kind: RecordType,
    data: Vec<RData>,
}

impl Records {
    /// Reads name, type and values; the name has to lie in the zone.
    pub fn read(zone: &Name, name: &str, kind: &str, values: &[&str]) -> Result<Self, String> {
        let owner = absolute(name)?;
        if !zone.zone_of(&owner) {
            return Err(format!("`{owner}` does not lie in the zone `{zone}`"));
        }
        let (kind, read): (RecordType, fn(&str) -> Option<RData>) = match kind {
            "A" => (RecordType::A, |text| text.parse::<Ipv4Addr>().ok().map(|address| RData::A(A(address)))),
            "AAAA" => (RecordType::AAAA, |text| text.parse::<Ipv6Addr>().ok().map(|address| RData::AAAA(AAAA(address)))),
            "CNAME" => (RecordType::CNAME, |text| absolute(text).ok().map(|name| RData::CNAME(CNAME(name)))),
            "TXT" => (RecordType::TXT, |text| (text.len() <= TXT_MAX).then(|| RData::TXT(TXT::from_bytes(vec![text.as_bytes()])))),
            _ => return Err("`type` is `A`, `AAAA`, `CNAME` or `TXT`".into()),
        };
        let data: Option<Vec<RData>> = values.iter().map(|text| read(text)).collect();
        let data = data.ok_or_else(|| format!("a value is no {kind} record"))?;
        let shown = owner.to_lowercase().to_ascii();
        Ok(Self { name: owner, shown: shown.trim_end_matches('.').to_owned(), kind, data })
    }

    pub(crate) const fn name(&self) -> &Name {
        &self.name
    }

    pub(crate) const fn kind(&self) -> RecordType {
        self.kind
    }

    /// As people say it: `www.example.test A`.
    pub fn title(&self) -> String {
        format!("{} {}", self.shown, self.kind)
    }

    /// The values as sorted texts.
    pub fn texts(&self) -> Vec<String> {
        sorted(self.data.iter())
    }

    /// The values as zone files spell them (RFC 1035 §5.1), for servers that are told in text.
    pub(super) fn contents(&self) -> Vec<String> {
        let one = |data: &RData| {
            if let RData::CNAME(name) = data {
                return format!("{}.", name.0.to_lowercase().to_ascii().trim_end_matches('.'));
            }
            let RData::TXT(text) = data else { return data.to_string() };
            text.txt_data.iter().map(|part| quoted(part)).collect::<Vec<_>>().join(" ")
        };
        self.data.iter().map(one).collect()
    }

    /// What such texts say, for this name and type, as sorted texts.
    pub(super) fn read_contents<'a>(&self, contents: impl Iterator<Item = &'a str>) -> Result<Vec<String>, String> {
        let kind = self.kind.to_string();
        let values: Vec<String> =
            contents.map(|text| if self.kind == RecordType::TXT { unquoted(text) } else { text.to_owned() }).collect();
        if self.kind == RecordType::TXT {
            // Several strings of one record may be longer together than one of them is.
            let mut values = values;
            values.sort_unstable();
            values.dedup();
            return Ok(values);
        }
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        Self::read(&self.name, &self.name.to_ascii(), &kind, &values).map(|read| read.texts())
    }

    /// One record for each value.
    pub fn records(&self, class: DNSClass, ttl: u32) -> impl Iterator<Item = Record> {
        self.data.iter().map(move |data| {
            let mut record = Record::from_rdata(self.name.clone(), ttl, data.clone());
            record.dns_class = class;
            record
        })
    }

    /// The values of these records that have our name and type, as sorted texts.
    pub fn matching(&self, answers: &[Record]) -> Vec<String> {
        sorted(answers.iter().filter(|record| record.name == self.name && record.record_type() == self.kind).map(|record| &record.data))
    }
}

fn sorted<'a>(data: impl Iterator<Item = &'a RData>) -> Vec<String> {
    let mut texts: Vec<String> = data
        .map(|data| {
            if let RData::CNAME(name) = data {
                return name.0.to_lowercase().to_ascii();
            }
            let RData::TXT(text) = data else { return data.to_string() };
            text.txt_data.iter().map(|part| String::from_utf8_lossy(part)).collect()
        })
        .map(|text| text.trim_end_matches('.').to_owned())
        .collect();
    texts.sort_unstable();
    texts.dedup();
    texts
}

/// One character string in quotes; what is no plain character is a number of three digits (RFC 1035 §5.1).
fn quoted(bytes: &[u8]) -> String {
    let one = |byte: &u8| match byte {
        b'"' | b'\\' => format!("\\{}", char::from(*byte)),
        b' '..=b'~' => char::from(*byte).to_string(),
        other => format!("\\{other:03}"),
    };
    format!("\"{}\"", bytes.iter().map(one).collect::<String>())
}

/// What one or several strings in quotes say together.
fn unquoted(text: &str) -> String {
    let (mut bytes, mut inside, mut rest) = (Vec::new(), false, text.bytes());
    while let Some(byte) = rest.next() {
        match byte {
            b'"' => inside = !inside,
            b'\\' => match rest.next() {
                Some(first @ b'0'..=b'9') => {
                    let digits = [Some(first), rest.next(), rest.next()];
                    let number = digits.iter().flatten().fold(0_u16, |sum, digit| sum * 10 + u16::from(digit.wrapping_sub(b'0').min(9)));
                    bytes.push(u8::try_from(number).unwrap_or(b'?'));
                }
                Some(other) => bytes.push(other),
                None => {}
            },
            // What stands outside of quotes is a string of its own, or the space between two.
            b' ' if !inside => {}
            other => bytes.push(other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A name from text, always absolute.
pub(in crate::tools) fn absolute(text: &str) -> Result<Name, String> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    let name = if plain { Name::from_ascii(text).ok() } else { None };
    let mut name = name.ok_or_else(|| format!("`{}` is no DNS name", super::super::args::cut(text, 80)))?;
    name.set_fqdn(true);
    Ok(name)
}
