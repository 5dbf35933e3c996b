//! The pages that pass by, for a site whose releases are found out by asking its upstreams.
//!
//! They tell as much as the answers to our own requests. A page that shows the current release spares an upstream the
//! next of these; one that shows something else brings it forward.

mod memory;

use std::collections::VecDeque;
use std::hash::BuildHasher as _;
use std::hash::RandomState;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;
use std::time::UNIX_EPOCH;

use http::HeaderMap;
use http::HeaderName;
use http::header;
use tokio::sync::Notify;

use crate::html::inserter::Extent;
use crate::html::page_assets::Elements;
use crate::html::page_assets::Found;
use crate::html::page_assets::Likeness;
use crate::html::page_assets::Location;
use crate::html::page_assets::Print;
use crate::html::page_assets::Reader;
use crate::release::ReleaseId;
use crate::release::fingerprint::Pages;
pub(crate) use crate::source::upstream::observer::memory::Known;
use crate::source::upstream::observer::memory::Memory;

/// What pages show that pass by, and which releases they could be of.
#[derive(Debug)]
pub(crate) struct Traffic {
    way: Way,
    /// The paths of the entry pages.
    entries: Vec<Arc<str>>,
    /// The host whose absolute URLs are the site's own.
    host: Option<Box<str>>,
    upstreams: Vec<Upstream>,
    start: Instant,
    others: Notify,
    memory: Mutex<Memory>,
    cache: Mutex<Cache>,
}

/// What a passing page is known by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Way {
    /// By what it loads and runs.
    Scripts,
    /// By this field of the response.
    Header(HeaderName),
    /// By nothing.
    Elsewhere,
}

/// A page on its way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Passing<'a> {
    pub(crate) path: &'a str,
    /// The upstream that it came from, if that is known.
    pub(crate) upstream: Option<usize>,
    /// The release that was current when the page was asked for.
    pub(crate) current: Option<&'a ReleaseId>,
    /// The time of the page as the upstream tells it, or now, in milliseconds since 1970.
    pub(crate) built: u64,
}

/// What a page shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    Current,
    Another,
}

/// The release that a page is of, and when that was built.
pub(crate) type Stamp = (ReleaseId, u64);

#[derive(Debug, Default)]
struct Upstream {
    /// When a page from there last showed the current release, in milliseconds since the start, plus one; 0 for never.
    current_seen: AtomicU64,
}

/// The pages that were last read. Static shells come again and again.
#[derive(Debug, Default)]
struct Cache {
    hasher: RandomState,
    found: VecDeque<((u64, usize), Arc<Found>)>,
}

impl Traffic {
    /// For a site with so many upstreams.
    pub(crate) fn new(
        way: Way,
        entries: &[Arc<str>],
        host: Option<&str>,
        upstreams: usize,
    ) -> Self {
        Self {
            way,
            entries: entries.to_vec(),
            host: host.map(Into::into),
            upstreams: (0..upstreams).map(|_| Upstream::default()).collect(),
            start: now(),
            others: Notify::new(),
            memory: Mutex::default(),
            cache: Mutex::default(),
        }
    }

    pub(crate) fn way(&self) -> &Way {
        &self.way
    }

    /// The release of a page that has this from the place of the tag on; `None` if nobody can tell.
    pub(crate) fn read(&self, page: &[u8], extent: Extent, passing: Passing<'_>) -> Option<Stamp> {
        if self.way != Way::Scripts || page.len() > MOST_READ {
            return None;
        }
        let elements = self.found(page)?.at(Location {
            path: passing.path,
            host: self.host.as_deref(),
        });
        if elements.is_empty() {
            return None;
        }
        match extent {
            Extent::Beginning => self.memory().with_beginning(&elements),
            Extent::Whole => self.whole(elements, passing),
        }
    }

    /// The release of a page that comes with this in the field that says so.
    pub(crate) fn called(&self, value: &str, passing: Passing<'_>) -> Stamp {
        let pages = Pages::Value(value.into());
        let id = pages.id();
        let mut memory = self.memory();
        let current = memory.current();
        let shown = if current.is_some_and(|current| current.release.id() == &id) {
            Shown::Current
        } else {
            Shown::Another
        };
        let stamp = memory.stamp_of(&id);
        let stamp = stamp.unwrap_or_else(|| memory.await_release(pages, passing.built, now()));
        drop(memory);
        self.note(shown, passing);
        stamp
    }

    fn whole(&self, elements: Elements, passing: Passing<'_>) -> Option<Stamp> {
        let mut memory = self.memory();
        let page = Print::of(elements);
        let current = memory.current();
        let likeness = current.map(|current| current.pages.likeness_of(&page));
        let only = current.and_then(|current| current.pages.only());
        let is_alone = only.is_some();
        let is_entry = only.is_some_and(|(path, _)| **path == *passing.path);
        let stamp = memory.with_page(&page, passing, &self.entries);
        drop(memory);
        match likeness {
            Some(Likeness::Same) if is_alone => self.note(Shown::Current, passing),
            Some(Likeness::ButQueries | Likeness::Other) if is_entry => {
                self.note(Shown::Another, passing);
            }
            // Who is logged in may get other scripts in the page: that tells nothing, either way.
            _ => {}
        }
        stamp
    }

    fn note(&self, shown: Shown, passing: Passing<'_>) {
        let only = (self.upstreams.len() == 1).then_some(0);
        let upstream = passing.upstream.or(only);
        let Some(upstream) = upstream.and_then(|n| self.upstreams.get(n)) else {
            return;
        };
        if shown == Shown::Current {
            let since = now().duration_since(self.start).as_millis();
            let since = u64::try_from(since).unwrap_or(u64::MAX - 1);
            upstream.current_seen.store(since + 1, Ordering::Relaxed);
        } else {
            self.others.notify_one();
        }
    }

    /// When a page from this upstream last showed the current release.
    pub(crate) fn current_seen(&self, upstream: usize) -> Option<Instant> {
        let seen = self.upstreams.get(upstream)?;
        let since = seen.current_seen.load(Ordering::Relaxed).checked_sub(1)?;
        Some(self.start + Duration::from_millis(since))
    }

    /// Ready when a page has shown something else than the current release.
    pub(crate) async fn other_seen(&self) {
        self.others.notified().await;
    }

    /// What is known by now: the current release, and those that were it before.
    pub(crate) fn learn(&self, current: Option<Known>, recent: Vec<Known>) {
        let mut memory = self.memory();
        if memory.learn(current, recent) {
            for upstream in &self.upstreams {
                upstream.current_seen.store(0, Ordering::Relaxed);
            }
        }
    }

    /// What the upstreams answer with themselves.
    pub(crate) fn looked<'a>(&self, shown: impl Iterator<Item = &'a Pages>) {
        self.memory().shown(shown, now());
    }

    /// When the release `id` was built, if a page of it has passed.
    pub(crate) fn built(&self, id: &ReleaseId) -> Option<u64> {
        self.memory().stamp_of(id).map(|(_, built)| built)
    }

    fn found(&self, page: &[u8]) -> Option<Arc<Found>> {
        let mut cache = lock(&self.cache);
        let key = (cache.hasher.hash_one(page), page.len());
        if let Some((_, found)) = cache.found.iter().find(|(known, _)| *known == key) {
            return Some(Arc::clone(found));
        }
        drop(cache);
        let found = Arc::new(Reader::read(page)?);
        cache = lock(&self.cache);
        cache.found.push_front((key, Arc::clone(&found)));
        cache.found.truncate(MOST_CACHED);
        Some(found)
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        lock(&self.memory)
    }
}

/// The `Last-Modified` of a response, in milliseconds since 1970.
pub(crate) fn last_modified(headers: &HeaderMap) -> Option<u64> {
    let text = headers.get(header::LAST_MODIFIED)?.to_str().ok()?;
    let time = httpdate::parse_http_date(text).ok()?;
    let since = time.duration_since(UNIX_EPOCH).ok()?.as_millis();
    u64::try_from(since).ok()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// By the clock that tests can stop.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

// Reading a page takes some ten milliseconds a megabyte, of the time of others too. Pages of this size are no shells.
const MOST_READ: usize = 128 * 1024;

// A site has few shells; and of two builds at a time.
const MOST_CACHED: usize = 16;

#[cfg(test)]
mod tests;
