//! One upstream of a proxy as a service.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;

use bytes::Bytes;
use http::Request;
use http::Response;
use tower_service::Service;

use crate::error::BoxError;
use crate::http::body::Body;
use crate::origin::proxy::future::ProxyFuture;
use crate::origin::proxy::shared::Selection;
use crate::origin::proxy::shared::Shared;

/// A single upstream of a [`Proxy`](crate::Proxy), from [`Proxy::upstream_services`](crate::Proxy::upstream_services).
/// `Clone` is cheap.
///
/// Requests go to this upstream alone, do not wait for it, and cannot upgrade the connection.
#[derive(Clone)]
pub struct UpstreamService {
    shared: Arc<Shared>,
    index: usize,
}

impl UpstreamService {
    pub(crate) fn new(shared: Arc<Shared>, index: usize) -> Self {
        Self { shared, index }
    }
}

impl<B> Service<Request<B>> for UpstreamService
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = ProxyFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> ProxyFuture {
        ProxyFuture::new(&self.shared, request, Selection::Only(self.index))
    }
}

impl fmt::Debug for UpstreamService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let upstream = &self.shared.backends[self.index].upstream;
        f.debug_tuple("UpstreamService").field(upstream).finish()
    }
}
