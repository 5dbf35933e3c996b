//! The interface to what recognises the release of a page that passes through.
//!
//! Only the poller of upstreams knows what the pages of each release look like. It registers an observer with the site,
//! and the middleware asks that for the release of each page.

use std::fmt;

use http::HeaderName;

use crate::html::inserter::Extent;
use crate::release::ReleaseId;

/// Recognises the release of a page, and takes note of what the page shows.
pub(crate) trait ObservePages: fmt::Debug + Send + Sync {
    /// The response header whose value names the release, if builds are told apart by one.
    fn release_header(&self) -> Option<&HeaderName>;

    /// The release of a page with this HTML after the insertion point; `None` if it cannot be determined.
    fn observe_html(
        &self,
        html: &[u8],
        extent: Extent,
        page: ObservedPage<'_>,
    ) -> Option<PageRelease>;

    /// The release of a page whose [`release_header`](Self::release_header) has this value.
    fn observe_header(&self, value: &str, page: ObservedPage<'_>) -> PageRelease;
}

/// A page that passes through.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ObservedPage<'a> {
    pub(crate) path: &'a str,
    /// The index of the upstream that it came from, if that is known.
    pub(crate) upstream: Option<usize>,
    /// The release that was current when the page was requested.
    pub(crate) current: Option<&'a ReleaseId>,
    /// The `Last-Modified` of the page, or else the current time, in milliseconds since 1970.
    pub(crate) built: u64,
}

/// The release of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PageRelease {
    pub(crate) id: ReleaseId,
    /// When it was built, in milliseconds since 1970.
    pub(crate) built: u64,
}
