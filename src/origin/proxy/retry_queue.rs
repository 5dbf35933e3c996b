//! Requests that wait: how many may wait for an upstream that is away.

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;

/// The places of requests that wait. `Clone` is cheap, and all clones count together.
#[derive(Debug, Clone)]
pub(crate) struct RetryQueue(Arc<Semaphore>);

impl RetryQueue {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(MAX_WAITING)))
    }

    /// A place; `None` if too many wait already.
    pub(crate) fn enter(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0).try_acquire_owned().ok()
    }
}

// What waits is little, but all of it knocks at once at a server that has just started.
const MAX_WAITING: usize = 1000;
