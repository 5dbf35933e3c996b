//! The limit of open event streams.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

/// Limits how many event streams are open at once. `Clone` is cheap, and clones share the limit.
#[derive(Debug, Clone)]
pub(crate) struct StreamLimit {
    open: Arc<AtomicUsize>,
    max: usize,
}

/// One open stream, until it is dropped.
#[derive(Debug)]
pub(crate) struct StreamPermit(Arc<AtomicUsize>);

impl StreamLimit {
    pub(crate) fn new(max: usize) -> Self {
        Self {
            open: Arc::default(),
            max,
        }
    }

    /// `None` if the limit is reached. No stream is closed for a new one: its client would reconnect at once.
    pub(crate) fn acquire(&self) -> Option<StreamPermit> {
        let acquired = self
            .open
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |open| {
                (open < self.max).then_some(open + 1)
            });
        acquired.ok().map(|_| StreamPermit(Arc::clone(&self.open)))
    }

    /// The time in milliseconds over which the tabs with an open stream should spread what they do at once.
    pub(crate) fn reconnect_jitter(&self) -> u64 {
        reconnect_jitter(&self.open)
    }
}

impl StreamPermit {
    /// See [`StreamLimit::reconnect_jitter`].
    pub(crate) fn reconnect_jitter(&self) -> u64 {
        reconnect_jitter(&self.0)
    }
}

impl Drop for StreamPermit {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

fn reconnect_jitter(open: &AtomicUsize) -> u64 {
    u64::try_from(open.load(Ordering::Acquire)).map_or(MAX_JITTER, |open| {
        open.saturating_mul(JITTER_PER_STREAM).min(MAX_JITTER)
    })
}

// In milliseconds: a hundred tabs a second, each of which loads a page, its scripts and styles.
const JITTER_PER_STREAM: u64 = 10;

const MAX_JITTER: u64 = 120_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stream_limit_reached_rejects_until_a_permit_is_dropped() {
        let limit = StreamLimit::new(1);
        let permit = limit.clone().acquire();
        assert!(permit.is_some());
        assert!(limit.acquire().is_none());
        drop(permit);
        assert!(limit.acquire().is_some());
    }
}
