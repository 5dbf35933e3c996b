//! The source for a directory: publishes it whenever a new build has been deployed into it.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;

use tokio::sync::Notify;
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use tokio::time::sleep_until;

use crate::build::immutability::ImmutableFiles;
use crate::build::not_ready::NotReady;
use crate::build::prepared::PreparedRelease;
use crate::build::snapshot::MemoryLimits;
use crate::build::snapshot::Snapshot;
use crate::build::tree::Tree;
use crate::client::script_tag_builder::ScriptTagBuilder;
use crate::csp::checker::CspChecker;
use crate::csp::page_origin::PageOrigin;
use crate::csp::script_permission::ScriptPermission;
use crate::error::Error;
use crate::html::inserter;
use crate::http::prefix::ReservedPrefix;
use crate::release::Release;
use crate::site::Site;
use crate::source::directory::debounce::Debouncer;
use crate::source::directory::debounce::Read;
use crate::source::directory::debounce::Timing;
use crate::source::directory::debounce::Verdict;
use crate::source::directory::debounce::Walked;
use crate::source::directory::fs_events::DirectoryWatcher;

/// Watches a directory and publishes what is deployed into it, once it is settled and complete.
///
/// It need not be there yet, may go away and come back, be swapped, or be a symbolic link that is. Whatever
/// happens to it, what was published stays published until something complete replaces it.
///
/// ```no_run
/// use tidings::{Site, StaticFiles, UpdateNotifierLayer, WatchDirectory};
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let site = Site::new();
/// let watching = tokio::spawn(WatchDirectory::new("dist").run(site.clone()));
/// // … serve it …
/// watching.abort();
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct WatchDirectory {
    root: PathBuf,
    timing: Timing,
    watch_mode: WatchMode,
    serve_mode: ServeMode,
    max_memory_file: u64,
    prefix: Arc<ReservedPrefix>,
}

/// What becomes of the files that were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ServeMode {
    Files,
    IdsOnly,
}

/// Where the news of a change comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum WatchMode {
    /// From the system where it has any, and from a slow poll behind it.
    #[default]
    Native,
    /// From the poll alone: for file systems whose events don't arrive, such as network mounts.
    Poll,
}

impl WatchDirectory {
    /// A source for the directory at `root`, with the waiting times that suit most ways to deploy.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            timing: Timing {
                debounce: DEFAULT_DEBOUNCE,
                incomplete_after: DEFAULT_INCOMPLETE_AFTER,
                rescan_interval: DEFAULT_RESCAN_INTERVAL,
            },
            watch_mode: WatchMode::Native,
            serve_mode: ServeMode::Files,
            max_memory_file: DEFAULT_MAX_MEMORY_FILE,
            prefix: Arc::default(),
        }
    }

    /// How long nothing may have changed before the directory is read. [`DEFAULT_DEBOUNCE`] unless set.
    pub fn debounce(mut self, debounce: Duration) -> Self {
        self.timing.debounce = debounce;
        self
    }

    /// How long nothing may have changed before a build that lacks files is published all the same.
    /// [`DEFAULT_INCOMPLETE_AFTER`] unless set.
    pub fn incomplete_after(mut self, incomplete_after: Duration) -> Self {
        self.timing.incomplete_after = incomplete_after;
        self
    }

    /// The time between two looks when no event calls for one. [`DEFAULT_RESCAN_INTERVAL`] unless set; a fifth of that, where
    /// there are no events.
    pub fn rescan_interval(mut self, rescan_interval: Duration) -> Self {
        self.timing.rescan_interval = rescan_interval;
        self
    }

    /// Where the news of a change comes from.
    pub fn watch_mode(mut self, watch_mode: WatchMode) -> Self {
        self.watch_mode = watch_mode;
        self
    }

    /// The size in bytes up to which a file is held in memory. [`DEFAULT_MAX_MEMORY_FILE`] unless set.
    pub fn max_memory_file(mut self, bytes: u64) -> Self {
        self.max_memory_file = bytes;
        self
    }

    /// Publishes releases without files, for a site whose files something else serves. Then nothing is held in
    /// memory, and no older chunk either.
    pub fn ids_only(mut self) -> Self {
        self.serve_mode = ServeMode::IdsOnly;
        self
    }

    /// Where the reserved paths are: the same as
    /// [`UpdateNotifierLayer::prefix`](crate::UpdateNotifierLayer::prefix).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn prefix(mut self, prefix: &str) -> Result<Self, Error> {
        self.prefix = Arc::new(ReservedPrefix::parse(prefix)?);
        Ok(self)
    }

    /// Watches until it is dropped. Must run on a tokio runtime with time enabled.
    pub async fn run(self, site: Site) -> Infallible {
        let rings = Arc::new(Notify::new());
        let start = || {
            let scanner = DirectoryScanner::new(&self, Arc::clone(&rings), site.clone());
            (scanner, Debouncer::new(Instant::now(), self.timing))
        };
        let (mut scanner, mut debouncer) = start();
        let mut check_requests = site.check_requests();
        loop {
            tokio::select! {
                () = rings.notified() => debouncer.record_change(Instant::now()),
                _ = check_requests.next() => debouncer.record_change(Instant::now()),
                () = sleep_until(debouncer.due().into()) => {
                    let look = spawn_blocking(move || {
                        scanner.look(&mut debouncer);
                        (scanner, debouncer)
                    });
                    (scanner, debouncer) = match look.await {
                        Ok(back) => back,
                        Err(error) => {
                            // Our fault; what is published stays so, and the next build may be luckier.
                            tracing::error!(%error, "looking at the directory failed; starting anew");
                            sleep(self.timing.rescan_interval).await;
                            start()
                        }
                    };
                }
            }
        }
    }
}

/// What looks at the directory, and remembers between two looks. Everything it does blocks.
struct DirectoryScanner {
    root: PathBuf,
    serve_mode: ServeMode,
    max_memory_file: u64,
    prefix: Arc<ReservedPrefix>,
    timing: Timing,
    watcher: DirectoryWatcher,
    site: Site,
    promises: ImmutableFiles,
    csp_checker: CspChecker,
    /// What was last said to be waited for.
    awaited: String,
}

impl DirectoryScanner {
    fn new(watch: &WatchDirectory, rings: Arc<Notify>, site: Site) -> Self {
        let watcher = match watch.watch_mode {
            WatchMode::Native => DirectoryWatcher::new(rings),
            WatchMode::Poll => DirectoryWatcher::silent(rings),
        };
        Self {
            root: watch.root.clone(),
            serve_mode: watch.serve_mode,
            max_memory_file: watch.max_memory_file,
            prefix: Arc::clone(&watch.prefix),
            timing: watch.timing,
            watcher,
            site,
            promises: ImmutableFiles::default(),
            csp_checker: CspChecker::default(),
            awaited: String::new(),
        }
    }

    fn look(&mut self, debouncer: &mut Debouncer) {
        // Before the walk: what changes after it must ring.
        let has_events = self.watcher.rewatch(&self.root);
        let start = Instant::now();
        let tree = Tree::read(&self.root);
        let walking = start.elapsed();
        if let Some(wait) = self.judge(debouncer, tree) {
            self.say_awaited(&wait);
        }
        let now = Instant::now();
        if debouncer.is_at_rest()
            && let Some(again) = self.site.on_checked(now)
        {
            debouncer.poll_at(again);
        }
        if !has_events {
            debouncer.poll_at(now + self.timing.rescan_interval / POLL_ALONE);
        }
        debouncer.rest_until(now + walking * REST);
    }

    /// Gives what is waited for, if the directory is not what is served.
    fn judge(&mut self, debouncer: &mut Debouncer, tree: io::Result<Tree>) -> Option<String> {
        let tree = match tree {
            Ok(tree) if tree.has_index() => tree,
            Ok(_) => {
                debouncer.absent(Instant::now());
                return Some(NotReady::NoIndex.to_string());
            }
            Err(error) => {
                debouncer.absent(Instant::now());
                return Some(NotReady::from_io(&error, &self.root).to_string());
            }
        };
        let wall = SystemTime::now();
        let age = tree
            .newest_change()
            .and_then(|newest| wall.duration_since(newest).ok());
        let walked = Walked {
            fingerprint: tree.hash_of_files(),
            trusted: tree.is_reliable(wall),
            age: age.unwrap_or_default(),
        };
        if !debouncer.walked(Instant::now(), walked) {
            return None;
        }
        self.read(debouncer, tree, walked.trusted)
    }

    fn read(&mut self, debouncer: &mut Debouncer, tree: Tree, trusted: bool) -> Option<String> {
        let start = Instant::now();
        let current = self.site.current();
        let known: Vec<_> = current
            .iter()
            .cloned()
            .chain(self.site.retained())
            .collect();
        let limits = MemoryLimits {
            file: self.max_memory_file,
            total: self.site.state().limits().memory,
        };
        let draft = Snapshot::read(&self.root, tree, &known, limits).and_then(|snapshot| {
            PreparedRelease::from_snapshot(snapshot)
                .map_err(|error| NotReady::from_io(&error, &self.root))
        });
        let draft = match draft {
            Ok(draft) => draft,
            Err(NotReady::Changing) => {
                debouncer.read(Instant::now(), Read::Changing, trusted);
                return Some(NotReady::Changing.to_string());
            }
            Err(unsettled) => {
                debouncer.absent(Instant::now());
                return Some(unsettled.to_string());
            }
        };
        let missing = newly_missing(&draft, current.as_deref());
        let read = if missing.is_empty() {
            Read::Complete
        } else {
            Read::Incomplete
        };
        match debouncer.read(Instant::now(), read, trusted) {
            Verdict::Wait => return Some(format!("it lacks {}", list(&missing))),
            Verdict::PublishIncomplete => tracing::warn!(
                missing = list(&missing),
                "published although it lacks files, since nothing has changed for a while"
            ),
            Verdict::Publish => {}
        }
        let release = match self.serve_mode {
            ServeMode::Files => {
                let page_origin = PageOrigin::new(&self.prefix);
                let tag_builder =
                    ScriptTagBuilder::new(&draft.id, draft.built, page_origin, &self.csp_checker);
                let inject = |page: &[u8]| {
                    let tag_builder = tag_builder.clone();
                    inserter::insert_tag(
                        page,
                        Box::new(move |h, _| tag_builder.tag(ScriptPermission::default(), h)),
                    )
                };
                draft.into_release(current.as_deref(), &mut self.promises, inject)
            }
            ServeMode::IdsOnly => draft.into_release_without_files(),
        };
        self.publish(release, start);
        None
    }

    fn publish(&mut self, release: Release, start: Instant) {
        let (id, files) = (release.id().clone(), release.len());
        let took = start.elapsed().as_millis();
        self.awaited.clear();
        if self.site.publish(release) {
            tracing::info!(release = %id, files, took_ms = took, "published");
        } else {
            tracing::debug!(release = %id, files, took_ms = took, "nothing that visitors reach has changed");
        }
    }

    fn say_awaited(&mut self, why: &str) {
        if self.awaited == why {
            return;
        }
        why.clone_into(&mut self.awaited);
        let directory = self.root.display();
        self.site
            .set_not_ready_reason(&format!("a complete build in {directory}: {why}"));
        if self.site.current().is_none() {
            tracing::info!(directory = %directory, "waiting for a complete build: {why}");
        } else {
            tracing::info!(directory = %directory, "still serving the last release: {why}");
        }
    }
}

/// What a draft lacks that the served release doesn't.
fn newly_missing(draft: &PreparedRelease, current: Option<&Release>) -> BTreeSet<String> {
    let known = current.map(Release::missing_references);
    let is_new = |name: &&String| known.is_none_or(|known| !known.contains(*name));
    draft
        .missing_references
        .iter()
        .filter(is_new)
        .cloned()
        .collect()
}

fn list(names: &BTreeSet<String>) -> String {
    let mut listed: Vec<&str> = names.iter().map(String::as_str).take(MOST_LISTED).collect();
    let more = format!("and {} more", names.len().saturating_sub(MOST_LISTED));
    if names.len() > MOST_LISTED {
        listed.push(&more);
    }
    listed.join(", ")
}

/// How long a directory is quiet before it is read, unless set.
pub const DEFAULT_DEBOUNCE: Duration = Duration::from_millis(200);

/// How long an incomplete build is waited for, unless set.
pub const DEFAULT_INCOMPLETE_AFTER: Duration = Duration::from_secs(10);

/// The time between two looks without an event, unless set.
pub const DEFAULT_RESCAN_INTERVAL: Duration = Duration::from_secs(5);

/// The largest file that is held in memory, unless set: 1 MiB.
pub const DEFAULT_MAX_MEMORY_FILE: u64 = 1024 * 1024;

// Without events, news should still come within a second or so.
const POLL_ALONE: u32 = 5;

// Looking may take a sixth of one processor, if the directory is huge, and no more.
const REST: u32 = 5;

const MOST_LISTED: usize = 10;
