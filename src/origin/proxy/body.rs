//! The body of a proxied response.

use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use hyper::body::Incoming;

use crate::error::BoxError;
use crate::origin::proxy::idle_timeout::IdleTimer;
use crate::origin::proxy::request_body::RequestBody;

/// The response body of a [`Proxy`](crate::Proxy): an upstream's, without buffering or reading ahead, or a short text.
///
/// It ends with an error if the upstream closes the connection before the end, or is idle for longer than
/// [`Proxy::body_idle_timeout`](crate::Proxy::body_idle_timeout).
pub(crate) struct UpstreamBody {
    body: Incoming,
    idle: IdleTimer,
    request_body: RequestBody,
}

impl UpstreamBody {
    /// What the upstream sends in answer to `request_body`; given up if nothing comes for as long as `idle`.
    pub(crate) fn new(body: Incoming, idle: Option<Duration>, request_body: RequestBody) -> Self {
        Self {
            body,
            idle: IdleTimer::new(idle),
            request_body,
        }
    }
}

impl Body for UpstreamBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        let frame = Pin::new(&mut this.body)
            .poll_frame(cx)
            .map_err(BoxError::from);
        let frame = this.idle.check(cx, frame.map(Option::transpose));
        let frame = frame.map(Result::transpose);
        match &frame {
            Poll::Ready(None) => this.request_body.response_ended(),
            Poll::Ready(Some(Err(error))) => {
                let error = &**error as &dyn std::error::Error;
                tracing::debug!(error, "upstream response body ended early");
            }
            _ => {}
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The client has closed the connection, or has the whole response.
impl Drop for UpstreamBody {
    fn drop(&mut self) {
        self.request_body.response_ended();
    }
}
