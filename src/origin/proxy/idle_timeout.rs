//! Idleness: how long a body, or a connection that has to take one, may stand still.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;
use tokio::time::Sleep;

/// Watches over what gives something, or takes it. Takes time only while it does not.
#[derive(Debug)]
pub(crate) struct IdleTimer {
    limit: Option<Duration>,
    sleep: Option<Pin<Box<Sleep>>>,
    is_waiting: bool,
}

impl IdleTimer {
    /// Without a limit it may stand still for ever.
    pub(crate) fn new(limit: Option<Duration>) -> Self {
        Self {
            limit,
            sleep: None,
            is_waiting: false,
        }
    }

    /// What was polled, or an error if it has been pending for too long.
    pub(crate) fn watch<T, E: From<IdleTimeout>>(
        &mut self,
        cx: &mut Context<'_>,
        polled: Poll<Result<T, E>>,
    ) -> Poll<Result<T, E>> {
        if polled.is_ready() {
            self.is_waiting = false;
            return polled;
        }
        let Some(limit) = self.limit else {
            return Poll::Pending;
        };
        let end = || Instant::now() + limit;
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        if !std::mem::replace(&mut self.is_waiting, true) {
            sleep.as_mut().reset(end());
        }
        match sleep.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(IdleTimeout(limit).into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

/// Nothing went on for as long as that.
#[derive(Debug)]
pub(crate) struct IdleTimeout(Duration);

impl fmt::Display for IdleTimeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "nothing went on for {:?}", self.0)
    }
}

impl std::error::Error for IdleTimeout {}

impl From<IdleTimeout> for io::Error {
    fn from(error: IdleTimeout) -> Self {
        Self::new(io::ErrorKind::TimedOut, error)
    }
}
