//! The health of a backend.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::Instant;

/// Whether a backend is available, from the outcome of requests to it, and from health checks if there are any.
#[derive(Debug)]
pub(crate) struct Health {
    start: Instant,
    /// Milliseconds after `start` until which it is ejected; 0 if the last request succeeded.
    ejected_until: AtomicU64,
    /// The verdict of the health checks.
    is_unhealthy: AtomicBool,
}

impl Health {
    pub(crate) fn new() -> Self {
        Self {
            start: Instant::now(),
            ejected_until: AtomicU64::new(0),
            is_unhealthy: AtomicBool::new(false),
        }
    }

    /// True if it is neither ejected nor unhealthy. Backends that are not available are tried last.
    pub(crate) fn is_available(&self) -> bool {
        let ejected_until = self.ejected_until.load(Ordering::Relaxed);
        let is_ejected = ejected_until != 0 && self.now() < ejected_until;
        !is_ejected && !self.is_unhealthy.load(Ordering::Relaxed)
    }

    /// Ejects it for a while, because a request failed. True if the one before did not fail.
    pub(crate) fn record_failure(&self) -> bool {
        let until = self.now() + EJECTION_TIME.as_secs() * 1000;
        self.ejected_until.swap(until, Ordering::Relaxed) == 0
    }

    /// Ends the ejection, because a request got a response. True if the one before failed.
    pub(crate) fn record_success(&self) -> bool {
        self.ejected_until.load(Ordering::Relaxed) != 0
            && self.ejected_until.swap(0, Ordering::Relaxed) != 0
    }

    /// Sets the verdict of the health checks. True if it changes.
    pub(crate) fn set_unhealthy(&self, is_unhealthy: bool) -> bool {
        self.is_unhealthy.swap(is_unhealthy, Ordering::Relaxed) != is_unhealthy
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).map_or(u64::MAX / 2, |now| now + 1)
    }
}

// The default of nginx's `fail_timeout`.
const EJECTION_TIME: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn failure_ejects_until_timeout_or_success() {
        let health = Health::new();
        assert!(health.is_available());
        assert!(!health.record_success());
        assert!(health.record_failure());
        assert!(!health.record_failure());
        assert!(!health.is_available());
        tokio::time::advance(EJECTION_TIME).await;
        assert!(health.is_available());
        assert!(health.record_success());
        assert!(health.record_failure() && health.record_success() && health.is_available());
        assert!(health.set_unhealthy(true) && !health.set_unhealthy(true));
        assert!(!health.is_available());
    }
}
