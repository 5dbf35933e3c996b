//! The state of a site at one moment.

use std::sync::Arc;
use std::time::Instant;

use serde_json::value::RawValue;

use crate::release::Entry;
use crate::release::Release;
use crate::release::ReleaseId;
use crate::release::ReleaseMetadata;
use crate::site::announcement::Announcement;
use crate::site::history::DeployHistory;
use crate::site::history::DeployRecord;
use crate::site::history::PublishedBy;
use crate::site::observer::ObservePages;
use crate::site::pending::Attachment;
use crate::site::pending::CurrentRelease;
use crate::site::pending::PendingMetadata;
use crate::site::publish_time::PublishTime;
use crate::site::retention::RetentionLimits;

/// The state of a site at one moment. It is read once a request.
#[derive(Debug, Clone)]
pub(crate) struct State {
    current: Option<Arc<Release>>,
    /// When the current release was published, for durations within this process.
    current_since: Option<Instant>,
    /// Older releases, newest first.
    retained: Vec<Arc<Release>>,
    announcement: Option<Arc<Announcement>>,
    /// The ids of older releases, newest first.
    superseded_ids: Vec<ReleaseId>,
    deploys: DeployHistory,
    /// What was announced of the current release.
    announced_metadata: ReleaseMetadata,
    pending: Option<PendingMetadata>,
    not_ready_reason: Arc<str>,
    is_closed: bool,
    /// Set while upstreams are polled.
    observer: Option<Arc<dyn ObservePages>>,
    limits: RetentionLimits,
}

impl State {
    /// The state of a new site, without a release.
    pub(crate) fn new() -> Self {
        Self {
            current: None,
            current_since: None,
            retained: Vec::new(),
            announcement: None,
            superseded_ids: Vec::new(),
            deploys: DeployHistory::default(),
            announced_metadata: ReleaseMetadata::default(),
            pending: None,
            not_ready_reason: "the first release".into(),
            is_closed: false,
            observer: None,
            limits: RetentionLimits::default(),
        }
    }

    pub(crate) fn current(&self) -> Option<&Arc<Release>> {
        self.current.as_ref()
    }

    /// The retained releases, newest first.
    pub(crate) fn retained(&self) -> &[Arc<Release>] {
        &self.retained
    }

    /// The file at `path` of the newest retained release that has one there with a hash in its name.
    pub(crate) fn retained_entry(&self, path: &str) -> Option<&Entry> {
        let mut entries = self.retained.iter().filter_map(|release| release.get(path));
        entries.find(|entry| entry.is_hashed())
    }

    /// What has changed since the release `id`, as JSON: `{"added":[…],"changed":[…],"removed":[…]}`. `None` if that
    /// release is not retained, or too much has changed.
    pub(crate) fn changes_since(&self, id: &str) -> Option<Arc<RawValue>> {
        let current = self.current.as_deref()?;
        let mut known = std::iter::once(current).chain(self.retained.iter().map(AsRef::as_ref));
        let old = known.find(|release| release.id().as_str() == id)?;
        let announcement = self.announcement.as_deref()?;
        announcement.changes(old, current)
    }

    pub(crate) fn announcement(&self) -> Option<&Arc<Announcement>> {
        self.announcement.as_ref()
    }

    /// The ids of older releases, newest first. Never that of the current one.
    #[cfg(test)]
    pub(crate) fn superseded_ids(&self) -> &[ReleaseId] {
        &self.superseded_ids
    }

    pub(crate) fn deploys(&self) -> &DeployHistory {
        &self.deploys
    }

    /// What the site waits for, as long as there is no release.
    pub(crate) fn not_ready_reason(&self) -> &str {
        &self.not_ready_reason
    }

    pub(crate) fn observer(&self) -> Option<&Arc<dyn ObservePages>> {
        self.observer.as_ref()
    }

    /// True if event streams are to end.
    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed
    }

    pub(crate) fn limits(&self) -> RetentionLimits {
        self.limits
    }

    pub(crate) fn limits_mut(&mut self) -> &mut RetentionLimits {
        &mut self.limits
    }

    pub(crate) fn close(&mut self) {
        self.is_closed = true;
    }

    pub(crate) fn set_not_ready_reason(&mut self, reason: &str) {
        self.not_ready_reason = reason.into();
    }

    pub(crate) fn set_observer(&mut self, observer: Option<Arc<dyn ObservePages>>) {
        self.observer = observer;
    }

    pub(crate) fn has_pending_metadata(&self) -> bool {
        self.pending.is_some()
    }

    /// Stores announced metadata until it can be attached to a release. Replaces earlier pending metadata.
    pub(crate) fn set_pending_metadata(&mut self, metadata: ReleaseMetadata, now: Instant) {
        if !metadata.is_empty() {
            self.pending = Some(PendingMetadata::new(metadata, now));
        }
    }

    /// Makes `release` current. True if its id is another than that of the current one.
    pub(crate) fn publish(
        &mut self,
        release: &Arc<Release>,
        by: PublishedBy,
        time: PublishTime,
    ) -> bool {
        let old = self.current.replace(Arc::clone(release));
        if old.as_ref().is_some_and(|old| old.id() == release.id()) {
            self.update_announcement();
            // A publish without a source counts as a check, too.
            _ = self.on_checked(time.monotonic);
            self.apply_limits();
            return false;
        }
        if let Some(old) = old {
            self.superseded_ids.insert(0, old.id().clone());
            self.retained.insert(0, old);
        }
        self.superseded_ids.retain(|id| id != release.id());
        self.superseded_ids.truncate(MAX_SUPERSEDED_IDS);
        self.retained.retain(|kept| kept.id() != release.id());
        self.apply_limits();
        let pending = self.pending.take();
        let pending = pending.filter(|pending| pending.is_valid(time.monotonic));
        self.announced_metadata =
            pending.map_or_else(Default::default, PendingMetadata::into_metadata);
        let metadata = release.metadata().or(&self.announced_metadata);
        let last = self.announcement.as_deref();
        let ids = &self.superseded_ids;
        let announcement = Announcement::new(last, release, &metadata, ids, time.wall);
        self.current_since = Some(time.monotonic);
        self.deploys.push(DeployRecord {
            id: release.id().clone(),
            built: release.built(),
            published: announcement.published(),
            by,
            metadata,
        });
        self.announcement = Some(Arc::new(announcement));
        true
    }

    /// Attaches pending metadata when a source has checked and found no new release. Gives the time of the next check
    /// if that is needed to decide.
    pub(crate) fn on_checked(&mut self, now: Instant) -> Option<Instant> {
        let record = self.deploys.current();
        let current = record
            .zip(self.current_since)
            .map(|(record, since)| CurrentRelease {
                metadata: &record.metadata,
                since,
            });
        match self.pending.as_ref()?.attach(current, now) {
            Attachment::Undecided(due) => return Some(due),
            Attachment::Next => {}
            Attachment::Expired => self.pending = None,
            Attachment::Current => {
                if let Some(pending) = self.pending.take() {
                    self.add_metadata(&pending.into_metadata());
                }
            }
        }
        None
    }

    /// Adds metadata of the current release. It takes precedence over what was announced before.
    pub(crate) fn add_metadata(&mut self, metadata: &ReleaseMetadata) {
        self.announced_metadata = metadata.or(&self.announced_metadata);
        self.update_announcement();
    }

    fn update_announcement(&mut self) {
        let (Some(release), Some(last)) = (&self.current, &self.announcement) else {
            return;
        };
        let metadata = release.metadata().or(&self.announced_metadata);
        let announcement = last.updated(release, &metadata, &self.superseded_ids);
        self.announcement = Some(Arc::new(announcement));
        self.deploys.update_current(release, metadata);
    }

    fn apply_limits(&mut self) {
        self.limits
            .apply(self.current.as_deref(), &mut self.retained);
    }
}

// A tab that is further behind compares the times of the builds.
const MAX_SUPERSEDED_IDS: usize = 50;
