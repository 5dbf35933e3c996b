//! A route: a path whose requests go to other upstreams.

use std::str::FromStr;

use http::HeaderValue;
use http::Request;
use http::Uri;
use http::uri::PathAndQuery;
use percent_encoding::percent_decode_str;

use crate::error::Error;
use crate::error::Kind;
use crate::http::forwarded::Prefix;
use crate::origin::proxy::Upstream;

/// A path and the upstreams for it and everything below: `/api=http://127.0.0.1:9000`.
///
/// `/api` matches `/api` and `/api/…`, `/api/` only the latter; neither matches `/apis`. Several upstreams are separated
/// by commas. With `,strip` at the end, the path is removed from the request target, and sent as `X-Forwarded-Prefix`:
/// `/api=http://127.0.0.1:9000,strip`.
///
/// ```
/// use tidings::Route;
///
/// let route: Route = "/api=http://127.0.0.1:9000,http://127.0.0.1:9001".parse()?;
/// assert_eq!(route.path(), "/api");
/// assert_eq!(route.upstreams().len(), 2);
/// # Ok::<(), tidings::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    path: Box<str>,
    upstreams: Vec<Upstream>,
    strips_path: bool,
}

impl Route {
    /// The path, which starts with a slash.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The upstreams; at least one.
    pub fn upstreams(&self) -> &[Upstream] {
        &self.upstreams
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
        if !self.strips_path {
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
            request.extensions_mut().insert(Prefix(prefix));
        }
    }
}

impl FromStr for Route {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let invalid = |why: &'static str| {
            Error::new(Kind::InvalidRoute {
                route: text.to_owned(),
                why,
            })
        };
        let (path, upstreams) = text
            .split_once('=')
            .ok_or_else(|| invalid("the = is missing"))?;
        if !path.starts_with('/') || path.starts_with("//") || path.contains(['?', '#', '%']) {
            return Err(invalid("the path is not valid"));
        }
        if path == "/" {
            return Err(invalid(
                "it would match every path; proxy the whole site instead",
            ));
        }
        if upstreams == "strip" {
            return Err(invalid("the upstream is missing"));
        }
        let (upstreams, strips_path) = match upstreams.strip_suffix(",strip") {
            Some(upstreams) => (upstreams, true),
            None => (upstreams, false),
        };
        Ok(Self {
            path: path.into(),
            upstreams: upstreams
                .split(',')
                .map(str::parse)
                .collect::<Result<_, _>>()?,
            strips_path,
        })
    }
}

/// True if the path has a `..` segment (RFC 3986, section 3.3), also percent-encoded, or between backslashes.
fn has_parent_segment(path: &str) -> bool {
    if !path.contains(['.', '%']) {
        return false;
    }
    let path = percent_decode_str(path).collect::<Vec<u8>>();
    let mut segments = path.split(|b| matches!(b, b'/' | b'\\'));
    segments.any(|segment| segment == b"..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_accepts_path_and_upstreams() {
        for (text, expected) in [
            ("/api=http://127.0.0.1:9000", Some(("/api", 1))),
            ("/api/=http://a,http://b", Some(("/api/", 2))),
            ("/api=http://a,http://b,strip", Some(("/api", 2))),
            ("/api", None),
            ("api=http://a", None),
            ("/=http://a", None),
            ("//x=http://a", None),
            ("/api=", None),
            ("/api=strip", None),
            ("/api=http://a/b", None),
        ] {
            let route = text.parse::<Route>().ok();
            let found = route
                .as_ref()
                .map(|route| (route.path(), route.upstreams().len()));
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn matches_whole_segments_and_no_parent_segments() {
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
            assert_eq!(
                (route.matches(path), folder.matches(path)),
                expected,
                "{path}"
            );
        }
    }

    #[test]
    fn rewrite_strip_keeps_query_and_never_yields_authority() {
        for (route, uri, expected) in [
            ("/api=http://a,strip", "/api", "/"),
            ("/api=http://a,strip", "/api?x=1", "/?x=1"),
            ("/api=http://a,strip", "/api/users?x=1", "/users?x=1"),
            ("/api/=http://a,strip", "/api/users", "/users"),
            (
                "/api=http://a,strip",
                "/api//evil.example/",
                "/evil.example/",
            ),
            ("/api=http://a", "/api/users?x=1", "/api/users?x=1"),
        ] {
            let route: Route = route.parse().unwrap();
            let mut request = Request::get(uri).body(()).unwrap();
            route.rewrite(&mut request);
            assert_eq!(*request.uri(), *expected, "{uri}");
        }
    }
}
