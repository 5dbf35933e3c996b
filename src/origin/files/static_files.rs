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
use crate::http::original_headers::Unaltered;
use crate::http::path::SitePath;
use crate::http::reply::Reply;
use crate::origin::files::fallback;
use crate::origin::files::fallback::Fallback;
use crate::origin::files::reply;
use crate::origin::files::reply::FileReply;
use crate::origin::files::reply::FilesFuture;
use crate::origin::files::respond::Asking;
use crate::origin::files::respond::Role;
use crate::origin::retry_page;
use crate::release::Entry;
use crate::release::Release;
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
        let request = Asking {
            method,
            query,
            headers,
        };
        match self.find(&state, release, path.as_str(), &request) {
            Found::Entry(entry, role, path) => request.answer(entry, role, &path),
            Found::Redirect(path) => FileReply::Ready(reply::redirect(&path, query)),
            Found::Nothing => FileReply::Ready(Reply::status(StatusCode::NOT_FOUND).build()),
        }
    }

    fn find<'a>(
        &'a self,
        state: &'a State,
        release: &'a Release,
        path: &'a str,
        request: &Asking<'_>,
    ) -> Found<'a> {
        if let Some(found) = in_release(release, path) {
            return found;
        }
        // What the build says to us is nobody's route.
        if path == metadata_file::PATH {
            return Found::Nothing;
        }
        if let Some(entry) = state.retained_entry(path) {
            return Found::Entry(entry, Role::File, path.into());
        }
        // A chunk of a release that is no longer kept is no route, whoever asks for it.
        if !fetch_metadata::is_navigation(request.method, request.headers)
            || release.would_be_hashed(path)
        {
            return Found::Nothing;
        }
        if let Some(shell) = self.fallback.shell(release)
            && let Some(entry) = release.get(shell)
        {
            return Found::Entry(entry, Role::Shell, shell.into());
        }
        match release.get(fallback::NOT_FOUND) {
            Some(entry) => Found::Entry(entry, Role::NotFound, fallback::NOT_FOUND.into()),
            None => Found::Nothing,
        }
    }
}

/// What a path leads to.
enum Found<'a> {
    /// What is at this path, and what it is to the path that was asked for.
    Entry(&'a Entry, Role, Cow<'a, str>),
    /// To this path instead, so that a page has one address.
    Redirect(String),
    Nothing,
}

/// The file at a path: itself; for a folder its `index.html`; for `/about` the page `/about.html`.
fn in_release<'a>(release: &'a Release, path: &'a str) -> Option<Found<'a>> {
    let at = |path: Cow<'a, str>| {
        let entry = release.get(&path)?;
        Some(Found::Entry(entry, Role::File, path))
    };
    if let Some(folder) = path.strip_suffix('/') {
        let has_page = || !folder.is_empty() && release.get(&format!("{folder}.html")).is_some();
        return at(format!("{path}index.html").into())
            .or_else(|| has_page().then(|| Found::Redirect(folder.to_owned())));
    }
    let has_index = || release.get(&format!("{path}/index.html")).is_some();
    at(path.into())
        .or_else(|| at(format!("{path}.html").into()))
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
        let (mut parts, _) = request.into_parts();
        // Its pages have the script, codings and ranges of their own.
        Unaltered::restore(&mut parts.extensions, &mut parts.headers);
        let (path, query) = (parts.uri.path(), parts.uri.query());
        FilesFuture::new(self.respond(&parts.method, path, query, &parts.headers))
    }
}
