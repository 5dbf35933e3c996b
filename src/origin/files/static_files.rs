//! Static files, served from the current release of a site.

use std::borrow::Cow;
use std::convert::Infallible;
use std::task::Context;
use std::task::Poll;

use http::HeaderMap;
use http::Method;
use http::Request;
use http::Response;
use http::StatusCode;
use tower_service::Service;

use crate::build::metadata_file;
use crate::http::body::Body;
use crate::http::fetch_metadata;
use crate::http::original_headers;
use crate::http::path::SitePath;
use crate::http::reply::Reply;
use crate::origin::files::fallback;
use crate::origin::files::fallback::Fallback;
use crate::origin::files::reply;
use crate::origin::files::reply::FileReply;
use crate::origin::files::reply::FilesFuture;
use crate::origin::files::respond::FileRequest;
use crate::origin::files::respond::MatchKind;
use crate::origin::retry_page;
use crate::release::Entry;
use crate::release::Release;
use crate::site::Site;
use crate::site::State;

/// A service that serves the files of the current release of a [`Site`], never those of the directory: no response
/// mixes two releases, even while the directory changes. `Clone` is cheap.
///
/// Supports GET and HEAD, conditional requests and single ranges (RFC 9110, sections 13 and 14), and selects the coding
/// of a file by `Accept-Encoding`. Files of retained releases are served as well. Until a release is published, the
/// response is a 503.
///
/// ```
/// use bytes::Bytes;
/// use http::Request;
/// use http::StatusCode;
/// use http_body_util::Empty;
/// use tidings::Site;
/// use tidings::StaticFiles;
/// use tower::ServiceExt;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let files = StaticFiles::new(Site::new());
/// let response = files.oneshot(Request::new(Empty::<Bytes>::new())).await?;
/// assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct StaticFiles {
    site: Site,
    fallback: Fallback,
}

impl StaticFiles {
    /// Serves the files of this site, with [`Fallback::Auto`].
    pub fn new(site: Site) -> Self {
        Self {
            site,
            fallback: Fallback::Auto,
        }
    }

    /// Sets the response to navigations whose path has no file.
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
    ) -> FileReply {
        if !matches!(*method, Method::GET | Method::HEAD) {
            return FileReply::Ready(Reply::method_not_allowed("GET, HEAD").build());
        }
        let state = self.site.state();
        let Some(release) = state.current() else {
            let is_navigation = fetch_metadata::is_navigation(method, headers);
            return FileReply::Ready(retry_page::response(
                state.not_ready_reason(),
                is_navigation,
            ));
        };
        let Some(path) = SitePath::decode(path) else {
            return FileReply::Ready(Reply::status(StatusCode::BAD_REQUEST).build());
        };
        let request = FileRequest {
            method,
            query,
            headers,
        };
        match self.find(&state, release, path.as_str(), &request) {
            Found::Entry(entry, match_kind, path) => request.respond(entry, match_kind, &path),
            Found::Redirect(path) => FileReply::Ready(reply::redirect(&path, query)),
            Found::Nothing => FileReply::Ready(Reply::status(StatusCode::NOT_FOUND).build()),
        }
    }

    fn find<'a>(
        &'a self,
        state: &'a State,
        release: &'a Release,
        path: &'a str,
        request: &FileRequest<'_>,
    ) -> Found<'a> {
        if let Some(found) = find_in_release(release, path) {
            return found;
        }
        // The metadata file of the build is not public, nor a client-side route.
        if path == metadata_file::PATH {
            return Found::Nothing;
        }
        if let Some(entry) = state.retained_entry(path) {
            return Found::Entry(entry, MatchKind::File, path.into());
        }
        // A chunk of a release that is no longer retained is not a client-side route, not even for a navigation.
        if !fetch_metadata::is_navigation(request.method, request.headers)
            || release.would_be_hashed(path)
        {
            return Found::Nothing;
        }
        if let Some(app_shell) = self.fallback.app_shell(release)
            && let Some(entry) = release.get(app_shell)
        {
            return Found::Entry(entry, MatchKind::AppShell, app_shell.into());
        }
        match release.get(fallback::NOT_FOUND) {
            Some(entry) => Found::Entry(entry, MatchKind::NotFound, fallback::NOT_FOUND.into()),
            None => Found::Nothing,
        }
    }
}

/// The result of looking up a path.
enum Found<'a> {
    /// The entry, how the requested path led to it, and the entry's own path.
    Entry(&'a Entry, MatchKind, Cow<'a, str>),
    /// A redirect to this path, so that each page has one URL.
    Redirect(String),
    Nothing,
}

/// Looks up a path in a release: the file itself; for a directory its `index.html`; for `/about` the page
/// `/about.html`.
fn find_in_release<'a>(release: &'a Release, path: &'a str) -> Option<Found<'a>> {
    let lookup = |path: Cow<'a, str>| {
        let entry = release.get(&path)?;
        Some(Found::Entry(entry, MatchKind::File, path))
    };
    if let Some(directory) = path.strip_suffix('/') {
        let has_page =
            || !directory.is_empty() && release.get(&format!("{directory}.html")).is_some();
        return lookup(format!("{path}index.html").into())
            .or_else(|| has_page().then(|| Found::Redirect(directory.to_owned())));
    }
    let has_index = || release.get(&format!("{path}/index.html")).is_some();
    lookup(path.into())
        .or_else(|| lookup(format!("{path}.html").into()))
        .or_else(|| has_index().then(|| Found::Redirect(format!("{path}/"))))
}

impl<B> Service<Request<B>> for StaticFiles {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = FilesFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> FilesFuture {
        let mut request = request;
        // Pages of a release contain the script already, and support codings and ranges.
        original_headers::restore(&mut request);
        let (parts, _) = request.into_parts();
        let (path, query) = (parts.uri.path(), parts.uri.query());
        FilesFuture::new(self.respond(&parts.method, path, query, &parts.headers))
    }
}
