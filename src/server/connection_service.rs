//! The service of one connection.

use std::convert::Infallible;

use http::Request;
use http::Response;
use hyper::body::Incoming;
use hyper_util::service::TowerToHyperService;
use hyper_util::service::TowerToHyperServiceFuture;
use tower_service::Service;

use crate::http::context::ConnectInfo;

/// Inserts the [`ConnectInfo`] of its connection into each request.
pub(crate) struct ConnectionService<S> {
    inner: TowerToHyperService<S>,
    connect_info: ConnectInfo,
}

impl<S> ConnectionService<S> {
    pub(crate) fn new(inner: S, connect_info: ConnectInfo) -> Self {
        Self {
            inner: TowerToHyperService::new(inner),
            connect_info,
        }
    }
}

impl<S, B> hyper::service::Service<Request<Incoming>> for ConnectionService<S>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone,
{
    type Response = Response<B>;
    type Error = Infallible;
    type Future = TowerToHyperServiceFuture<S, Request<Incoming>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        request.extensions_mut().insert(self.connect_info.clone());
        self.inner.call(request)
    }
}
