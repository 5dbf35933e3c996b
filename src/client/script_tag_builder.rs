//! Builds the tags for the pages of one release, according to their policies.

use bytes::Bytes;
use http::HeaderMap;

use crate::client::script_tag;
use crate::client::scripts;
use crate::csp::checker::CspChecker;
use crate::csp::page_origin::PageOrigin;
use crate::csp::script_permission::ScriptPermission;
use crate::release::ReleaseId;
use crate::site::observer::PageRelease;

/// Builds the tags for the pages of one release. `Clone` is cheap.
#[derive(Debug, Clone)]
pub(crate) struct ScriptTagBuilder {
    /// `None` if there is none yet.
    release: Option<PageRelease>,
    page_origin: PageOrigin,
    csp_checker: CspChecker,
}

impl ScriptTagBuilder {
    pub(crate) fn new(
        id: &ReleaseId,
        built: u64,
        page_origin: PageOrigin,
        csp_checker: &CspChecker,
    ) -> Self {
        Self {
            release: Some(PageRelease {
                id: id.clone(),
                built,
            }),
            page_origin,
            csp_checker: csp_checker.clone(),
        }
    }

    /// For a site without a release: builds no tag, except for a page whose release is known from itself.
    pub(crate) fn without_release(page_origin: PageOrigin, csp_checker: &CspChecker) -> Self {
        Self {
            release: None,
            page_origin,
            csp_checker: csp_checker.clone(),
        }
    }

    /// Replaces the release, if `release` is one.
    pub(crate) fn with(self, release: Option<PageRelease>) -> Self {
        Self {
            release: release.or(self.release),
            ..self
        }
    }

    /// See [`CspChecker::evaluate_headers`].
    pub(crate) fn evaluate_headers(&self, headers: &mut HeaderMap) -> Option<ScriptPermission> {
        let bundle_hash = scripts::bundle_hash();
        self.csp_checker
            .evaluate_headers(headers, &self.page_origin, bundle_hash)
    }

    /// The tag for a page with this HTML after the insertion point; `None` if the script could not run there, or the
    /// release is unknown.
    pub(crate) fn tag(&self, permission: ScriptPermission, head: &[u8]) -> Option<Bytes> {
        let permission = self
            .csp_checker
            .evaluate_page(permission, head, &self.page_origin)?;
        let PageRelease { id, built } = self.release.as_ref()?;
        let prefix = self.page_origin.prefix();
        Some(script_tag::script_tag(prefix, id, *built, &permission))
    }

    /// The release in the tags, except for a page whose release is known from itself.
    pub(crate) fn release(&self) -> Option<&PageRelease> {
        self.release.as_ref()
    }

    /// A digest that all these tags have in common: see [`script_tag::tag_digest`].
    pub(crate) fn tag_digest(&self) -> String {
        let prefix = self.page_origin.prefix();
        let csp = self.csp_checker.csp();
        match &self.release {
            Some(PageRelease { id, built }) => script_tag::tag_digest(prefix, id, *built, csp),
            None => script_tag::tag_digest(prefix, &ReleaseId::from_version("-"), 0, csp),
        }
    }
}
