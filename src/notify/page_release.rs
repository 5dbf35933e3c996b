//! Which release a page is of that passes by, as far as the page itself tells.

use std::sync::Arc;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use http::Request;
use http::StatusCode;
use http::response;

use crate::html::inserter::Extent;
use crate::http::context::Outcome;
use crate::http::dates::last_modified_millis;
use crate::release::ReleaseId;
use crate::site::State;
use crate::site::observer::ObservePages;
use crate::site::observer::ObservedPage;
use crate::site::observer::PageRelease;

/// Tells the release of one page, of a site whose upstreams are asked for theirs.
#[derive(Debug)]
pub(crate) struct Stamper {
    observer: Arc<dyn ObservePages>,
    path: Box<str>,
    current: Option<ReleaseId>,
    answer: Option<Answer>,
}

/// What was answered, as far as it matters here.
#[derive(Debug)]
struct Answer {
    upstream: Option<usize>,
    built: u64,
    /// What the build calls itself.
    value: Option<String>,
}

impl Stamper {
    /// For the answer to this request; `None` if nobody asks the upstreams of the site.
    pub(crate) fn of<B>(state: &State, request: &Request<B>) -> Option<Self> {
        Some(Self {
            observer: Arc::clone(state.observer()?),
            path: request.uri().path().into(),
            current: state.current().map(|release| release.id().clone()),
            answer: None,
        })
    }

    /// Takes note of the answer. Without it, and for what is an error, nothing is told.
    pub(crate) fn answered(&mut self, response: &response::Parts) {
        if response.status != StatusCode::OK {
            return;
        }
        let upstream = Outcome::upstream(&response.extensions);
        let header = self.observer.release_header();
        let value = header.and_then(|name| response.headers.get(name));
        self.answer = Some(Answer {
            upstream: upstream.map(|upstream| upstream.index),
            built: last_modified_millis(&response.headers).unwrap_or_else(now),
            value: value.and_then(|value| Some(value.to_str().ok()?.trim().to_owned())),
        });
    }

    /// The release of a page that has this from the place of the tag on; `None` if it does not tell.
    pub(crate) fn stamp(&self, page: &[u8], extent: Extent) -> Option<PageRelease> {
        let answer = self.answer.as_ref()?;
        let page_context = ObservedPage {
            path: &self.path,
            upstream: answer.upstream,
            current: self.current.as_ref(),
            built: answer.built,
        };
        match &answer.value {
            Some(value) => Some(self.observer.observe_header(value, page_context)),
            None => self.observer.observe_html(page, extent, page_context),
        }
    }
}

/// In milliseconds since 1970.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    u64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}
