//! Recognises the releases of pages that pass through, and records what the pages show.
//!
//! A page that passes through shows as much as the response to one of our own requests. A page of the current release
//! saves its upstream the next poll; a page of another release brings the next poll forward.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use http::HeaderName;
use tokio::sync::Notify;

use crate::html::inserter::Extent;
use crate::html::page_assets::Difference;
use crate::html::page_assets::PageAssets;
use crate::html::page_assets::PageFingerprint;
use crate::html::page_assets::PageLocation;
use crate::release::ReleaseId;
use crate::release::fingerprint::ReleaseFingerprint;
use crate::site::observer::ObservePages;
use crate::site::observer::ObservedPage;
use crate::site::observer::PageRelease;
use crate::source::upstream::observer::candidates::Candidates;
use crate::source::upstream::observer::candidates::KnownRelease;
use crate::source::upstream::observer::page_cache::PageCache;

/// Recognises the releases of pages that pass through. Shared between the poller and the middleware.
#[derive(Debug)]
pub(crate) struct PageObserver {
    identify_by: IdentifyBy,
    /// The paths of the entry pages.
    entry_pages: Vec<Arc<str>>,
    /// The host whose absolute URLs belong to the site.
    host: Option<Box<str>>,
    upstreams: Vec<UpstreamActivity>,
    start: Instant,
    other_release: Notify,
    candidates: Mutex<Candidates>,
    page_cache: PageCache,
}

/// What identifies the release of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum IdentifyBy {
    /// What it loads and runs.
    Scripts,
    /// This field of the response.
    Header(HeaderName),
    /// Nothing in the response.
    Nothing,
}

/// What a page shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Observation {
    CurrentRelease,
    OtherRelease,
}

#[derive(Debug, Default)]
struct UpstreamActivity {
    /// When a page from there last showed the current release, in milliseconds since the start, plus one; 0 for never.
    current_seen: AtomicU64,
}

impl PageObserver {
    /// An observer for a site with this number of upstreams.
    pub(crate) fn new(
        identify_by: IdentifyBy,
        entry_pages: &[Arc<str>],
        host: Option<&str>,
        upstreams: usize,
    ) -> Self {
        Self {
            identify_by,
            entry_pages: entry_pages.to_vec(),
            host: host.map(Into::into),
            upstreams: (0..upstreams)
                .map(|_| UpstreamActivity::default())
                .collect(),
            start: now(),
            other_release: Notify::new(),
            candidates: Mutex::default(),
            page_cache: PageCache::default(),
        }
    }

    /// When a page from this upstream last showed the current release.
    pub(crate) fn current_seen(&self, upstream: usize) -> Option<Instant> {
        let seen = self.upstreams.get(upstream)?;
        let since = seen.current_seen.load(Ordering::Relaxed).checked_sub(1)?;
        Some(self.start + Duration::from_millis(since))
    }

    /// Completes when a page has shown another release than the current one.
    pub(crate) async fn other_release_seen(&self) {
        self.other_release.notified().await;
    }

    /// Replaces the published releases: the current one, and those that were current before.
    pub(crate) fn set_published(&self, current: Option<KnownRelease>, recent: Vec<KnownRelease>) {
        let mut candidates = self.candidates();
        if candidates.set_published(current, recent) {
            for upstream in &self.upstreams {
                upstream.current_seen.store(0, Ordering::Relaxed);
            }
        }
    }

    /// Takes what the upstreams showed in one poll.
    pub(crate) fn on_polled<'a>(&self, shown: impl Iterator<Item = &'a ReleaseFingerprint>) {
        self.candidates().on_polled(shown, now());
    }

    /// When the release `id` was built, if a page of it has passed through or it was published.
    pub(crate) fn built(&self, id: &ReleaseId) -> Option<u64> {
        self.candidates().by_id(id).map(|release| release.built)
    }

    fn observe_whole(&self, elements: PageAssets, page: ObservedPage<'_>) -> Option<PageRelease> {
        let mut candidates = self.candidates();
        let page_fingerprint = PageFingerprint::new(elements);
        let current = candidates.current();
        let difference =
            current.map(|current| current.fingerprint.difference_to_page(&page_fingerprint));
        let only = current.and_then(|current| current.fingerprint.single_page());
        let is_only = only.is_some();
        let is_entry = only.is_some_and(|(path, _)| **path == *page.path);
        let release = candidates.by_page(&page_fingerprint, page, &self.entry_pages, now());
        drop(candidates);
        match difference {
            Some(Difference::None) if is_only => self.record(Observation::CurrentRelease, page),
            Some(Difference::Queries | Difference::Files) if is_entry => {
                self.record(Observation::OtherRelease, page);
            }
            // A logged-in visitor may get other scripts in the page: that is evidence for neither.
            _ => {}
        }
        release
    }

    fn record(&self, observation: Observation, page: ObservedPage<'_>) {
        let only = (self.upstreams.len() == 1).then_some(0);
        let upstream = page.upstream.or(only);
        let Some(upstream) = upstream.and_then(|n| self.upstreams.get(n)) else {
            return;
        };
        match observation {
            Observation::CurrentRelease => {
                let since = now().duration_since(self.start).as_millis();
                let since = u64::try_from(since).unwrap_or(u64::MAX - 1);
                upstream.current_seen.store(since + 1, Ordering::Relaxed);
            }
            Observation::OtherRelease => self.other_release.notify_one(),
        }
    }

    fn candidates(&self) -> MutexGuard<'_, Candidates> {
        self.candidates
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl ObservePages for PageObserver {
    fn release_header(&self) -> Option<&HeaderName> {
        match &self.identify_by {
            IdentifyBy::Header(name) => Some(name),
            IdentifyBy::Scripts | IdentifyBy::Nothing => None,
        }
    }

    fn observe_html(
        &self,
        html: &[u8],
        extent: Extent,
        page: ObservedPage<'_>,
    ) -> Option<PageRelease> {
        if self.identify_by != IdentifyBy::Scripts || html.len() > MAX_HTML_BYTES {
            return None;
        }
        let elements = self.page_cache.read(html)?.resolve_at(PageLocation {
            path: page.path,
            host: self.host.as_deref(),
        });
        if elements.is_empty() {
            return None;
        }
        match extent {
            Extent::Beginning => self.candidates().by_beginning(&elements),
            Extent::Whole => self.observe_whole(elements, page),
        }
    }

    fn observe_header(&self, value: &str, page: ObservedPage<'_>) -> PageRelease {
        let fingerprint = ReleaseFingerprint::Version(value.into());
        let id = fingerprint.id();
        let mut candidates = self.candidates();
        let current = candidates.current();
        let observation = if current.is_some_and(|current| current.release.id() == &id) {
            Observation::CurrentRelease
        } else {
            Observation::OtherRelease
        };
        let release = candidates.by_id(&id);
        let release =
            release.unwrap_or_else(|| candidates.add_named(fingerprint, page.built, now()));
        drop(candidates);
        self.record(observation, page);
        release
    }
}

/// The time of the clock that tests can pause.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

// Parsing takes some ten milliseconds a megabyte, on a thread that other connections share. Pages of this size are no
// shells.
const MAX_HTML_BYTES: usize = 128 * 1024;
