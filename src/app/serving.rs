//! The server that a plan describes: bound, then run.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::Response;
use http_body::Body;
use hyper::body::Incoming;
use tokio::net::TcpListener;
use tower_layer::Layer as _;
use tower_service::Service;

use crate::app::router::Routes;
use crate::config::Plan;
use crate::config::Route;
use crate::config::plan::DirectoryPlan;
use crate::config::plan::HealthPlan;
use crate::config::plan::OriginPlan;
use crate::error::Error;
use crate::error::Key;
use crate::error::Kind;
use crate::notify::layer::UpdateNotifierLayer;
use crate::notify::page_metrics::Counts;
use crate::origin::Proxy;
use crate::origin::UpstreamService;
use crate::origin::files::fallback::Fallback;
use crate::origin::files::static_files::StaticFiles;
use crate::server::Server;
use crate::site::Site;
use crate::source::directory::watch_directory::WatchDirectory;
use crate::source::upstream::poll_upstream::PollUpstream;

/// A bound server, ready to run.
#[derive(Debug)]
pub struct BoundServer {
    site: Site,
    layer: UpdateNotifierLayer,
    origin: Origin,
    routes: Vec<(Route, Proxy)>,
    listener: TcpListener,
    h2c: bool,
    drain: Duration,
}

#[derive(Debug)]
enum Origin {
    Directory {
        source: WatchDirectory,
        fallback: Fallback,
    },
    Upstreams {
        source: PollUpstream<UpstreamService>,
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
        let mut layer = UpdateNotifierLayer::new(site.clone())
            .prefix(prefix)?
            .max_streams(plan.max_streams)
            .client(plan.client)
            .csp(plan.csp);
        if let Some(secret) = plan.webhook {
            layer = layer.webhook(secret);
        }
        let origin = match plan.origin {
            OriginPlan::Directory(directory) => Origin::Directory {
                source: source(&directory, prefix)?,
                fallback: directory.fallback,
            },
            OriginPlan::Upstreams(upstreams) => {
                layer = layer.compress_pages();
                let proxy = upstreams.proxy.clone().trigger_checks(site.clone());
                Origin::Upstreams {
                    source: upstreams.poll(&proxy)?,
                    proxy,
                    health: upstreams.health,
                }
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
            layer,
            origin,
            routes: plan.routes,
            listener,
            h2c: plan.h2c,
            drain: plan.drain,
        })
    }

    /// The address it listens on, with the real port.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn address(&self) -> std::io::Result<std::net::SocketAddr> {
        self.listener.local_addr()
    }

    /// The site that is served.
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// Serves until `stop` is ready; then ends the event streams and tunnels, drains the connections, and returns.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let Self {
            site,
            layer,
            origin,
            routes,
            listener,
            h2c,
            drain,
        } = self;
        let mut server = Server::new(listener).drain(drain);
        if h2c {
            server = server.http2();
        }
        let mut proxies: Vec<Proxy> = routes.iter().map(|(_, proxy)| proxy.clone()).collect();
        if let Origin::Upstreams { proxy, .. } = &origin {
            proxies.push(proxy.clone());
        }
        let stop = {
            let site = site.clone();
            async move {
                stop.await;
                site.close();
                proxies.iter().for_each(Proxy::close);
            }
        };
        let counted = layer.clone();
        let run = Run { server, routes };
        match origin {
            Origin::Directory { source, fallback } => {
                let files = StaticFiles::new(site.clone()).fallback(fallback);
                tokio::select! {
                    () = run.serve(layer.layer(files), stop) => {}
                    never = source.run(site) => match never {},
                }
            }
            Origin::Upstreams {
                source,
                proxy,
                health,
            } => {
                tokio::select! {
                    () = run.serve(layer.layer(proxy.clone()), stop) => {}
                    never = source.run(site) => match never {},
                    never = check(&proxy, health) => match never {},
                }
                say_counts(counted.counts());
            }
        }
    }
}

/// What stands in front of whatever is served.
struct Run {
    server: Server,
    routes: Vec<(Route, Proxy)>,
}

impl Run {
    async fn serve<S, B>(self, service: S, stop: impl Future<Output = ()>)
    where
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>
            + Clone
            + Send
            + 'static,
        S::Future: Send,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let Self { server, routes } = self;
        server.run(Routes::new(service, routes), stop).await;
    }
}

/// Tells the operator what became of the pages that passed.
fn say_counts(counts: Counts) {
    tracing::info!(
        injected = counts.injected(),
        passed_for_coding = counts.passed_for_coding(),
        passed_for_place = counts.passed_for_place(),
        passed_for_policy = counts.passed_for_policy(),
        "pages that passed"
    );
}

fn source(directory: &DirectoryPlan, prefix: &str) -> Result<WatchDirectory, Error> {
    WatchDirectory::new(&directory.root)
        .debounce(directory.debounce)
        .incomplete_after(directory.incomplete_after)
        .rescan_interval(directory.rescan_interval)
        .watch_mode(directory.watch)
        .max_memory_file(directory.max_memory_file)
        .prefix(prefix)
}

async fn check(proxy: &Proxy, health: Option<HealthPlan>) -> Infallible {
    match health {
        Some(health) => proxy.health_check(&health.path, health.interval).await,
        None => std::future::pending().await,
    }
}
