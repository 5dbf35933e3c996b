//! The body of an answer: an upstream's as it comes, or a few words of the proxy's own.

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

use crate::origin::proxy::idle_timeout::IdleTimer;
use crate::origin::proxy::request_body::BoxError;
use crate::origin::proxy::request_body::RequestBody;

/// The body of an answer of a [`Proxy`](crate::Proxy). Nothing of it is held back, and nothing read ahead.
///
/// It ends in an error if the upstream breaks off, or stands still for too long.
pub struct ProxyBody(Kind);

enum Kind {
    Upstream {
        body: Incoming,
        idle: IdleTimer,
        request_body: RequestBody,
    },
    Own(Full<Bytes>),
}

impl ProxyBody {
    /// What the upstream sends in answer to `request_body`; given up if nothing comes for as long as `idle`.
    pub(crate) fn upstream(
        body: Incoming,
        idle: Option<Duration>,
        request_body: RequestBody,
    ) -> Self {
        Self(Kind::Upstream {
            body,
            idle: IdleTimer::new(idle),
            request_body,
        })
    }

    pub(crate) fn own(text: impl Into<Bytes>) -> Self {
        Self(Kind::Own(Full::new(text.into())))
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
                let frame = idle.watch(cx, frame.map(Option::transpose));
                let frame = frame.map(Result::transpose);
                match &frame {
                    Poll::Ready(None) => request_body.response_ended(),
                    Poll::Ready(Some(Err(error))) => {
                        tracing::debug!(
                            error = &**error as &dyn std::error::Error,
                            "an upstream broke off"
                        );
                    }
                    _ => {}
                }
                frame
            }
            Kind::Own(text) => Pin::new(text)
                .poll_frame(cx)
                .map_err(|never| match never {}),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Upstream { body, .. } => body.is_end_stream(),
            Kind::Own(text) => text.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Upstream { body, .. } => body.size_hint(),
            Kind::Own(text) => text.size_hint(),
        }
    }
}

/// The answer is no longer wanted, or over.
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
