//! What is true of a site at one moment.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use crate::release::Entry;
use crate::release::Release;
use crate::release::ReleaseId;
use crate::release::metadata::About;
use crate::site::DEFAULT_KEEP;
use crate::site::DEFAULT_MEMORY;
use crate::site::announcement::Announcement;
use crate::site::deploys::By;
use crate::site::deploys::Deploys;
use crate::site::observer::ObservePages;
use crate::site::said::Said;
use crate::site::said::Verdict;

/// Everything that is true of a site at one moment. Whoever answers a request reads it once.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) current: Option<Arc<Release>>,
    pub(crate) retained: Vec<Arc<Release>>,
    pub(crate) announcement: Option<Arc<Announcement>>,
    pub(crate) previous: Vec<ReleaseId>,
    pub(crate) deploys: Deploys,
    /// What was said from outside of the current release.
    pub(crate) told: About,
    /// What was said of a release, and it is not known yet of which.
    pub(crate) said: Option<Said>,
    pub(crate) awaited: Arc<str>,
    pub(crate) closed: bool,
    /// Set while upstreams are polled.
    pub(crate) observer: Option<Arc<dyn ObservePages>>,
    pub(crate) keep: usize,
    pub(crate) memory: u64,
}

impl State {
    /// Without a release.
    pub(crate) fn new() -> Self {
        Self {
            current: None,
            retained: Vec::new(),
            announcement: None,
            previous: Vec::new(),
            deploys: Deploys::default(),
            told: About::default(),
            said: None,
            awaited: "the first release".into(),
            closed: false,
            observer: None,
            keep: DEFAULT_KEEP,
            memory: DEFAULT_MEMORY,
        }
    }

    pub(crate) fn current(&self) -> Option<&Arc<Release>> {
        self.current.as_ref()
    }

    /// The newest retained release that has a file with a hash in its name at `path`.
    pub(crate) fn retained(&self, path: &str) -> Option<&Entry> {
        let mut entries = self.retained.iter().filter_map(|release| release.get(path));
        entries.find(|entry| entry.is_hashed())
    }

    /// What has changed since the release `id`, as JSON, if that is still known:
    /// `{"added":[…],"changed":[…],"removed":[…]}`.
    pub(crate) fn changes_since(&self, id: &str) -> Option<Bytes> {
        let current = self.current.as_deref()?;
        let mut known = std::iter::once(current).chain(self.retained.iter().map(AsRef::as_ref));
        let old = known.find(|release| release.id().as_str() == id)?;
        let announcement = self.announcement.as_deref()?;
        announcement.changes(old, current)
    }

    pub(crate) fn announcement(&self) -> Option<&Arc<Announcement>> {
        self.announcement.as_ref()
    }

    pub(crate) fn deploys(&self) -> &Deploys {
        &self.deploys
    }

    pub(crate) fn awaited(&self) -> &str {
        &self.awaited
    }

    pub(crate) fn observer(&self) -> Option<&Arc<dyn ObservePages>> {
        self.observer.as_ref()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    pub(crate) fn publish(&mut self, release: &Arc<Release>, by: By, now: Instant) -> bool {
        let old = self.current.replace(Arc::clone(release));
        if old.as_ref().is_some_and(|old| old.id() == release.id()) {
            self.announce_again();
            // Whoever publishes without a source that looks has looked all the same.
            _ = self.looked(now);
            self.retain();
            return false;
        }
        if let Some(old) = old {
            self.previous.insert(0, old.id().clone());
            self.retained.insert(0, old);
        }
        self.previous.retain(|id| id != release.id());
        self.previous.truncate(MOST_PREVIOUS);
        self.retained.retain(|kept| kept.id() != release.id());
        self.retain();
        let said = self.said.take().filter(|said| said.is_of_next(now));
        self.told = said.map(Said::into_about).unwrap_or_default();
        let about = release.about().or(&self.told);
        let last = self.announcement.as_deref();
        let announcement = Announcement::after(last, release, &about, &self.previous);
        let published = announcement.published;
        self.deploys.push(release, about, published, by, now);
        self.announcement = Some(Arc::new(announcement));
        true
    }

    pub(crate) fn looked(&mut self, now: Instant) -> Option<Instant> {
        match self.said.as_ref()?.without_news(self.deploys.last(), now) {
            Verdict::Early(again) => return Some(again),
            Verdict::Next => {}
            Verdict::Stale => self.said = None,
            Verdict::Current => {
                if let Some(said) = self.said.take() {
                    self.tell(&said.into_about());
                }
            }
        }
        None
    }

    /// Says this of the current release, before what was said of it so far.
    pub(crate) fn tell(&mut self, about: &About) {
        self.told = about.or(&self.told);
        self.announce_again();
    }

    fn announce_again(&mut self) {
        let (Some(release), Some(last)) = (&self.current, &self.announcement) else {
            return;
        };
        let about = release.about().or(&self.told);
        self.announcement = Some(Arc::new(last.again(release, &about, &self.previous)));
        self.deploys.amend(release, about);
    }

    /// Gives up the oldest releases that are too many, or too much.
    fn retain(&mut self) {
        let mut seen = HashSet::new();
        let mut used: u64 = 0;
        let mut add = |release: &Release| {
            let new = release
                .in_memory()
                .filter(|asset| seen.insert(Arc::as_ptr(asset)));
            used += new.map(|asset| asset.memory()).sum::<u64>();
            used
        };
        if let Some(current) = &self.current {
            add(current);
        }
        let (keep, memory) = (self.keep, self.memory);
        let fitting = self
            .retained
            .iter()
            .take(keep)
            .take_while(|release| add(release) <= memory);
        let fitting = fitting.count();
        if fitting < self.retained.len().min(keep) {
            let dropped = self.retained.len().min(keep) - fitting;
            tracing::warn!(
                dropped,
                memory,
                "older releases do not fit into the memory budget and are not kept"
            );
        }
        self.retained.truncate(fitting);
    }
}

// A tab that is fifty deploys behind is told by the time of the build.
const MOST_PREVIOUS: usize = 50;
