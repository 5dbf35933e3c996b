//! The body of an event stream through the proxy: counted while it is open, and held back while the rules demand it.

use std::pin::Pin;
use std::task::Context;
use std::task::Poll;

use bytes::Bytes;
use hyper::body::Body;
use hyper::body::Frame;

use super::forward::ResponseBody;
use super::rules::Shared;

/// An open event stream.
pub(super) struct EventStream {
    inner: ResponseBody,
    rules: Shared,
}

impl EventStream {
    pub(super) fn new(inner: ResponseBody, rules: Shared) -> Self {
        {
            let mut rules = rules.lock();
            rules.streams.open += 1;
            rules.streams.total += 1;
        }
        Self { inner, rules }
    }
}

impl Body for EventStream {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        {
            let mut rules = self.rules.lock();
            if rules.holds_events {
                // All are woken when this ends; a waker of a dropped stream does no harm.
                rules.wakers.push(context.waker().clone());
                return Poll::Pending;
            }
        }
        Pin::new(&mut self.inner).poll_frame(context)
    }
}

impl Drop for EventStream {
    fn drop(&mut self) {
        self.rules.lock().streams.open -= 1;
    }
}
