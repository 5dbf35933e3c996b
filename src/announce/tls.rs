//! Connections to webhooks, plain or by TLS.

use hyper_rustls::HttpsConnector;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::crypto::ring;

use crate::error::Error;
use crate::error::Kind;

pub(super) type Connector = HttpsConnector<HttpConnector>;

/// What is connected to.
pub(super) const SCHEMES: &[&str] = &["http", "https"];

/// Trusts whom Mozilla trusts, and speaks HTTP/1.1.
pub(super) fn connector() -> Result<Connector, Error> {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    // The provider is named: there may be another in the process.
    let tls = HttpsConnectorBuilder::new()
        .with_provider_and_webpki_roots(ring::default_provider())
        .map_err(|error| Error::new(Kind::Announce(format!("can't set up TLS: {error}"))))?;
    Ok(tls.https_or_http().enable_http1().wrap_connector(http))
}
