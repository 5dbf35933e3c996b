//! What became of pages, in numbers.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

/// What became of the pages that passed a layer and all services that it was put round, since it was made.
///
/// Pages of [`StaticFiles`](crate::StaticFiles) are not counted, which have the script from the start, and neither are
/// those that somebody fetched who does not show them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Counts {
    injected: u64,
    passed_for_coding: u64,
    passed_for_place: u64,
    passed_for_policy: u64,
}

impl Counts {
    /// Pages that got the script.
    pub fn injected(&self) -> u64 {
        self.injected
    }

    /// Pages that passed as they were for their `Content-Encoding`: an unknown one, or several.
    pub fn passed_for_coding(&self) -> u64 {
        self.passed_for_coding
    }

    /// Pages that passed without the script for lack of a place: fragments, and what can't be parsed, or has its head
    /// too far behind.
    pub fn passed_for_place(&self) -> u64 {
        self.passed_for_place
    }

    /// Pages that passed without the script for a `Content-Security-Policy`, in a field or in their head.
    pub fn passed_for_policy(&self) -> u64 {
        self.passed_for_policy
    }
}

/// Counts pages. `Clone` is cheap, and all clones count together.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally(Arc<[AtomicU64; 4]>);

/// What became of one page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Injected,
    PassedForCoding,
    PassedForPlace,
    PassedForPolicy,
}

impl Tally {
    pub(crate) fn count(&self, fate: Fate) {
        self.0[fate as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn counts(&self) -> Counts {
        let of = |fate: Fate| self.0[fate as usize].load(Ordering::Relaxed);
        Counts {
            injected: of(Fate::Injected),
            passed_for_coding: of(Fate::PassedForCoding),
            passed_for_place: of(Fate::PassedForPlace),
            passed_for_policy: of(Fate::PassedForPolicy),
        }
    }
}
