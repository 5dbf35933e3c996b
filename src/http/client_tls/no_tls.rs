//! Client connections without TLS: an `https` address is rejected when it is parsed.

pub(crate) use hyper_util::client::legacy::connect::HttpConnector;

use crate::error::Error;
use crate::error::Kind;

/// The URL schemes that can be connected to.
pub(crate) const SCHEMES: &[&str] = &["http"];

/// Stands for the root certificates, of which there are none.
#[derive(Debug, Clone, Default)]
pub(crate) struct RootStore(());

impl RootStore {
    /// Always an error.
    pub(crate) fn from_pem(_: &[u8]) -> Result<Self, Error> {
        let why = "this program was built without TLS".to_owned();
        Err(Error::new(Kind::InvalidRootCertificate(why)))
    }
}

/// `tcp` as it is.
pub(crate) fn connector(tcp: HttpConnector, _: &RootStore) -> HttpConnector {
    tcp
}

/// `tcp` as it is.
pub(crate) fn http1_connector(tcp: HttpConnector, _: &RootStore) -> HttpConnector {
    tcp
}
