//! Observation of the pages that pass through, for a site whose releases are found by polling its upstreams.

mod candidates;
mod page_cache;
mod page_observer;

pub(crate) use crate::source::upstream::observer::candidates::KnownRelease;
pub(crate) use crate::source::upstream::observer::page_observer::IdentifyBy;
pub(crate) use crate::source::upstream::observer::page_observer::PageObserver;

#[cfg(test)]
mod tests;
