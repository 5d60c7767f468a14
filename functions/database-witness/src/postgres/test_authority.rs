//! Certificates for the tests: an authority's, one that it issued for `localhost` with its key, and another authority's. They are
//! good from 2000 to 2099, and nobody but these tests believes them.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// The authority.
pub(crate) const PEM: &str = include_str!("certificates/authority.pem");
/// Another one, which issued nothing.
pub(crate) const ANOTHER: &str = include_str!("certificates/another.pem");
/// The certificate for `localhost`, and its key.
const LOCALHOST: &[u8] = include_bytes!("certificates/localhost.pem");

/// Takes connections over TLS as `localhost`.
pub(crate) fn localhost() -> TlsAcceptor {
    let certificates = CertificateDer::pem_slice_iter(LOCALHOST).map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_slice(LOCALHOST).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// A file that is gone when the test ends.
pub(crate) struct PemFile(PathBuf);

impl PemFile {
    pub(crate) fn with(text: &str) -> Self {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let name = format!("witness-{}-{}.pem", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, text).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for PemFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
