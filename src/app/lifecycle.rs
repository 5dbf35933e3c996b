//! The shutdown: what has to end before a server can.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::origin::Proxy;
use crate::site::Site;

/// A handle that shuts a server down in order: event streams, then tunnels, then the connections.
///
/// Event streams of a [`Site`] and tunnels of a [`Proxy`] have no end of their own. Without this handle a
/// [`Server`](crate::Server) waits for them until its [`drain`](crate::Server::drain) limit. `Clone` is cheap; clones are
/// one handle.
///
/// ```
/// use tidings::{Proxy, Server, Shutdown, Site};
/// use tokio::net::TcpListener;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let proxy = Proxy::new(["http://127.0.0.1:3000".parse()?])?;
/// let shutdown = Shutdown::new().site(Site::new()).proxy(proxy.clone());
///
/// let listener = TcpListener::bind("127.0.0.1:0").await?;
/// let server = tokio::spawn(Server::new(listener).run(proxy, shutdown.started()));
///
/// shutdown.start();
/// server.await?;
/// # Ok(())
/// # }
/// ```
///
/// [`start_after`](Self::start_after) starts it by a signal:
///
/// ```no_run
/// # use tidings::{Server, Shutdown, Site, StaticFiles};
/// # async fn f(site: Site, listener: tokio::net::TcpListener) {
/// let shutdown = Shutdown::new().site(site.clone());
/// let interrupt = async { _ = tokio::signal::ctrl_c().await };
/// Server::new(listener)
///     .run(StaticFiles::new(site), shutdown.start_after(interrupt))
///     .await;
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    sites: Arc<[Site]>,
    proxies: Arc<[Proxy]>,
    started: CancellationToken,
}

impl Shutdown {
    /// A shutdown that ends nothing but the server.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a site whose event streams it ends. Clones that were made before do not have it.
    pub fn site(mut self, site: Site) -> Self {
        self.sites = self.sites.iter().cloned().chain([site]).collect();
        self
    }

    /// Adds a proxy whose tunnels it ends. Clones that were made before do not have it.
    pub fn proxy(mut self, proxy: Proxy) -> Self {
        self.proxies = self.proxies.iter().cloned().chain([proxy]).collect();
        self
    }

    /// Ends the event streams, then the tunnels, then makes [`started`](Self::started) ready. Does nothing the second
    /// time.
    pub fn start(&self) {
        if self.started.is_cancelled() {
            return;
        }
        self.sites.iter().for_each(Site::close);
        self.proxies.iter().for_each(Proxy::close);
        self.started.cancel();
    }

    /// Ready once the shutdown has started; for [`Server::run`](crate::Server::run).
    pub fn started(&self) -> impl Future<Output = ()> + Send + 'static {
        self.started.clone().cancelled_owned()
    }

    /// Starts the shutdown as soon as `signal` is ready. Ready once it has started, by `signal` or by a clone.
    pub async fn start_after(self, signal: impl Future<Output = ()>) {
        tokio::select! {
            () = signal => self.start(),
            () = self.started() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::future::ready;

    use super::*;

    #[tokio::test]
    async fn shutdown_started_closes_its_sites() {
        let (site, other) = (Site::new(), Site::new());
        let shutdown = Shutdown::new().site(site.clone()).site(other.clone());
        let clone = shutdown.clone();
        let started = clone.started();
        assert!(!site.state().is_closed());
        shutdown.start();
        assert!(site.state().is_closed() && other.state().is_closed());
        started.await;
    }

    #[tokio::test]
    async fn signal_ready_starts_the_shutdown() {
        let site = Site::new();
        let shutdown = Shutdown::new().site(site.clone());
        shutdown.clone().start_after(ready(())).await;
        assert!(site.state().is_closed());
        shutdown.started().await;
    }

    #[tokio::test]
    async fn clone_started_ends_the_wait_for_a_signal() {
        let shutdown = Shutdown::new();
        let waiting = shutdown.clone().start_after(pending());
        shutdown.start();
        waiting.await;
    }
}
