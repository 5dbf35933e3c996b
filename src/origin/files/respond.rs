//! The response with one entry of a release: content negotiation, preconditions and ranges.

use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::Response;
use http::StatusCode;
use http::header;

use crate::http::body::Body;
use crate::http::conditional::Decision;
use crate::http::conditional::Validators;
use crate::http::context::Outcome;
use crate::http::context::PreparedPage;
use crate::http::fetch_metadata;
use crate::http::fetch_metadata::RequestKind;
use crate::http::path::SitePath;
use crate::http::range::ByteRange;
use crate::http::reply::Reply;
use crate::origin::files::file_body;
use crate::origin::files::reply;
use crate::origin::files::reply::FileReply;
use crate::release::Asset;
use crate::release::Content;
use crate::release::Entry;
use crate::release::Representation;
use crate::release::RequestFilter;
use crate::release::variant::select_variant;

/// The parts of a request for a file that the response depends on.
pub(crate) struct FileRequest<'a> {
    pub(crate) method: &'a Method,
    pub(crate) query: Option<&'a str>,
    pub(crate) headers: &'a HeaderMap,
}

impl FileRequest<'_> {
    /// Returns the response with the entry found at `path`.
    pub(crate) fn respond(&self, entry: &Entry, match_kind: MatchKind, path: &str) -> FileReply {
        let with_script =
            RequestKind::from_request(self.method, self.query, self.headers) != RequestKind::Other;
        let asset = match entry.modified() {
            Some((changed, RequestFilter::All)) => changed,
            Some((page, RequestFilter::Navigations)) if with_script => page,
            _ => entry.asset(),
        };
        let (representation, coding) = select_variant(asset, self.headers);
        let validators = Validators {
            etag: representation.etag(),
            // The pages change with the release, even if their file does not.
            last_modified: asset.last_modified().filter(|_| !entry.is_page()),
        };
        let mut response = Response::new(Body::empty());
        let exists = match_kind != MatchKind::NotFound;
        if !exists {
            *response.status_mut() = StatusCode::NOT_FOUND;
        }
        let fields = response.headers_mut();
        fields.reserve(HEADER_COUNT);
        fields.insert(header::CACHE_CONTROL, cache_control(entry, match_kind));
        fields.insert(header::ETAG, representation.etag().clone());
        if let Some(modified) = validators.last_modified {
            fields.insert(header::LAST_MODIFIED, modified.clone());
        }
        fields.insert(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        );
        let vary = vary(entry, asset, match_kind);
        if !vary.is_empty() {
            fields.insert(header::VARY, HeaderValue::from_static(vary));
        }
        if fetch_metadata::is_preflight(self.headers) {
            // Names the page that serves the route (RFC 9110, section 8.7).
            let location = HeaderValue::try_from(SitePath::encode(path));
            fields.extend(location.map(|location| (header::CONTENT_LOCATION, location)));
        }
        if exists {
            match validators.decide(self.headers) {
                Decision::Send => {}
                Decision::NotModified => {
                    *response.status_mut() = StatusCode::NOT_MODIFIED;
                    return FileReply::Ready(response);
                }
                Decision::PreconditionFailed => {
                    return FileReply::Ready(
                        Reply::status(StatusCode::PRECONDITION_FAILED).build(),
                    );
                }
            }
        }
        fields.insert(header::CONTENT_TYPE, entry.media_type().clone());
        if let Some(coding) = coding {
            fields.insert(
                header::CONTENT_ENCODING,
                HeaderValue::from_static(coding.token()),
            );
        }
        let range = if exists && *self.method == Method::GET && validators.allow_range(self.headers)
        {
            ByteRange::from_headers(self.headers, representation.content().len())
        } else {
            ByteRange::Full
        };
        if entry.is_page() {
            let page = prepared_page(entry, with_script);
            response.extensions_mut().insert(Outcome::Page(page));
        }
        self.fill(response, representation, range)
    }

    fn fill(
        &self,
        mut response: Response<Body>,
        representation: &Representation,
        range: ByteRange,
    ) -> FileReply {
        let content = representation.content();
        let fields = response.headers_mut();
        fields.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        let body = match range {
            ByteRange::Full => {
                fields.insert(header::CONTENT_LENGTH, representation.length().clone());
                match *self.method {
                    Method::HEAD => Body::empty(),
                    _ => file_body::full(content),
                }
            }
            ByteRange::Partial(range) => {
                let (first, last) = range.clone().into_inner();
                let value = format!("bytes {first}-{last}/{}", content.len());
                fields.extend(
                    HeaderValue::try_from(value).map(|value| (header::CONTENT_RANGE, value)),
                );
                fields.insert(header::CONTENT_LENGTH, (last - first + 1).into());
                *response.status_mut() = StatusCode::PARTIAL_CONTENT;
                file_body::partial(content, &range)
            }
            ByteRange::Unsatisfiable => {
                return FileReply::Ready(reply::range_not_satisfiable(content.len()));
            }
        };
        let response = response.map(|_| body);
        match content {
            Content::Memory(_) => FileReply::Ready(response),
            Content::File(file) => FileReply::verify(file, response),
        }
    }
}

/// How the path of a request led to an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MatchKind {
    /// The path names the entry.
    File,
    /// The entry is the page of the app, for a client-side route.
    AppShell,
    /// The entry is the 404 page.
    NotFound,
}

fn prepared_page(entry: &Entry, with_script: bool) -> PreparedPage {
    let source = match entry.asset().plain().content() {
        Content::Memory(html) if with_script => {
            Some((html.clone(), entry.asset().plain().etag().clone()))
        }
        _ => None,
    };
    PreparedPage { source }
}

fn cache_control(entry: &Entry, match_kind: MatchKind) -> HeaderValue {
    HeaderValue::from_static(match match_kind {
        MatchKind::File if entry.is_immutable() => "public, max-age=31536000, immutable",
        MatchKind::File | MatchKind::AppShell => "no-cache",
        MatchKind::NotFound => "no-store",
    })
}

/// Returns the request headers that select between responses, for `Vary`.
fn vary(entry: &Entry, asset: &Asset, match_kind: MatchKind) -> &'static str {
    match (match_kind, entry.modified(), asset.is_encoded()) {
        (MatchKind::File, Some((_, RequestFilter::Navigations)), _) => PAGE_VARY,
        (MatchKind::File, _, false) => "",
        (MatchKind::File, _, true) => "accept-encoding",
        (MatchKind::AppShell | MatchKind::NotFound, _, _) => ROUTE_VARY,
    }
}

// The number of headers of a response, with those that the server adds.
const HEADER_COUNT: usize = 12;

const PAGE_VARY: &str = "accept-encoding, sec-fetch-dest, sec-fetch-mode, upgrade-insecure-requests, hx-request, turbo-frame, \
     x-requested-with, tidings-preflight";

// Requests for other things than documents get no page at all.
const ROUTE_VARY: &str = "accept, accept-encoding, sec-fetch-dest, sec-fetch-mode, upgrade-insecure-requests, \
     hx-request, turbo-frame, x-requested-with, tidings-preflight";
