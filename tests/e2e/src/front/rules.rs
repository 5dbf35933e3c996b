//! What a front does at this moment, and what it has seen.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::task::Waker;

use bytes::Bytes;
use http::HeaderName;
use http::HeaderValue;
use http::Response;

/// The rules of a front, changed by the test while the front follows them. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Shared(Arc<Mutex<Rules>>);

#[derive(Debug, Default)]
pub(super) struct Rules {
    /// `HOST:PORT` of each.
    pub(super) upstreams: Vec<String>,
    pub(super) sticky: bool,
    turn: usize,
    pub(super) page_headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) missing: Vec<String>,
    /// Pages by what they answer, while there is a cache.
    pub(super) pages: Option<HashMap<String, Response<Bytes>>>,
    pub(super) holds_events: bool,
    pub(super) held: Vec<Waker>,
    pub(super) streams: Streams,
    pub(super) requests: HashMap<String, usize>,
}

/// How many event streams go through a front.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Streams {
    /// At this moment.
    pub open: usize,
    /// Since the front was started.
    pub ever: usize,
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, Rules> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rules {
    /// The upstream for a request, by its number and address; `stuck` is the number that its browser had before.
    pub(super) fn next(&mut self, stuck: Option<usize>) -> Option<(usize, String)> {
        let count = self.upstreams.len();
        if count == 0 {
            return None;
        }
        let number = match stuck.filter(|&number| self.sticky && number < count) {
            Some(number) => number,
            None => {
                self.turn += 1;
                (self.turn - 1) % count
            }
        };
        Some((number, self.upstreams[number].clone()))
    }

    /// Whether a path is to be answered with 404.
    pub(super) fn misses(&self, path: &str) -> bool {
        self.missing
            .iter()
            .any(|rule| match rule.strip_suffix('*') {
                Some(start) => path.starts_with(start),
                None => path == rule,
            })
    }
}
