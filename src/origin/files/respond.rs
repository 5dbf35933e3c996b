//! The answer with one entry of a release: which form of it, which part, and under what conditions.

use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::Response;
use http::StatusCode;
use http::header;

use crate::http::body::Body;
use crate::http::conditional::Decision;
use crate::http::conditional::Validators;
use crate::http::context::AlreadyInjected;
use crate::http::fetch_metadata;
use crate::http::fetch_metadata::Asked;
use crate::http::path::SitePath;
use crate::http::range::Ranged;
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

/// What counts in a request once its path is known.
pub(crate) struct Asking<'a> {
    pub(crate) method: &'a Method,
    pub(crate) query: Option<&'a str>,
    pub(crate) headers: &'a HeaderMap,
}

impl Asking<'_> {
    /// The answer with what was found at `path`.
    pub(crate) fn answer(&self, entry: &Entry, role: Role, path: &str) -> FileReply {
        let with_script = Asked::by(self.method, self.query, self.headers) != Asked::Other;
        let asset = match entry.modified() {
            Some((changed, RequestFilter::All)) => changed,
            Some((page, RequestFilter::Navigations)) if with_script => page,
            _ => entry.asset(),
        };
        let (representation, coding) = select_variant(asset, self.headers);
        let validators = Validators {
            etag: representation.etag(),
            // What a page leads to changes it, and its own time stays.
            last_modified: asset.last_modified().filter(|_| !entry.is_page()),
        };
        let mut response = Response::new(Body::empty());
        let exists = role != Role::NotFound;
        if !exists {
            *response.status_mut() = StatusCode::NOT_FOUND;
        }
        let fields = response.headers_mut();
        fields.reserve(FIELDS);
        fields.insert(header::CACHE_CONTROL, cache_control(entry, role));
        fields.insert(header::ETAG, representation.etag().clone());
        if let Some(modified) = validators.last_modified {
            fields.insert(header::LAST_MODIFIED, modified.clone());
        }
        fields.insert(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        );
        let vary = vary(entry, asset, role);
        if !vary.is_empty() {
            fields.insert(header::VARY, HeaderValue::from_static(vary));
        }
        if fetch_metadata::is_preflight(self.headers) {
            // Which page it is, of all that could answer for a route (RFC 9110, section 8.7).
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
        let ranged =
            if exists && *self.method == Method::GET && validators.allow_range(self.headers) {
                Ranged::by(self.headers, representation.content().len())
            } else {
                Ranged::Whole
            };
        if entry.is_page() {
            response.extensions_mut().insert(AlreadyInjected);
        }
        self.fill(response, representation, ranged)
    }

    fn fill(
        &self,
        mut response: Response<Body>,
        representation: &Representation,
        ranged: Ranged,
    ) -> FileReply {
        let content = representation.content();
        let fields = response.headers_mut();
        fields.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        let body = match ranged {
            Ranged::Whole => {
                fields.insert(header::CONTENT_LENGTH, representation.length().clone());
                match *self.method {
                    Method::HEAD => Body::empty(),
                    _ => file_body::whole(content),
                }
            }
            Ranged::Part(range) => {
                let (first, last) = range.clone().into_inner();
                let value = format!("bytes {first}-{last}/{}", content.len());
                fields.extend(
                    HeaderValue::try_from(value).map(|value| (header::CONTENT_RANGE, value)),
                );
                fields.insert(header::CONTENT_LENGTH, (last - first + 1).into());
                *response.status_mut() = StatusCode::PARTIAL_CONTENT;
                file_body::part(content, &range)
            }
            Ranged::Unsatisfiable => {
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

/// What an entry is to the path that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// What the path names.
    File,
    /// The app's page, for one of its routes.
    Shell,
    /// The page that says that there is none.
    NotFound,
}

fn cache_control(entry: &Entry, role: Role) -> HeaderValue {
    HeaderValue::from_static(match role {
        Role::File if entry.is_immutable() => "public, max-age=31536000, immutable",
        Role::File | Role::Shell => "no-cache",
        Role::NotFound => "no-store",
    })
}

/// The request fields that another answer could come from.
fn vary(entry: &Entry, asset: &Asset, role: Role) -> &'static str {
    match (role, entry.modified(), asset.is_encoded()) {
        (Role::File, Some((_, RequestFilter::Navigations)), _) => PAGE_VARY,
        (Role::File, _, false) => "",
        (Role::File, _, true) => "accept-encoding",
        (Role::Shell | Role::NotFound, _, _) => ROUTE_VARY,
    }
}

// Fields of a response, and those that the server adds.
const FIELDS: usize = 12;

const PAGE_VARY: &str = "accept-encoding, sec-fetch-dest, sec-fetch-mode, upgrade-insecure-requests, hx-request, turbo-frame, \
     x-requested-with, tidings-preflight";

// Who does not ask for a document gets no page at all.
const ROUTE_VARY: &str = "accept, accept-encoding, sec-fetch-dest, sec-fetch-mode, upgrade-insecure-requests, \
     hx-request, turbo-frame, x-requested-with, tidings-preflight";
