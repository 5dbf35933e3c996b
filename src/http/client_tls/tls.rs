//! TLS towards upstreams: rustls with ring, HTTP/2 and HTTP/1.1 by ALPN.

use std::sync::Arc;

use hyper_rustls::HttpsConnector;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_rustls::builderstates::WantsProtocols1;
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::error::Error;
use crate::error::Kind;

/// What connects over TCP, with TLS where the address says so.
pub(crate) type Net = HttpsConnector<HttpConnector>;

/// What can be connected to.
pub(crate) const SCHEMES: &[&str] = &["http", "https"];

/// Who may vouch for upstreams: those that browsers trust, or these.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trust(Option<Arc<RootCertStore>>);

impl Trust {
    /// Only the authorities whose certificates are in this text, in PEM.
    pub(crate) fn only(pem: &[u8]) -> Result<Self, Error> {
        let refuse = |why: String| Error::new(Kind::InvalidRootCertificate(why));
        let mut store = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| refuse(error.to_string()))?;
            store
                .add(certificate)
                .map_err(|error| refuse(error.to_string()))?;
        }
        if store.is_empty() {
            return Err(refuse("there is no certificate in it".to_owned()));
        }
        Ok(Self(Some(Arc::new(store))))
    }
}

/// TCP as `http` makes it, and what is to be on top.
pub(crate) fn over(http: HttpConnector, trust: &Trust) -> Net {
    builder(trust).enable_all_versions().wrap_connector(http)
}

/// As [`over`], without HTTP/2 inside.
pub(crate) fn over_http1(http: HttpConnector, trust: &Trust) -> Net {
    builder(trust).enable_http1().wrap_connector(http)
}

fn builder(trust: &Trust) -> HttpsConnectorBuilder<WantsProtocols1> {
    let builder = HttpsConnectorBuilder::new();
    let config = trust.0.clone().and_then(config);
    let builder = match config {
        Some(config) => builder.with_tls_config(config),
        // The provider speaks these versions: it can't fail.
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
