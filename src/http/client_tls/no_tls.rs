//! Connections without TLS, where the feature `tls` is off: an upstream at `https` is refused when it is named.

use hyper_util::client::legacy::connect::HttpConnector;

use crate::error::Error;
use crate::error::Kind;

/// What connects over TCP.
pub(crate) type Net = HttpConnector;

/// What can be connected to.
pub(crate) const SCHEMES: &[&str] = &["http"];

/// Nobody has to vouch for anything.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trust(());

impl Trust {
    pub(crate) fn only(_: &[u8]) -> Result<Self, Error> {
        let why = "this program was built without TLS".to_owned();
        Err(Error::new(Kind::InvalidRootCertificate(why)))
    }
}

/// TCP as `http` makes it, and what is to be on top.
pub(crate) fn over(http: HttpConnector, _: &Trust) -> Net {
    http
}

/// As [`over`], without HTTP/2 inside.
pub(crate) fn over_http1(http: HttpConnector, _: &Trust) -> Net {
    http
}
