//! A service whose type is erased.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;

use http::Request;
use http::Response;
use tower_service::Service;

use crate::http::body::Body;

/// A service of any type that is always ready. `Clone` is cheap.
pub(crate) struct BoxedService<B>(Arc<Call<B>>);

type Call<B> = dyn Fn(Request<B>) -> BoxedFuture + Send + Sync;

type BoxedFuture = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

impl<B> BoxedService<B> {
    /// Erases the type of `service`, whose `poll_ready` is not called.
    pub(crate) fn new<S>(service: S) -> Self
    where
        S: Service<Request<B>, Response = Response<Body>, Error = Infallible>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
    {
        Self(Arc::new(move |request| {
            Box::pin(service.clone().call(request))
        }))
    }
}

impl<B> Service<Request<B>> for BoxedService<B> {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxedFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> BoxedFuture {
        (self.0)(request)
    }
}

impl<B> Clone for BoxedService<B> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<B> fmt::Debug for BoxedService<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoxedService").finish_non_exhaustive()
    }
}
