//! What a certificate says of itself (RFC 5280).

use std::net::{Ipv4Addr, Ipv6Addr};

use lineclear_core::digest::Digest;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use x509_cert::der::{Decode as _, Encode as _};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use crate::tools::args::cut;

/// Most names that are told; certificates of large providers have a hundred.
const NAMES_MAX: usize = 100;
/// Longest name that is told, in characters.
const NAME_MAX: usize = 253;

/// The parts of a leaf certificate that people ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::tools) struct Certificate {
    /// Its alternative names: DNS names and addresses, in its own order.
    pub(in crate::tools) names: Vec<String>,
    /// First second at which it is good, since 1970.
    pub(in crate::tools) not_before: i64,
    /// Last second at which it is good, since 1970.
    pub(in crate::tools) not_after: i64,
    /// SHA-256 of its public key with the key's kind (`SubjectPublicKeyInfo`, DER): the same after a renewal with the same key.
    pub(in crate::tools) key: Digest,
    /// SHA-256 of all of it.
    pub(in crate::tools) digest: Digest,
    /// Who issued it (RFC 4514).
    pub(in crate::tools) issuer: String,
}

impl Certificate {
    /// Reads the first certificate of a chain in PEM.
    pub(in crate::tools) fn of_pem(chain: &str) -> Result<Self, String> {
        let leaf = CertificateDer::from_pem_slice(chain.as_bytes()).map_err(|_| "there is no certificate in PEM".to_owned())?;
        Self::read(&leaf)
    }

    /// Reads the DER form.
    pub(in crate::tools) fn read(der: &[u8]) -> Result<Self, String> {
        let unread = |_| "shows a certificate that cannot be read".to_owned();
        let certificate = x509_cert::Certificate::from_der(der).map_err(unread)?.tbs_certificate;
        let names = certificate.get::<SubjectAltName>().map_err(unread)?.map(|(_, names)| names.0).unwrap_or_default();
        let key = certificate.subject_public_key_info.to_der().map_err(unread)?;
        let seconds = |time: x509_cert::time::Time| i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX);
        Ok(Self {
            names: names.iter().filter_map(shown).take(NAMES_MAX).collect(),
            not_before: seconds(certificate.validity.not_before),
            not_after: seconds(certificate.validity.not_after),
            key: Digest::of(&key),
            digest: Digest::of(der),
            issuer: cut(&certificate.issuer.to_string(), NAME_MAX),
        })
    }
}

/// Names of servers only: mail addresses and the like say nothing about an endpoint.
fn shown(name: &GeneralName) -> Option<String> {
    if let GeneralName::DnsName(name) = name {
        return Some(cut(name.as_str(), NAME_MAX));
    }
    let GeneralName::IpAddress(address) = name else { return None };
    let bytes = address.as_bytes();
    let short = <[u8; 4]>::try_from(bytes).map(|bytes| Ipv4Addr::from(bytes).to_string());
    short.or_else(|_| <[u8; 16]>::try_from(bytes).map(|bytes| Ipv6Addr::from(bytes).to_string())).ok()
}
