//! The insertion of the client script into one page: preparation of the request, and rewriting of the response.

use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::Request;
use http::Response;
use http::StatusCode;
use http::header;
use http::response;

use crate::client::script_tag_builder::ScriptTagBuilder;
use crate::csp::checker::CspChecker;
use crate::csp::script_permission::ScriptPermission;
use crate::error::BoxError;
use crate::http::accept_encoding::AcceptEncoding;
use crate::http::body::Body;
use crate::http::coding::DecodeBody;
use crate::http::coding::EncodeBody;
use crate::http::context::Outcome;
use crate::http::fetch_metadata;
use crate::http::fetch_metadata::RequestKind;
use crate::http::original_headers;
use crate::notify::eligibility;
use crate::notify::inject_body::InjectBody;
use crate::notify::page_etag::CachedVariants;
use crate::notify::page_etag::EtagSuffix;
use crate::notify::page_etag::EtagSuffixes;
use crate::notify::page_etag::UnsuffixedTags;
use crate::notify::page_metrics::PageMetrics;
use crate::notify::page_metrics::PageOutcome;
use crate::notify::page_release::PageReleaseResolver;
use crate::notify::recoding::RecodingPolicy;

/// The settings and the state shared by all pages of a layer. `Clone` is cheap, and clones share the state.
#[derive(Debug, Clone, Default)]
pub(crate) struct PageContext {
    pub(crate) csp_checker: CspChecker,
    pub(crate) recoding_policy: RecodingPolicy,
    pub(crate) metrics: PageMetrics,
    pub(crate) etag_suffixes: EtagSuffixes,
}

/// Rewrites the response to one request if it is a page.
#[derive(Debug)]
pub(crate) struct PageRewriter {
    kind: RequestKind,
    accept_encoding: AcceptEncoding,
    tag_builder: ScriptTagBuilder,
    resolver: Option<PageReleaseResolver>,
    recoding_policy: RecodingPolicy,
    metrics: PageMetrics,
    etag_suffixes: EtagSuffixes,
    /// The variants of this page with the script that the client has cached.
    cached: CachedVariants,
}

impl PageRewriter {
    /// Changes a request so that the origin responds with a page into which the script can be inserted.
    pub(crate) fn prepare_request<B>(
        request: &mut Request<B>,
        tag_builder: ScriptTagBuilder,
        resolver: Option<PageReleaseResolver>,
        context: &PageContext,
    ) -> Self {
        let mut page = Self {
            kind: RequestKind::from_request(
                request.method(),
                request.uri().query(),
                request.headers(),
            ),
            accept_encoding: AcceptEncoding::default(),
            tag_builder,
            resolver,
            recoding_policy: context.recoding_policy.clone(),
            metrics: context.metrics.clone(),
            etag_suffixes: context.etag_suffixes.clone(),
            cached: CachedVariants::default(),
        };
        if page.kind != RequestKind::Other {
            page.accept_encoding = AcceptEncoding::from_headers(request.headers());
            page.prepare_conditions(request);
            page.prepare_representation(request);
        }
        page
    }

    /// Changes the preconditions of a request to those on the page of the origin.
    fn prepare_conditions<B>(&mut self, request: &mut Request<B>) {
        let headers = request.headers();
        let has_tag = headers.contains_key(header::IF_NONE_MATCH);
        let has_date = headers.contains_key(header::IF_MODIFIED_SINCE);
        if !(has_tag || has_date) {
            return;
        }
        let has_destination = fetch_metadata::has_destination(headers);
        let is_page_request = has_destination && fetch_metadata::is_page_path(request.uri().path());
        let headers = request.headers_mut();
        if has_tag {
            let unsuffixed = if is_page_request {
                UnsuffixedTags::Drop
            } else {
                UnsuffixedTags::Keep
            };
            self.cached =
                self.etag_suffix()
                    .remove_from_request(headers, unsuffixed, self.accept_encoding);
        }
        if is_page_request {
            // A page with the script has no `Last-Modified`: this date is older than the layer.
            headers.remove(header::IF_MODIFIED_SINCE);
        }
    }

    /// Requests the whole page, and without a coding if it is compressed here.
    fn prepare_representation<B>(&self, request: &mut Request<B>) {
        // The script cannot be inserted into a part, and the client's offsets are those of the page with the script.
        let has_range = matches!(*request.method(), Method::GET | Method::HEAD)
            && [header::RANGE, header::IF_RANGE]
                .iter()
                .any(|name| request.headers().contains_key(name));
        let compresses = self.recoding_policy.compresses();
        if !(has_range || compresses)
            || !fetch_metadata::is_page_request(request.uri().path(), request.headers())
        {
            return;
        }
        original_headers::save(request);
        let headers = request.headers_mut();
        if has_range {
            headers.remove(header::RANGE);
            headers.remove(header::IF_RANGE);
        }
        if compresses {
            let identity = HeaderValue::from_static("identity");
            headers.insert(header::ACCEPT_ENCODING, identity);
        }
    }

    /// Returns the suffix of the release that is current at the time of the request, even if the page turns out to be
    /// of another: the page is confirmed under this suffix only if the origin has not changed it, and then its release
    /// has not changed either.
    fn etag_suffix(&self) -> EtagSuffix {
        self.etag_suffixes.suffix(&self.tag_builder)
    }

    /// Inserts the script into the response if it is eligible.
    pub(crate) fn rewrite<B>(mut self, response: Response<B>) -> Response<Body>
    where
        B: http_body::Body + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let (mut parts, body) = response.into_parts();
        let mut body = Body::new(body);
        let unchanged = Response::from_parts;
        let mut is_prepared = false;
        match parts.extensions.get() {
            Some(Outcome::Server) => return unchanged(parts, body),
            Some(Outcome::Page(page)) => {
                let source = page.source.clone();
                let Some((html, etag)) = source.filter(|_| self.must_prepare_again(&parts)) else {
                    return unchanged(parts, body);
                };
                is_prepared = true;
                parts.headers.remove(header::CONTENT_ENCODING);
                parts.headers.insert(header::ETAG, etag);
                let length = HeaderValue::from(html.len());
                parts.headers.insert(header::CONTENT_LENGTH, length);
                body = Body::full(html);
            }
            Some(Outcome::Upstream(_)) | None => {}
        }
        if parts.status == StatusCode::NOT_MODIFIED {
            self.rewrite_not_modified(&mut parts.headers);
        }
        if !eligibility::is_page(&parts) {
            return unchanged(parts, body);
        }
        let Some(recoding) = self
            .recoding_policy
            .recoding(&parts.headers, self.accept_encoding)
        else {
            self.count(PageOutcome::UnsupportedCoding);
            return unchanged(parts, body);
        };
        let vary = HeaderValue::from_static(fetch_metadata::VARY);
        if self.kind == RequestKind::Other {
            parts.headers.append(header::VARY, vary);
            return unchanged(parts, body);
        }
        let permission = self.tag_builder.evaluate_headers(&mut parts.headers);
        if permission.is_some() {
            if !is_prepared {
                parts.headers.append(header::VARY, vary);
            }
        } else {
            // The response does not depend on the request kind.
            self.count(PageOutcome::ForbiddenByCsp);
            if recoding.decode.is_none() {
                recoding.update_headers(&mut parts.headers);
            }
            if recoding.decode.is_some() || recoding.encode.is_none() {
                return unchanged(parts, body);
            }
        }
        self.etag_suffix()
            .append(&mut parts.headers, recoding.encode);
        recoding.update_headers(&mut parts.headers);
        if let Some(resolver) = &mut self.resolver {
            resolver.observe_response(&parts);
        }
        for outdated in OUTDATED {
            parts.headers.remove(outdated);
        }
        let body = match self.kind {
            // The headers are those of the response to a GET, as far as they do not depend on the page.
            RequestKind::Head => body.without_length(),
            RequestKind::Document | RequestKind::Other => {
                let (tag_builder, resolver) = (self.tag_builder, self.resolver);
                let metrics = permission.is_some().then_some(self.metrics);
                let choose = Box::new(move |page: &[u8], extent| {
                    let release = resolver.and_then(|resolver| resolver.resolve(page, extent));
                    tag_builder.with(release).tag(permission?, page)
                });
                let page = InjectBody::new(DecodeBody::new(body, recoding.decode), choose, metrics);
                Body::new(EncodeBody::new(page, recoding.encode))
            }
        };
        Response::from_parts(parts, body)
    }

    /// True if the page of a release has the script in a way that the policy of this response does not allow: one that
    /// was added after the release was built.
    fn must_prepare_again(&self, response: &response::Parts) -> bool {
        if !response
            .headers
            .contains_key(header::CONTENT_SECURITY_POLICY)
            || !eligibility::is_page(response)
        {
            return false;
        }
        let mut headers = response.headers.clone();
        let permission = self.tag_builder.evaluate_headers(&mut headers);
        permission != Some(ScriptPermission::default())
    }

    /// Changes the headers of a 304 to those of the client's cached page, if that contains the script.
    fn rewrite_not_modified(&self, headers: &mut http::HeaderMap) {
        let Some(variant) = self.cached.confirmed_by(headers) else {
            return;
        };
        // Caches may replace the policy of the page by that of the 304.
        _ = self.tag_builder.evaluate_headers(headers);
        self.etag_suffix().append(headers, variant.coding);
        // Caches would store these with the page, and the date would become a condition that ignores releases.
        for outdated in OUTDATED {
            headers.remove(outdated);
        }
        headers.append(header::VARY, HeaderValue::from_static(fetch_metadata::VARY));
        self.recoding_policy.add_vary(headers, variant.coding);
    }

    /// Records the outcome of a page, but not of the response to a HEAD.
    fn count(&self, outcome: PageOutcome) {
        if self.kind == RequestKind::Document {
            self.metrics.count(outcome);
        }
    }
}

/// Headers that describe the page as the origin sent it.
const OUTDATED: [HeaderName; 7] = [
    header::CONTENT_LENGTH,
    header::LAST_MODIFIED,
    header::ACCEPT_RANGES,
    HeaderName::from_static("content-md5"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("repr-digest"),
];
