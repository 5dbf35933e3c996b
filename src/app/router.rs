//! The router: requests below some paths go to proxies.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;

use bytes::Bytes;
use http::Request;
use http::Response;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::config::route::Route;
use crate::error::BoxError;
use crate::http::body::Body;
use crate::origin::proxy::Proxy;
use crate::origin::proxy::ProxyFuture;

/// Adds [`Routes`] to a service.
#[derive(Debug, Clone)]
pub(crate) struct RouterLayer {
    routes: Arc<[(Route, Proxy)]>,
}

impl RouterLayer {
    pub(crate) fn new(routes: impl IntoIterator<Item = (Route, Proxy)>) -> Self {
        let mut routes: Vec<_> = routes.into_iter().collect();
        routes.sort_by_key(|(route, _)| std::cmp::Reverse(route.path().len()));
        Self {
            routes: routes.into(),
        }
    }

    /// The proxies of the routes.
    pub(crate) fn proxies(&self) -> impl Iterator<Item = &Proxy> {
        self.routes.iter().map(|(_, proxy)| proxy)
    }
}

impl<S> Layer<S> for RouterLayer {
    type Service = Routes<S>;

    fn layer(&self, inner: S) -> Routes<S> {
        Routes {
            inner,
            routes: Arc::clone(&self.routes),
        }
    }
}

/// A service that sends requests below some paths to proxies, and all others to an inner service.
///
/// The route with the longest matching path wins.
///
/// ```
/// use tidings::Proxy;
/// use tidings::Route;
/// use tidings::Routes;
/// use tidings::Site;
/// use tidings::StaticFiles;
///
/// let route: Route = "/api=http://127.0.0.1:9000".parse()?;
/// let proxy = Proxy::new(route.upstreams().iter().cloned())?;
/// let service = Routes::new(StaticFiles::new(Site::new()), [(route, proxy)]);
/// # Ok::<(), tidings::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Routes<S> {
    inner: S,
    routes: Arc<[(Route, Proxy)]>,
}

impl<S> Routes<S> {
    /// Adds these routes to `inner`.
    pub fn new(inner: S, routes: impl IntoIterator<Item = (Route, Proxy)>) -> Self {
        RouterLayer::new(routes).layer(inner)
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Routes<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>, Error = Infallible>,
    ResBody: http_body::Body + Send + 'static,
    ResBody::Error: Into<BoxError>,
    ReqBody: http_body::Body<Data = Bytes> + Send + 'static,
    ReqBody::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = RoutedFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let path = request.uri().path();
        let mut routes = self.routes.iter();
        match routes.find(|(route, _)| route.matches(path)) {
            Some((route, proxy)) => {
                route.rewrite(&mut request);
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
    /// The response future of [`Routes`].
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
    B: http_body::Body + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Output = Result<Response<Body>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            RoutedProjection::Inner { future } => {
                future.poll(cx).map_ok(|response| response.map(Body::new))
            }
            RoutedProjection::Proxy { future } => Pin::new(future).poll(cx),
        }
    }
}

impl<F> fmt::Debug for RoutedFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoutedFuture").finish_non_exhaustive()
    }
}
