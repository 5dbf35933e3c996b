//! Settings, validated: the one place where a combination of options can be refused.

mod check;
mod serving;

use std::path::PathBuf;
use std::time::Duration;

use crate::app::route::Route;
use crate::client::settings::ClientSettings;
pub use crate::config::serving::Serving;
use crate::csp::mode::Csp;
use crate::endpoint::deploys::secret::Secret;
use crate::error::Error;
use crate::http::prefix::DEFAULT_PREFIX;
use crate::notify::layer::DEFAULT_MAX_STREAMS;
use crate::origin::Proxy;
use crate::origin::files::fallback::Fallback;
use crate::site::DEFAULT_MEMORY_LIMIT;
use crate::site::DEFAULT_RETAIN_RELEASES;
use crate::source::Fingerprint;
use crate::source::directory::watch_directory::DEFAULT_DEBOUNCE;
use crate::source::directory::watch_directory::DEFAULT_INCOMPLETE_AFTER;
use crate::source::directory::watch_directory::DEFAULT_MAX_MEMORY_FILE;
use crate::source::directory::watch_directory::DEFAULT_RESCAN_INTERVAL;
use crate::source::directory::watch_directory::WatchMode;
use crate::source::upstream::poll_upstream::DEFAULT_POLL_INTERVAL;

/// Everything that `tidings serve` and `tidings proxy` can be told. What only a directory has is nothing to a proxy.
///
/// ```no_run
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let serving = tidings::Config::new("dist").listen("127.0.0.1:8080").bind().await?;
/// println!("listening on http://{}", serving.address()?);
/// serving.run(async { _ = tokio::signal::ctrl_c().await }).await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Config {
    served: Served,
    listen: String,
    max_streams: usize,
    prefix: String,
    csp: Csp,
    drain: Duration,
    client: ClientSettings,
    http2: Http2,
    routes: Vec<(Route, Proxy)>,
    webhook: Option<Secret>,
}

/// Where the site comes from.
#[derive(Debug, Clone)]
enum Served {
    Directory(Directory),
    Upstreams(Upstreams),
}

/// A directory, and how it is watched and served.
#[derive(Debug, Clone)]
struct Directory {
    path: PathBuf,
    keep: usize,
    memory: u64,
    file_limit: u64,
    fallback: Fallback,
    quiet: Duration,
    incomplete_after: Duration,
    poll: Duration,
    events: WatchMode,
}

/// Servers, and how they are asked for their releases.
#[derive(Debug, Clone)]
struct Upstreams {
    proxy: Proxy,
    pages: Vec<String>,
    every: Duration,
    fingerprint: Fingerprint,
    host: Option<String>,
    health: Option<(String, Duration)>,
}

/// Whether clients that know it beforehand may speak HTTP/2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Http2 {
    Off,
    PriorKnowledge,
}

impl Config {
    /// The defaults, for the directory at `directory`.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self::of(Served::Directory(Directory {
            path: directory.into(),
            keep: DEFAULT_RETAIN_RELEASES,
            memory: DEFAULT_MEMORY_LIMIT,
            file_limit: DEFAULT_MAX_MEMORY_FILE,
            fallback: Fallback::Auto,
            quiet: DEFAULT_DEBOUNCE,
            incomplete_after: DEFAULT_INCOMPLETE_AFTER,
            poll: DEFAULT_RESCAN_INTERVAL,
            events: WatchMode::Native,
        }))
    }

    /// The defaults, for a site that comes from the upstreams of a proxy.
    pub fn proxy(proxy: Proxy) -> Self {
        Self::of(Served::Upstreams(Upstreams {
            proxy,
            pages: vec!["/".to_owned()],
            every: DEFAULT_POLL_INTERVAL,
            fingerprint: Fingerprint::default(),
            host: None,
            health: None,
        }))
    }

    fn of(served: Served) -> Self {
        Self {
            served,
            listen: DEFAULT_LISTEN.to_owned(),
            max_streams: DEFAULT_MAX_STREAMS,
            prefix: DEFAULT_PREFIX.to_owned(),
            csp: Csp::Keep,
            drain: crate::server::DEFAULT_DRAIN,
            client: ClientSettings::new(),
            http2: Http2::Off,
            routes: Vec::new(),
            webhook: None,
        }
    }

    /// Where to listen: `HOST:PORT`; port 0 takes a free one.
    pub fn listen(mut self, address: impl Into<String>) -> Self {
        self.listen = address.into();
        self
    }

    /// See [`Site::keep`](crate::Site::keep).
    pub fn keep(mut self, releases: usize) -> Self {
        self.directory(|directory| directory.keep = releases);
        self
    }

    /// See [`Site::memory`](crate::Site::memory).
    pub fn memory(mut self, bytes: u64) -> Self {
        self.directory(|directory| directory.memory = bytes);
        self
    }

    /// See [`WatchDirectory::max_memory_file`](crate::WatchDirectory::max_memory_file).
    pub fn file_limit(mut self, bytes: u64) -> Self {
        self.directory(|directory| directory.file_limit = bytes);
        self
    }

    /// See [`UpdateNotifierLayer::max_streams`](crate::UpdateNotifierLayer::max_streams).
    pub fn max_streams(mut self, streams: usize) -> Self {
        self.max_streams = streams;
        self
    }

    /// See [`StaticFiles::fallback`](crate::StaticFiles::fallback).
    pub fn fallback(mut self, fallback: Fallback) -> Self {
        self.directory(|directory| directory.fallback = fallback);
        self
    }

    /// See [`WatchDirectory::debounce`](crate::WatchDirectory::debounce).
    pub fn quiet(mut self, quiet: Duration) -> Self {
        self.directory(|directory| directory.quiet = quiet);
        self
    }

    /// See [`WatchDirectory::incomplete_after`](crate::WatchDirectory::incomplete_after).
    pub fn incomplete_after(mut self, patience: Duration) -> Self {
        self.directory(|directory| directory.incomplete_after = patience);
        self
    }

    /// The time between two looks at what is served: see [`WatchDirectory::rescan_interval`](crate::WatchDirectory::rescan_interval) and [`PollUpstream::poll_interval`](crate::PollUpstream::every).
    pub fn poll(mut self, poll: Duration) -> Self {
        match &mut self.served {
            Served::Directory(directory) => directory.poll = poll,
            Served::Upstreams(upstreams) => upstreams.every = poll,
        }
        self
    }

    /// See [`PollUpstream::pages`](crate::PollUpstream::pages).
    pub fn pages(mut self, pages: impl IntoIterator<Item = String>) -> Self {
        self.upstreams(|upstreams| upstreams.pages = pages.into_iter().collect());
        self
    }

    /// See [`PollUpstream::fingerprint`](crate::PollUpstream::fingerprint).
    pub fn fingerprint(mut self, fingerprint: Fingerprint) -> Self {
        self.upstreams(|upstreams| upstreams.fingerprint = fingerprint);
        self
    }

    /// See [`PollUpstream::host`](crate::PollUpstream::host).
    pub fn poll_host(mut self, host: impl Into<String>) -> Self {
        self.upstreams(|upstreams| upstreams.host = Some(host.into()));
        self
    }

    /// See [`WatchDirectory::watch_mode`](crate::WatchDirectory::watch_mode).
    pub fn events(mut self, events: WatchMode) -> Self {
        self.directory(|directory| directory.events = events);
        self
    }

    /// See [`UpdateNotifierLayer::prefix`](crate::UpdateNotifierLayer::prefix).
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// See [`UpdateNotifierLayer::csp`](crate::UpdateNotifierLayer::csp).
    pub fn csp(mut self, csp: Csp) -> Self {
        self.csp = csp;
        self
    }

    /// See [`Server::drain`](crate::Server::drain).
    pub fn drain(mut self, drain: Duration) -> Self {
        self.drain = drain;
        self
    }

    /// See [`UpdateNotifierLayer::client`](crate::UpdateNotifierLayer::client).
    pub fn client(mut self, settings: ClientSettings) -> Self {
        self.client = settings;
        self
    }

    /// Speaks HTTP/2 too, with clients that know it beforehand: see [`Server::http2`](crate::Server::http2).
    pub fn http2(mut self) -> Self {
        self.http2 = Http2::PriorKnowledge;
        self
    }

    /// Has a proxy answer what is asked for below the path of a route. Its pages get no script.
    pub fn route(mut self, route: Route, proxy: Proxy) -> Self {
        self.routes.push((route, proxy));
        self
    }

    /// Lets whoever knows the secret announce deploys: see [`UpdateNotifierLayer::webhook`](crate::UpdateNotifierLayer::webhook).
    pub fn webhook(mut self, secret: Secret) -> Self {
        self.webhook = Some(secret);
        self
    }

    /// Asks the upstreams for this path every so often, to spare those that are not well: see [`Proxy::health_check`].
    pub fn health(mut self, path: impl Into<String>, every: Duration) -> Self {
        self.upstreams(|upstreams| upstreams.health = Some((path.into(), every)));
        self
    }

    fn upstreams(&mut self, change: impl FnOnce(&mut Upstreams)) {
        if let Served::Upstreams(upstreams) = &mut self.served {
            change(upstreams);
        }
    }

    fn directory(&mut self, change: impl FnOnce(&mut Directory)) {
        if let Served::Directory(directory) = &mut self.served {
            change(directory);
        }
    }

    /// Checks the settings and binds the address.
    ///
    /// # Errors
    ///
    /// If a setting, or a combination, makes no sense; or if the address can't be bound.
    pub async fn bind(self) -> Result<Serving, Error> {
        check::all(&self)?;
        Serving::bind(self).await
    }
}

/// Where the server listens unless told otherwise: on this machine only.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:8080";
