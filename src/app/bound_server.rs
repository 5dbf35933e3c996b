//! The server that a plan describes: bound, then run.

use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use hyper::body::Incoming;
use tokio::net::TcpListener;

use crate::app::boxed_service::BoxedService;
use crate::app::lifecycle::Shutdown;
use crate::app::router::RouterLayer;
use crate::app::stack;
use crate::config::Plan;
use crate::config::plan::DirectoryPlan;
use crate::config::plan::HealthPlan;
use crate::config::plan::OriginPlan;
use crate::error::Error;
use crate::error::Key;
use crate::error::Kind;
use crate::notify::layer::UpdateNotifierLayer;
use crate::notify::page_metrics::PageCounts;
use crate::origin::Proxy;
use crate::origin::UpstreamService;
use crate::origin::files::static_files::StaticFiles;
use crate::server::Server;
use crate::site::Site;
use crate::source::directory::watch_directory::WatchDirectory;
use crate::source::upstream::poll_upstream::PollUpstream;

/// A bound server, ready to run.
#[derive(Debug)]
pub struct BoundServer {
    site: Site,
    source: Source,
    origin: BoxedService<Incoming>,
    notify: UpdateNotifierLayer,
    router: RouterLayer,
    listener: TcpListener,
    h2c: bool,
    drain: Duration,
    shutdown: Shutdown,
}

/// What publishes the releases of the site.
#[derive(Debug)]
enum Source {
    Directory(WatchDirectory),
    Upstreams {
        poll: PollUpstream<UpstreamService>,
        proxy: Proxy,
        health: Option<HealthPlan>,
    },
}

impl Plan {
    /// Binds the address to listen on.
    ///
    /// # Errors
    ///
    /// If the system refuses it.
    pub async fn bind(self) -> Result<BoundServer, Error> {
        BoundServer::bind(self).await
    }
}

impl BoundServer {
    async fn bind(plan: Plan) -> Result<Self, Error> {
        let site = match &plan.origin {
            OriginPlan::Directory(directory) => Site::new()
                .retain_releases(directory.retain_releases)
                .memory_limit(directory.memory_limit),
            OriginPlan::Upstreams(_) => Site::new(),
        };
        let prefix = plan.prefix.as_str();
        let mut notify = UpdateNotifierLayer::new(site.clone())
            .prefix(prefix)?
            .max_streams(plan.max_streams)
            .client(plan.client)
            .csp(plan.csp);
        if let Some(secret) = plan.webhook {
            notify = notify.webhook(secret);
        }
        let router = RouterLayer::new(plan.routes);
        let mut shutdown = Shutdown::new().site(site.clone());
        for proxy in router.proxies() {
            shutdown = shutdown.proxy(proxy.clone());
        }
        let (source, origin) = match plan.origin {
            OriginPlan::Directory(directory) => {
                let files = StaticFiles::new(site.clone()).fallback(directory.fallback.clone());
                let source = Source::Directory(watch(&directory, prefix)?);
                (source, BoxedService::new(files))
            }
            OriginPlan::Upstreams(upstreams) => {
                notify = notify.compress_pages();
                let proxy = upstreams.proxy.clone().trigger_checks(site.clone());
                shutdown = shutdown.proxy(proxy.clone());
                let source = Source::Upstreams {
                    poll: upstreams.poll(&proxy)?,
                    proxy: proxy.clone(),
                    health: upstreams.health,
                };
                (source, BoxedService::new(proxy))
            }
        };
        let listener = TcpListener::bind(&plan.listen).await.map_err(|error| {
            let text = format!("can't bind {}: {error}", plan.listen);
            Error::new(Kind::Listen(text))
                .with_key(Key::LISTEN)
                .with(error)
        })?;
        Ok(Self {
            site,
            source,
            origin,
            notify,
            router,
            listener,
            h2c: plan.h2c,
            drain: plan.drain,
            shutdown,
        })
    }

    /// The address it listens on, with the real port.
    ///
    /// # Errors
    ///
    /// That of the system.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// The site that is served.
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// A handle that shuts it down.
    pub fn shutdown(&self) -> Shutdown {
        self.shutdown.clone()
    }

    /// Serves until `stop` is ready, or the [`shutdown`](Self::shutdown) has started; then ends the event streams and
    /// tunnels, finishes the responses in progress, and returns.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let mut server = Server::new(self.listener).drain(self.drain);
        if self.h2c {
            server = server.http2();
        }
        let stack = stack::compose(self.origin, &self.notify, &self.router);
        let layers: Vec<_> = stack.positions().collect();
        tracing::debug!(?layers, "stack composed");
        let is_directory = matches!(self.source, Source::Directory(_));
        tokio::select! {
            () = server.run_unchecked(stack.into_service(), self.shutdown.start_after(stop)) => {}
            never = self.source.run(self.site) => match never {},
        }
        if !is_directory {
            log_counts(self.notify.page_counts());
        }
    }
}

impl Source {
    async fn run(self, site: Site) -> Infallible {
        match self {
            Self::Directory(watch) => watch.run(site).await,
            Self::Upstreams {
                poll,
                proxy,
                health,
            } => tokio::select! {
                never = poll.run(site) => never,
                never = check_health(&proxy, health) => never,
            },
        }
    }
}

async fn check_health(proxy: &Proxy, health: Option<HealthPlan>) -> Infallible {
    match health {
        Some(health) => proxy.health_check(&health.path, health.interval).await,
        None => pending().await,
    }
}

fn watch(directory: &DirectoryPlan, prefix: &str) -> Result<WatchDirectory, Error> {
    WatchDirectory::new(&directory.root)
        .debounce(directory.debounce)
        .incomplete_after(directory.incomplete_after)
        .rescan_interval(directory.rescan_interval)
        .watch_mode(directory.watch)
        .max_memory_file(directory.max_memory_file)
        .prefix(prefix)
}

fn log_counts(counts: PageCounts) {
    tracing::info!(
        injected = counts.injected(),
        unsupported_coding = counts.unsupported_coding(),
        no_insertion_point = counts.no_insertion_point(),
        forbidden_by_csp = counts.forbidden_by_csp(),
        "pages that passed"
    );
}
