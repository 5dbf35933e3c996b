//! A site served from a directory, without a socket.

use std::fs;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::Method;
use http::Request;
use http::Response;
use http_body::Body;
use http_body_util::BodyExt as _;
use http_body_util::Empty;
use tempfile::TempDir;
use tidings::Fallback;
use tidings::Release;
use tidings::Site;
use tidings::StaticFiles;
use tidings::WatchDirectory;
use tokio::task::JoinSet;
use tower::Service;
use tower::ServiceExt as _;

use crate::support::http::field;
use crate::support::put;
use crate::support::site_dir;
use crate::support::wait_until_async;
use crate::support::within;

/// A directory, the site that watches it, and a service for its files.
#[derive(Debug)]
pub(crate) struct DirectorySite {
    pub(crate) dir: TempDir,
    pub(crate) site: Site,
    pub(crate) files: StaticFiles,
    /// Aborted on drop.
    watching: JoinSet<()>,
}

/// A response of a service with its complete body.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl DirectorySite {
    /// Serves these files; returns when the first release is there.
    pub(crate) async fn new(files: &[(&str, &str)]) -> Self {
        Self::from(site_dir(files)).await
    }

    /// Serves this directory; returns when the first release is there.
    pub(crate) async fn from(dir: TempDir) -> Self {
        Self::with(dir, Site::new(), |watch| watch).await
    }

    /// As [`from`](Self::from), for this site and with a source configured by `set`.
    pub(crate) async fn with(
        dir: TempDir,
        site: Site,
        set: impl FnOnce(WatchDirectory) -> WatchDirectory,
    ) -> Self {
        let watch = set(watch(dir.path()));
        let source = site.clone();
        let mut watching = JoinSet::new();
        watching.spawn(async move { match watch.run(source).await {} });
        let served = Self {
            dir,
            files: StaticFiles::new(site.clone()),
            watching,
            site,
        };
        wait_until_async("the first release", || served.site.current()).await;
        served
    }

    pub(crate) fn fallback(mut self, fallback: &str) -> Self {
        let fallback: Fallback = fallback.parse().unwrap();
        self.files = self.files.fallback(fallback);
        self
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Overwrites the old files with these; returns when a release with another id is current.
    pub(crate) async fn deploy(&self, files: &[(&str, &str)]) {
        self.change(|dir| put(dir, files)).await;
    }

    /// Replaces the directory with one that has only these files; returns when a release with another id is current.
    /// Unlike [`deploy`](Self::deploy), no intermediate state could be published.
    pub(crate) async fn replace(&self, files: &[(&str, &str)]) {
        self.change(|dir| {
            let new = site_dir(files).keep();
            let old = dir.with_extension("old");
            fs::rename(dir, &old).unwrap();
            fs::rename(new, dir).unwrap();
            fs::remove_dir_all(old).unwrap();
        })
        .await;
    }

    /// Changes the directory; returns when a release with another id is current.
    pub(crate) async fn change(&self, change: impl FnOnce(&Path)) {
        let old = self.id();
        change(self.path());
        wait_until_async("the next release", || (self.id() != old).then_some(())).await;
    }

    /// Changes the directory without changing the release id; returns when `is_there` is true for the current release.
    pub(crate) async fn change_without_notice(
        &self,
        change: impl FnOnce(&Path),
        is_there: impl Fn(&Release) -> bool,
    ) {
        let old = self.id();
        change(self.path());
        wait_until_async("the new table of files", || {
            self.site.current().filter(|release| is_there(release))
        })
        .await;
        assert_eq!(self.id(), old, "the release id changed");
    }

    pub(crate) fn id(&self) -> String {
        self.site.current().unwrap().id().to_string()
    }

    /// Stops watching the directory; nothing is published afterwards.
    pub(crate) async fn stop_watching(&mut self) {
        self.watching.shutdown().await;
    }

    pub(crate) async fn get(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        self.request("GET", path, fields).await
    }

    pub(crate) async fn request(&self, method: &str, path: &str, fields: &[(&str, &str)]) -> Reply {
        Reply::read(send(self.files.clone(), method, path, fields).await).await
    }

    /// The response with its body unread.
    pub(crate) async fn send(
        &self,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Response<tidings::Body> {
        send(self.files.clone(), "GET", path, fields).await
    }
}

/// A source with short intervals.
pub(crate) fn watch(dir: &Path) -> WatchDirectory {
    WatchDirectory::new(dir)
        .debounce(Duration::from_millis(30))
        .incomplete_after(Duration::from_millis(500))
        .rescan_interval(Duration::from_millis(100))
}

/// Sends a request to a service; panics if the service fails.
pub(crate) async fn send<S, B>(
    service: S,
    method: &str,
    path: &str,
    fields: &[(&str, &str)],
) -> Response<B>
where
    S: Service<Request<Empty<Bytes>>, Response = Response<B>>,
    S::Error: std::fmt::Debug,
{
    let mut request = Request::builder()
        .method(method.parse::<Method>().unwrap())
        .uri(path);
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    let request = request.body(Empty::new()).unwrap();
    service.oneshot(request).await.unwrap()
}

impl Reply {
    /// Reads the body to its end; panics on an error or a timeout.
    pub(crate) async fn read<B>(response: Response<B>) -> Self
    where
        B: Body<Data = Bytes>,
        B::Error: std::fmt::Debug,
    {
        let (parts, body) = response.into_parts();
        let body = within("the end of an answer", body.collect()).await;
        Self {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: body.unwrap().to_bytes(),
        }
    }

    /// The value of a field; "" without one.
    pub(crate) fn field(&self, name: &str) -> &str {
        field(&self.headers, name)
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }
}
