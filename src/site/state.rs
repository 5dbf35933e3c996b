//! What is true of a site at one moment.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use crate::release::Entry;
use crate::release::Release;
use crate::release::ReleaseId;
use crate::release::ReleaseMetadata;
use crate::site::DEFAULT_MEMORY_LIMIT;
use crate::site::DEFAULT_RETAIN_RELEASES;
use crate::site::announcement::Announcement;
use crate::site::history::DeployHistory;
use crate::site::history::PublishedBy;
use crate::site::observer::ObservePages;
use crate::site::pending::PendingMetadata;
use crate::site::pending::Verdict;

/// Everything that is true of a site at one moment. Whoever answers a request reads it once.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) current: Option<Arc<Release>>,
    pub(crate) retained: Vec<Arc<Release>>,
    pub(crate) announcement: Option<Arc<Announcement>>,
    pub(crate) superseded_ids: Vec<ReleaseId>,
    pub(crate) deploys: DeployHistory,
    /// What was said from outside of the current release.
    pub(crate) announced_metadata: ReleaseMetadata,
    /// What was said of a release, and it is not known yet of which.
    pub(crate) pending: Option<PendingMetadata>,
    pub(crate) not_ready_reason: Arc<str>,
    pub(crate) closed: bool,
    /// Set while upstreams are polled.
    pub(crate) observer: Option<Arc<dyn ObservePages>>,
    pub(crate) retain_releases: usize,
    pub(crate) memory_limit: u64,
}

impl State {
    /// Without a release.
    pub(crate) fn new() -> Self {
        Self {
            current: None,
            retained: Vec::new(),
            announcement: None,
            superseded_ids: Vec::new(),
            deploys: DeployHistory::default(),
            announced_metadata: ReleaseMetadata::default(),
            pending: None,
            not_ready_reason: "the first release".into(),
            closed: false,
            observer: None,
            retain_releases: DEFAULT_RETAIN_RELEASES,
            memory_limit: DEFAULT_MEMORY_LIMIT,
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

    pub(crate) fn deploys(&self) -> &DeployHistory {
        &self.deploys
    }

    pub(crate) fn not_ready_reason(&self) -> &str {
        &self.not_ready_reason
    }

    pub(crate) fn observer(&self) -> Option<&Arc<dyn ObservePages>> {
        self.observer.as_ref()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    pub(crate) fn publish(
        &mut self,
        release: &Arc<Release>,
        by: PublishedBy,
        now: Instant,
    ) -> bool {
        let old = self.current.replace(Arc::clone(release));
        if old.as_ref().is_some_and(|old| old.id() == release.id()) {
            self.announce_again();
            // Whoever publishes without a source that looks has looked all the same.
            _ = self.on_checked(now);
            self.retain();
            return false;
        }
        if let Some(old) = old {
            self.superseded_ids.insert(0, old.id().clone());
            self.retained.insert(0, old);
        }
        self.superseded_ids.retain(|id| id != release.id());
        self.superseded_ids.truncate(MAX_SUPERSEDED_IDS);
        self.retained.retain(|kept| kept.id() != release.id());
        self.retain();
        let said = self.pending.take().filter(|said| said.is_of_next(now));
        self.announced_metadata = said.map(PendingMetadata::into_about).unwrap_or_default();
        let about = release.metadata().or(&self.announced_metadata);
        let last = self.announcement.as_deref();
        let announcement = Announcement::after(last, release, &about, &self.superseded_ids);
        let published = announcement.published;
        self.deploys.push(release, about, published, by, now);
        self.announcement = Some(Arc::new(announcement));
        true
    }

    pub(crate) fn on_checked(&mut self, now: Instant) -> Option<Instant> {
        match self
            .pending
            .as_ref()?
            .without_news(self.deploys.last(), now)
        {
            Verdict::Early(again) => return Some(again),
            Verdict::Next => {}
            Verdict::Stale => self.pending = None,
            Verdict::Current => {
                if let Some(said) = self.pending.take() {
                    self.add_metadata(&said.into_about());
                }
            }
        }
        None
    }

    /// Says this of the current release, before what was said of it so far.
    pub(crate) fn add_metadata(&mut self, about: &ReleaseMetadata) {
        self.announced_metadata = about.or(&self.announced_metadata);
        self.announce_again();
    }

    fn announce_again(&mut self) {
        let (Some(release), Some(last)) = (&self.current, &self.announcement) else {
            return;
        };
        let about = release.metadata().or(&self.announced_metadata);
        self.announcement = Some(Arc::new(last.again(release, &about, &self.superseded_ids)));
        self.deploys.amend(release, about);
    }

    /// Gives up the oldest releases that are too many, or too much.
    fn retain(&mut self) {
        let mut seen = HashSet::new();
        let mut used: u64 = 0;
        let mut add = |release: &Release| {
            let new = release
                .all_assets()
                .filter(|asset| seen.insert(Arc::as_ptr(asset)));
            used += new.map(|asset| asset.memory_usage()).sum::<u64>();
            used
        };
        if let Some(current) = &self.current {
            add(current);
        }
        let (retain_releases, memory) = (self.retain_releases, self.memory_limit);
        let fitting = self
            .retained
            .iter()
            .take(retain_releases)
            .take_while(|release| add(release) <= memory);
        let fitting = fitting.count();
        if fitting < self.retained.len().min(retain_releases) {
            let dropped = self.retained.len().min(retain_releases) - fitting;
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
const MAX_SUPERSEDED_IDS: usize = 50;
