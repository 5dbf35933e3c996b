//! The service of the middleware: reserved paths, and pages with the client script.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use bytes::Buf;
use http::Request;
use http::Response;
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::client::script_tag_builder::ScriptTagBuilder;
use crate::csp::page_origin::PageOrigin;
use crate::endpoint::reserved_paths::ReservedFuture;
use crate::endpoint::reserved_paths::ReservedPaths;
use crate::error::BoxError;
use crate::http::body::Body;
use crate::http::prefix::ReservedPrefix;
use crate::notify::if_match;
pub(crate) use crate::notify::page::PageContext;
use crate::notify::page::PageRewriter;
use crate::notify::page_metrics::PageCounts;
use crate::notify::page_release::PageReleaseResolver;
use crate::site::Site;

/// A service that adds update notifications to an inner one. Created by
/// [`UpdateNotifierLayer`](crate::UpdateNotifierLayer).
///
/// Serves the reserved paths itself. Pages of the inner service get the client script, with the id of the release that
/// was current before the inner service was called: never of a release newer than the page.
#[derive(Debug, Clone)]
pub struct UpdateNotifier<S> {
    inner: S,
    site: Site,
    prefix: Arc<ReservedPrefix>,
    reserved_paths: ReservedPaths,
    page_context: PageContext,
}

impl<S> UpdateNotifier<S> {
    pub(crate) fn new(
        inner: S,
        site: Site,
        prefix: Arc<ReservedPrefix>,
        reserved_paths: ReservedPaths,
        page_context: PageContext,
    ) -> Self {
        Self {
            inner,
            site,
            prefix,
            reserved_paths,
            page_context,
        }
    }

    /// Prepares a request that may be for a page; `None` while the site has no release and cannot learn one from pages.
    fn prepare_page<B>(&self, request: &mut Request<B>) -> Option<PageRewriter> {
        let state = self.site.state();
        let resolver = PageReleaseResolver::from_request(&state, request);
        let page_origin = || PageOrigin::from_request(&self.prefix, request);
        let csp_checker = &self.page_context.csp_checker;
        let tag_builder = match state.current() {
            Some(release) => {
                ScriptTagBuilder::new(release.id(), release.built(), page_origin(), csp_checker)
            }
            None if resolver.is_some() => {
                ScriptTagBuilder::without_release(page_origin(), csp_checker)
            }
            None => return None,
        };
        Some(PageRewriter::prepare_request(
            request,
            tag_builder,
            resolver,
            &self.page_context,
        ))
    }

    /// Returns the numbers of pages by outcome, for all services that the layer wraps.
    pub fn page_counts(&self) -> PageCounts {
        self.page_context.metrics.page_counts()
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for UpdateNotifier<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ReqBody: http_body::Body<Data: Buf> + Send + 'static,
    ResBody: http_body::Body + Send + 'static,
    ResBody::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        if let Some(name) = self.prefix.strip(request.uri().path()) {
            let name = name.to_owned();
            let future = self.reserved_paths.respond(&name, request);
            return ResponseFuture {
                inner: Inner::Reserved { future },
                page: None,
            };
        }
        if_match::remove_suffixes(request.headers_mut());
        let page = self.prepare_page(&mut request);
        ResponseFuture {
            inner: Inner::Service {
                future: self.inner.call(request),
            },
            page,
        }
    }
}

pin_project! {
    /// The future of the response.
    #[project = ResponseFutureProjection]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: Inner<F>,
        page: Option<PageRewriter>,
    }
}

pin_project! {
    #[project = InnerProjection]
    enum Inner<F> {
        Reserved { future: ReservedFuture },
        Service { #[pin] future: F },
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: http_body::Body + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Output = Result<Response<Body>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        match this.inner.project() {
            InnerProjection::Reserved { future } => Pin::new(future).poll(cx).map(Ok),
            InnerProjection::Service { future } => {
                let response = ready!(future.poll(cx))?;
                Poll::Ready(Ok(match this.page.take() {
                    Some(page) => page.rewrite(response),
                    None => response.map(Body::new),
                }))
            }
        }
    }
}

impl<F> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture")
            .field("page", &self.page)
            .finish_non_exhaustive()
    }
}
