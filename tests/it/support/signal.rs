//! Signals between a test and its threads.

use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;

use crate::support::DEADLINE;

/// A counting semaphore that a test notifies and a thread waits for, or vice versa. Clones share the same state.
#[derive(Debug, Clone, Default)]
pub(crate) struct Signal(Arc<(Mutex<usize>, Condvar)>);

impl Signal {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Ends one wait, now or later.
    pub(crate) fn notify(&self) {
        *self.0.0.lock().unwrap() += 1;
        self.0.1.notify_all();
    }

    /// Waits for one notification.
    #[track_caller]
    pub(crate) fn wait(&self) {
        let count = self.0.0.lock().unwrap();
        let (mut count, waited) = self
            .0
            .1
            .wait_timeout_while(count, DEADLINE, |count| *count == 0)
            .unwrap();
        assert!(!waited.timed_out(), "no notification came");
        *count -= 1;
    }
}
