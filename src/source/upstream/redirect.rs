//! Redirects of an upstream: to another path on the same host, or to the same host by `https`.

use http::Uri;

use crate::http::uri;

/// The scheme of a request, as the `X-Forwarded-Proto` and `Forwarded` headers give it.
///
/// An application behind a proxy that ends TLS redirects requests by `http` to `https`, and reads the scheme from these
/// headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Scheme {
    #[default]
    Http,
    Https,
}

/// The target of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RequestTarget {
    /// The path, and the query if there is one.
    pub(crate) path: String,
    pub(crate) scheme: Scheme,
}

impl RequestTarget {
    /// The target of a redirect by `location` on `host`; `None` if it is on another host. If the host is unknown, a
    /// redirect to the same path by `https` is taken to be on it.
    ///
    /// By `https` the port is ignored: what ends TLS listens on another one than the application. A redirect to the same
    /// path without a scheme means `https`, too: a proxy may have removed the scheme.
    pub(crate) fn follow(&self, location: &str, host: Option<&str>) -> Option<Self> {
        let location = location.split('#').next().unwrap_or_default();
        if location.contains("://") || location.starts_with("//") {
            return self.follow_absolute(location, host);
        }
        let path = if location.starts_with('?') {
            let own = self.path.split('?').next().unwrap_or_default();
            format!("{own}{location}")
        } else {
            uri::resolve(&self.path, location)?.path_and_query()
        };
        let scheme = if path == self.path {
            Scheme::Https
        } else {
            self.scheme
        };
        Some(Self { path, scheme })
    }

    fn follow_absolute(&self, location: &str, host: Option<&str>) -> Option<Self> {
        let own = match self.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        };
        let absolute = location
            .starts_with("//")
            .then(|| format!("{own}:{location}"));
        let uri: Uri = absolute.as_deref().unwrap_or(location).parse().ok()?;
        let authority = uri.authority()?;
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let (scheme, is_own) = match (uri.scheme_str()?, host) {
            ("https", Some(host)) => {
                let name = authority.host();
                let is_own = name.eq_ignore_ascii_case(without_port(host));
                (Scheme::Https, is_own)
            }
            ("https", None) => {
                let is_upgrade = self.scheme == Scheme::Http;
                (Scheme::Https, is_upgrade && path == self.path)
            }
            ("http", Some(host)) => {
                let is_own = authority.as_str().eq_ignore_ascii_case(host);
                (Scheme::Http, is_own)
            }
            _ => return None,
        };
        is_own.then(|| Self {
            path: path.to_owned(),
            scheme,
        })
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const APP: Option<&str> = Some("app.example:3000");

    #[track_caller]
    fn check(scheme: Scheme, location: &str, host: Option<&str>, expected: Option<(&str, Scheme)>) {
        let path = "/a/b?c".to_owned();
        let next = RequestTarget { path, scheme }.follow(location, host);
        let next = next.as_ref().map(|next| (next.path.as_str(), next.scheme));
        assert_eq!(next, expected, "{location} on {host:?}");
    }

    #[test]
    fn redirect_on_the_same_host_is_followed_by_its_scheme() {
        use Scheme::Http;
        use Scheme::Https;
        for (location, host, expected) in [
            ("/x?y#z", None, Some(("/x?y", Http))),
            ("x", None, Some(("/a/x", Http))),
            ("../x", None, Some(("/x", Http))),
            ("?d", None, Some(("/a/b?d", Http))),
            ("./x", None, Some(("/a/x", Http))),
            ("/a/b?c", None, Some(("/a/b?c", Https))),
            ("b?c#d", None, Some(("/a/b?c", Https))),
            ("//app.example:3000/x", APP, Some(("/x", Http))),
            ("http://App.example:3000/x", APP, Some(("/x", Http))),
            ("http://app.example:3000/a/b?c", APP, Some(("/a/b?c", Http))),
            ("http://app.example/x", APP, None),
            (
                "https://app.example:3000/a/b?c",
                APP,
                Some(("/a/b?c", Https)),
            ),
            ("https://app.example/a/b?c", APP, Some(("/a/b?c", Https))),
            ("HTTPS://app.example", APP, Some(("/", Https))),
            (
                "https://app.example:8443/",
                Some("app.example"),
                Some(("/", Https)),
            ),
            ("https://[::1]/", Some("[::1]:3000"), Some(("/", Https))),
            ("https://[::1]/", Some("[::1]"), Some(("/", Https))),
            ("https://www.app.example/", APP, None),
            ("https://app.example/", None, None),
            ("https://app.example/a/b?c", None, Some(("/a/b?c", Https))),
            ("http://app.example/a/b?c", None, None),
            ("ftp://app.example:3000/", APP, None),
            ("https://", APP, None),
        ] {
            check(Http, location, host, expected);
        }
        for (location, expected) in [
            ("/x", Some(("/x", Https))),
            ("//app.example:3000/x", Some(("/x", Https))),
            ("http://app.example:3000/x", Some(("/x", Http))),
        ] {
            check(Https, location, APP, expected);
        }
        check(Https, "https://app.example/a/b?c", None, None);
    }
}
