//! One handshake that takes any certificate, and the judgement of what it showed.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::tools::args::cut;

/// Most certificates of a chain that are looked at.
const CHAIN_MAX: usize = 10;

/// What the other side showed.
pub(super) struct Shaken {
    /// Its own certificate.
    pub(super) leaf: CertificateDer<'static>,
    /// What leads from it to a root, as far as it was sent.
    pub(super) between: Vec<CertificateDer<'static>>,
    /// The version of TLS.
    pub(super) protocol: String,
}

/// The roots that are believed for an endpoint; none where the machine has none.
pub(super) struct Roots(Option<Arc<WebPkiServerVerifier>>);

/// Takes any certificate, but only with a proof that the other side has its key.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _leaf: &CertificateDer<'_>,
        _between: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        said: &[u8],
        leaf: &CertificateDer<'_>,
        by: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(said, leaf, by, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        said: &[u8],
        leaf: &CertificateDer<'_>,
        by: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(said, leaf, by, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

impl Roots {
    /// The roots of a PEM file, or the machine's own.
    pub(super) fn read(file: Option<&Path>) -> Result<Self, String> {
        let mut store = RootCertStore::empty();
        if let Some(file) = file {
            let fault = |error: rustls::pki_types::pem::Error| format!("the roots in `{}` cannot be read: {error}", file.display());
            for root in CertificateDer::pem_file_iter(file).map_err(fault)? {
                store.add(root.map_err(fault)?).map_err(|error| format!("`{}` holds what is no root: {error}", file.display()))?;
            }
            if store.is_empty() {
                return Err(format!("`{}` holds no roots", file.display()));
            }
        } else {
            // Some roots of some machines are not understood; nothing leads to those.
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        if store.is_empty() {
            return Ok(Self(None));
        }
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider()).build();
        verifier.map(|verifier| Self(Some(verifier))).map_err(|error| error.to_string())
    }

    /// Whether a client that believes these roots would take it at this second since 1970; or why not.
    pub(super) fn judge(&self, shaken: &Shaken, name: &ServerName<'_>, now: i64) -> Result<(), String> {
        let verifier = self.0.as_ref().ok_or("this machine has no roots to believe")?;
        let now = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(now).unwrap_or_default()));
        match verifier.verify_server_cert(&shaken.leaf, &shaken.between, name, &[], now) {
            Ok(_) => Ok(()),
            Err(Error::InvalidCertificate(why)) => Err(told(&why)),
            Err(error) => Err(cut(&error.to_string(), 200)),
        }
    }
}

/// Whether the certificate is for this name (RFC 9525), whoever issued it.
pub(super) fn covers(leaf: &CertificateDer<'_>, name: &ServerName<'_>) -> bool {
    ParsedCertificate::try_from(leaf).is_ok_and(|leaf| verify_server_name(&leaf, name).is_ok())
}

/// Shakes hands, and hangs up.
pub(super) async fn shake(address: SocketAddr, name: ServerName<'static>) -> Result<Shaken, String> {
    let provider = provider();
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
    let config = config.map_err(|error| error.to_string())?.dangerous();
    let mut config = config.with_custom_certificate_verifier(Arc::new(AnyCertificate(provider))).with_no_client_auth();
    config.resumption = Resumption::disabled();
    let stream = TcpStream::connect(address).await.map_err(|error| format!("cannot be reached: {error}"))?;
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    let stream = stream.map_err(|error| format!("does not shake hands: {}", cut(&error.to_string(), 200)))?;
    let (_, session) = stream.get_ref();
    let shown = session.peer_certificates().unwrap_or_default();
    let (leaf, between) = shown.split_first().ok_or("shows no certificate")?;
    let protocol = session.protocol_version().and_then(|version| version.as_str()).unwrap_or("unknown").replace("TLSv1_", "TLS 1.");
    Ok(Shaken {
        leaf: leaf.clone().into_owned(),
        between: between.iter().take(CHAIN_MAX).map(|one| one.clone().into_owned()).collect(),
        protocol,
    })
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// The reasons that people meet, in their words.
fn told(why: &CertificateError) -> String {
    let word = if matches!(why, CertificateError::Expired | CertificateError::ExpiredContext { .. }) {
        "expired"
    } else if matches!(why, CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. }) {
        "not valid yet"
    } else if matches!(why, CertificateError::UnknownIssuer | CertificateError::BadSignature) {
        "no chain to a root that is believed"
    } else if matches!(why, CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }) {
        "not for this name"
    } else {
        return cut(&why.to_string(), 200);
    };
    word.to_owned()
}
