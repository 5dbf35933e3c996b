//! The body of an event stream that passes the front: counted while it is open, and held back when the front says so.

use std::pin::Pin;
use std::task::Context;
use std::task::Poll;

use bytes::Bytes;
use hyper::body::Body;
use hyper::body::Frame;

use super::forward::Answer;
use super::rules::Shared;

/// An open event stream.
pub(super) struct Stream {
    inner: Answer,
    rules: Shared,
}

impl Stream {
    pub(super) fn new(inner: Answer, rules: Shared) -> Self {
        {
            let mut rules = rules.lock();
            rules.streams.open += 1;
            rules.streams.ever += 1;
        }
        Self { inner, rules }
    }
}

impl Body for Stream {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        {
            let mut rules = self.rules.lock();
            if rules.holds_events {
                // Everything is woken when this ends; a waker of a stream that is gone does no harm.
                rules.held.push(context.waker().clone());
                return Poll::Pending;
            }
        }
        Pin::new(&mut self.inner).poll_frame(context)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.rules.lock().streams.open -= 1;
    }
}
