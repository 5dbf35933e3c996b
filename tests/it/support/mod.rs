//! What the tests stand on: sites in temporary directories, waiting with a deadline, a client that never hangs,
//! the program, a server, a server behind that does what a test says, and a site read from a directory.

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

/// How long anything may take. What is waited for takes well under a second; this is for a machine that compiles
/// something else at the same time.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// A temporary directory with these files, by path without a leading slash.
pub(crate) fn site_dir(files: &[(&str, &str)]) -> TempDir {
    let dir = TempDir::with_prefix("tidings-").unwrap();
    put(dir.path(), files);
    dir
}

/// Writes these files into `dir`, over what is there.
pub(crate) fn put(dir: &Path, files: &[(&str, &str)]) {
    for (path, content) in files {
        put_bytes(dir, path, content.as_bytes());
    }
}

/// Writes one file into `dir`, with the folders it is in.
pub(crate) fn put_bytes(dir: &Path, path: &str, content: &[u8]) {
    let place = dir.join(path);
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    fs::write(place, content).unwrap();
}

/// Bytes without any order, but always the same ones.
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

/// Looks until `look` finds something, and gives that; panics after [`DEADLINE`], naming `what`. Blocks.
#[track_caller]
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "waited {DEADLINE:?} for {what}");
        thread::sleep(POLL);
    }
}

/// As [`until`], in async code. Needs a clock that runs.
pub(crate) async fn until_async<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "waited {DEADLINE:?} for {what}");
        tokio::time::sleep(POLL).await;
    }
}

/// What `future` comes to; panics after [`DEADLINE`], naming `what`.
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    let output = tokio::time::timeout(DEADLINE, future).await;
    output.unwrap_or_else(|_| panic!("waited {DEADLINE:?} for {what}"))
}

// Often enough that no test is slowed down by it.
const POLL: Duration = Duration::from_millis(5);
