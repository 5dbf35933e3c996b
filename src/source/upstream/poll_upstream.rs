//! The source for upstreams.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::Response;
use http::uri::Authority;
use http_body::Body;
use http_body_util::Empty;
use tower_service::Service;

use crate::error::Error;
use crate::error::Kind;
use crate::site::Site;
use crate::source::upstream::fingerprint::Fingerprint;
use crate::source::upstream::fingerprint::is_path;
use crate::source::upstream::page_fetch::BoxError;
use crate::source::upstream::page_fetch::PageFetcher;
use crate::source::upstream::poller::MIN_POLL_INTERVAL;
use crate::source::upstream::poller::PollOptions;
use crate::source::upstream::poller::Poller;

/// Polls the upstreams of a site, and publishes a release when they show a new build.
///
/// They are polled at an interval, and after [`Site::request_check`]. A build that all upstreams show is published at
/// once; one that a single upstream shows, behind which there may be more, after it was seen twice; and one that was
/// current before, only after no other was seen for a minute. So a rolling deploy is announced once. While an upstream
/// is down, nothing is published.
///
/// Pages that pass through an [`UpdateNotifierLayer`](crate::UpdateNotifierLayer) of the same site carry the id of
/// their own release, where the page shows it, and save the upstreams polls.
///
/// ```no_run
/// use std::convert::Infallible;
///
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::{Empty, Full};
/// use tidings::{PollUpstream, Site};
/// use tower::service_fn;
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let upstream = service_fn(async |_request: Request<Empty<Bytes>>| {
///     let page = Response::builder().header("content-type", "text/html");
///     Ok::<_, Infallible>(page.body(Full::<Bytes>::from("<!doctype html><script src=/app.js></script>")).unwrap())
/// });
/// let site = Site::new();
/// let poll = PollUpstream::new(vec![upstream]).pages(["/", "/admin/"])?;
/// let polling = tokio::spawn(poll.run(site.clone()));
/// // … serve it …
/// polling.abort();
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct PollUpstream<S> {
    upstreams: Vec<S>,
    options: PollOptions,
}

impl<S> PollUpstream<S> {
    /// A source for a site that these upstreams serve. Each is a service of its own, and all serve the same pages.
    pub fn new(upstreams: Vec<S>) -> Self {
        Self {
            upstreams,
            options: PollOptions {
                poll_interval: DEFAULT_POLL_INTERVAL,
                timeout: DEFAULT_POLL_TIMEOUT,
                fetcher: PageFetcher {
                    pages: vec!["/".into()],
                    fingerprint: Fingerprint::default(),
                    host: None,
                },
                addresses: Vec::new(),
            },
        }
    }

    /// Sets the time between two polls, give or take a tenth: [`DEFAULT_POLL_INTERVAL`] unless set, and at least a
    /// second.
    pub fn poll_interval(mut self, interval: Duration) -> Self {
        self.options.poll_interval = interval.max(MIN_POLL_INTERVAL);
        self
    }

    /// Sets the paths of the entry pages, with which visits begin: `/` unless set. With a single one, the release of a
    /// page can be recognised even before the upstream was polled.
    ///
    /// # Errors
    ///
    /// If there is none, or one does not begin with exactly one slash.
    pub fn pages<'a>(mut self, pages: impl IntoIterator<Item = &'a str>) -> Result<Self, Error> {
        let mut pages: Vec<Arc<str>> = pages.into_iter().map(Into::into).collect();
        pages.sort_unstable();
        pages.dedup();
        let invalid = pages.iter().map(AsRef::as_ref).find(|page| !is_path(page));
        if let Some(page) = invalid.or(pages.is_empty().then_some("")) {
            return Err(Error::new(Kind::InvalidEntryPage(page.to_owned())));
        }
        self.options.fetcher.pages = pages;
        Ok(self)
    }

    /// Sets how builds are told apart. [`Fingerprint::Scripts`] unless set.
    pub fn fingerprint(mut self, fingerprint: Fingerprint) -> Self {
        self.options.fetcher.fingerprint = fingerprint;
        self
    }

    /// Sets the `Host` of the requests, with the port if it has one. Absolute URLs with this host belong to the site;
    /// without it none do. A redirect to it is followed; one by `https` is followed as if through a proxy that ends
    /// TLS, with `X-Forwarded-Proto` and `Forwarded`.
    ///
    /// # Errors
    ///
    /// If it is not a valid host.
    pub fn host(mut self, host: &str) -> Result<Self, Error> {
        let invalid = || Error::new(Kind::InvalidHost(host.to_owned()));
        let authority: Authority = host.parse().map_err(|error| invalid().with(error))?;
        if authority.as_str().contains('@') {
            return Err(invalid());
        }
        self.options.fetcher.host = Some(authority.as_str().into());
        Ok(self)
    }

    /// Sets how long an upstream may take for all its pages. [`DEFAULT_POLL_TIMEOUT`] unless set.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.options.timeout = timeout;
        self
    }

    /// Sets the addresses of the upstreams, in their order, for log messages.
    pub fn addresses(mut self, addresses: impl IntoIterator<Item = String>) -> Self {
        self.options.addresses = addresses.into_iter().collect();
        self
    }

    /// Polls until the future is dropped. Must run on a tokio runtime with time enabled.
    pub async fn run<B>(self, site: Site) -> Infallible
    where
        S: Service<Request<Empty<Bytes>>, Response = Response<B>>,
        S::Error: Into<BoxError>,
        B: Body,
        B::Error: Into<BoxError>,
    {
        Poller::new(self.upstreams, self.options, site).run().await
    }
}

/// The time between two polls, unless set.
pub const DEFAULT_POLL_INTERVAL: Duration = Duration::from_secs(10);

/// How long an upstream may take for its pages, unless set.
pub const DEFAULT_POLL_TIMEOUT: Duration = Duration::from_secs(10);
