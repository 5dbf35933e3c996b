//! The body of a request on its way to an upstream: kept until it is really asked for, so that a request that could not
//! be sent can be sent somewhere else.

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

use crate::origin::proxy::idle_timeout::IdleTimer;

/// The body of a request. Clones are handles on the same body.
#[derive(Clone)]
pub(crate) struct RequestBody(Option<Arc<Mutex<State>>>);

pub(crate) type BoxError = Box<dyn StdError + Send + Sync>;

struct State {
    body: UnsyncBoxBody<Bytes, BoxError>,
    idle: IdleTimer,
    continue_state: ContinueState,
    reader: Option<Waker>,
    is_read: bool,
    /// When it was last asked for.
    progress: Instant,
    /// It was asked for, and nothing was there.
    is_awaited: bool,
}

/// Whether the body may be asked for (RFC 9110, section 10.1.1).
enum ContinueState {
    Send,
    /// Not before the upstream says so, or has been silent for this long.
    AwaitingContinue(Option<Pin<Box<Sleep>>>),
    /// Not at all: the answer has begun without it.
    ResponseStarted,
    /// Not any more: the answer is over, or there will be none.
    Closed,
}

impl RequestBody {
    pub(crate) fn empty() -> Self {
        Self(None)
    }

    /// This body, which is given up if nothing of it comes for as long as `idle`.
    pub(crate) fn new(body: UnsyncBoxBody<Bytes, BoxError>, idle: Duration) -> Self {
        Self(Some(Arc::new(Mutex::new(State {
            body,
            idle: IdleTimer::new(Some(idle)),
            continue_state: ContinueState::Send,
            reader: None,
            is_read: false,
            progress: Instant::now(),
            is_awaited: false,
        }))))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// True if there is one, and nobody knows how long it is.
    pub(crate) fn has_unknown_length(&self) -> bool {
        !self.is_empty() && self.size_hint().exact().is_none()
    }

    /// Holds it until [`proceed`](Self::proceed), or until the upstream has had a moment to say something else.
    pub(crate) fn wait_for_continue(&self) {
        self.change(|state| {
            if !state.is_read {
                state.continue_state = ContinueState::AwaitingContinue(None);
            }
        });
    }

    pub(crate) fn proceed(&self) {
        self.change(|state| {
            if let ContinueState::AwaitingContinue(_) = state.continue_state {
                state.continue_state = ContinueState::Send;
            }
        });
    }

    /// The answer has begun: a body that still waits is not wanted. That it does not come would end the connection, and
    /// the answer with it.
    pub(crate) fn response_started(&self) {
        self.change(|state| {
            if let ContinueState::AwaitingContinue(_) = state.continue_state {
                state.continue_state = ContinueState::ResponseStarted;
            }
        });
    }

    /// The answer is over: who still waits to send the body never will.
    pub(crate) fn response_ended(&self) {
        self.change(|state| {
            if let ContinueState::AwaitingContinue(_) | ContinueState::ResponseStarted =
                state.continue_state
            {
                state.continue_state = ContinueState::Closed;
            }
        });
    }

    /// Nobody wants the rest: the client is not to be read any further.
    pub(crate) fn discard(&self) {
        self.change(|state| {
            state.continue_state = ContinueState::Closed;
            state.body = Empty::new().map_err(|never| match never {}).boxed_unsync();
        });
    }

    /// True as long as nobody has asked for any of it.
    pub(crate) fn is_unread(&self) -> bool {
        self.0.as_ref().is_none_or(|state| !lock(state).is_read)
    }

    /// Since when, after `start`, it is for the upstream to go on: for as long as the client has to send more, it is not.
    pub(crate) fn awaiting_upstream_since(&self, start: Instant) -> Instant {
        let Some(state) = &self.0 else {
            return start;
        };
        let state = lock(state);
        if state.is_awaited {
            Instant::now()
        } else {
            state.progress.max(start)
        }
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        if let Some(state) = &self.0 {
            let reader = {
                let mut state = lock(state);
                change(&mut state);
                state.reader.take()
            };
            if let Some(reader) = reader {
                reader.wake();
            }
        }
    }
}

impl State {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut self.continue_state {
            ContinueState::Send => {}
            ContinueState::ResponseStarted => {
                self.reader = Some(cx.waker().clone());
                return Poll::Pending;
            }
            ContinueState::Closed => return Poll::Ready(Some(Err(Unwanted.into()))),
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
        self.is_awaited = frame.is_pending();
        self.progress = Instant::now();
        let watched = self.idle.watch(cx, frame.map(Option::transpose));
        watched.map(Result::transpose)
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
            Some(state) => lock(state).poll(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.0
            .as_ref()
            .is_none_or(|state| lock(state).body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Some(state) => lock(state).body.size_hint(),
            None => SizeHint::with_exact(0),
        }
    }
}

/// Nobody waits for it any more.
#[derive(Debug)]
struct Unwanted;

impl fmt::Display for Unwanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the body is not wanted any more")
    }
}

impl StdError for Unwanted {}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

// Many servers never say 100. As long as curl waits for it.
const CONTINUE_WAIT: Duration = Duration::from_secs(1);
