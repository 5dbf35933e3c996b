//! Determines the release of a page from its response.

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

/// Determines the release of one page, for a site whose releases come from its upstreams.
#[derive(Debug)]
pub(crate) struct PageReleaseResolver {
    observer: Arc<dyn ObservePages>,
    path: Box<str>,
    current: Option<ReleaseId>,
    response: Option<ObservedResponse>,
}

/// The relevant parts of a response.
#[derive(Debug)]
struct ObservedResponse {
    upstream: Option<usize>,
    built: u64,
    /// The value of the release header.
    value: Option<String>,
}

impl PageReleaseResolver {
    /// Creates the resolver for the response to this request; `None` if the releases of the site do not come from
    /// upstreams.
    pub(crate) fn from_request<B>(state: &State, request: &Request<B>) -> Option<Self> {
        Some(Self {
            observer: Arc::clone(state.observer()?),
            path: request.uri().path().into(),
            current: state.current().map(|release| release.id().clone()),
            response: None,
        })
    }

    /// Records a response. Without one, or for an error, no release is determined.
    pub(crate) fn observe_response(&mut self, response: &response::Parts) {
        if response.status != StatusCode::OK {
            return;
        }
        let upstream = Outcome::upstream(&response.extensions);
        let header = self.observer.release_header();
        let value = header.and_then(|name| response.headers.get(name));
        self.response = Some(ObservedResponse {
            upstream: upstream.map(|upstream| upstream.index),
            built: last_modified_millis(&response.headers).unwrap_or_else(now),
            value: value.and_then(|value| Some(value.to_str().ok()?.trim().to_owned())),
        });
    }

    /// Returns the release of a page, by its bytes from the insertion point on; `None` if it cannot be determined.
    pub(crate) fn resolve(&self, page: &[u8], extent: Extent) -> Option<PageRelease> {
        let response = self.response.as_ref()?;
        let page_context = ObservedPage {
            path: &self.path,
            upstream: response.upstream,
            current: self.current.as_ref(),
            built: response.built,
        };
        match &response.value {
            Some(value) => Some(self.observer.observe_header(value, page_context)),
            None => self.observer.observe_html(page, extent, page_context),
        }
    }
}

/// Milliseconds since the Unix epoch.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    u64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}
