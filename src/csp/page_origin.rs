//! The origin of a page, which is that of the script too.

use std::sync::Arc;

use http::HeaderValue;
use http::Request;
use http::header;

use crate::csp::source_list::SameOriginUrl;
use crate::http::prefix::ReservedPrefix;

/// The host that a page was requested from, as far as it is known, and the prefix of the reserved paths there.
#[derive(Debug, Clone)]
pub(crate) struct PageOrigin {
    prefix: Arc<ReservedPrefix>,
    host: Option<HeaderValue>,
}

impl PageOrigin {
    /// An unknown host.
    pub(crate) fn new(prefix: &Arc<ReservedPrefix>) -> Self {
        Self {
            prefix: Arc::clone(prefix),
            host: None,
        }
    }

    /// The host that a request names.
    pub(crate) fn from_request<B>(prefix: &Arc<ReservedPrefix>, request: &Request<B>) -> Self {
        let authority = || HeaderValue::try_from(request.uri().authority()?.as_str()).ok();
        let host = request.headers().get(header::HOST).cloned();
        Self {
            prefix: Arc::clone(prefix),
            host: host.or_else(authority),
        }
    }

    pub(crate) fn prefix(&self) -> &ReservedPrefix {
        &self.prefix
    }

    pub(crate) fn url<'a>(&'a self, path: &'a str) -> SameOriginUrl<'a> {
        let host = self.host.as_ref().and_then(|host| host.to_str().ok());
        SameOriginUrl { host, path }
    }

    /// The folder of the scripts.
    pub(crate) fn scripts_path(&self) -> String {
        self.prefix.join("")
    }

    /// The path of the event stream.
    pub(crate) fn events_path(&self) -> String {
        self.prefix.join("events")
    }
}
