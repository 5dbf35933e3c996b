//! The time of a publish, read once by whoever publishes.

use std::time::Instant;
use std::time::SystemTime;

/// The same moment by two clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PublishTime {
    /// For what is announced and recorded, and may outlive the process.
    pub(crate) wall: SystemTime,
    /// For durations within the process.
    pub(crate) monotonic: Instant,
}

impl PublishTime {
    /// The current time. The monotonic clock is the one that tests can pause.
    pub(crate) fn now() -> Self {
        Self {
            wall: SystemTime::now(),
            monotonic: tokio::time::Instant::now().into_std(),
        }
    }
}
