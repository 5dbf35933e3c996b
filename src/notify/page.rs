//! What is done to a request that may be for a page, and to its answer if it is one.

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
use crate::notify::page_etag::Mark;
use crate::notify::page_etag::Marks;
use crate::notify::page_etag::Revisit;
use crate::notify::page_etag::Unmarked;
use crate::notify::page_metrics::Fate;
use crate::notify::page_metrics::Tally;
use crate::notify::page_release::Stamper;
use crate::notify::recoding::Recoder;

/// How pages are dealt with. `Clone` is cheap, and all clones count and remember together.
#[derive(Debug, Clone, Default)]
pub(crate) struct Care {
    pub(crate) csp_checker: CspChecker,
    pub(crate) recoder: Recoder,
    pub(crate) tally: Tally,
    pub(crate) marks: Marks,
}

/// What is to be done with the answer if it is a page.
#[derive(Debug)]
pub(crate) struct Page {
    kind: RequestKind,
    accept_encoding: AcceptEncoding,
    tag_builder: ScriptTagBuilder,
    stamper: Option<Stamper>,
    recoder: Recoder,
    tally: Tally,
    marks: Marks,
    /// What the client has of this very page with the script in it.
    revisit: Revisit,
}

impl Page {
    /// Makes a request such that the origin can answer it with a page to which the script is added.
    pub(crate) fn take_over<B>(
        request: &mut Request<B>,
        tag_builder: ScriptTagBuilder,
        stamper: Option<Stamper>,
        care: &Care,
    ) -> Self {
        let mut page = Self {
            kind: RequestKind::from_request(
                request.method(),
                request.uri().query(),
                request.headers(),
            ),
            accept_encoding: AcceptEncoding::default(),
            tag_builder,
            stamper,
            recoder: care.recoder.clone(),
            tally: care.tally.clone(),
            marks: care.marks.clone(),
            revisit: Revisit::default(),
        };
        if page.kind != RequestKind::Other {
            page.accept_encoding = AcceptEncoding::from_headers(request.headers());
            page.take_over_conditions(request);
            page.take_over_form(request);
        }
        page
    }

    /// Makes the conditions of a request such that the origin can judge them.
    fn take_over_conditions<B>(&mut self, request: &mut Request<B>) {
        let headers = request.headers();
        let has_tag = headers.contains_key(header::IF_NONE_MATCH);
        let has_date = headers.contains_key(header::IF_MODIFIED_SINCE);
        if !(has_tag || has_date) {
            return;
        }
        let says_so = fetch_metadata::has_destination(headers);
        let is_page_request = says_so && fetch_metadata::is_page_path(request.uri().path());
        let headers = request.headers_mut();
        if has_tag {
            let unmarked = if is_page_request {
                Unmarked::Drop
            } else {
                Unmarked::Keep
            };
            self.revisit = self
                .mark()
                .take_off(headers, unmarked, self.accept_encoding);
        }
        if is_page_request {
            // With the script a page has no `Last-Modified`: this one is from before.
            headers.remove(header::IF_MODIFIED_SINCE);
        }
    }

    /// Asks for the whole page, and uncoded if it is to be encoded here anyway.
    fn take_over_form<B>(&self, request: &mut Request<B>) {
        // A part of a page is no page, and the client counts the bytes of ours.
        let has_range = matches!(*request.method(), Method::GET | Method::HEAD)
            && [header::RANGE, header::IF_RANGE]
                .iter()
                .any(|name| request.headers().contains_key(name));
        let compresses = self.recoder.compresses();
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

    /// Made of the release that is current when the page is asked for, even if the page turns out to be of another: it
    /// is confirmed under this mark only where the origin says that it has not changed, and so neither has what it
    /// is of.
    fn mark(&self) -> Mark {
        self.marks.of(&self.tag_builder)
    }

    /// Puts the script into the answer, if it may carry it.
    pub(crate) fn answer<B>(mut self, response: Response<B>) -> Response<Body>
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
                body = Body::full(html);
            }
            Some(Outcome::Upstream(_)) | None => {}
        }
        if parts.status == StatusCode::NOT_MODIFIED {
            self.confirm(&mut parts.headers);
        }
        if !eligibility::is_page(&parts) {
            return unchanged(parts, body);
        }
        let Some(plan) = self.recoder.plan(&parts.headers, self.accept_encoding) else {
            self.count(Fate::PassedForCoding);
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
            // It is the same for everybody.
            self.count(Fate::PassedForPolicy);
            if plan.decode.is_none() {
                plan.describe(&mut parts.headers);
            }
            if plan.decode.is_some() || plan.encode.is_none() {
                return unchanged(parts, body);
            }
        }
        self.mark().put(&mut parts.headers, plan.encode);
        plan.describe(&mut parts.headers);
        if let Some(stamper) = &mut self.stamper {
            stamper.answered(&parts);
        }
        for outdated in OUTDATED {
            parts.headers.remove(outdated);
        }
        let body = match self.kind {
            // What a GET would be answered with, as far as it is known without the page.
            RequestKind::Head => body.without_length(),
            RequestKind::Document | RequestKind::Other => {
                let (tag_builder, stamper) = (self.tag_builder, self.stamper);
                let tally = permission.is_some().then_some(self.tally);
                let choose = Box::new(move |page: &[u8], extent| {
                    let stamp = stamper.and_then(|stamper| stamper.stamp(page, extent));
                    tag_builder.with(stamp).tag(permission?, page)
                });
                let page = InjectBody::new(DecodeBody::new(body, plan.decode), choose, tally);
                Body::new(EncodeBody::new(page, plan.encode))
            }
        };
        Response::from_parts(parts, body)
    }

    /// True if the page of a release has the script in a way that the policy of this response does not allow: one that was
    /// added after the release was built.
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

    /// Makes the fields of a 304 those of the page that the client has, if it is one with the script.
    fn confirm(&self, headers: &mut http::HeaderMap) {
        let Some(known) = self.revisit.confirmed_by(headers) else {
            return;
        };
        // The policy that comes with it may be kept instead of the page's.
        _ = self.tag_builder.evaluate_headers(headers);
        self.mark().put(headers, known.coding);
        // Kept with the page they would describe it, and the date come back as a condition that knows nothing of
        // releases.
        for outdated in OUTDATED {
            headers.remove(outdated);
        }
        headers.append(header::VARY, HeaderValue::from_static(fetch_metadata::VARY));
        self.recoder.vary(headers, known.coding);
    }

    /// A head is none of the pages that count.
    fn count(&self, fate: Fate) {
        if self.kind == RequestKind::Document {
            self.tally.count(fate);
        }
    }
}

/// What described the page as the origin sent it.
const OUTDATED: [HeaderName; 7] = [
    header::CONTENT_LENGTH,
    header::LAST_MODIFIED,
    header::ACCEPT_RANGES,
    HeaderName::from_static("content-md5"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("repr-digest"),
];
