//! The `Host` that upstreams get.

use std::fmt;
use std::str::FromStr;

use http::uri::Authority;

use crate::error::Error;
use crate::error::Kind;

/// The `Host` of requests to upstreams (`:authority` in HTTP/2).
///
/// Whatever it is, `X-Forwarded-Host` and `Forwarded` carry the one of the client's request.
///
/// ```
/// use tidings::HostHeader;
///
/// assert_eq!("keep".parse::<HostHeader>()?, HostHeader::Keep);
/// assert_eq!("upstream".parse::<HostHeader>()?, HostHeader::Upstream);
/// assert!(matches!("app.example:8080".parse::<HostHeader>()?, HostHeader::Name(_)));
/// # Ok::<(), tidings::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum HostHeader {
    /// The one of the client's request.
    #[default]
    Keep,
    /// The host and port of the upstream's address; `localhost` for a Unix socket.
    Upstream,
    /// This one, always.
    Name(Authority),
}

impl fmt::Display for HostHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keep => f.write_str("keep"),
            Self::Upstream => f.write_str("upstream"),
            Self::Name(name) => f.write_str(name.as_str()),
        }
    }
}

impl FromStr for HostHeader {
    type Err = Error;

    /// `keep`, `upstream`, or a host with an optional port.
    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "keep" => Ok(Self::Keep),
            "upstream" => Ok(Self::Upstream),
            name => match name.parse::<Authority>() {
                Ok(name) if !name.as_str().contains('@') => Ok(Self::Name(name)),
                _ => Err(Error::new(Kind::InvalidHostHeader(text.to_owned()))),
            },
        }
    }
}
