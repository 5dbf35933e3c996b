//! The future of a proxied response.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;

use bytes::Bytes;
use http::Request;
use http::Response;

use crate::error::BoxError;
use crate::http::body::Body;
use crate::origin::proxy::exchange::Exchange;
use crate::origin::proxy::shared::Selection;
use crate::origin::proxy::shared::Shared;

/// The response future of [`Proxy`](crate::Proxy) and [`UpstreamService`](crate::UpstreamService).
pub struct ProxyFuture(Pin<Box<dyn Future<Output = Response<Body>> + Send>>);

impl ProxyFuture {
    pub(crate) fn new<B>(shared: &Arc<Shared>, request: Request<B>, selection: Selection) -> Self
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let exchange = match Exchange::new(shared, request, selection) {
            Ok(exchange) => exchange,
            Err(rejection) => return Self(Box::pin(std::future::ready(rejection.response()))),
        };
        let shared = Arc::clone(shared);
        Self(Box::pin(async move { exchange.run(&shared).await }))
    }
}

impl Future for ProxyFuture {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx).map(Ok)
    }
}

impl fmt::Debug for ProxyFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyFuture").finish_non_exhaustive()
    }
}
