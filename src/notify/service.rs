//! The middleware as a service: the endpoint, and pages that get the script on their way out.

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
pub(crate) use crate::notify::page::Care;
use crate::notify::page::Page;
use crate::notify::page_metrics::Counts;
use crate::notify::page_release::Stamper;
use crate::site::Site;

/// A service that tells the pages of an inner one of new releases. Made by
/// [`UpdateNotifierLayer`](crate::UpdateNotifierLayer).
///
/// Answers the reserved paths itself. A page that the inner service answers with gets the client script, with
/// the id of the release that was current before the inner service was asked: never a newer one than the page.
#[derive(Debug, Clone)]
pub struct UpdateNotifier<S> {
    inner: S,
    site: Site,
    prefix: Arc<ReservedPrefix>,
    reserved_paths: ReservedPaths,
    care: Care,
}

impl<S> UpdateNotifier<S> {
    pub(crate) fn new(
        inner: S,
        site: Site,
        prefix: Arc<ReservedPrefix>,
        reserved_paths: ReservedPaths,
        care: Care,
    ) -> Self {
        Self {
            inner,
            site,
            prefix,
            reserved_paths,
            care,
        }
    }

    /// What is to be done with the answer if it is a page; `None` where nobody knows of any release.
    fn page<B>(&self, request: &mut Request<B>) -> Option<Page> {
        let state = self.site.state();
        let stamper = Stamper::of(&state, request);
        let page_origin = || PageOrigin::from_request(&self.prefix, request);
        let csp_checker = &self.care.csp_checker;
        let tag_builder = match state.current() {
            Some(release) => {
                ScriptTagBuilder::new(release.id(), release.built(), page_origin(), csp_checker)
            }
            None if stamper.is_some() => {
                ScriptTagBuilder::without_release(page_origin(), csp_checker)
            }
            None => return None,
        };
        Some(Page::take_over(request, tag_builder, stamper, &self.care))
    }

    /// What became of the pages that passed, here and wherever else the layer was put round a service.
    pub fn counts(&self) -> Counts {
        self.care.tally.counts()
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
        if_match::take_off_marks(request.headers_mut());
        let page = self.page(&mut request);
        ResponseFuture {
            inner: Inner::Asking {
                future: self.inner.call(request),
            },
            page,
        }
    }
}

pin_project! {
    /// The answer to a request on its way.
    #[project = ResponseFutureProjection]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: Inner<F>,
        page: Option<Page>,
    }
}

pin_project! {
    #[project = InnerProjection]
    enum Inner<F> {
        Reserved { future: ReservedFuture },
        Asking { #[pin] future: F },
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
            InnerProjection::Asking { future } => {
                let response = ready!(future.poll(cx))?;
                Poll::Ready(Ok(match this.page.take() {
                    Some(page) => page.answer(response),
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
