//! The queue of requests that wait for an upstream.

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;

/// Limits how many requests wait and retry at a time. `Clone` is cheap, and clones share the limit.
#[derive(Debug, Clone)]
pub(crate) struct RetryQueue(Arc<Semaphore>);

impl RetryQueue {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(MAX_WAITING)))
    }

    /// A place in the queue until the permit is dropped; `None` if the queue is full.
    pub(crate) fn enter(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0).try_acquire_owned().ok()
    }
}

// A waiting request takes little memory, but all of them reach a server at once that has just started.
const MAX_WAITING: usize = 1000;
