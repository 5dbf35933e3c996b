//! Serving: everything that the settings ask for, put together and running.

use std::convert::Infallible;
use std::time::Duration;

use tokio::net::TcpListener;
use tower_layer::Layer as _;

use crate::config::Config;
use crate::config::Directory;
use crate::config::Http2;
use crate::config::Served;
use crate::config::Upstreams;
use crate::error::Error;
use crate::error::Kind;
use crate::layer::UpdateNotifierLayer;
use crate::origin::Fallback;
use crate::origin::Proxy;
use crate::origin::Route;
use crate::origin::Routes;
use crate::origin::StaticFiles;
use crate::server::Server;
use crate::site::Site;
use crate::source::WatchDirectory;

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
    Upstreams(Upstreams),
}

impl Serving {
    /// Puts together what was checked.
    pub(super) async fn bind(config: Config) -> Result<Self, Error> {
        let site = match &config.served {
            Served::Directory(directory) => {
                Site::new().keep(directory.keep).memory(directory.memory)
            }
            Served::Upstreams(_) => Site::new(),
        };
        let layer = UpdateNotifierLayer::new(site.clone())
            .prefix(&config.prefix)?
            .max_streams(config.max_streams)
            .client(config.client)
            .csp(config.csp);
        let origin = match config.served {
            Served::Directory(directory) => Origin::Directory {
                source: source(&directory, &config.prefix)?,
                fallback: directory.fallback,
            },
            Served::Upstreams(mut upstreams) => {
                upstreams.proxy = upstreams.proxy.hints(site.clone());
                Origin::Upstreams(upstreams)
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
        if let Origin::Upstreams(upstreams) = &origin {
            proxies.push(upstreams.proxy.clone());
        }
        let stop = {
            let site = site.clone();
            async move {
                stop.await;
                site.close();
                proxies.iter().for_each(Proxy::close);
            }
        };
        match origin {
            Origin::Directory { source, fallback } => {
                let files = StaticFiles::new(site.clone()).fallback(fallback);
                tokio::select! {
                    () = server.run(Routes::new(layer.layer(files), routes), stop) => {}
                    never = source.run(site) => match never {},
                }
            }
            Origin::Upstreams(Upstreams { proxy, health }) => {
                let checks = check(&proxy, health);
                tokio::select! {
                    () = server.run(Routes::new(layer.layer(proxy.clone()), routes), stop) => {}
                    never = checks => match never {},
                }
            }
        }
    }
}

fn source(directory: &Directory, prefix: &str) -> Result<WatchDirectory, Error> {
    WatchDirectory::new(&directory.path)
        .quiet(directory.quiet)
        .incomplete_after(directory.incomplete_after)
        .poll(directory.poll)
        .events(directory.events)
        .file_limit(directory.file_limit)
        .prefix(prefix)
}

async fn check(proxy: &Proxy, health: Option<(String, Duration)>) -> Infallible {
    match health {
        Some((path, every)) => proxy.check(&path, every).await,
        None => std::future::pending().await,
    }
}
