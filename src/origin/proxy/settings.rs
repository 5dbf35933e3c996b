//! The settings of a proxy, and their defaults.

use std::time::Duration;

use crate::http::client_tls::RootStore;
use crate::http::forwarded::ForwardedHeaders;
use crate::http::via::Via;
use crate::origin::proxy::connect::Timeouts;
use crate::origin::proxy::host_header::HostHeader;
use crate::origin::proxy::upstream::Upstream;
use crate::site::Site;

/// What a [`Proxy`](crate::Proxy) is built from.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) upstreams: Vec<Upstream>,
    pub(crate) host: HostHeader,
    pub(crate) forwarded: ForwardedHeaders,
    pub(crate) via: Via,
    pub(crate) roots: RootStore,
    pub(crate) connect_timeout: Duration,
    pub(crate) first_byte_timeout: Duration,
    pub(crate) body_idle_timeout: Duration,
    pub(crate) pool_idle_timeout: Duration,
    pub(crate) upstream_wait: Duration,
    /// The site whose sources are asked to check for a release.
    pub(crate) site: Option<Site>,
}

impl Settings {
    /// The defaults for these upstreams.
    pub(crate) fn new(upstreams: Vec<Upstream>) -> Self {
        Self {
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
        }
    }

    /// The timeouts of a connection.
    pub(crate) fn timeouts(&self) -> Timeouts {
        Timeouts {
            connect: self.connect_timeout,
            write: self.body_idle_timeout,
        }
    }
}

/// The default of [`Proxy::connect_timeout`](crate::Proxy::connect_timeout).
pub const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The default of [`Proxy::first_byte_timeout`](crate::Proxy::first_byte_timeout), the same as nginx's
/// `proxy_read_timeout`.
pub const DEFAULT_FIRST_BYTE_TIMEOUT: Duration = Duration::from_secs(60);

/// The default of [`Proxy::body_idle_timeout`](crate::Proxy::body_idle_timeout).
pub const DEFAULT_BODY_IDLE_TIMEOUT: Duration = Duration::from_secs(300);

/// The default of [`Proxy::pool_idle_timeout`](crate::Proxy::pool_idle_timeout): Node closes idle connections after
/// five seconds.
pub const DEFAULT_POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(4);

/// The default of [`Proxy::upstream_wait`](crate::Proxy::upstream_wait).
pub const DEFAULT_UPSTREAM_WAIT: Duration = Duration::from_secs(10);
