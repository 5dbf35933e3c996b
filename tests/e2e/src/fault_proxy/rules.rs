//! The current rules of a proxy, and its counters.

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

/// The rules of a proxy, which the test changes while the proxy applies them. Cheap to clone.
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
    /// Pages by cache key; `None` while caching is off.
    pub(super) pages: Option<HashMap<String, Response<Bytes>>>,
    pub(super) holds_events: bool,
    pub(super) wakers: Vec<Waker>,
    pub(super) streams: Streams,
    pub(super) requests: HashMap<String, usize>,
}

/// The number of event streams through a proxy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Streams {
    /// Open now.
    pub open: usize,
    /// Opened since the proxy was started.
    pub total: usize,
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, Rules> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rules {
    /// The number and address of the upstream for a request; `preferred` is the number in its sticky cookie.
    pub(super) fn next(&mut self, preferred: Option<usize>) -> Option<(usize, String)> {
        let count = self.upstreams.len();
        if count == 0 {
            return None;
        }
        let number = match preferred.filter(|&number| self.sticky && number < count) {
            Some(number) => number,
            None => {
                self.turn += 1;
                (self.turn - 1) % count
            }
        };
        Some((number, self.upstreams[number].clone()))
    }

    /// Whether a path gets 404.
    pub(super) fn is_missing(&self, path: &str) -> bool {
        self.missing
            .iter()
            .any(|rule| match rule.strip_suffix('*') {
                Some(start) => path.starts_with(start),
                None => path == rule,
            })
    }
}
