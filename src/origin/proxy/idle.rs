//! Idleness: how long a body may stand still.

use std::fmt;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;
use tokio::time::Sleep;

/// Watches over what a body gives. Takes time only while it gives nothing.
#[derive(Debug)]
pub(super) struct Idle {
    limit: Option<Duration>,
    sleep: Option<Pin<Box<Sleep>>>,
    is_waiting: bool,
}

impl Idle {
    /// Without a limit a body may stand still for ever.
    pub(super) fn new(limit: Option<Duration>) -> Self {
        Self {
            limit,
            sleep: None,
            is_waiting: false,
        }
    }

    /// What was polled, or an error if it has been pending for too long.
    pub(super) fn watch<T, E: From<StoodStill>>(
        &mut self,
        cx: &mut Context<'_>,
        polled: Poll<Option<Result<T, E>>>,
    ) -> Poll<Option<Result<T, E>>> {
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
            Poll::Ready(()) => Poll::Ready(Some(Err(StoodStill(limit).into()))),
            Poll::Pending => Poll::Pending,
        }
    }
}

/// Nothing came for as long as that.
#[derive(Debug)]
pub(super) struct StoodStill(Duration);

impl fmt::Display for StoodStill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "nothing came for {:?}", self.0)
    }
}

impl std::error::Error for StoodStill {}
