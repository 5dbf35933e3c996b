//! Connections without TLS, where the feature `tls` is off: an upstream at `https` is refused when it is named.

use hyper_util::client::legacy::connect::HttpConnector;

use crate::error::Error;
use crate::error::Kind;
use crate::origin::proxy::connect::Protocols;

/// What connects over TCP.
pub(super) type Net = HttpConnector;

/// Nobody has to vouch for anything.
#[derive(Debug, Clone, Default)]
pub(super) struct Trust;

impl Trust {
    pub(super) fn only(_: &[u8]) -> Result<Self, Error> {
        let why = "this program was built without TLS".to_owned();
        Err(Error::new(Kind::InvalidAuthority(why)))
    }
}

pub(super) fn over(http: HttpConnector, _: &Trust, _: Protocols) -> Net {
    http
}
