//! Numbers of pages by outcome.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

/// The numbers of pages by outcome, for all services that a layer wraps, since the layer was created.
///
/// Pages of [`StaticFiles`](crate::StaticFiles), which contain the script already, are not counted, nor are pages that
/// are fetched without being shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct PageCounts {
    injected: u64,
    unsupported_coding: u64,
    no_insertion_point: u64,
    forbidden_by_csp: u64,
}

impl PageCounts {
    /// Pages into which the client script was inserted.
    pub fn injected(&self) -> u64 {
        self.injected
    }

    /// Pages sent unchanged because their `Content-Encoding` is not supported: an unknown one, or several.
    pub fn unsupported_coding(&self) -> u64 {
        self.unsupported_coding
    }

    /// Pages sent without the script because no insertion point was found: fragments, invalid HTML, or a head that
    /// starts too late.
    pub fn no_insertion_point(&self) -> u64 {
        self.no_insertion_point
    }

    /// Pages sent without the script because their `Content-Security-Policy`, in a header or in a `meta` element,
    /// forbids it.
    pub fn forbidden_by_csp(&self) -> u64 {
        self.forbidden_by_csp
    }
}

/// Counters of pages by outcome. `Clone` is cheap, and clones share the counters.
#[derive(Debug, Clone, Default)]
pub(crate) struct PageMetrics(Arc<[AtomicU64; 4]>);

/// The outcome of one page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PageOutcome {
    Injected,
    UnsupportedCoding,
    NoInsertionPoint,
    ForbiddenByCsp,
}

impl PageMetrics {
    pub(crate) fn count(&self, outcome: PageOutcome) {
        self.0[outcome as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn page_counts(&self) -> PageCounts {
        let load = |outcome: PageOutcome| self.0[outcome as usize].load(Ordering::Relaxed);
        PageCounts {
            injected: load(PageOutcome::Injected),
            unsupported_coding: load(PageOutcome::UnsupportedCoding),
            no_insertion_point: load(PageOutcome::NoInsertionPoint),
            forbidden_by_csp: load(PageOutcome::ForbiddenByCsp),
        }
    }
}
