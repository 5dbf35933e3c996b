//! TLS for client connections: rustls with ring.

use std::sync::Arc;

use hyper_rustls::HttpsConnector;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_rustls::builderstates::WantsProtocols1;
use hyper_util::client::legacy::connect::HttpConnector as TcpConnector;
use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::error::Error;
use crate::error::Kind;

/// Connects to `http` and `https` URLs.
pub(crate) type HttpConnector = HttpsConnector<TcpConnector>;

/// The URL schemes that can be connected to.
pub(crate) const SCHEMES: &[&str] = &["http", "https"];

/// The root certificates that servers are verified against; by default Mozilla's.
#[derive(Debug, Clone, Default)]
pub(crate) struct RootStore(Option<Arc<RootCertStore>>);

impl RootStore {
    /// Only the certificates in this PEM.
    ///
    /// # Errors
    ///
    /// If there is none, or one is malformed.
    pub(crate) fn from_pem(pem: &[u8]) -> Result<Self, Error> {
        let invalid = |why: String| Error::new(Kind::InvalidRootCertificate(why));
        let mut store = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| invalid(error.to_string()))?;
            store
                .add(certificate)
                .map_err(|error| invalid(error.to_string()))?;
        }
        if store.is_empty() {
            return Err(invalid("it contains no certificate".to_owned()));
        }
        Ok(Self(Some(Arc::new(store))))
    }
}

/// Adds TLS to `tcp`, with HTTP/2 and HTTP/1.1 in ALPN.
pub(crate) fn connector(tcp: TcpConnector, roots: &RootStore) -> HttpConnector {
    builder(roots).enable_all_versions().wrap_connector(tcp)
}

/// Adds TLS to `tcp`, with HTTP/1.1 alone.
pub(crate) fn http1_connector(tcp: TcpConnector, roots: &RootStore) -> HttpConnector {
    builder(roots).enable_http1().wrap_connector(tcp)
}

fn builder(roots: &RootStore) -> HttpsConnectorBuilder<WantsProtocols1> {
    let builder = HttpsConnectorBuilder::new();
    let config = roots.0.clone().and_then(config);
    let builder = match config {
        Some(config) => builder.with_tls_config(config),
        // The provider supports the default versions: this cannot fail.
        None => match HttpsConnectorBuilder::new().with_provider_and_webpki_roots(provider()) {
            Ok(builder) => builder,
            Err(_) => builder.with_webpki_roots(),
        },
    };
    builder.https_or_http()
}

fn config(store: Arc<RootCertStore>) -> Option<ClientConfig> {
    let builder = ClientConfig::builder_with_provider(Arc::new(provider()));
    let builder = builder.with_safe_default_protocol_versions().ok()?;
    Some(builder.with_root_certificates(store).with_no_client_auth())
}

fn provider() -> CryptoProvider {
    ring::default_provider()
}
