//! Client connections: TCP, and TLS over it with the feature `tls`.

#[cfg(not(feature = "tls"))]
mod no_tls;
#[cfg(feature = "tls")]
mod tls;

#[cfg(not(feature = "tls"))]
pub(crate) use crate::http::client_tls::no_tls::*;
#[cfg(feature = "tls")]
pub(crate) use crate::http::client_tls::tls::*;
