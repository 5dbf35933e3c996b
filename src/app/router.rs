//! Routes: paths of a site that another server answers.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::str::FromStr;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;

use bytes::Bytes;
use http::HeaderValue;
use http::Request;
use http::Response;
use http::Uri;
use http::uri::PathAndQuery;
use http_body::Body;
use http_body_util::Either;
use percent_encoding::percent_decode_str;
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::error::Error;
use crate::error::Kind;
use crate::http::forwarded::Prefix;
use crate::origin::proxy::Proxy;
use crate::origin::proxy::ProxyBody;
use crate::origin::proxy::ProxyFuture;
use crate::origin::proxy::Upstream;

/// A path, and who answers what is there and below: `/api=http://127.0.0.1:9000`.
///
/// `/api` is for `/api` and `/api/…`, `/api/` for the latter alone; neither for `/apis`. Several upstreams have commas
/// between them; `strip` as the last takes the path off before they are asked: `/api=http://127.0.0.1:9000,strip`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    path: Box<str>,
    upstreams: Vec<Upstream>,
    target: Target,
}

/// What a route asks its upstreams for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    Whole,
    /// Without the route's path, which is told in `X-Forwarded-Prefix`.
    Stripped,
}

impl Route {
    /// The path.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Who answers.
    pub fn upstreams(&self) -> &[Upstream] {
        &self.upstreams
    }

    /// True for the path and what is below. A path that leads up again, in whatever spelling, is below nothing: the
    /// upstream may take it for one that the route does not open.
    pub(crate) fn has(&self, path: &str) -> bool {
        let is_below = path.strip_prefix(&*self.path).is_some_and(|rest| {
            rest.is_empty() || rest.starts_with('/') || self.path.ends_with('/')
        });
        is_below && !leads_up(path)
    }

    /// The request as it is to be asked for.
    pub(crate) fn direct<B>(&self, request: &mut Request<B>) {
        if self.target == Target::Whole {
            return;
        }
        let Some(whole) = request.uri().path_and_query() else {
            return;
        };
        let path = self.path.trim_end_matches('/');
        let rest = whole.as_str().get(path.len()..).unwrap_or("");
        // Two slashes would be a host.
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

/// True if a path has a `..` segment (RFC 3986, section 3.3), also one that is escaped, or between backslashes.
fn leads_up(path: &str) -> bool {
    if !path.contains(['.', '%']) {
        return false;
    }
    let path = percent_decode_str(path).collect::<Vec<u8>>();
    let mut segments = path.split(|b| matches!(b, b'/' | b'\\'));
    segments.any(|segment| segment == b"..")
}

impl FromStr for Route {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let refuse = |why: &'static str| {
            Error::new(Kind::InvalidRoute {
                route: text.to_owned(),
                why,
            })
        };
        let (path, upstreams) = text.split_once('=').ok_or_else(|| refuse("it has no ="))?;
        if !path.starts_with('/') || path.starts_with("//") || path.contains(['?', '#', '%']) {
            return Err(refuse("its path is none"));
        }
        if path == "/" {
            return Err(refuse("it would be all there is; use tidings proxy"));
        }
        if upstreams == "strip" {
            return Err(refuse("it names no upstream"));
        }
        let (upstreams, target) = match upstreams.strip_suffix(",strip") {
            Some(upstreams) => (upstreams, Target::Stripped),
            None => (upstreams, Target::Whole),
        };
        Ok(Self {
            path: path.into(),
            upstreams: upstreams
                .split(',')
                .map(str::parse)
                .collect::<Result<_, _>>()?,
            target,
        })
    }
}

/// A service that gives some paths to proxies, the longest first, and everything else to an inner one.
#[derive(Debug, Clone)]
pub struct Routes<S> {
    inner: S,
    routes: Arc<[(Route, Proxy)]>,
}

impl<S> Routes<S> {
    /// These routes before `inner`.
    pub fn new(inner: S, routes: impl IntoIterator<Item = (Route, Proxy)>) -> Self {
        let mut routes: Vec<_> = routes.into_iter().collect();
        routes.sort_by_key(|(route, _)| std::cmp::Reverse(route.path.len()));
        Self {
            inner,
            routes: routes.into(),
        }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Routes<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>, Error = Infallible>,
    ReqBody: Body<Data = Bytes> + Send + 'static,
    ReqBody::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<Either<ResBody, ProxyBody>>;
    type Error = Infallible;
    type Future = RoutedFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let path = request.uri().path();
        let found = self.routes.iter().find(|(route, _)| route.has(path));
        match found {
            Some((route, proxy)) => {
                route.direct(&mut request);
                RoutedFuture::Proxy {
                    future: proxy.clone().call(request),
                }
            }
            None => RoutedFuture::Inner {
                future: self.inner.call(request),
            },
        }
    }
}

pin_project! {
    /// The answer of [`Routes`] on its way.
    #[project = RoutedProjection]
    pub enum RoutedFuture<F> {
        #[doc(hidden)]
        Inner { #[pin] future: F },
        #[doc(hidden)]
        Proxy { future: ProxyFuture },
    }
}

impl<F, B> Future for RoutedFuture<F>
where
    F: Future<Output = Result<Response<B>, Infallible>>,
{
    type Output = Result<Response<Either<B, ProxyBody>>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            RoutedProjection::Inner { future } => future
                .poll(cx)
                .map_ok(|response| response.map(Either::Left)),
            RoutedProjection::Proxy { future } => Pin::new(future)
                .poll(cx)
                .map_ok(|response| response.map(Either::Right)),
        }
    }
}

impl<F> fmt::Debug for RoutedFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoutedFuture").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_has_a_path_and_upstreams() {
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
    fn a_route_ends_where_a_segment_ends() {
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
            assert_eq!((route.has(path), folder.has(path)), expected, "{path}");
        }
    }

    #[test]
    fn a_stripped_path_keeps_its_query_and_never_becomes_a_host() {
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
            route.direct(&mut request);
            assert_eq!(*request.uri(), *expected, "{uri}");
        }
    }
}
