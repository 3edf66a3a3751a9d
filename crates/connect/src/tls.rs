//! The cryptography under TLS: one provider for the process, chosen here and nowhere else.

use rustls::crypto::CryptoProvider;

/// Makes *ring* the provider of every TLS connection of this process. It does nothing when a provider is there already, so
/// it may be called any number of times and from any thread. [`crate::Prometheus::new`] calls it; the binary should call
/// it first, since the HTTP client panics where no provider is installed, even for plain `http`.
pub fn install_tls() {
    if CryptoProvider::get_default().is_none() {
        // Another thread may have been faster; then its provider stays, and there is one, which is all that is asked for.
        let _beaten = rustls::crypto::ring::default_provider().install_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn installing_twice_leaves_one_provider() {
        install_tls();
        install_tls();
        assert!(CryptoProvider::get_default().is_some());
    }
}
