//! An upstream: the address of a server behind the proxy.

use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use http::Uri;
use http::uri::Authority;
use http::uri::Scheme;

use crate::error::Error;
use crate::error::Kind;

/// The address of a server behind a [`Proxy`](crate::Proxy): `http://127.0.0.1:3000`, `https://app.example`, or
/// `unix:/run/app.sock`. `Clone` is cheap.
///
/// `HOST:PORT` without a scheme is an `http` URL. There is no path: the request target is forwarded unchanged. `https`
/// needs the feature `tls`.
///
/// ```
/// use tidings::Upstream;
///
/// let upstream: Upstream = "127.0.0.1:3000".parse()?;
/// assert_eq!(upstream.to_string(), "http://127.0.0.1:3000");
/// assert!("http://127.0.0.1:3000/app".parse::<Upstream>().is_err());
/// # Ok::<(), tidings::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Upstream {
    transport: Transport,
    authority: Authority,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Transport {
    Http,
    Https,
    Unix(Arc<Path>),
}

impl Upstream {
    pub(crate) fn transport(&self) -> &Transport {
        &self.transport
    }

    /// The host and port; `localhost` for a Unix socket.
    pub(crate) fn authority(&self) -> &Authority {
        &self.authority
    }

    pub(crate) fn scheme(&self) -> Scheme {
        match self.transport {
            Transport::Https => Scheme::HTTPS,
            Transport::Http | Transport::Unix(_) => Scheme::HTTP,
        }
    }
}

impl FromStr for Upstream {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let invalid = |why: &'static str| {
            Err(Error::new(Kind::InvalidUpstream {
                upstream: text.to_owned(),
                why,
            }))
        };
        if let Some(path) = text.strip_prefix("unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if !path.starts_with('/') {
                return invalid("the path of the socket is not absolute");
            }
            // `Display` would otherwise write `unix://…`, which is parsed differently.
            let path = format!("/{}", path.trim_start_matches('/'));
            return Ok(Self {
                transport: Transport::Unix(Path::new(&path).into()),
                authority: Authority::from_static("localhost"),
            });
        }
        let address = if text.contains("://") {
            text.to_owned()
        } else {
            format!("http://{text}")
        };
        let Ok(uri) = address.parse::<Uri>() else {
            return invalid("not a URL");
        };
        let transport = match uri.scheme_str() {
            Some("http") => Transport::Http,
            Some("https") if cfg!(feature = "tls") => Transport::Https,
            Some("https") => return invalid("this program was built without TLS"),
            _ => return invalid("the scheme must be http, https or unix"),
        };
        let Some(authority) = uri.authority().filter(|name| !name.host().is_empty()) else {
            return invalid("the host is missing");
        };
        if authority.as_str().contains('@') {
            return invalid("credentials in the URL are not supported");
        }
        if uri
            .path_and_query()
            .is_some_and(|path| path.as_str() != "/")
        {
            return invalid("a path is not supported");
        }
        Ok(Self {
            transport,
            authority: authority.clone(),
        })
    }
}

impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.transport {
            Transport::Unix(path) => write!(f, "unix:{}", path.display()),
            Transport::Http | Transport::Https => {
                write!(f, "{}://{}", self.scheme(), self.authority)
            }
        }
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Upstream({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_accepts_scheme_and_host_without_path() {
        for (text, expected) in [
            ("http://127.0.0.1:3000", Some("http://127.0.0.1:3000")),
            ("http://[::1]:3000/", Some("http://[::1]:3000")),
            ("localhost:5173", Some("http://localhost:5173")),
            ("app", Some("http://app")),
            ("unix:/run/app.sock", Some("unix:/run/app.sock")),
            ("unix:///run/app.sock", Some("unix:/run/app.sock")),
            ("unix:////run/app.sock", Some("unix:/run/app.sock")),
            ("unix:app.sock", None),
            ("http://host/app", None),
            ("http://host/?x", None),
            ("http://user:secret@host", None),
            ("ftp://host", None),
            ("http://", None),
            ("", None),
            ("a b", None),
        ] {
            let upstream = text.parse::<Upstream>().ok();
            let upstream = upstream.map(|upstream| upstream.to_string());
            assert_eq!(upstream.as_deref(), expected, "{text}");
        }
    }
}
