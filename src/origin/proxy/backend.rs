//! A backend: an upstream with its connections and its health.

use std::time::Duration;

use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioTimer;

use crate::http::client_tls::RootStore;
use crate::origin::proxy::connect::Connector;
use crate::origin::proxy::connect::Timeouts;
use crate::origin::proxy::health::Health;
use crate::origin::proxy::http2::Http2;
use crate::origin::proxy::request_body::RequestBody;
use crate::origin::proxy::upstream::Upstream;

/// One of the upstreams of a proxy, which all serve the same site.
#[derive(Debug)]
pub(crate) struct Backend {
    pub(crate) upstream: Upstream,
    pub(crate) client: Client<Connector, RequestBody>,
    /// For requests with `Upgrade`, which HTTP/2 does not have: its connections never negotiate HTTP/2.
    pub(crate) upgrade_client: Client<Connector, RequestBody>,
    pub(crate) http2: Http2,
    pub(crate) health: Health,
}

impl Backend {
    /// Connections are closed after `pool_idle_timeout` without a request.
    pub(crate) fn new(
        upstream: Upstream,
        timeouts: Timeouts,
        roots: &RootStore,
        pool_idle_timeout: Duration,
    ) -> Self {
        let http2 = Http2::new(pool_idle_timeout);
        let connector = Connector::new(&upstream, timeouts, roots, Some(&http2));
        let http1_connector = Connector::new(&upstream, timeouts, roots, None);
        let mut builder = Client::builder(TokioExecutor::new());
        builder
            // Without a timer, idle connections are never closed.
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(pool_idle_timeout)
            .http1_max_buf_size(MAX_HEADER_BUFFER)
            .http1_max_headers(MAX_HEADERS)
            .set_host(false);
        Self {
            client: builder.build(connector),
            upgrade_client: builder.build(http1_connector),
            upstream,
            http2,
            health: Health::new(),
        }
    }
}

// A response header has to fit; and no more than this is read ahead of a client that does not take the body.
const MAX_HEADER_BUFFER: usize = 64 * 1024;

// Each `Set-Cookie` is a field.
const MAX_HEADERS: usize = 256;
