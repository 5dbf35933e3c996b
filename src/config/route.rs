//! Routes: paths of a site that other servers answer.

use std::str::FromStr;

use http::HeaderValue;
use http::Request;
use http::Uri;
use http::uri::PathAndQuery;

use crate::error::Error;
use crate::error::Kind;
use crate::http::context::RequestContext;
use crate::http::path::has_parent_segment;
use crate::origin::proxy::Upstream;

/// A path, and the upstreams that answer requests for it and below it: `/api=http://127.0.0.1:9000`.
///
/// `/api` matches `/api` and `/api/…`, `/api/` only the latter, neither `/apis`. A path in the address replaces the
/// route's path in requests, as in nginx's `proxy_pass`: with `/api=http://127.0.0.1:9000/`, `/api/users` is forwarded as
/// `/users`. `/` is the only such path so far; after the path of a socket it follows a colon, as in
/// `/api=unix:/run/api.sock:/`.
///
/// ```
/// use tidings::Route;
///
/// let route = Route::new("/api", &["http://127.0.0.1:9000", "http://127.0.0.1:9001"])?;
/// assert_eq!(route.path(), "/api");
/// assert_eq!(route.upstreams().len(), 2);
/// # Ok::<(), tidings::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    path: Box<str>,
    upstreams: Vec<Upstream>,
    prefix: RoutePrefix,
}

/// What becomes of the route's path in forwarded requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RoutePrefix {
    Keep,
    /// Removed, and sent in `X-Forwarded-Prefix`.
    Strip,
}

impl Route {
    /// A route from `path` to the upstreams at these addresses.
    ///
    /// # Errors
    ///
    /// If the path or an address is invalid, if there is no address, or if only some of them have a path.
    pub fn new(path: &str, addresses: &[impl AsRef<str>]) -> Result<Self, Error> {
        let invalid = |why| {
            let addresses: Vec<_> = addresses.iter().map(AsRef::as_ref).collect();
            Error::new(Kind::InvalidRoute {
                route: format!("{path}={}", addresses.join(",")),
                why,
            })
        };
        if !path.starts_with('/') || path.starts_with("//") || path.contains(['?', '#', '%']) {
            return Err(invalid(
                "the path must start with one slash and have no query or escape",
            ));
        }
        if path == "/" {
            return Err(invalid(
                "it would match every request; make it the upstream of the site",
            ));
        }
        let mut upstreams = Vec::new();
        let mut prefixes = Vec::new();
        for address in addresses {
            let (address, prefix) = split_address(address.as_ref());
            upstreams.push(address.parse()?);
            prefixes.push(prefix);
        }
        let Some(prefix) = prefixes.first().copied() else {
            return Err(invalid("it has no upstream"));
        };
        if prefixes.iter().any(|other| *other != prefix) {
            return Err(invalid(
                "only some addresses end in a slash, which removes the path of the route",
            ));
        }
        Ok(Self {
            path: path.into(),
            upstreams,
            prefix,
        })
    }

    /// Parses routes as options have them; those with the same path become one, with all their upstreams.
    pub(crate) fn parse_all(texts: &[String]) -> Result<Vec<Self>, Error> {
        let mut routes: Vec<(&str, Vec<&str>)> = Vec::new();
        for text in texts {
            let (path, address) = split(text)?;
            match routes.iter_mut().find(|(known, _)| *known == path) {
                Some((_, addresses)) => addresses.push(address),
                None => routes.push((path, vec![address])),
            }
        }
        routes
            .iter()
            .map(|(path, addresses)| Self::new(path, addresses))
            .collect()
    }

    /// The path.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The upstreams that requests are forwarded to.
    pub fn upstreams(&self) -> &[Upstream] {
        &self.upstreams
    }

    /// The addresses that [`new`](Self::new) takes.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = String> {
        self.upstreams.iter().map(|upstream| {
            let address = upstream.to_string();
            match self.prefix {
                RoutePrefix::Keep => address,
                RoutePrefix::Strip if address.starts_with(SOCKET) => format!("{address}:/"),
                RoutePrefix::Strip => format!("{address}/"),
            }
        })
    }

    /// True for the path and everything below it. False for paths with a `..` segment: the upstream may resolve it to a
    /// path outside the route.
    pub(crate) fn matches(&self, path: &str) -> bool {
        let is_below = path.strip_prefix(&*self.path).is_some_and(|rest| {
            rest.is_empty() || rest.starts_with('/') || self.path.ends_with('/')
        });
        is_below && !has_parent_segment(path)
    }

    /// Changes a matching request into the one for the upstreams.
    pub(crate) fn rewrite<B>(&self, request: &mut Request<B>) {
        if self.prefix == RoutePrefix::Keep {
            return;
        }
        let Some(target) = request.uri().path_and_query() else {
            return;
        };
        let path = self.path.trim_end_matches('/');
        let rest = target.as_str().get(path.len()..).unwrap_or("");
        // `//` at the beginning could be read as the start of an authority.
        let rest = format!("/{}", rest.trim_start_matches('/'));
        let prefix = HeaderValue::try_from(path);
        let mut parts = request.uri().clone().into_parts();
        parts.path_and_query = PathAndQuery::try_from(rest).ok();
        if let (Ok(uri), Ok(prefix)) = (Uri::from_parts(parts), prefix) {
            *request.uri_mut() = uri;
            RequestContext::get_mut(request.extensions_mut()).removed_prefix = Some(prefix);
        }
    }
}

impl FromStr for Route {
    type Err = Error;

    /// A path and one address: `/api=http://127.0.0.1:9000`.
    fn from_str(text: &str) -> Result<Self, Error> {
        let (path, address) = split(text)?;
        Self::new(path, &[address])
    }
}

/// The path and the address.
fn split(text: &str) -> Result<(&str, &str), Error> {
    text.split_once('=').ok_or_else(|| {
        Error::new(Kind::InvalidRoute {
            route: text.to_owned(),
            why: "it has no =",
        })
    })
}

/// The address of the upstream, and what its path says.
fn split_address(address: &str) -> (&str, RoutePrefix) {
    let stripped = match address.strip_suffix('/') {
        Some(rest) if address.starts_with(SOCKET) => rest.strip_suffix(':'),
        // Not the slashes after a scheme.
        Some(rest) if !rest.ends_with('/') => Some(rest),
        _ => None,
    };
    stripped.map_or((address, RoutePrefix::Keep), |rest| {
        (rest, RoutePrefix::Strip)
    })
}

const SOCKET: &str = "unix:";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn route_takes_a_path_and_an_address() {
        for (text, expected) in [
            ("/api=http://127.0.0.1:9000", Some("http://127.0.0.1:9000")),
            ("/api/=http://a", Some("http://a")),
            ("/api=http://a/", Some("http://a/")),
            ("/api=a:80", Some("http://a:80")),
            ("/api=a:80/", Some("http://a:80/")),
            ("/api=unix:/run/a.sock", Some("unix:/run/a.sock")),
            ("/api=unix:/run/a.sock:/", Some("unix:/run/a.sock:/")),
            ("/api", None),
            ("api=http://a", None),
            ("/=http://a", None),
            ("//x=http://a", None),
            ("/api=", None),
            ("/api=/", None),
            ("/api=http://", None),
            ("/api=http://a/b", None),
            ("/api=http://a/b/", None),
            ("/api=http://a,http://b", None),
        ] {
            let route = text.parse::<Route>().ok();
            let address = route.as_ref().and_then(|route| route.addresses().next());
            assert_eq!(address.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn route_repeated_path_adds_an_upstream() {
        let texts = ["/api=http://a", "/ws=http://w", "/api=http://b"].map(str::to_owned);
        let routes = Route::parse_all(&texts).unwrap();
        let found: Vec<_> = routes
            .iter()
            .map(|route| (route.path(), route.upstreams().len()))
            .collect();
        assert_eq!(found, [("/api", 2), ("/ws", 1)]);
        let mixed = ["/api=http://a", "/api=http://b/"].map(str::to_owned);
        assert!(Route::parse_all(&mixed).is_err());
        assert!(Route::new("/api", &[] as &[&str]).is_err());
    }

    #[test]
    fn route_path_matches_whole_segments() {
        let route: Route = "/api=http://a".parse().unwrap();
        let folder: Route = "/api/=http://a".parse().unwrap();
        for (path, expected) in [
            ("/api", (true, false)),
            ("/api/", (true, true)),
            ("/api/x", (true, true)),
            ("/apis", (false, false)),
            ("/", (false, false)),
            ("/api/..", (false, false)),
            ("/api/x/../../log", (false, false)),
            ("/api/%2e%2E/log", (false, false)),
            ("/api/..%2flog", (false, false)),
            ("/api/..%5Clog", (false, false)),
            ("/api/x..y", (true, true)),
        ] {
            let found = (route.matches(path), folder.matches(path));
            assert_eq!(found, expected, "{path}");
        }
    }

    #[test]
    fn stripped_path_keeps_its_query_and_never_becomes_a_host() {
        for (route, uri, expected) in [
            ("/api=http://a/", "/api", "/"),
            ("/api=http://a/", "/api?x=1", "/?x=1"),
            ("/api=http://a/", "/api/users?x=1", "/users?x=1"),
            ("/api/=http://a/", "/api/users", "/users"),
            ("/api=http://a/", "/api//evil.example/", "/evil.example/"),
            ("/api=http://a", "/api/users?x=1", "/api/users?x=1"),
        ] {
            let route: Route = route.parse().unwrap();
            let mut request = Request::get(uri).body(()).unwrap();
            route.rewrite(&mut request);
            assert_eq!(*request.uri(), *expected, "{uri}");
        }
    }
}
