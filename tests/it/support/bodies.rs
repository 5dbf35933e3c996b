//! Scripted bodies that count their polls.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;

use bytes::Bytes;
use http::HeaderMap;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;

/// A body that performs one step per poll, and ends after the last.
#[derive(Debug, Clone, Default)]
pub(crate) struct ScriptedBody {
    steps: VecDeque<Step>,
    polls: Arc<AtomicUsize>,
}

#[derive(Debug, Clone)]
pub(crate) enum Step {
    Data(Bytes),
    /// Pending; wakes the task at once.
    Pending,
    /// Pending for ever.
    Stall,
    Trailers(HeaderMap),
    Error,
}

impl ScriptedBody {
    pub(crate) fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self {
            steps: steps.into_iter().collect(),
            polls: Arc::default(),
        }
    }

    /// These bytes in frames of `size`, with [`Step::Pending`] before each.
    pub(crate) fn trickle(bytes: &[u8], size: usize) -> Self {
        let data = |piece| [Step::Pending, Step::Data(Bytes::copy_from_slice(piece))];
        Self::new(bytes.chunks(size).flat_map(data))
    }

    /// The number of polls.
    pub(crate) fn polls(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.polls)
    }
}

impl From<&'static str> for Step {
    fn from(text: &'static str) -> Self {
        Self::Data(Bytes::from_static(text.as_bytes()))
    }
}

impl Body for ScriptedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.polls.fetch_add(1, Ordering::Relaxed);
        Poll::Ready(match self.steps.pop_front() {
            Some(Step::Data(data)) => Some(Ok(Frame::data(data))),
            Some(Step::Trailers(trailers)) => Some(Ok(Frame::trailers(trailers))),
            Some(Step::Error) => Some(Err(io::Error::other("the origin broke off"))),
            Some(Step::Pending) => {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Some(Step::Stall) => {
                self.steps.push_front(Step::Stall);
                return Poll::Pending;
            }
            None => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.steps.is_empty()
    }

    /// Exact, as for a file.
    fn size_hint(&self) -> SizeHint {
        let data = self.steps.iter().map(|step| match step {
            Step::Data(data) => data.len() as u64,
            _ => 0,
        });
        SizeHint::with_exact(data.sum())
    }
}
