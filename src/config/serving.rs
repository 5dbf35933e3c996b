//! Serving: everything that the settings ask for, put together and running.

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

use crate::app::route::Route;
use crate::app::router::Routes;
use crate::config::Config;
use crate::config::Directory;
use crate::config::Http2;
use crate::config::Served;
use crate::config::Upstreams;
use crate::error::Error;
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
pub struct Serving {
    site: Site,
    layer: UpdateNotifierLayer,
    origin: Origin,
    routes: Vec<(Route, Proxy)>,
    listener: TcpListener,
    http2: Http2,
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
        health: Option<(String, Duration)>,
    },
}

impl Serving {
    /// Puts together what was checked.
    pub(crate) async fn bind(config: Config) -> Result<Self, Error> {
        let site = match &config.served {
            Served::Directory(directory) => Site::new()
                .retain_releases(directory.keep)
                .memory_limit(directory.memory),
            Served::Upstreams(_) => Site::new(),
        };
        let mut layer = UpdateNotifierLayer::new(site.clone())
            .prefix(&config.prefix)?
            .max_streams(config.max_streams)
            .client(config.client)
            .csp(config.csp);
        if let Some(secret) = config.webhook {
            layer = layer.webhook(secret);
        }
        let origin = match config.served {
            Served::Directory(directory) => Origin::Directory {
                source: source(&directory, &config.prefix)?,
                fallback: directory.fallback,
            },
            Served::Upstreams(upstreams) => {
                layer = layer.compress_pages();
                let proxy = upstreams.proxy.clone().trigger_checks(site.clone());
                Origin::Upstreams {
                    source: poll(&upstreams, &proxy)?,
                    proxy,
                    health: upstreams.health,
                }
            }
        };
        let listener = TcpListener::bind(&config.listen).await.map_err(|error| {
            let text = format!("--listen {}: {error}", config.listen);
            Error::new(Kind::Listen(text)).with(error)
        })?;
        Ok(Self {
            site,
            layer,
            origin,
            routes: config.routes,
            listener,
            http2: config.http2,
            drain: config.drain,
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
            http2,
            drain,
        } = self;
        let mut server = Server::new(listener).drain(drain);
        if http2 == Http2::PriorKnowledge {
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

fn source(directory: &Directory, prefix: &str) -> Result<WatchDirectory, Error> {
    WatchDirectory::new(&directory.path)
        .debounce(directory.quiet)
        .incomplete_after(directory.incomplete_after)
        .rescan_interval(directory.poll)
        .watch_mode(directory.events)
        .max_memory_file(directory.file_limit)
        .prefix(prefix)
}

/// Asks each upstream of the proxy by itself.
fn poll(upstreams: &Upstreams, proxy: &Proxy) -> Result<PollUpstream<UpstreamService>, Error> {
    let option = |option: &str, error: Error| {
        let text = format!("{option}: {error}");
        Error::new(Kind::Config(text)).with(error)
    };
    let pages = upstreams.pages.iter().map(String::as_str);
    let source = PollUpstream::new(proxy.upstream_services())
        .poll_interval(upstreams.every)
        .pages(pages)
        .map_err(|error| option("--poll-page", error))?
        .fingerprint(upstreams.fingerprint.clone());
    match &upstreams.host {
        Some(host) => source
            .host(host)
            .map_err(|error| option("--poll-host", error)),
        None => Ok(source),
    }
}

async fn check(proxy: &Proxy, health: Option<(String, Duration)>) -> Infallible {
    match health {
        Some((path, every)) => proxy.health_check(&path, every).await,
        None => std::future::pending().await,
    }
}
