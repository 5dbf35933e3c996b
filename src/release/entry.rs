//! One path of a release.

use std::sync::Arc;

use http::HeaderValue;

use crate::release::asset::Asset;

/// The file at one path of a release, with its media type and flags.
#[derive(Debug)]
pub struct Entry {
    pub(crate) asset: Arc<Asset>,
    pub(crate) modified: Option<Arc<Asset>>,
    pub(crate) modified_for: RequestFilter,
    pub(crate) media_type: HeaderValue,
    pub(crate) hashed: bool,
    pub(crate) immutable: bool,
    pub(crate) reachable: bool,
}

/// The requests that are answered with the modified version of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequestFilter {
    /// Requests for a document.
    Navigations,
    /// All requests.
    All,
}

impl Entry {
    /// The file as it was on disk.
    pub fn asset(&self) -> &Asset {
        &self.asset
    }

    /// The page with the script in it. `None` for other files, and for pages that the script can't be inserted into.
    pub fn page(&self) -> Option<&Asset> {
        self.modified.as_deref().filter(|_| self.is_page())
    }

    /// The modified version of the file, and the requests that get it: a page with the script in it, or a list of a
    /// service worker that has the hashes of such pages.
    pub(crate) fn modified(&self) -> Option<(&Asset, RequestFilter)> {
        Some((self.modified.as_deref()?, self.modified_for))
    }

    /// The `Content-Type`.
    pub fn media_type(&self) -> &HeaderValue {
        &self.media_type
    }

    /// True if the name carries a hash of the content: the file stays servable after its release was superseded.
    pub fn is_hashed(&self) -> bool {
        self.hashed
    }

    /// True if it may be cached for ever: its name carries a hash, and never stood for other bytes.
    pub fn is_immutable(&self) -> bool {
        self.immutable
    }

    /// True for a page, and for a file that is referenced by a page, or by a script or style sheet that is itself
    /// reachable.
    pub fn is_reachable(&self) -> bool {
        self.reachable
    }

    /// True for HTML.
    pub fn is_page(&self) -> bool {
        self.media_type.as_bytes().starts_with(b"text/html")
    }
}
