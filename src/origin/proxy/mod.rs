//! The proxy: an origin whose responses come from servers behind it.

pub(crate) mod attempt;
pub(crate) mod backend;
mod body;
mod connect;
pub(crate) mod dispatch;
mod failure;
pub(crate) mod health_check;
mod host_header;
mod http2;
pub(crate) mod idle_timeout;
mod location;
pub(crate) mod rejection;
pub(crate) mod request_body;
pub(crate) mod request_headers;
pub(crate) mod retry_queue;
mod service;
mod stream;
mod tunnel;
mod upstream;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ipnet::IpNet;

use crate::error::Error;
use crate::error::Kind;
use crate::http::client_tls::RootStore;
use crate::http::forwarded::ForwardedHeaders;
use crate::http::networks::parse_networks;
use crate::http::via::Via;
use crate::origin::proxy::backend::Backend;
pub use crate::origin::proxy::body::ProxyBody;
use crate::origin::proxy::connect::Timeouts;
pub use crate::origin::proxy::host_header::HostHeader;
use crate::origin::proxy::retry_queue::RetryQueue;
pub use crate::origin::proxy::service::ProxyFuture;
pub use crate::origin::proxy::service::UpstreamService;
use crate::origin::proxy::tunnel::Tunnels;
pub use crate::origin::proxy::upstream::Upstream;
use crate::site::Site;

/// A service that answers with what servers behind it answer: a gateway (RFC 9110, section 3.7). `Clone` is cheap.
///
/// Bodies stream both ways as they come, and are never held in memory. Several upstreams are asked in turn, those that
/// fail after the others. A request that could not be sent is sent to the next; one that was sent only if it is
/// idempotent and there has been no byte of an answer. While no upstream can be connected to, pages and what they load
/// are held for a moment. A failure is an answer: 502, or 504 when time was up; [`Error`](std::convert::Infallible)
/// never happens.
///
/// ```
/// use tidings::{HostHeader, Proxy};
///
/// let proxy = Proxy::new(["http://127.0.0.1:3000".parse()?, "http://127.0.0.1:3001".parse()?])?
///     .host(HostHeader::Upstream)
///     .trusted_proxy("private")?;
/// # Ok::<(), tidings::Error>(())
/// ```
#[derive(Clone)]
pub struct Proxy {
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    backends: Vec<Backend>,
    settings: Settings,
    tunnels: Tunnels,
    retry_queue: RetryQueue,
    turn: AtomicUsize,
}

#[derive(Debug, Clone)]
pub(crate) struct Settings {
    upstreams: Vec<Upstream>,
    host: HostHeader,
    forwarded: ForwardedHeaders,
    via: Via,
    roots: RootStore,
    connect_timeout: Duration,
    first_byte_timeout: Duration,
    body_idle_timeout: Duration,
    pool_idle_timeout: Duration,
    upstream_wait: Duration,
    site: Option<Site>,
}

impl Proxy {
    /// A proxy for these upstreams, which all serve the same.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn new(upstreams: impl IntoIterator<Item = Upstream>) -> Result<Self, Error> {
        let upstreams: Vec<_> = upstreams.into_iter().collect();
        if upstreams.is_empty() {
            return Err(Error::new(Kind::InvalidUpstream {
                upstream: String::new(),
                why: "a proxy needs one at least",
            }));
        }
        Ok(Self::of(Settings {
            upstreams,
            host: HostHeader::default(),
            forwarded: ForwardedHeaders::default(),
            via: Via::new(),
            roots: RootStore::default(),
            connect_timeout: DEFAULT_CONNECT_TIMEOUT,
            first_byte_timeout: DEFAULT_FIRST_BYTE_TIMEOUT,
            body_idle_timeout: DEFAULT_BODY_IDLE_TIMEOUT,
            pool_idle_timeout: DEFAULT_POOL_IDLE_TIMEOUT,
            upstream_wait: DEFAULT_UPSTREAM_WAIT,
            site: None,
        }))
    }

    /// Which `Host` the upstreams see.
    pub fn host(self, host: HostHeader) -> Self {
        self.with(|settings| settings.host = host)
    }

    /// Believes what the peers of this network say of the client, in `Forwarded` and `X-Forwarded-*`: a network such as
    /// `10.0.0.0/8`, an address, `loopback`, or `private`. Without any, everybody's word is replaced.
    ///
    /// # Errors
    ///
    /// If it is none of these.
    pub fn trusted_proxy(self, network: &str) -> Result<Self, Error> {
        let networks: Vec<IpNet> = parse_networks(network)?;
        Ok(self.with(|settings| settings.forwarded.trust(networks)))
    }

    /// Believes certificates of `https` upstreams by the authorities in this text alone, in PEM. Without it, by those
    /// that browsers believe.
    ///
    /// # Errors
    ///
    /// If there is no certificate in it, or one that can't be read.
    pub fn root_certificates(self, pem: &[u8]) -> Result<Self, Error> {
        let roots = RootStore::from_pem(pem)?;
        Ok(self.with(|settings| settings.roots = roots))
    }

    /// How long it may take to connect, with all that belongs to it.
    pub fn connect_timeout(self, limit: Duration) -> Self {
        self.with(|settings| settings.connect_timeout = limit)
    }

    /// How long an upstream that has the whole request may take to begin with its answer.
    pub fn first_byte_timeout(self, limit: Duration) -> Self {
        self.with(|settings| settings.first_byte_timeout = limit)
    }

    /// How long a body may stand still, either way, and an upstream may take nothing of what is sent to it. Event streams,
    /// and what connections were upgraded to, may be silent for ever.
    pub fn body_idle_timeout(self, limit: Duration) -> Self {
        self.with(|settings| settings.body_idle_timeout = limit)
    }

    /// How long a connection to an upstream is kept without use: less than the upstream itself keeps it.
    pub fn pool_idle_timeout(self, limit: Duration) -> Self {
        self.with(|settings| settings.pool_idle_timeout = limit)
    }

    /// How long pages, and what they load, are held while no upstream can be connected to.
    pub fn upstream_wait(self, limit: Duration) -> Self {
        self.with(|settings| settings.upstream_wait = limit)
    }

    /// Has the sources of this site look for a release when an upstream comes back, and when a script or style sheet
    /// is not there.
    pub fn trigger_checks(self, site: Site) -> Self {
        self.with(|settings| settings.site = Some(site))
    }

    /// A service for each upstream by itself, in their order, for what wants to know of each: [`PollUpstream`](crate::PollUpstream).
    pub fn upstream_services(&self) -> Vec<UpstreamService> {
        let numbers = 0..self.shared.backends.len();
        numbers
            .map(|number| UpstreamService::new(Arc::clone(&self.shared), number))
            .collect()
    }

    /// Asks every upstream for this path again and again, and spares those that don't answer with a success or a
    /// redirect: after three such answers, until two good ones. Checks until it is dropped.
    ///
    /// Without it, an upstream is spared for ten seconds after a request failed.
    pub async fn health_check(&self, path: &str, every: Duration) -> std::convert::Infallible {
        health_check::run(&self.shared, path, every).await
    }

    /// Ends what connections were upgraded to. For the shutdown of a server, which would not wait for it.
    pub fn close(&self) {
        self.shared.tunnels.close();
    }

    fn with(self, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = self.shared.settings.clone();
        change(&mut settings);
        Self::of(settings)
    }

    fn of(settings: Settings) -> Self {
        let upstreams = settings.upstreams.iter();
        let backends = upstreams.map(|upstream| {
            Backend::new(
                upstream.clone(),
                settings.timeouts(),
                &settings.roots,
                settings.pool_idle_timeout,
            )
        });
        Self {
            shared: Arc::new(Shared {
                backends: backends.collect(),
                settings,
                tunnels: Tunnels::default(),
                retry_queue: RetryQueue::new(),
                turn: AtomicUsize::new(0),
            }),
        }
    }
}

impl Settings {
    fn timeouts(&self) -> Timeouts {
        Timeouts {
            connect: self.connect_timeout,
            write: self.body_idle_timeout,
        }
    }
}

impl Shared {
    fn next(&self) -> usize {
        self.turn.fetch_add(1, Ordering::Relaxed) % self.backends.len()
    }

    fn hint(&self) {
        if let Some(site) = &self.settings.site {
            site.maybe_changed();
        }
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("upstreams", &self.shared.settings.upstreams)
            .finish_non_exhaustive()
    }
}

/// How long connecting may take, unless set.
pub const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long an upstream may think, unless set: as long as nginx lets it.
pub const DEFAULT_FIRST_BYTE_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a body may stand still, unless set.
pub const DEFAULT_BODY_IDLE_TIMEOUT: Duration = Duration::from_secs(300);

/// How long unused connections are kept, unless set: Node closes them after five seconds.
pub const DEFAULT_POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(4);

/// How long pages are held while there is no upstream, unless set.
pub const DEFAULT_UPSTREAM_WAIT: Duration = Duration::from_secs(10);
