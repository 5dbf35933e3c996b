//! The idle timeout of bodies, and of connections that have to accept bytes.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;
use tokio::time::Sleep;

/// Measures how long something that is polled has been pending. While it is ready, no timer runs.
#[derive(Debug)]
pub(crate) struct IdleTimer {
    limit: Option<Duration>,
    sleep: Option<Pin<Box<Sleep>>>,
    is_pending: bool,
}

impl IdleTimer {
    /// Without a limit it never times out.
    pub(crate) fn new(limit: Option<Duration>) -> Self {
        Self {
            limit,
            sleep: None,
            is_pending: false,
        }
    }

    /// Returns `polled`, or an error if it has been pending for as long as the limit.
    pub(crate) fn check<T, E: From<IdleTimeout>>(
        &mut self,
        cx: &mut Context<'_>,
        polled: Poll<Result<T, E>>,
    ) -> Poll<Result<T, E>> {
        if polled.is_ready() {
            self.is_pending = false;
            return polled;
        }
        let Some(limit) = self.limit else {
            return Poll::Pending;
        };
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        if !std::mem::replace(&mut self.is_pending, true) {
            sleep.as_mut().reset(Instant::now() + limit);
        }
        match sleep.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(IdleTimeout(limit).into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

/// Nothing was received or sent for as long as this.
#[derive(Debug)]
pub(crate) struct IdleTimeout(Duration);

impl fmt::Display for IdleTimeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "idle for {:?}", self.0)
    }
}

impl std::error::Error for IdleTimeout {}

impl From<IdleTimeout> for io::Error {
    fn from(error: IdleTimeout) -> Self {
        Self::new(io::ErrorKind::TimedOut, error)
    }
}
