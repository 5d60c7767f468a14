//! Whose certificates are believed, and how does a connection become one over TLS? The host's name must be in the certificate, and
//! one of the authorities must have issued it.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream as Encrypted;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::question::Watched;

/// A connection over TLS.
pub(super) type Channel = Watched<Encrypted<TcpStream>>;

/// Who may have issued a database's certificate.
#[derive(Clone)]
pub struct Authorities(Arc<ClientConfig>);

impl fmt::Debug for Authorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authorities")
    }
}

impl Authorities {
    /// The certificates of a PEM file. One that can't be used is left out, for a bundle is used whole in all regions.
    ///
    /// # Errors
    /// None of them can be used.
    pub fn from_pem(pem: &[u8]) -> Result<Self, String> {
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let certificates = certificates.map_err(|error| format!("it is not in PEM ({error})"))?;
        if certificates.is_empty() {
            return Err("it holds no certificate".to_owned());
        }
        let mut roots = RootCertStore::empty();
        let (_, left_out) = roots.add_parsable_certificates(certificates);
        if roots.is_empty() {
            return Err("it holds no certificate of an authority".to_owned());
        }
        if left_out > 0 {
            tracing::warn!(left_out, "certificates of authorities can't be used");
        }
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| format!("TLS can't be set up ({error})"))?;
        Ok(Self(Arc::new(config.with_root_certificates(roots).with_no_client_auth())))
    }

    /// TLS with one host; nothing where that is no host's name.
    pub(super) fn verifying(&self, host: &str) -> Option<Tls> {
        let host = ServerName::try_from(host.to_owned()).ok()?;
        Some(Tls { connector: TlsConnector::from(Arc::clone(&self.0)), host })
    }
}

/// TLS with one host.
pub(super) struct Tls {
    connector: TlsConnector,
    host: ServerName<'static>,
}

impl TlsConnect<TcpStream> for Tls {
    type Stream = Channel;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Channel>> + Send>>;

    fn connect(self, stream: TcpStream) -> Self::Future {
        let handshake = self.connector.connect(self.host, stream);
        Box::pin(async move { handshake.await.map(Watched::new) })
    }
}

impl TlsStream for Channel {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}
