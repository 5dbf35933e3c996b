//! Helpers: sites in temporary directories, waiting with a deadline, an HTTP client with a deadline, the program, a
//! server, a scripted upstream, and a site served from a directory.

#![allow(clippy::unwrap_used, reason = "a test may")]

pub(crate) mod bodies;
pub(crate) mod coding;
pub(crate) mod directory_site;
pub(crate) mod events;
pub(crate) mod http;
pub(crate) mod program;
pub(crate) mod server;
pub(crate) mod signal;
pub(crate) mod upstream;

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use tempfile::TempDir;

/// Upper bound of every wait. Most take well under a second; this is for a machine that compiles at the same time.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// A temporary directory with these files; paths have no leading slash.
pub(crate) fn site_dir(files: &[(&str, &str)]) -> TempDir {
    let dir = TempDir::with_prefix("tidings-").unwrap();
    put(dir.path(), files);
    dir
}

/// Writes these files into `dir`, overwriting old ones.
pub(crate) fn put(dir: &Path, files: &[(&str, &str)]) {
    for (path, content) in files {
        put_bytes(dir, path, content.as_bytes());
    }
}

/// Writes one file into `dir`, and creates its parent directories.
pub(crate) fn put_bytes(dir: &Path, path: &str, content: &[u8]) {
    let place = dir.join(path);
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    fs::write(place, content).unwrap();
}

/// Deterministic pseudo-random bytes.
pub(crate) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length + 8);
    let mut state = seed;
    while bytes.len() < length {
        // The finisher of SplitMix64.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bytes.extend_from_slice(&(mixed ^ (mixed >> 31)).to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// Polls `poll` until it returns a value; panics after [`DEADLINE`], naming `what`. Blocks.
#[track_caller]
pub(crate) fn wait_until<T>(what: &str, mut poll: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = poll() {
            return found;
        }
        assert!(Instant::now() < end, "waited {DEADLINE:?} for {what}");
        thread::sleep(POLL);
    }
}

/// As [`wait_until`], in async code. Requires a clock that is not paused.
pub(crate) async fn wait_until_async<T>(what: &str, mut poll: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = poll() {
            return found;
        }
        assert!(Instant::now() < end, "waited {DEADLINE:?} for {what}");
        tokio::time::sleep(POLL).await;
    }
}

/// Awaits `future`; panics after [`DEADLINE`], naming `what`.
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    let output = tokio::time::timeout(DEADLINE, future).await;
    output.unwrap_or_else(|_| panic!("waited {DEADLINE:?} for {what}"))
}

// Short enough not to slow down any test.
const POLL: Duration = Duration::from_millis(5);
