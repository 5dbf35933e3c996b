//! The source for upstreams: asks them what they show, and publishes what all of them show.

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
use crate::source::upstream::poller::Poller;

/// Asks the upstreams of a site what they show, and publishes it when it is a new build.
///
/// It is asked at an interval, and whenever [`Site::request_check`] says so. What all upstreams show is published at once; what a
/// single one shows, behind which there may be more, after it was seen twice; and what was current before, only after
/// nothing else was seen for a minute. So a rolling deploy is news once. While an upstream is down nothing is
/// published.
///
/// Pages that pass through an [`UpdateNotifierLayer`](crate::UpdateNotifierLayer) of the same site carry the id of the
/// release that they are of, where that can be told, and spare the upstreams what they show already.
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
    pub(crate) upstreams: Vec<S>,
    pub(crate) poll_interval: Duration,
    pub(crate) timeout: Duration,
    pub(crate) fetcher: PageFetcher,
}

impl<S> PollUpstream<S> {
    /// A source for a site that is served by these, each a service of its own, and all with the same pages.
    pub fn new(upstreams: Vec<S>) -> Self {
        Self {
            upstreams,
            poll_interval: DEFAULT_POLL_INTERVAL,
            timeout: DEFAULT_POLL_TIMEOUT,
            fetcher: PageFetcher {
                pages: vec!["/".into()],
                fingerprint: Fingerprint::default(),
                host: None,
            },
        }
    }

    /// The time between two looks, give or take a tenth. [`DEFAULT_POLL_INTERVAL`] unless set; never less than a second.
    pub fn poll_interval(mut self, poll_interval: Duration) -> Self {
        self.poll_interval = poll_interval.max(MIN_POLL_INTERVAL);
        self
    }

    /// The paths of the pages to look at: those that visitors begin with. `/` unless set. With a single one a page that
    /// passes before it was looked at can be told for what it is.
    ///
    /// # Errors
    ///
    /// If there is none, or one does not begin with one slash.
    pub fn pages<'a>(mut self, pages: impl IntoIterator<Item = &'a str>) -> Result<Self, Error> {
        let mut pages: Vec<Arc<str>> = pages.into_iter().map(Into::into).collect();
        pages.sort_unstable();
        pages.dedup();
        let refused = pages.iter().find(|page| !is_path(page));
        if let Some(page) = refused
            .map(|page| &**page)
            .or(pages.is_empty().then_some(""))
        {
            return Err(Error::new(Kind::InvalidEntryPage(page.to_owned())));
        }
        self.fetcher.pages = pages;
        Ok(self)
    }

    /// By what builds are told apart. [`Fingerprint::Scripts`] unless set.
    pub fn fingerprint(mut self, fingerprint: Fingerprint) -> Self {
        self.fetcher.fingerprint = fingerprint;
        self
    }

    /// The host that the site is asked for, with the port if it has one. Its absolute URLs are the site's own; without
    /// it none are. A redirect to it is followed, and by `https`, it is asked again as by somebody who ends TLS:
    /// with `X-Forwarded-Proto` and `Forwarded`.
    ///
    /// # Errors
    ///
    /// If it is no host.
    pub fn host(mut self, host: &str) -> Result<Self, Error> {
        let refused = || Error::new(Kind::InvalidHost(host.to_owned()));
        let authority: Authority = host.parse().map_err(|error| refused().with(error))?;
        if authority.as_str().contains('@') {
            return Err(refused());
        }
        self.fetcher.host = Some(authority.as_str().into());
        Ok(self)
    }

    /// How long an upstream may take to show all its pages. [`DEFAULT_POLL_TIMEOUT`] unless set.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Looks until it is dropped. Must run on a tokio runtime with time enabled.
    pub async fn run<B>(self, site: Site) -> Infallible
    where
        S: Service<Request<Empty<Bytes>>, Response = Response<B>>,
        S::Error: Into<BoxError>,
        B: Body,
        B::Error: Into<BoxError>,
    {
        Poller::new(self, site).run().await
    }
}

/// The time between two looks, unless set.
pub const DEFAULT_POLL_INTERVAL: Duration = Duration::from_secs(10);

/// How long an upstream may take to show its pages, unless set.
pub const DEFAULT_POLL_TIMEOUT: Duration = Duration::from_secs(10);

// Whatever calls for looks, an upstream is not to feel them.
pub(crate) const MIN_POLL_INTERVAL: Duration = Duration::from_secs(1);
