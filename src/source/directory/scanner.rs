//! Scans a directory, and publishes it when it holds a new build.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;
use std::time::SystemTime;

use tokio::sync::Notify;

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
use crate::html::inserter;
use crate::http::prefix::ReservedPrefix;
use crate::release::Release;
use crate::site::Site;
use crate::source::directory::debounce::Debouncer;
use crate::source::directory::debounce::PublishDecision;
use crate::source::directory::debounce::ReadOutcome;
use crate::source::directory::debounce::Timing;
use crate::source::directory::debounce::TreeScan;
use crate::source::directory::fs_events::DirectoryWatcher;
use crate::source::directory::fs_events::WatchMode;

/// Scans a directory and publishes it. Keeps what is needed from one scan to the next. All of it blocks.
pub(crate) struct DirectoryScanner {
    options: ScanOptions,
    watcher: DirectoryWatcher,
    site: Site,
    immutable_files: ImmutableFiles,
    csp_checker: CspChecker,
    /// The last reason for which nothing was published, as logged.
    not_ready_reason: String,
}

/// What is scanned, and how.
#[derive(Debug, Clone)]
pub(crate) struct ScanOptions {
    pub(crate) root: PathBuf,
    pub(crate) timing: Timing,
    pub(crate) watch_mode: WatchMode,
    pub(crate) serve_mode: ServeMode,
    /// The size in bytes up to which a file is kept in memory.
    pub(crate) max_memory_file: u64,
    pub(crate) prefix: Arc<ReservedPrefix>,
}

/// What is published of a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ServeMode {
    /// The files, to be served.
    Files,
    /// The id alone: something else serves the files.
    IdsOnly,
}

impl DirectoryScanner {
    /// A scanner that notifies `changed` of file-system events.
    pub(crate) fn new(options: ScanOptions, changed: Arc<Notify>, site: Site) -> Self {
        Self {
            watcher: DirectoryWatcher::new(options.watch_mode, changed),
            options,
            site,
            immutable_files: ImmutableFiles::default(),
            csp_checker: CspChecker::default(),
            not_ready_reason: String::new(),
        }
    }

    /// Scans the directory once, and publishes it if `debouncer` decides so.
    pub(crate) fn scan(&mut self, debouncer: &mut Debouncer) {
        // Before the scan: what changes after it must cause an event.
        let has_events = self.watcher.rewatch(&self.options.root);
        let start = Instant::now();
        let tree = Tree::read(&self.options.root);
        let took = start.elapsed();
        if let Some(reason) = self.publish_if_ready(debouncer, tree) {
            self.report_not_ready(&reason);
        }
        let now = Instant::now();
        if debouncer.is_settled()
            && let Some(next_check) = self.site.on_checked(now)
        {
            debouncer.scan_by(next_check);
        }
        if !has_events {
            debouncer.scan_by(now + self.options.timing.rescan_interval / RESCAN_DIVISOR);
        }
        debouncer.scan_after(now + took * REST_FACTOR);
    }

    /// Gives the reason if the directory is not what is served.
    fn publish_if_ready(
        &mut self,
        debouncer: &mut Debouncer,
        tree: io::Result<Tree>,
    ) -> Option<String> {
        let tree = match tree {
            Ok(tree) if tree.has_index() => tree,
            Ok(_) => {
                debouncer.record_absence(Instant::now());
                return Some(NotReady::NoIndex.to_string());
            }
            Err(error) => {
                debouncer.record_absence(Instant::now());
                return Some(NotReady::from_io(&error, &self.options.root).to_string());
            }
        };
        let wall = SystemTime::now();
        let age = tree
            .newest_change()
            .and_then(|newest| wall.duration_since(newest).ok());
        let scan = TreeScan {
            hash: tree.hash_of_files(),
            is_reliable: tree.is_reliable(wall),
            age: age.unwrap_or_default(),
        };
        if !debouncer.record_scan(Instant::now(), scan) {
            return None;
        }
        self.read(debouncer, tree, scan.is_reliable)
    }

    fn read(&mut self, debouncer: &mut Debouncer, tree: Tree, is_reliable: bool) -> Option<String> {
        let start = Instant::now();
        let root = &self.options.root;
        let current = self.site.current();
        let known: Vec<_> = current
            .iter()
            .cloned()
            .chain(self.site.retained())
            .collect();
        let limits = MemoryLimits {
            file: self.options.max_memory_file,
            total: self.site.state().limits().memory,
        };
        let prepared = Snapshot::read(root, tree, &known, limits).and_then(|snapshot| {
            PreparedRelease::from_snapshot(snapshot)
                .map_err(|error| NotReady::from_io(&error, root))
        });
        let prepared = match prepared {
            Ok(prepared) => prepared,
            Err(NotReady::Changing) => {
                debouncer.decide(Instant::now(), ReadOutcome::Changing, is_reliable);
                return Some(NotReady::Changing.to_string());
            }
            Err(reason) => {
                debouncer.record_absence(Instant::now());
                return Some(reason.to_string());
            }
        };
        let missing = newly_missing(&prepared, current.as_deref());
        let outcome = if missing.is_empty() {
            ReadOutcome::Complete
        } else {
            ReadOutcome::Incomplete
        };
        match debouncer.decide(Instant::now(), outcome, is_reliable) {
            PublishDecision::Wait => return Some(format!("missing files: {}", list(&missing))),
            PublishDecision::PublishIncomplete => tracing::warn!(
                missing = list(&missing),
                "published an incomplete build: referenced files are still missing after `incomplete_after`"
            ),
            PublishDecision::Publish => {}
        }
        let release = self.finish(prepared, current.as_deref());
        self.publish(release, start);
        None
    }

    fn finish(&mut self, prepared: PreparedRelease, current: Option<&Release>) -> Release {
        match self.options.serve_mode {
            ServeMode::Files => {
                let page_origin = PageOrigin::new(&self.options.prefix);
                let (id, built) = (&prepared.id, prepared.built);
                let tag_builder = ScriptTagBuilder::new(id, built, page_origin, &self.csp_checker);
                let inject = |page: &[u8]| {
                    let tag_builder = tag_builder.clone();
                    inserter::insert_tag(
                        page,
                        Box::new(move |html, _| tag_builder.tag(ScriptPermission::default(), html)),
                    )
                };
                prepared.into_release(current, &mut self.immutable_files, inject)
            }
            ServeMode::IdsOnly => prepared.into_release_without_files(),
        }
    }

    fn publish(&mut self, release: Release, start: Instant) {
        let (id, files) = (release.id().clone(), release.len());
        let took_ms = start.elapsed().as_millis();
        self.not_ready_reason.clear();
        if self.site.publish(release) {
            tracing::info!(release = %id, files, took_ms, "published");
        } else {
            tracing::debug!(release = %id, files, took_ms, "reachable content unchanged");
        }
    }

    /// Logs the reason once, and shows it on the page that visitors get as long as there is no release.
    fn report_not_ready(&mut self, reason: &str) {
        if self.not_ready_reason == reason {
            return;
        }
        reason.clone_into(&mut self.not_ready_reason);
        let path = self.options.root.display();
        self.site
            .set_not_ready_reason(&format!("a complete build in {path}: {reason}"));
        if self.site.current().is_none() {
            tracing::info!(%path, reason, "waiting for a complete build");
        } else {
            tracing::info!(%path, reason, "still serving the last release");
        }
    }
}

/// The missing files that the current release does not lack as well.
fn newly_missing(prepared: &PreparedRelease, current: Option<&Release>) -> BTreeSet<String> {
    let known = current.map(Release::missing_references);
    let is_new = |name: &&String| known.is_none_or(|known| !known.contains(*name));
    prepared
        .missing_references
        .iter()
        .filter(is_new)
        .cloned()
        .collect()
}

fn list(names: &BTreeSet<String>) -> String {
    let mut listed: Vec<&str> = names.iter().map(String::as_str).take(MAX_LISTED).collect();
    let more = format!("and {} more", names.len().saturating_sub(MAX_LISTED));
    if names.len() > MAX_LISTED {
        listed.push(&more);
    }
    listed.join(", ")
}

// Without events a deploy should still be noticed within a second or so.
const RESCAN_DIVISOR: u32 = 5;

// Scanning a huge directory may take a sixth of one processor, and no more.
const REST_FACTOR: u32 = 5;

const MAX_LISTED: usize = 10;
