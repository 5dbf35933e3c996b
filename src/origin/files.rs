//! Static files, served from the current release of a site.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::Request;
use http::Response;
use http::StatusCode;
use http::header;
use tokio::task::JoinHandle;
use tower_service::Service;

use crate::inject::AlreadyInjected;
use crate::inject::eligible::Asked;
use crate::origin::conditional::Decision;
use crate::origin::conditional::Validators;
use crate::origin::encoding::Accepted;
use crate::origin::fallback;
use crate::origin::fallback::Fallback;
use crate::origin::file_body::FileBody;
use crate::origin::path::SitePath;
use crate::origin::range::Ranged;
use crate::origin::waiting;
use crate::release::Asset;
use crate::release::Coding;
use crate::release::Content;
use crate::release::Entry;
use crate::release::OpenFile;
use crate::release::Release;
use crate::release::Representation;
use crate::site::Site;
use crate::site::State;

/// A service that answers from the current release of a [`Site`], and from nothing else: whatever happens to the
/// directory, no answer mixes two releases. `Clone` is cheap.
///
/// Answers GET and HEAD; conditional requests and single ranges (RFC 9110, sections 13 and 14) on whichever
/// coding of a file suits `Accept-Encoding` best. Until there is a release it answers 503.
#[derive(Debug, Clone)]
pub struct StaticFiles {
    site: Site,
    fallback: Fallback,
}

impl StaticFiles {
    /// The files of this site, as a single-page app unless it has a `404.html`.
    pub fn new(site: Site) -> Self {
        Self {
            site,
            fallback: Fallback::Auto,
        }
    }

    /// What answers a navigation to a path that no file has.
    pub fn fallback(mut self, fallback: Fallback) -> Self {
        self.fallback = fallback;
        self
    }

    fn respond(
        &self,
        method: &Method,
        path: &str,
        query: Option<&str>,
        headers: &HeaderMap,
    ) -> Reply {
        if !matches!(*method, Method::GET | Method::HEAD) {
            let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "405 Method Not Allowed\n");
            response
                .headers_mut()
                .insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            return Reply::Ready(response);
        }
        let state = self.site.state();
        let Some(release) = state.current() else {
            let is_navigation = fallback::is_navigation(method, headers);
            return Reply::Ready(waiting::response(state.awaited(), is_navigation));
        };
        let Some(path) = SitePath::decode(path) else {
            return Reply::Ready(plain(StatusCode::BAD_REQUEST, "400 Bad Request\n"));
        };
        let request = Asking { method, headers };
        match self.find(&state, release, path.as_str(), &request) {
            Found::Entry(entry, role) => request.answer(entry, role),
            Found::Redirect(path) => Reply::Ready(redirect(&path, query)),
            Found::Nothing => Reply::Ready(plain(StatusCode::NOT_FOUND, "404 Not Found\n")),
        }
    }

    fn find<'a>(
        &self,
        state: &'a State,
        release: &'a Release,
        path: &str,
        request: &Asking<'_>,
    ) -> Found<'a> {
        if let Some(found) = in_release(release, path) {
            return found;
        }
        if let Some(entry) = state.retained(path) {
            return Found::Entry(entry, Role::File);
        }
        // A chunk of a release that is no longer kept is no route, whoever asks for it.
        if !fallback::is_navigation(request.method, request.headers)
            || release.would_be_hashed(path)
        {
            return Found::Nothing;
        }
        let shell = self
            .fallback
            .shell(release)
            .and_then(|shell| release.get(shell));
        if let Some(entry) = shell {
            return Found::Entry(entry, Role::Shell);
        }
        match release.get(fallback::NOT_FOUND) {
            Some(entry) => Found::Entry(entry, Role::NotFound),
            None => Found::Nothing,
        }
    }
}

/// What a path leads to.
enum Found<'a> {
    Entry(&'a Entry, Role),
    /// To this path instead, so that a page has one address.
    Redirect(String),
    Nothing,
}

/// What an entry is to the path that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// What the path names.
    File,
    /// The app's page, for one of its routes.
    Shell,
    /// The page that says that there is none.
    NotFound,
}

/// The file at a path: itself; for a folder its `index.html`; for `/about` the page `/about.html`.
fn in_release<'a>(release: &'a Release, path: &str) -> Option<Found<'a>> {
    let ok = |entry| Found::Entry(entry, Role::File);
    if let Some(folder) = path.strip_suffix('/') {
        if let Some(index) = release.get(&format!("{path}index.html")) {
            return Some(ok(index));
        }
        let has_page = !folder.is_empty() && release.get(&format!("{folder}.html")).is_some();
        return has_page.then(|| Found::Redirect(folder.to_owned()));
    }
    if let Some(entry) = release.get(path) {
        return Some(ok(entry));
    }
    if let Some(page) = release.get(&format!("{path}.html")) {
        return Some(ok(page));
    }
    let has_index = release.get(&format!("{path}/index.html")).is_some();
    has_index.then(|| Found::Redirect(format!("{path}/")))
}

/// What counts in a request once its path is known.
struct Asking<'a> {
    method: &'a Method,
    headers: &'a HeaderMap,
}

impl Asking<'_> {
    fn answer(&self, entry: &Entry, role: Role) -> Reply {
        let with_script = Asked::by(self.method, self.headers) != Asked::Other;
        let asset = match entry.page() {
            Some(page) if with_script => page,
            _ => entry.asset(),
        };
        let (representation, coding) = self.choose(asset);
        let modified = asset.modified().filter(|_| !entry.is_page());
        let modified =
            modified.and_then(|time| HeaderValue::try_from(httpdate::fmt_http_date(time)).ok());
        let validators = Validators {
            etag: representation.etag(),
            last_modified: modified.as_ref(),
        };
        let mut response = Response::new(FileBody::empty());
        let exists = role != Role::NotFound;
        if !exists {
            *response.status_mut() = StatusCode::NOT_FOUND;
        }
        let fields = response.headers_mut();
        fields.reserve(FIELDS);
        fields.insert(header::CACHE_CONTROL, cache_control(entry, role));
        fields.insert(header::ETAG, representation.etag().clone());
        if let Some(modified) = &modified {
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
        if exists {
            match validators.decide(self.headers) {
                Decision::Send => {}
                Decision::NotModified => {
                    *response.status_mut() = StatusCode::NOT_MODIFIED;
                    return Reply::Ready(response);
                }
                Decision::PreconditionFailed => {
                    return Reply::Ready(plain(
                        StatusCode::PRECONDITION_FAILED,
                        "412 Precondition Failed\n",
                    ));
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

    fn choose<'a>(&self, asset: &'a Asset) -> (&'a Representation, Option<Coding>) {
        if !asset.is_encoded() {
            return (asset.plain(), None);
        }
        let coding = Accepted::by(self.headers).choose(|coding| asset.encoded(coding).is_some());
        match coding.and_then(|coding| Some((asset.encoded(coding)?, coding))) {
            Some((representation, coding)) => (representation, Some(coding)),
            None => (asset.plain(), None),
        }
    }

    fn fill(
        &self,
        mut response: Response<FileBody>,
        representation: &Representation,
        ranged: Ranged,
    ) -> Reply {
        let content = representation.content();
        let fields = response.headers_mut();
        fields.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        let body = match ranged {
            Ranged::Whole => {
                fields.insert(header::CONTENT_LENGTH, representation.length().clone());
                if *self.method == Method::HEAD {
                    return Reply::Ready(response);
                }
                FileBody::whole(content)
            }
            Ranged::Part(range) => {
                let (first, last) = range.clone().into_inner();
                let value = format!("bytes {first}-{last}/{}", content.len());
                fields.extend(
                    HeaderValue::try_from(value).map(|value| (header::CONTENT_RANGE, value)),
                );
                fields.insert(header::CONTENT_LENGTH, (last - first + 1).into());
                *response.status_mut() = StatusCode::PARTIAL_CONTENT;
                FileBody::part(content, &range)
            }
            Ranged::Unsatisfiable => {
                let mut response = plain(
                    StatusCode::RANGE_NOT_SATISFIABLE,
                    "416 Range Not Satisfiable\n",
                );
                let value = format!("bytes */{}", content.len());
                let value =
                    HeaderValue::try_from(value).map(|value| (header::CONTENT_RANGE, value));
                response.headers_mut().extend(value);
                return Reply::Ready(response);
            }
        };
        let response = response.map(|_| body);
        match content {
            Content::Memory(_) => Reply::Ready(response),
            Content::File(file) => Reply::verify(file, response),
        }
    }
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
    match (role, entry.page(), asset.is_encoded()) {
        (Role::File, None, false) => "",
        (Role::File, None, true) => "accept-encoding",
        (Role::File, Some(_), _) => PAGE_VARY,
        (Role::Shell | Role::NotFound, _, _) => ROUTE_VARY,
    }
}

/// A 308 (RFC 9110, section 15.4.9) to a path on this host. Not to be kept: the next release may have a page
/// here.
fn redirect(path: &str, query: Option<&str>) -> Response<FileBody> {
    let mut location = SitePath::encode(path);
    if let Some(query) = query {
        location.push('?');
        location.push_str(query);
    }
    let Ok(location) = HeaderValue::try_from(location) else {
        return plain(StatusCode::BAD_REQUEST, "400 Bad Request\n");
    };
    let mut response = plain(StatusCode::PERMANENT_REDIRECT, "308 Permanent Redirect\n");
    response.headers_mut().insert(header::LOCATION, location);
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// A short text, never to be kept.
pub(crate) fn plain(status: StatusCode, text: &'static str) -> Response<FileBody> {
    let mut response = Response::new(FileBody::text(text));
    *response.status_mut() = status;
    let fields = response.headers_mut();
    fields.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    fields.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    fields.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}

/// An answer that is there, or one that waits for a look at its file.
enum Reply {
    Ready(Response<FileBody>),
    Verifying {
        check: JoinHandle<io::Result<()>>,
        response: Option<Response<FileBody>>,
    },
}

impl Reply {
    /// The file may have been overwritten since: then it is too late for this answer, but not for an honest one.
    fn verify(file: &Arc<OpenFile>, response: Response<FileBody>) -> Self {
        let file = Arc::clone(file);
        Self::Verifying {
            check: tokio::task::spawn_blocking(move || file.verify()),
            response: Some(response),
        }
    }
}

/// The answer of [`StaticFiles`] on its way: there at once, but for files that are kept on disk.
pub struct FilesFuture(Option<Reply>);

impl Future for FilesFuture {
    type Output = Result<Response<FileBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let checked = match &mut self.0 {
            Some(Reply::Verifying { check, .. }) => ready!(Pin::new(check).poll(cx)),
            _ => Ok(Ok(())),
        };
        let response = match self.0.take() {
            Some(
                Reply::Ready(response)
                | Reply::Verifying {
                    response: Some(response),
                    ..
                },
            ) => response,
            _ => plain(
                StatusCode::INTERNAL_SERVER_ERROR,
                "polled after it was ready\n",
            ),
        };
        Poll::Ready(Ok(match checked {
            Ok(Ok(())) => response,
            Ok(Err(error)) => stale(&error),
            Err(error) => stale(&io::Error::other(error)),
        }))
    }
}

impl fmt::Debug for FilesFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FilesFuture").finish_non_exhaustive()
    }
}

fn stale(error: &io::Error) -> Response<FileBody> {
    tracing::warn!(%error, "a file can't be sent until its directory has been read again");
    let mut response = plain(
        StatusCode::SERVICE_UNAVAILABLE,
        "503 This file is being replaced\n",
    );
    response
        .headers_mut()
        .insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

impl<B> Service<Request<B>> for StaticFiles {
    type Response = Response<FileBody>;
    type Error = Infallible;
    type Future = FilesFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> FilesFuture {
        let uri = request.uri();
        FilesFuture(Some(self.respond(
            request.method(),
            uri.path(),
            uri.query(),
            request.headers(),
        )))
    }
}

// Fields of a response, and those that the server adds.
const FIELDS: usize = 12;

const PAGE_VARY: &str =
    "accept-encoding, sec-fetch-dest, hx-request, turbo-frame, x-requested-with";

// Who does not ask for a document gets no page at all.
const ROUTE_VARY: &str =
    "accept, accept-encoding, sec-fetch-dest, hx-request, turbo-frame, x-requested-with";
