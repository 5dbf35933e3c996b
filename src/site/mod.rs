//! The site: a handle on the current release and on those that are kept for old tabs.

mod announcement;
mod history;
pub(crate) mod observer;
mod pending;
mod state;

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::watch;

use crate::release::Release;
use crate::release::ReleaseId;
use crate::release::ReleaseMetadata;
pub(crate) use crate::site::announcement::Announcement;
pub(crate) use crate::site::announcement::AnnouncementData;
use crate::site::history::PublishedBy;
use crate::site::observer::ObservePages;
pub(crate) use crate::site::pending::ATTACH_AFTER;
pub(crate) use crate::site::pending::MAX_PENDING_AGE;
use crate::site::pending::PendingMetadata;
pub(crate) use crate::site::state::State;

/// A handle on the current release and the retained ones. `Clone` is cheap, and all clones are one site.
///
/// ```
/// use tidings::{Release, Site};
///
/// let site = Site::new().retain_releases(5);
/// assert!(site.current().is_none());
/// assert!(site.publish(Release::new("v1".parse()?, 1_700_000_000_000)));
/// assert!(!site.publish(Release::new("v1".parse()?, 1_700_000_000_000)), "no news");
/// assert_eq!(site.current().unwrap().id().as_str(), "v1");
/// # Ok::<(), tidings::Error>(())
/// ```
#[derive(Clone)]
pub struct Site {
    state: Arc<watch::Sender<Arc<State>>>,
    /// Whether somebody wanted the sources to look.
    check_requests: Arc<watch::Sender<CheckRequest>>,
}

impl Site {
    /// A site without a release, which keeps the last [`DEFAULT_RETAIN_RELEASES`] within [`DEFAULT_MEMORY_LIMIT`].
    pub fn new() -> Self {
        Self {
            state: Arc::new(watch::Sender::new(Arc::new(State::new()))),
            check_requests: Arc::default(),
        }
    }

    /// How many older releases stay servable. From the next publish on.
    pub fn retain_releases(self, releases: usize) -> Self {
        self.modify_without_notify(|state| state.retain_releases = releases);
        self
    }

    /// How many bytes the current and the retained releases may take in memory together. The current one
    /// is never given up for it. From the next publish on.
    pub fn memory_limit(self, bytes: u64) -> Self {
        self.modify_without_notify(|state| state.memory_limit = bytes);
        self
    }

    /// Makes `release` current, in one step. True if it is news.
    ///
    /// If its id is that of the current one, the table of files is replaced and nobody is told: then it is
    /// false.
    pub fn publish(&self, release: Release) -> bool {
        self.state.send_if_modified(|state| {
            let mut next = State::clone(state);
            let is_news = next.publish(&Arc::new(release), PublishedBy::Source, Instant::now());
            *state = Arc::new(next);
            is_news
        })
    }

    /// The release that new visitors get.
    pub fn current(&self) -> Option<Arc<Release>> {
        self.state.borrow().current.clone()
    }

    /// The older releases that are kept, newest first.
    pub fn retained(&self) -> Vec<Arc<Release>> {
        self.state.borrow().retained.clone()
    }

    /// Has the sources of this site look now whether there is a new release, whenever they would have looked by
    /// themselves: for whoever has deployed one, or is about to. Nothing is published for that word alone.
    pub fn request_check(&self) {
        let now = tokio::time::Instant::now().into_std();
        self.check_requests
            .send_modify(|wanted| wanted.word = Some(now));
    }

    /// Has the sources look, for a reason that may be none.
    pub(crate) fn maybe_changed(&self) {
        self.check_requests.send_modify(|_| {});
    }

    /// Ends every event stream, and those to come. For the shutdown of a server, which would wait for them.
    pub fn close(&self) {
        self.state
            .send_modify(|state| Arc::make_mut(state).closed = true);
    }

    /// Says what the site waits for, as long as there is no release.
    pub(crate) fn set_not_ready_reason(&self, what: &str) {
        self.modify_without_notify(|state| state.not_ready_reason = what.into());
    }

    /// Takes a word on a release that is about to be published, or was a moment ago. It replaces an earlier one of
    /// which it is not yet known whom it is of.
    pub(crate) fn set_pending_metadata(&self, about: ReleaseMetadata, now: Instant) {
        if !about.is_empty() {
            self.modify_without_notify(|state| {
                state.pending = Some(PendingMetadata::new(about, now))
            });
        }
    }

    /// What a source calls when it has looked, nothing is about to come, and it found no news: so what was said may be
    /// of the current release. Gives the time by which it should look again, if there is one.
    pub(crate) fn on_checked(&self, now: Instant) -> Option<Instant> {
        self.state.borrow().pending.as_ref()?;
        let mut again = None;
        self.modify_without_notify(|state| again = state.on_checked(now));
        again
    }

    /// Publishes a release without files under a name that somebody gives it from outside, and has the sources look.
    /// `built` is in milliseconds since 1970.
    pub(crate) fn publish_named(
        &self,
        id: &ReleaseId,
        about: ReleaseMetadata,
        built: u64,
        now: Instant,
    ) -> PublishOutcome {
        let mut outcome = PublishOutcome::Published;
        self.state.send_if_modified(|state| {
            let current = state.current.as_deref();
            outcome = match current {
                Some(current) if current.id() == id => PublishOutcome::IsCurrent,
                Some(current) if !current.is_empty() => PublishOutcome::HasFiles,
                _ => PublishOutcome::Published,
            };
            let state = Arc::make_mut(state);
            match outcome {
                PublishOutcome::HasFiles => {}
                PublishOutcome::IsCurrent => state.add_metadata(&about),
                PublishOutcome::Published => {
                    if !about.is_empty() {
                        state.pending = Some(PendingMetadata::new(about, now));
                    }
                    let release = Release::new(id.clone(), built);
                    return state.publish(&Arc::new(release), PublishedBy::Webhook, now);
                }
            }
            false
        });
        if outcome == PublishOutcome::Published {
            self.request_check();
        }
        outcome
    }

    /// Sets or removes what recognises the releases of pages that pass through.
    pub(crate) fn set_observer(&self, observer: Option<Arc<dyn ObservePages>>) {
        self.modify_without_notify(|state| state.observer = observer);
    }

    /// What [`request_check`](Self::request_check) wakes, from now on.
    pub(crate) fn check_requests(&self) -> CheckRequests {
        CheckRequests(self.check_requests.subscribe())
    }

    pub(crate) fn memory_budget(&self) -> u64 {
        self.state.borrow().memory_limit
    }

    pub(crate) fn state(&self) -> Arc<State> {
        Arc::clone(&self.state.borrow())
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<Arc<State>> {
        self.state.subscribe()
    }

    fn modify_without_notify(&self, change: impl FnOnce(&mut State)) {
        self.state.send_if_modified(|state| {
            change(Arc::make_mut(state));
            false
        });
    }
}

/// What became of a name from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PublishOutcome {
    Published,
    /// It is that of the current release, and nothing but what is said of it changes.
    IsCurrent,
    /// Refused: the current release has files, and is named by them.
    HasFiles,
}

/// What the sources are to hear.
#[derive(Debug, Clone, Copy, Default)]
struct CheckRequest {
    /// When somebody last said that there is a deploy.
    word: Option<Instant>,
}

/// How a source hears that it is to look: however often it was told since it last heard, once.
#[derive(Debug)]
pub(crate) struct CheckRequests(watch::Receiver<CheckRequest>);

impl CheckRequests {
    /// Ready when a look is wanted; pending for ever once the site is gone. Gives the time at which somebody last said
    /// that there is a deploy.
    pub(crate) async fn next(&mut self) -> Option<Instant> {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        self.0.borrow_and_update().word
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
            .field("current", &state.current)
            .field("retained", &state.retained)
            .finish_non_exhaustive()
    }
}

/// How many older releases a new [`Site`] keeps.
pub const DEFAULT_RETAIN_RELEASES: usize = 3;

/// The bytes that the releases of a new [`Site`] may take in memory: 512 MiB.
pub const DEFAULT_MEMORY_LIMIT: u64 = 512 * 1024 * 1024;

#[cfg(test)]
mod tests;
