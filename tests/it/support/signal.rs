//! Signals between a test and the threads that it has started.

use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;

use crate::support::DEADLINE;

/// Something that a test gives, and a script waits for, or the other way round. `Clone` is cheap, and all clones are one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Signal(Arc<(Mutex<usize>, Condvar)>);

impl Signal {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Lets one wait end, now or later.
    pub(crate) fn notify(&self) {
        *self.0.0.lock().unwrap() += 1;
        self.0.1.notify_all();
    }

    /// Waits for one.
    #[track_caller]
    pub(crate) fn wait(&self) {
        let given = self.0.0.lock().unwrap();
        let (mut given, waited) = self
            .0
            .1
            .wait_timeout_while(given, DEADLINE, |given| *given == 0)
            .unwrap();
        assert!(!waited.timed_out(), "nobody gave the signal");
        *given -= 1;
    }
}
