//! Connections to servers: over TCP, and with TLS where the feature `tls` is on.

#[cfg(not(feature = "tls"))]
mod no_tls;
#[cfg(feature = "tls")]
mod tls;

#[cfg(not(feature = "tls"))]
pub(crate) use crate::http::client_tls::no_tls::*;
#[cfg(feature = "tls")]
pub(crate) use crate::http::client_tls::tls::*;
