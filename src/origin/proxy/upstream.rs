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
/// A bare `HOST:PORT` is one of `http`. A path has no place in it: what is asked for is asked there as it is.
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

    /// What stands in `Host` where the upstream is to see its own name.
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
        let refuse = |why: &'static str| {
            Err(Error::new(Kind::InvalidUpstream {
                upstream: text.to_owned(),
                why,
            }))
        };
        if let Some(path) = text.strip_prefix("unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if !path.starts_with('/') {
                return refuse("the path of a socket begins with a slash");
            }
            // More than one would be a host when it is read again.
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
            return refuse("it is no URL");
        };
        let transport = match uri.scheme_str() {
            Some("http") => Transport::Http,
            Some("https") if cfg!(feature = "tls") => Transport::Https,
            Some("https") => return refuse("this program was built without TLS"),
            _ => return refuse("only http, https and unix are known"),
        };
        let Some(authority) = uri.authority().filter(|name| !name.host().is_empty()) else {
            return refuse("it names no host");
        };
        if authority.as_str().contains('@') {
            return refuse("a password is not sent along; take it out");
        }
        if uri
            .path_and_query()
            .is_some_and(|path| path.as_str() != "/")
        {
            return refuse("it has a path, which no upstream may have; leave it out");
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
    fn addresses_have_a_scheme_a_host_and_no_path() {
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
