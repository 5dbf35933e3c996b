//! The body of a proxied response.

use std::fmt;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use http_body_util::Full;
use hyper::body::Incoming;

use crate::error::BoxError;
use crate::origin::proxy::idle_timeout::IdleTimer;
use crate::origin::proxy::request_body::RequestBody;

/// The response body of a [`Proxy`](crate::Proxy): an upstream's, without buffering or reading ahead, or a short text.
///
/// It ends with an error if the upstream closes the connection before the end, or is idle for longer than
/// [`Proxy::body_idle_timeout`](crate::Proxy::body_idle_timeout).
pub struct ProxyBody(Kind);

enum Kind {
    Upstream {
        body: Incoming,
        idle: IdleTimer,
        request_body: RequestBody,
    },
    Bytes(Full<Bytes>),
}

impl ProxyBody {
    /// The upstream's response to the request with `request_body`, with this idle timeout if any.
    pub(crate) fn from_upstream(
        body: Incoming,
        idle_timeout: Option<Duration>,
        request_body: RequestBody,
    ) -> Self {
        Self(Kind::Upstream {
            body,
            idle: IdleTimer::new(idle_timeout),
            request_body,
        })
    }

    pub(crate) fn from_bytes(bytes: impl Into<Bytes>) -> Self {
        Self(Kind::Bytes(Full::new(bytes.into())))
    }
}

impl Body for ProxyBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut self.0 {
            Kind::Upstream {
                body,
                idle,
                request_body,
            } => {
                let frame = Pin::new(body).poll_frame(cx).map_err(BoxError::from);
                let frame = idle.check(cx, frame.map(Option::transpose));
                let frame = frame.map(Result::transpose);
                match &frame {
                    Poll::Ready(None) => request_body.response_ended(),
                    Poll::Ready(Some(Err(error))) => {
                        let error = &**error as &dyn std::error::Error;
                        tracing::debug!(error, "upstream response body ended early");
                    }
                    _ => {}
                }
                frame
            }
            Kind::Bytes(bytes) => Pin::new(bytes)
                .poll_frame(cx)
                .map_err(|never| match never {}),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Upstream { body, .. } => body.is_end_stream(),
            Kind::Bytes(bytes) => bytes.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Upstream { body, .. } => body.size_hint(),
            Kind::Bytes(bytes) => bytes.size_hint(),
        }
    }
}

/// The client has closed the connection, or has the whole response.
impl Drop for ProxyBody {
    fn drop(&mut self) {
        if let Kind::Upstream { request_body, .. } = &self.0 {
            request_body.response_ended();
        }
    }
}

impl fmt::Debug for ProxyBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyBody").finish_non_exhaustive()
    }
}
