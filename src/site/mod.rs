//! The site: a handle on the current release and on those that are kept for old tabs.

mod announcement;
mod deploys;
pub(crate) mod observer;
mod said;
mod state;

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::watch;

use crate::release::Release;
use crate::release::ReleaseId;
use crate::release::metadata::About;
pub(crate) use crate::site::announcement::Announcement;
use crate::site::deploys::By;
use crate::site::observer::ObservePages;
pub(crate) use crate::site::said::LONGEST_AHEAD;
pub(crate) use crate::site::said::NEWS_WITHIN;
use crate::site::said::Said;
pub(crate) use crate::site::state::State;

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
    /// Whether somebody wanted the sources to look.
    looks: Arc<watch::Sender<Wanted>>,
}

impl Site {
    /// A site without a release, which keeps the last [`DEFAULT_KEEP`] within [`DEFAULT_MEMORY`].
    pub fn new() -> Self {
        Self {
            state: Arc::new(watch::Sender::new(Arc::new(State::new()))),
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
            let is_news = next.publish(&Arc::new(release), By::Source, Instant::now());
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
    pub fn look(&self) {
        let now = tokio::time::Instant::now().into_std();
        self.looks.send_modify(|wanted| wanted.word = Some(now));
    }

    /// Has the sources look, for a reason that may be none.
    pub(crate) fn hint(&self) {
        self.looks.send_modify(|_| {});
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

    /// Takes a word on a release that is about to be published, or was a moment ago. It replaces an earlier one of
    /// which it is not yet known whom it is of.
    pub(crate) fn say(&self, about: About, now: Instant) {
        if !about.is_empty() {
            self.quietly(|state| state.said = Some(Said::new(about, now)));
        }
    }

    /// What a source calls when it has looked, nothing is about to come, and it found no news: so what was said may be
    /// of the current release. Gives the time by which it should look again, if there is one.
    pub(crate) fn looked(&self, now: Instant) -> Option<Instant> {
        self.state.borrow().said.as_ref()?;
        let mut again = None;
        self.quietly(|state| again = state.looked(now));
        again
    }

    /// Publishes a release without files under a name that somebody gives it from outside, and has the sources look.
    /// `built` is in milliseconds since 1970.
    pub(crate) fn name(&self, id: &ReleaseId, about: About, built: u64, now: Instant) -> Naming {
        let mut naming = Naming::Published;
        self.state.send_if_modified(|state| {
            let current = state.current.as_deref();
            naming = match current {
                Some(current) if current.id() == id => Naming::IsCurrent,
                Some(current) if !current.is_empty() => Naming::HasFiles,
                _ => Naming::Published,
            };
            let state = Arc::make_mut(state);
            match naming {
                Naming::HasFiles => {}
                Naming::IsCurrent => state.tell(&about),
                Naming::Published => {
                    if !about.is_empty() {
                        state.said = Some(Said::new(about, now));
                    }
                    let release = Release::named(id.clone(), built);
                    return state.publish(&Arc::new(release), By::Webhook, now);
                }
            }
            false
        });
        if naming == Naming::Published {
            self.look();
        }
        naming
    }

    /// Sets or removes what recognises the releases of pages that pass through.
    pub(crate) fn set_observer(&self, observer: Option<Arc<dyn ObservePages>>) {
        self.quietly(|state| state.observer = observer);
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

/// What became of a name from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Naming {
    Published,
    /// It is that of the current release, and nothing but what is said of it changes.
    IsCurrent,
    /// Refused: the current release has files, and is named by them.
    HasFiles,
}

/// What the sources are to hear.
#[derive(Debug, Clone, Copy, Default)]
struct Wanted {
    /// When somebody last said that there is a deploy.
    word: Option<Instant>,
}

/// How a source hears that it is to look: however often it was told since it last heard, once.
#[derive(Debug)]
pub(crate) struct Looks(watch::Receiver<Wanted>);

impl Looks {
    /// Ready when a look is wanted; pending for ever once the site is gone. Gives the time at which somebody last said
    /// that there is a deploy.
    pub(crate) async fn wanted(&mut self) -> Option<Instant> {
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
pub const DEFAULT_KEEP: usize = 3;

/// The bytes that the releases of a new [`Site`] may take in memory: 512 MiB.
pub const DEFAULT_MEMORY: u64 = 512 * 1024 * 1024;

#[cfg(test)]
mod tests;
