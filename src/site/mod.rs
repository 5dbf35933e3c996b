//! The site: a handle on the current release and on those that are kept for old tabs.

mod announcement;
pub(crate) mod traffic;

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::watch;

use crate::release::Entry;
use crate::release::Release;
use crate::release::ReleaseId;
pub(crate) use crate::site::announcement::Announcement;
use crate::site::traffic::Traffic;

/// A handle on the current release and the retained ones. `Clone` is cheap, and all clones are one site.
///
/// ```
/// use tidings::{Release, Site};
///
/// let site = Site::new().keep(5);
/// assert!(site.current().is_none());
/// assert!(site.publish(Release::named("v1".parse()?, 1_700_000_000_000)));
/// assert!(!site.publish(Release::named("v1".parse()?, 1_700_000_000_000)), "no news");
/// assert_eq!(site.current().unwrap().id().as_str(), "v1");
/// # Ok::<(), tidings::Error>(())
/// ```
#[derive(Clone)]
pub struct Site {
    state: Arc<watch::Sender<Arc<State>>>,
    /// How often somebody wanted the sources to look.
    looks: Arc<watch::Sender<u64>>,
}

/// Everything that is true of a site at one moment. Whoever answers a request reads it once.
#[derive(Debug, Clone)]
pub(crate) struct State {
    current: Option<Arc<Release>>,
    retained: Vec<Arc<Release>>,
    announcement: Option<Arc<Announcement>>,
    previous: Vec<ReleaseId>,
    awaited: Arc<str>,
    closed: bool,
    /// There if a source asks upstreams.
    traffic: Option<Arc<Traffic>>,
    keep: usize,
    memory: u64,
}

impl Site {
    /// A site without a release, which keeps the last [`DEFAULT_KEEP`] within [`DEFAULT_MEMORY`].
    pub fn new() -> Self {
        let state = State {
            current: None,
            retained: Vec::new(),
            announcement: None,
            previous: Vec::new(),
            awaited: "the first release".into(),
            closed: false,
            traffic: None,
            keep: DEFAULT_KEEP,
            memory: DEFAULT_MEMORY,
        };
        Self {
            state: Arc::new(watch::Sender::new(Arc::new(state))),
            looks: Arc::default(),
        }
    }

    /// How many older releases stay servable. From the next publish on.
    pub fn keep(self, releases: usize) -> Self {
        self.quietly(|state| state.keep = releases);
        self
    }

    /// How many bytes the current and the retained releases may take in memory together. The current one
    /// is never given up for it. From the next publish on.
    pub fn memory(self, bytes: u64) -> Self {
        self.quietly(|state| state.memory = bytes);
        self
    }

    /// Makes `release` current, in one step. True if it is news.
    ///
    /// If its id is that of the current one, the table of files is replaced and nobody is told: then it is
    /// false.
    pub fn publish(&self, release: Release) -> bool {
        self.state.send_if_modified(|state| {
            let mut next = State::clone(state);
            let is_news = next.publish(&Arc::new(release));
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
    /// themselves. It says nothing about whether there is one.
    pub fn look(&self) {
        self.looks.send_modify(|looks| *looks += 1);
    }

    /// Ends every event stream, and those to come. For the shutdown of a server, which would wait for them.
    pub fn close(&self) {
        self.state
            .send_modify(|state| Arc::make_mut(state).closed = true);
    }

    /// Says what the site waits for, as long as there is no release.
    pub(crate) fn set_awaited(&self, what: &str) {
        self.quietly(|state| state.awaited = what.into());
    }

    /// Has pages that pass by tell what they show; `None` ends that.
    pub(crate) fn set_traffic(&self, traffic: Option<Arc<Traffic>>) {
        self.quietly(|state| state.traffic = traffic);
    }

    /// What [`look`](Self::look) wakes, from now on.
    pub(crate) fn looks(&self) -> Looks {
        Looks(self.looks.subscribe())
    }

    pub(crate) fn memory_budget(&self) -> u64 {
        self.state.borrow().memory
    }

    pub(crate) fn state(&self) -> Arc<State> {
        Arc::clone(&self.state.borrow())
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<Arc<State>> {
        self.state.subscribe()
    }

    fn quietly(&self, change: impl FnOnce(&mut State)) {
        self.state.send_if_modified(|state| {
            change(Arc::make_mut(state));
            false
        });
    }
}

/// How a source hears that it is to look: however often it was told since it last heard, once.
#[derive(Debug)]
pub(crate) struct Looks(watch::Receiver<u64>);

impl Looks {
    /// Ready when somebody wants a look; pending for ever once the site is gone.
    pub(crate) async fn wanted(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
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

impl State {
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

    pub(crate) fn awaited(&self) -> &str {
        &self.awaited
    }

    pub(crate) fn traffic(&self) -> Option<&Arc<Traffic>> {
        self.traffic.as_ref()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    fn publish(&mut self, release: &Arc<Release>) -> bool {
        let old = self.current.replace(Arc::clone(release));
        if old.as_ref().is_some_and(|old| old.id() == release.id()) {
            let announcement = self.announcement.take();
            self.announcement = announcement.map(|a| Arc::new(a.again(release, &self.previous)));
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
        let last = self.announcement.as_deref();
        self.announcement = Some(Arc::new(Announcement::after(last, release, &self.previous)));
        true
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

/// How many older releases a new [`Site`] keeps.
pub const DEFAULT_KEEP: usize = 3;

/// The bytes that the releases of a new [`Site`] may take in memory: 512 MiB.
pub const DEFAULT_MEMORY: u64 = 512 * 1024 * 1024;

// A tab that is fifty deploys behind is told by the time of the build.
const MOST_PREVIOUS: usize = 50;

#[cfg(test)]
mod tests;
