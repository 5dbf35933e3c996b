//! The proxy: a service whose responses come from upstreams.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::Response;
use tower_service::Service;

use crate::error::BoxError;
use crate::error::Error;
use crate::error::Kind;
use crate::http::body::Body;
use crate::http::client_tls::RootStore;
use crate::http::networks::parse_networks;
use crate::origin::proxy::future::ProxyFuture;
use crate::origin::proxy::health_check;
use crate::origin::proxy::host_header::HostHeader;
use crate::origin::proxy::settings::Settings;
use crate::origin::proxy::shared::Selection;
use crate::origin::proxy::shared::Shared;
use crate::origin::proxy::upstream::Upstream;
use crate::origin::proxy::upstream_service::UpstreamService;
use crate::site::Site;

/// A reverse proxy (a gateway, RFC 9110, section 3.7) as a tower service. `Clone` is cheap; clones share connections,
/// health and settings.
///
/// Bodies stream in both directions and are never buffered whole. Upgrades such as WebSocket are passed on.
///
/// Several upstreams are used in turn (round robin), with those that failed in the last ten seconds last. A request
/// that was not sent is retried with the next upstream; one that was sent, only if its method is idempotent, its body was
/// not read, and no byte of a response came (RFC 9110, section 9.2.2). While no upstream can be connected to,
/// navigations and the resources that pages load wait for [`upstream_wait`](Self::upstream_wait).
///
/// The service itself never fails: if no upstream responds, the response is 502, or 504 after a timeout. Navigations get
/// it as an HTML page that reloads by itself.
///
/// ```
/// use std::time::Duration;
///
/// use tidings::HostHeader;
/// use tidings::Proxy;
///
/// let proxy = Proxy::new(["http://127.0.0.1:3000".parse()?, "http://127.0.0.1:3001".parse()?])?
///     .host(HostHeader::Upstream)
///     .trusted_proxy("private")?
///     .connect_timeout(Duration::from_secs(2));
/// # Ok::<(), tidings::Error>(())
/// ```
#[derive(Clone)]
pub struct Proxy {
    shared: Arc<Shared>,
}

impl Proxy {
    /// A proxy for these upstreams, all of which serve the same site. It connects when the first request comes.
    ///
    /// # Errors
    ///
    /// If there is no upstream.
    pub fn new(upstreams: impl IntoIterator<Item = Upstream>) -> Result<Self, Error> {
        let upstreams: Vec<_> = upstreams.into_iter().collect();
        if upstreams.is_empty() {
            return Err(Error::new(Kind::InvalidUpstream {
                upstream: String::new(),
                why: "a proxy needs at least one",
            }));
        }
        Ok(Self::from_settings(Settings::new(upstreams)))
    }

    /// The `Host` of requests to upstreams; by default the client's.
    pub fn host(self, host: HostHeader) -> Self {
        self.with(|settings| settings.host = host)
    }

    /// Adds a network of proxies in front of this one, whose `Forwarded` and `X-Forwarded-*` headers are trusted and
    /// extended: `10.0.0.0/8`, a single address, `loopback`, or `private` (RFC 1918, RFC 4193 and loopback). The headers
    /// of all other peers are replaced.
    ///
    /// # Errors
    ///
    /// If `network` is none of these.
    pub fn trusted_proxy(self, network: &str) -> Result<Self, Error> {
        let networks = parse_networks(network)?;
        Ok(self.with(|settings| settings.forwarded.trust(networks)))
    }

    /// Verifies the certificates of `https` upstreams against the root certificates in this PEM, instead of Mozilla's.
    ///
    /// # Errors
    ///
    /// If it contains no certificate, or a malformed one.
    pub fn root_certificates(self, pem: &[u8]) -> Result<Self, Error> {
        let roots = RootStore::from_pem(pem)?;
        Ok(self.with(|settings| settings.roots = roots))
    }

    /// The time limit for connecting, with name resolution and handshakes. After it, the next upstream is tried.
    pub fn connect_timeout(self, limit: Duration) -> Self {
        self.with(|settings| settings.connect_timeout = limit)
    }

    /// The time limit for the header of the response, from when the upstream has the whole request. After it, the
    /// response is 504.
    pub fn first_byte_timeout(self, limit: Duration) -> Self {
        self.with(|settings| settings.first_byte_timeout = limit)
    }

    /// The time limit between two pieces of a body, in either direction, and for an upstream to accept what is written
    /// to it. It does not apply to event streams and upgraded connections.
    pub fn body_idle_timeout(self, limit: Duration) -> Self {
        self.with(|settings| settings.body_idle_timeout = limit)
    }

    /// The time after which an unused connection to an upstream is closed. It should be shorter than the upstream's own
    /// keep-alive timeout.
    pub fn pool_idle_timeout(self, limit: Duration) -> Self {
        self.with(|settings| settings.pool_idle_timeout = limit)
    }

    /// The time for which navigations, and requests for what pages load, wait while no upstream can be connected to.
    /// Zero: they get 502 at once.
    pub fn upstream_wait(self, limit: Duration) -> Self {
        self.with(|settings| settings.upstream_wait = limit)
    }

    /// Has the sources of this site check for a release when an upstream is healthy again, and when a script or style
    /// sheet is not found.
    pub fn trigger_checks(self, site: Site) -> Self {
        self.with(|settings| settings.site = Some(site))
    }

    /// A service for each upstream alone, in the order of the upstreams; for [`PollUpstream`](crate::PollUpstream).
    pub fn upstream_services(&self) -> Vec<UpstreamService> {
        let indices = 0..self.shared.backends.len();
        indices
            .map(|index| UpstreamService::new(Arc::clone(&self.shared), index))
            .collect()
    }

    /// The addresses of the upstreams, in their order.
    pub(crate) fn upstream_addresses(&self) -> impl Iterator<Item = String> {
        let backends = self.shared.backends.iter();
        backends.map(|backend| backend.upstream.to_string())
    }

    /// Runs health checks until it is dropped: requests `path` from every upstream, once every `period`. An upstream
    /// whose response is neither a success nor a redirect three times in a row is unhealthy, until there are two good
    /// responses in a row. Requests go to unhealthy upstreams only if there is no other.
    ///
    /// With or without health checks, an upstream is avoided for ten seconds after a request to it failed.
    ///
    /// # Panics
    ///
    /// If `period` is zero.
    pub async fn health_check(&self, path: &str, period: Duration) -> Infallible {
        health_check::run(&self.shared, path, period).await
    }

    /// Closes all upgraded connections, such as WebSocket ones, and those to come. For the shutdown of a server, which
    /// does not wait for them.
    pub fn close(&self) {
        self.shared.tunnels.close();
    }

    fn with(self, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = self.shared.settings.clone();
        change(&mut settings);
        Self::from_settings(settings)
    }

    fn from_settings(settings: Settings) -> Self {
        Self {
            shared: Arc::new(Shared::new(settings)),
        }
    }
}

impl<B> Service<Request<B>> for Proxy
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = ProxyFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> ProxyFuture {
        ProxyFuture::new(&self.shared, request, Selection::Any)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("upstreams", &self.shared.settings.upstreams)
            .finish_non_exhaustive()
    }
}
