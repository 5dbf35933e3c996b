//! The check of `Host`: a request that does not name exactly one host is rejected.

use std::pin::Pin;
use std::task::Context;
use std::task::Poll;

use http::HeaderValue;
use http::Request;
use http::Response;
use http::StatusCode;
use http::Version;
use http::header;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::error::BoxError;
use crate::http::body::Body;
use crate::http::reply::Reply;

/// Adds [`HostCheck`] to a service.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HostCheckLayer;

impl<S> Layer<S> for HostCheckLayer {
    type Service = HostCheck<S>;

    fn layer(&self, inner: S) -> HostCheck<S> {
        HostCheck { inner }
    }
}

/// Responds with 400 to a request without exactly one `Host`, as RFC 9112, section 3.2, requires of a server, and closes
/// the connection. HTTP/1.0 needs none, nor does HTTP/2 with an `:authority`.
#[derive(Debug, Clone)]
pub(crate) struct HostCheck<S> {
    inner: S,
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for HostCheck<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: http_body::Body + Send + 'static,
    ResBody::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        if has_valid_host(&request) {
            ResponseFuture::Inner {
                future: self.inner.call(request),
            }
        } else {
            ResponseFuture::Rejected
        }
    }
}

pin_project! {
    /// The response future of [`HostCheck`].
    #[project = ResponseFutureProjection]
    pub(crate) enum ResponseFuture<F> {
        Rejected,
        Inner { #[pin] future: F },
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
        match self.project() {
            ResponseFutureProjection::Rejected => Poll::Ready(Ok(rejection())),
            ResponseFutureProjection::Inner { future } => {
                future.poll(cx).map_ok(|response| response.map(Body::new))
            }
        }
    }
}

fn has_valid_host<B>(request: &Request<B>) -> bool {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(_), None) => true,
        (Some(_), Some(_)) => false,
        (None, _) => match request.version() {
            // The host is in `:authority` (RFC 9113, section 8.3.1).
            Version::HTTP_2 => request.uri().host().is_some(),
            version => version < Version::HTTP_11,
        },
    }
}

fn rejection() -> Response<Body> {
    // What follows on the connection may belong to another request than the sender meant.
    Reply::status(StatusCode::BAD_REQUEST)
        .header(header::CONNECTION, HeaderValue::from_static("close"))
        .build()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test]
    async fn host_missing_or_repeated_returns_400() {
        for (version, uri, hosts, expected) in [
            (Version::HTTP_10, "/", &[][..], 200),
            (Version::HTTP_10, "/", &["a"], 200),
            (Version::HTTP_10, "/", &["a", "a"], 400),
            (Version::HTTP_11, "/", &["a"], 200),
            (Version::HTTP_11, "/", &[""], 200),
            (Version::HTTP_11, "/", &[], 400),
            (Version::HTTP_11, "http://a/", &[], 400),
            (Version::HTTP_11, "/", &["a", "b"], 400),
            (Version::HTTP_2, "http://a/", &[], 200),
            (Version::HTTP_2, "/", &["a"], 200),
            (Version::HTTP_2, "/", &[], 400),
            (Version::HTTP_2, "http://a/", &["a", "a"], 400),
        ] {
            let mut request = Request::builder().version(version).uri(uri);
            for host in hosts {
                request = request.header(header::HOST, *host);
            }
            let inner = tower::service_fn(async |_: Request<()>| {
                Ok::<_, Infallible>(Response::new(Body::empty()))
            });
            let service = HostCheckLayer.layer(inner);
            let response = service.oneshot(request.body(()).unwrap()).await.unwrap();
            assert_eq!(response.status(), expected, "{version:?} {uri} {hosts:?}");
            let closes = response.headers().contains_key(header::CONNECTION);
            assert_eq!(closes, expected == 400, "{version:?} {uri} {hosts:?}");
        }
    }
}
