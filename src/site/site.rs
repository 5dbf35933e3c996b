//! The handle on a site.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::watch;

use crate::release::Release;
use crate::release::ReleaseId;
use crate::release::ReleaseMetadata;
use crate::site::checks::CheckRequester;
use crate::site::checks::CheckRequests;
use crate::site::history::PublishedBy;
use crate::site::observer::ObservePages;
use crate::site::publish_time::PublishTime;
use crate::site::state::State;
use crate::site::unix_millis;

/// A handle on the current release and the retained ones. `Clone` is cheap, and all clones are one site.
///
/// ```
/// use tidings::{Release, Site};
///
/// let site = Site::new().retain_releases(5);
/// assert!(site.current().is_none());
/// assert!(site.publish(Release::new("v1".parse()?, 1_700_000_000_000)));
/// assert!(!site.publish(Release::new("v1".parse()?, 1_700_000_000_000)), "the same release");
/// assert_eq!(site.current().unwrap().id().as_str(), "v1");
/// # Ok::<(), tidings::Error>(())
/// ```
#[derive(Clone)]
pub struct Site {
    state: Arc<watch::Sender<Arc<State>>>,
    checks: CheckRequester,
}

/// The outcome of publishing a release by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PublishOutcome {
    Published,
    /// The current release has this id; only its metadata has changed.
    IsCurrent,
    /// Rejected: the current release has files, and its id is computed from them.
    HasFiles,
}

impl Site {
    /// A site without a release, which retains the last [`DEFAULT_RETAIN_RELEASES`](crate::DEFAULT_RETAIN_RELEASES)
    /// within [`DEFAULT_MEMORY_LIMIT`](crate::DEFAULT_MEMORY_LIMIT).
    pub fn new() -> Self {
        Self {
            state: Arc::new(watch::Sender::new(Arc::new(State::new()))),
            checks: CheckRequester::default(),
        }
    }

    /// Sets how many older releases stay servable. Takes effect with the next publish.
    pub fn retain_releases(self, releases: usize) -> Self {
        self.modify_without_notify(|state| state.limits_mut().releases = releases);
        self
    }

    /// Sets how many bytes the current and the retained releases may take in memory together. The current one is kept
    /// even if it is larger. Takes effect with the next publish.
    pub fn memory_limit(self, bytes: u64) -> Self {
        self.modify_without_notify(|state| state.limits_mut().memory = bytes);
        self
    }

    /// Makes `release` current, in one step. True if its id is another than that of the current release.
    ///
    /// With the same id the table of files is replaced, and open tabs are not notified.
    pub fn publish(&self, release: Release) -> bool {
        let time = PublishTime::now();
        self.state.send_if_modified(|state| {
            let mut next = State::clone(state);
            let is_new = next.publish(&Arc::new(release), PublishedBy::Source, time);
            *state = Arc::new(next);
            is_new
        })
    }

    /// The release that new visitors get.
    pub fn current(&self) -> Option<Arc<Release>> {
        self.state.borrow().current().cloned()
    }

    /// The older releases that are retained, newest first.
    pub fn retained(&self) -> Vec<Arc<Release>> {
        self.state.borrow().retained().to_vec()
    }

    /// Requests the sources of this site to check for a new release now, because one was deployed or is about to be.
    /// Nothing is published because of the request alone.
    pub fn request_check(&self) {
        self.checks.announce_deploy(PublishTime::now().monotonic);
    }

    /// Requests the sources to check, because something may have changed.
    pub(crate) fn maybe_changed(&self) {
        self.checks.request();
    }

    /// Ends every event stream, and those to come. A server that shuts down would wait for them otherwise.
    pub fn close(&self) {
        self.state.send_modify(|state| Arc::make_mut(state).close());
    }

    /// Sets what the site waits for, as long as there is no release.
    pub(crate) fn set_not_ready_reason(&self, reason: &str) {
        self.modify_without_notify(|state| state.set_not_ready_reason(reason));
    }

    /// Stores announced metadata until it can be attached to a release: the next one, or the current one if that was
    /// published just before. Replaces an earlier pending announcement.
    pub(crate) fn set_pending_metadata(&self, metadata: ReleaseMetadata, now: Instant) {
        self.modify_without_notify(|state| state.set_pending_metadata(metadata, now));
    }

    /// Called by a source that has checked, found no new release, and expects none: pending metadata may belong to the
    /// current release. Gives the time by which the source should check again, if there is one.
    pub(crate) fn on_checked(&self, now: Instant) -> Option<Instant> {
        if !self.state.borrow().has_pending_metadata() {
            return None;
        }
        let mut next_check = None;
        self.modify_without_notify(|state| next_check = state.on_checked(now));
        next_check
    }

    /// Publishes a release without files, built now, by an id from outside, and requests the sources to check.
    pub(crate) fn publish_named(
        &self,
        id: &ReleaseId,
        metadata: ReleaseMetadata,
        time: PublishTime,
    ) -> PublishOutcome {
        let mut outcome = PublishOutcome::Published;
        self.state.send_if_modified(|state| {
            outcome = match state.current() {
                Some(current) if current.id() == id => PublishOutcome::IsCurrent,
                Some(current) if !current.is_empty() => PublishOutcome::HasFiles,
                _ => PublishOutcome::Published,
            };
            let state = Arc::make_mut(state);
            match outcome {
                PublishOutcome::HasFiles => false,
                PublishOutcome::IsCurrent => {
                    state.add_metadata(&metadata);
                    false
                }
                PublishOutcome::Published => {
                    state.set_pending_metadata(metadata, time.monotonic);
                    let release = Release::new(id.clone(), unix_millis::from_time(time.wall));
                    state.publish(&Arc::new(release), PublishedBy::Webhook, time)
                }
            }
        });
        if outcome == PublishOutcome::Published {
            self.request_check();
        }
        outcome
    }

    /// Sets or removes what recognises the releases of pages that pass through.
    pub(crate) fn set_observer(&self, observer: Option<Arc<dyn ObservePages>>) {
        self.modify_without_notify(|state| state.set_observer(observer));
    }

    /// The check requests from now on.
    pub(crate) fn check_requests(&self) -> CheckRequests {
        self.checks.subscribe()
    }

    pub(crate) fn state(&self) -> Arc<State> {
        Arc::clone(&self.state.borrow())
    }

    /// A receiver of the state, which is notified of every new release and when the site is closed.
    pub(crate) fn subscribe(&self) -> watch::Receiver<Arc<State>> {
        self.state.subscribe()
    }

    fn modify_without_notify(&self, modify: impl FnOnce(&mut State)) {
        self.state.send_if_modified(|state| {
            modify(Arc::make_mut(state));
            false
        });
    }
}

impl Default for Site {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("Site")
            .field("current", &state.current())
            .field("retained", &state.retained())
            .finish_non_exhaustive()
    }
}
