//! The body of a request to an upstream. As long as none of it was read, the request can be sent to another upstream.

use std::error::Error as StdError;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;
use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use http_body_util::BodyExt as _;
use http_body_util::Empty;
use http_body_util::combinators::UnsyncBoxBody;
use tokio::time::Instant;
use tokio::time::Sleep;

use crate::error::BoxError;
use crate::origin::proxy::idle_timeout::IdleTimer;

/// The body of a client's request. `Clone` is cheap, and clones share the body.
#[derive(Clone)]
pub(crate) struct RequestBody(Option<Arc<Mutex<Inner>>>);

struct Inner {
    body: UnsyncBoxBody<Bytes, BoxError>,
    idle: IdleTimer,
    continue_state: ContinueState,
    reader: Option<Waker>,
    is_read: bool,
    /// When it was last polled.
    last_polled: Instant,
    /// The last poll was pending: the client has to send more.
    is_pending: bool,
}

/// Whether the body may be read, which makes hyper send 100 (Continue) to the client (RFC 9110, section 10.1.1).
enum ContinueState {
    Send,
    /// Not before the upstream sends 100, or this is over.
    AwaitingContinue(Option<Pin<Box<Sleep>>>),
    /// Not yet, and possibly never: the response began without it.
    ResponseStarted,
    /// No longer: the response has ended, or there is none.
    Closed,
}

impl RequestBody {
    pub(crate) fn empty() -> Self {
        Self(None)
    }

    /// Reading fails once the client has sent nothing for `idle_timeout`.
    pub(crate) fn new(body: UnsyncBoxBody<Bytes, BoxError>, idle_timeout: Duration) -> Self {
        Self(Some(Arc::new(Mutex::new(Inner {
            body,
            idle: IdleTimer::new(Some(idle_timeout)),
            continue_state: ContinueState::Send,
            reader: None,
            is_read: false,
            last_polled: Instant::now(),
            is_pending: false,
        }))))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// True if there is a body without `Content-Length`.
    pub(crate) fn has_unknown_length(&self) -> bool {
        !self.is_empty() && self.size_hint().exact().is_none()
    }

    /// Delays reading until [`proceed`](Self::proceed), or until the upstream has had time to send 100.
    pub(crate) fn wait_for_continue(&self) {
        self.change(|inner| {
            if !inner.is_read {
                inner.continue_state = ContinueState::AwaitingContinue(None);
            }
        });
    }

    /// The upstream sent 100 (Continue).
    pub(crate) fn proceed(&self) {
        self.change(|inner| {
            if let ContinueState::AwaitingContinue(_) = inner.continue_state {
                inner.continue_state = ContinueState::Send;
            }
        });
    }

    /// The response began: a body that is still delayed is not read until it ends. An error instead would close the
    /// connection, and the response with it.
    pub(crate) fn response_started(&self) {
        self.change(|inner| {
            if let ContinueState::AwaitingContinue(_) = inner.continue_state {
                inner.continue_state = ContinueState::ResponseStarted;
            }
        });
    }

    /// The response ended: reading a body that is still delayed fails.
    pub(crate) fn response_ended(&self) {
        self.change(|inner| {
            if let ContinueState::AwaitingContinue(_) | ContinueState::ResponseStarted =
                inner.continue_state
            {
                inner.continue_state = ContinueState::Closed;
            }
        });
    }

    /// Drops the body: no more of it is read from the client.
    pub(crate) fn discard(&self) {
        self.change(|inner| {
            inner.continue_state = ContinueState::Closed;
            inner.body = Empty::new().map_err(|never| match never {}).boxed_unsync();
        });
    }

    /// True as long as it was never polled.
    pub(crate) fn is_unread(&self) -> bool {
        self.0.as_ref().is_none_or(|inner| !lock(inner).is_read)
    }

    /// When, after `start`, the upstream's turn began: the time during which the client has to send more does not count.
    pub(crate) fn awaiting_upstream_since(&self, start: Instant) -> Instant {
        let Some(inner) = &self.0 else {
            return start;
        };
        let inner = lock(inner);
        if inner.is_pending {
            Instant::now()
        } else {
            inner.last_polled.max(start)
        }
    }

    fn change(&self, change: impl FnOnce(&mut Inner)) {
        if let Some(inner) = &self.0 {
            let reader = {
                let mut inner = lock(inner);
                change(&mut inner);
                inner.reader.take()
            };
            if let Some(reader) = reader {
                reader.wake();
            }
        }
    }
}

impl Inner {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut self.continue_state {
            ContinueState::Send => {}
            ContinueState::ResponseStarted => {
                self.reader = Some(cx.waker().clone());
                return Poll::Pending;
            }
            ContinueState::Closed => return Poll::Ready(Some(Err(NotNeeded.into()))),
            ContinueState::AwaitingContinue(sleep) => {
                let sleep =
                    sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep(CONTINUE_WAIT)));
                if sleep.as_mut().poll(cx).is_pending() {
                    self.reader = Some(cx.waker().clone());
                    return Poll::Pending;
                }
                self.continue_state = ContinueState::Send;
            }
        }
        self.is_read = true;
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        self.is_pending = frame.is_pending();
        self.last_polled = Instant::now();
        let checked = self.idle.check(cx, frame.map(Option::transpose));
        checked.map(Result::transpose)
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &self.0 {
            Some(inner) => lock(inner).poll(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.0
            .as_ref()
            .is_none_or(|inner| lock(inner).body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Some(inner) => lock(inner).body.size_hint(),
            None => SizeHint::with_exact(0),
        }
    }
}

/// Reading failed because the response has ended.
#[derive(Debug)]
struct NotNeeded;

impl fmt::Display for NotNeeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the request body is no longer needed")
    }
}

impl StdError for NotNeeded {}

fn lock(inner: &Mutex<Inner>) -> MutexGuard<'_, Inner> {
    inner.lock().unwrap_or_else(PoisonError::into_inner)
}

// Many servers never send 100. curl waits as long for it.
const CONTINUE_WAIT: Duration = Duration::from_secs(1);
