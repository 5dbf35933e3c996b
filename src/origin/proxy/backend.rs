//! A backend: one upstream of several that serve the same site, its connections, and how it is.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioTimer;
use tokio::time::Instant;

use crate::http::client_tls::RootStore;
use crate::origin::proxy::connect::Connector;
use crate::origin::proxy::connect::Timeouts;
use crate::origin::proxy::http2::Http2;
use crate::origin::proxy::request_body::RequestBody;
use crate::origin::proxy::upstream::Upstream;

/// One upstream.
#[derive(Debug)]
pub(crate) struct Backend {
    pub(crate) upstream: Upstream,
    pub(crate) client: Client<Connector, RequestBody>,
    /// For requests to switch to another protocol, which HTTP/2 does not know.
    pub(crate) switching: Client<Connector, RequestBody>,
    pub(crate) http2: Http2,
    pub(crate) health: Health,
}

impl Backend {
    /// Connections that nobody uses for as long as `pool_idle_timeout` are closed.
    pub(crate) fn new(
        upstream: Upstream,
        timeouts: Timeouts,
        roots: &RootStore,
        pool_idle_timeout: Duration,
    ) -> Self {
        let http2 = Http2::new(pool_idle_timeout);
        let connector = Connector::new(&upstream, timeouts, roots, Some(&http2));
        let only_http1 = Connector::new(&upstream, timeouts, roots, None);
        let mut builder = Client::builder(TokioExecutor::new());
        builder
            // Without it nothing in the pool would ever be too old.
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(pool_idle_timeout)
            .http1_max_buf_size(MAX_HEADER_BUFFER)
            .http1_max_headers(MAX_HEADERS)
            .set_host(false);
        Self {
            client: builder.build(connector),
            switching: builder.build(only_http1),
            upstream,
            http2,
            health: Health::new(),
        }
    }
}

/// How an upstream is, by what becomes of the requests sent to it, and by the checks if there are any.
#[derive(Debug)]
pub(crate) struct Health {
    start: Instant,
    /// Milliseconds since the start until which it is spared; 0 if the last request went well.
    ejected_until: AtomicU64,
    /// The checks have found it down.
    is_unhealthy: AtomicBool,
}

impl Health {
    fn new() -> Self {
        Self {
            start: Instant::now(),
            ejected_until: AtomicU64::new(0),
            is_unhealthy: AtomicBool::new(false),
        }
    }

    /// True if it should be asked before those that are not.
    pub(crate) fn is_available(&self) -> bool {
        let ejected_until = self.ejected_until.load(Ordering::Relaxed);
        let is_spared = ejected_until != 0 && self.now() < ejected_until;
        !is_spared && !self.is_unhealthy.load(Ordering::Relaxed)
    }

    /// A request failed. True if it is the first.
    pub(crate) fn record_failure(&self) -> bool {
        let until = self.now() + EJECTION_TIME.as_secs() * 1000;
        self.ejected_until.swap(until, Ordering::Relaxed) == 0
    }

    /// A request was answered. True if the one before failed.
    pub(crate) fn record_success(&self) -> bool {
        self.ejected_until.load(Ordering::Relaxed) != 0
            && self.ejected_until.swap(0, Ordering::Relaxed) != 0
    }

    /// What the checks say. True if they said otherwise before.
    pub(crate) fn set_unhealthy(&self, is_unhealthy: bool) -> bool {
        self.is_unhealthy.swap(is_unhealthy, Ordering::Relaxed) != is_unhealthy
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).map_or(u64::MAX / 2, |now| now + 1)
    }
}

// As long as nginx spares a server after a failure.
const EJECTION_TIME: Duration = Duration::from_secs(10);

// A head has to fit, and no more than that is read of a body that its client does not take.
const MAX_HEADER_BUFFER: usize = 64 * 1024;

// A cookie is a field.
const MAX_HEADERS: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_failed_is_spared_for_a_while_or_until_it_answers() {
        let health = Health::new();
        assert!(health.is_available());
        assert!(!health.record_success());
        assert!(health.record_failure());
        assert!(!health.record_failure());
        assert!(!health.is_available());
        tokio::time::advance(EJECTION_TIME).await;
        assert!(health.is_available());
        assert!(health.record_success());
        assert!(health.record_failure() && health.record_success() && health.is_available());
        assert!(health.set_unhealthy(true) && !health.set_unhealthy(true));
        assert!(!health.is_available());
    }
}
