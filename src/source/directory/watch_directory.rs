//! The source for a directory.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use tokio::sync::Notify;
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use tokio::time::sleep_until;

use crate::error::Error;
use crate::http::prefix::ReservedPrefix;
use crate::site::Site;
use crate::source::directory::debounce::Debouncer;
use crate::source::directory::debounce::Timing;
use crate::source::directory::fs_events::WatchMode;
use crate::source::directory::scanner::DirectoryScanner;
use crate::source::directory::scanner::ScanOptions;
use crate::source::directory::scanner::ServeMode;

/// Watches a directory, and publishes each build that is deployed into it, once it no longer changes and is complete.
///
/// The directory may be missing at first, go away and come back, be swapped, or be a symbolic link that is. Whatever
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
pub struct WatchDirectory(ScanOptions);

impl WatchDirectory {
    /// A source for the directory at `root`, with timing that suits most ways to deploy.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self(ScanOptions {
            root: root.into(),
            timing: Timing {
                debounce: DEFAULT_DEBOUNCE,
                incomplete_after: DEFAULT_INCOMPLETE_AFTER,
                rescan_interval: DEFAULT_RESCAN_INTERVAL,
            },
            watch_mode: WatchMode::default(),
            serve_mode: ServeMode::Files,
            max_memory_file: DEFAULT_MAX_MEMORY_FILE,
            prefix: Arc::default(),
        })
    }

    /// Sets how long the directory must be unchanged before it is read. [`DEFAULT_DEBOUNCE`] unless set.
    pub fn debounce(mut self, debounce: Duration) -> Self {
        self.0.timing.debounce = debounce;
        self
    }

    /// Sets how long the directory must be unchanged before a build with missing files is published.
    /// [`DEFAULT_INCOMPLETE_AFTER`] unless set.
    pub fn incomplete_after(mut self, incomplete_after: Duration) -> Self {
        self.0.timing.incomplete_after = incomplete_after;
        self
    }

    /// Sets the time between two scans without an event: [`DEFAULT_RESCAN_INTERVAL`] unless set. A fifth of it where
    /// there are no events.
    pub fn rescan_interval(mut self, rescan_interval: Duration) -> Self {
        self.0.timing.rescan_interval = rescan_interval;
        self
    }

    /// Sets how changes are noticed. [`WatchMode::Native`] unless set.
    pub fn watch_mode(mut self, watch_mode: WatchMode) -> Self {
        self.0.watch_mode = watch_mode;
        self
    }

    /// Sets the size in bytes up to which a file is kept in memory. [`DEFAULT_MAX_MEMORY_FILE`] unless set.
    pub fn max_memory_file(mut self, bytes: u64) -> Self {
        self.0.max_memory_file = bytes;
        self
    }

    /// Publishes releases without files, for a site whose files something else serves. Nothing is kept in memory, and
    /// no hashed file of an older release stays servable.
    pub fn ids_only(mut self) -> Self {
        self.0.serve_mode = ServeMode::IdsOnly;
        self
    }

    /// Sets the prefix of the reserved paths: the same as
    /// [`UpdateNotifierLayer::prefix`](crate::UpdateNotifierLayer::prefix).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn prefix(mut self, prefix: &str) -> Result<Self, Error> {
        self.0.prefix = Arc::new(ReservedPrefix::parse(prefix)?);
        Ok(self)
    }

    /// Watches until the future is dropped. Must run on a tokio runtime with time enabled.
    pub async fn run(self, site: Site) -> Infallible {
        let Self(options) = self;
        let changed = Arc::new(Notify::new());
        let start = || {
            let scanner =
                DirectoryScanner::new(options.clone(), Arc::clone(&changed), site.clone());
            (scanner, Debouncer::new(Instant::now(), options.timing))
        };
        let (mut scanner, mut debouncer) = start();
        let mut check_requests = site.check_requests();
        loop {
            tokio::select! {
                () = changed.notified() => debouncer.record_change(Instant::now()),
                _ = check_requests.next() => debouncer.record_change(Instant::now()),
                () = sleep_until(debouncer.next_scan().into()) => {
                    let scan = spawn_blocking(move || {
                        scanner.scan(&mut debouncer);
                        (scanner, debouncer)
                    });
                    (scanner, debouncer) = match scan.await {
                        Ok(back) => back,
                        Err(error) => {
                            // A panic. What is published stays so, and the next build may cause none.
                            tracing::error!(%error, "scanning the directory failed, restarting");
                            sleep(options.timing.rescan_interval).await;
                            start()
                        }
                    };
                }
            }
        }
    }
}

/// How long a directory must be unchanged before it is read, unless set.
pub const DEFAULT_DEBOUNCE: Duration = Duration::from_millis(200);

/// How long a directory must be unchanged before an incomplete build is published, unless set.
pub const DEFAULT_INCOMPLETE_AFTER: Duration = Duration::from_secs(10);

/// The time between two scans without an event, unless set.
pub const DEFAULT_RESCAN_INTERVAL: Duration = Duration::from_secs(5);

/// The size of the largest file that is kept in memory, unless set: 1 MiB.
pub const DEFAULT_MAX_MEMORY_FILE: u64 = 1024 * 1024;
