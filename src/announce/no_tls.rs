//! Connections to webhooks, plain only.

use hyper_util::client::legacy::connect::HttpConnector;

use crate::error::Error;

pub(super) type Connector = HttpConnector;

/// What is connected to.
pub(super) const SCHEMES: &[&str] = &["http"];

/// Speaks HTTP/1.1.
#[expect(clippy::unnecessary_wraps, reason = "with TLS it may fail")]
pub(super) fn connector() -> Result<Connector, Error> {
    let mut http = HttpConnector::new();
    http.set_nodelay(true);
    Ok(http)
}
