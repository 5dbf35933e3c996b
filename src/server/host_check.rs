//! The door: refuses requests that name no host, or two, and says who knocks.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;

use bytes::Bytes;
use http::HeaderValue;
use http::Request;
use http::Response;
use http::StatusCode;
use http::Version;
use http::header;
use http_body_util::Either;
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper_util::service::TowerToHyperService;
use hyper_util::service::TowerToHyperServiceFuture;
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::http::context::ConnectInfo;

/// Refuses what does not name exactly one host, as RFC 9112, section 3.2, demands of a server.
pub(crate) struct HostCheck<S> {
    service: TowerToHyperService<S>,
    peer: SocketAddr,
}

impl<S> HostCheck<S> {
    pub(crate) fn new(service: S, peer: SocketAddr) -> Self {
        Self {
            service: TowerToHyperService::new(service),
            peer,
        }
    }
}

impl<S, B> hyper::service::Service<Request<Incoming>> for HostCheck<S>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone,
{
    type Response = Response<Either<B, Empty<Bytes>>>;
    type Error = Infallible;
    type Future = ResponseFuture<TowerToHyperServiceFuture<S, Request<Incoming>>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        let mut hosts = request.headers().get_all(header::HOST).iter();
        let (first, second) = (hosts.next(), hosts.next());
        // In HTTP/2 the host is in `:authority` (RFC 9113, section 8.3.1).
        let needs_none = match request.version() {
            Version::HTTP_2 => request.uri().host().is_some(),
            version => version < Version::HTTP_11,
        };
        if second.is_some() || (first.is_none() && !needs_none) {
            return ResponseFuture::Rejected;
        }
        request.extensions_mut().insert(ConnectInfo::new(self.peer));
        ResponseFuture::Inner {
            future: self.service.call(request),
        }
    }
}

pin_project! {
    #[project = ResponseFutureProjection]
    pub(crate) enum ResponseFuture<F> {
        Rejected,
        Inner { #[pin] future: F },
    }
}

impl<F, B> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, Infallible>>,
{
    type Output = Result<Response<Either<B, Empty<Bytes>>>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            ResponseFutureProjection::Rejected => {
                let mut response = Response::new(Either::Right(Empty::new()));
                *response.status_mut() = StatusCode::BAD_REQUEST;
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(header::CONNECTION, close);
                Poll::Ready(Ok(response))
            }
            ResponseFutureProjection::Inner { future } => future
                .poll(cx)
                .map_ok(|response| response.map(Either::Left)),
        }
    }
}
