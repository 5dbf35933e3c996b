//! Settings, validated: the one place where a combination of options can be refused.

use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use tokio::net::TcpListener;

use crate::error::Error;
use crate::error::Kind;
use crate::inject::csp::Csp;
use crate::inject::snippet::Prefix;
use crate::layer::DEFAULT_MAX_STREAMS;
use crate::layer::UpdateNotifierLayer;
use crate::origin::Fallback;
use crate::origin::StaticFiles;
use crate::server::Server;
use crate::settings::ClientSettings;
use crate::site::DEFAULT_KEEP;
use crate::site::DEFAULT_MEMORY;
use crate::site::Site;
use crate::source::DEFAULT_FILE_LIMIT;
use crate::source::DEFAULT_INCOMPLETE_AFTER;
use crate::source::DEFAULT_POLL;
use crate::source::DEFAULT_QUIET;
use crate::source::Events;
use crate::source::WatchDirectory;

/// Everything that `tidings serve` can be told.
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
    directory: PathBuf,
    listen: String,
    keep: usize,
    memory: u64,
    file_limit: u64,
    max_streams: usize,
    fallback: Fallback,
    quiet: Duration,
    incomplete_after: Duration,
    poll: Duration,
    events: Events,
    prefix: String,
    csp: Csp,
    drain: Duration,
    client: ClientSettings,
}

impl Config {
    /// The defaults, for the directory at `directory`.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            listen: DEFAULT_LISTEN.to_owned(),
            keep: DEFAULT_KEEP,
            memory: DEFAULT_MEMORY,
            file_limit: DEFAULT_FILE_LIMIT,
            max_streams: DEFAULT_MAX_STREAMS,
            fallback: Fallback::Auto,
            quiet: DEFAULT_QUIET,
            incomplete_after: DEFAULT_INCOMPLETE_AFTER,
            poll: DEFAULT_POLL,
            events: Events::System,
            prefix: DEFAULT_PREFIX.to_owned(),
            csp: Csp::Keep,
            drain: crate::server::DEFAULT_DRAIN,
            client: ClientSettings::new(),
        }
    }

    /// Where to listen: `HOST:PORT`; port 0 takes a free one.
    pub fn listen(mut self, address: impl Into<String>) -> Self {
        self.listen = address.into();
        self
    }

    /// See [`Site::keep`].
    pub fn keep(mut self, releases: usize) -> Self {
        self.keep = releases;
        self
    }

    /// See [`Site::memory`].
    pub fn memory(mut self, bytes: u64) -> Self {
        self.memory = bytes;
        self
    }

    /// See [`WatchDirectory::file_limit`].
    pub fn file_limit(mut self, bytes: u64) -> Self {
        self.file_limit = bytes;
        self
    }

    /// See [`UpdateNotifierLayer::max_streams`].
    pub fn max_streams(mut self, streams: usize) -> Self {
        self.max_streams = streams;
        self
    }

    /// See [`StaticFiles::fallback`].
    pub fn fallback(mut self, fallback: Fallback) -> Self {
        self.fallback = fallback;
        self
    }

    /// See [`WatchDirectory::quiet`].
    pub fn quiet(mut self, quiet: Duration) -> Self {
        self.quiet = quiet;
        self
    }

    /// See [`WatchDirectory::incomplete_after`].
    pub fn incomplete_after(mut self, patience: Duration) -> Self {
        self.incomplete_after = patience;
        self
    }

    /// See [`WatchDirectory::poll`].
    pub fn poll(mut self, poll: Duration) -> Self {
        self.poll = poll;
        self
    }

    /// See [`WatchDirectory::events`].
    pub fn events(mut self, events: Events) -> Self {
        self.events = events;
        self
    }

    /// See [`UpdateNotifierLayer::prefix`].
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// See [`UpdateNotifierLayer::csp`].
    pub fn csp(mut self, csp: Csp) -> Self {
        self.csp = csp;
        self
    }

    /// See [`Server::drain`].
    pub fn drain(mut self, drain: Duration) -> Self {
        self.drain = drain;
        self
    }

    /// See [`UpdateNotifierLayer::client`].
    pub fn client(mut self, settings: ClientSettings) -> Self {
        self.client = settings;
        self
    }

    /// Checks the settings and binds the address.
    ///
    /// # Errors
    ///
    /// If a setting, or a combination, makes no sense; or if the address can't be bound.
    pub async fn bind(self) -> Result<Serving, Error> {
        self.check()?;
        let site = Site::new().keep(self.keep).memory(self.memory);
        let layer = UpdateNotifierLayer::new(site.clone())
            .prefix(&self.prefix)?
            .max_streams(self.max_streams)
            .client(self.client)
            .csp(self.csp);
        let source = WatchDirectory::new(&self.directory)
            .quiet(self.quiet)
            .incomplete_after(self.incomplete_after)
            .poll(self.poll)
            .events(self.events)
            .file_limit(self.file_limit)
            .prefix(&self.prefix)?;
        let listener = TcpListener::bind(&self.listen).await.map_err(|error| {
            let text = format!("--listen {}: {error}", self.listen);
            Error::new(Kind::Listen(text)).with(error)
        })?;
        Ok(Serving {
            site,
            layer,
            source,
            listener,
            fallback: self.fallback,
            drain: self.drain,
        })
    }

    fn check(&self) -> Result<(), Error> {
        let refuse = |text: String| Err(Error::new(Kind::Config(text)));
        let address = self.listen.rsplit_once(':');
        if !address.is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok()) {
            return refuse(format!(
                "--listen {}: write it like 127.0.0.1:8080, [::1]:8080 or localhost:8080",
                self.listen
            ));
        }
        if let Err(error) = Prefix::new(&self.prefix) {
            return refuse(format!("--prefix: {error}"));
        }
        if self.directory.is_file() {
            return refuse(format!(
                "{} is a file: give the directory it is in",
                self.directory.display()
            ));
        }
        if self.quiet > self.incomplete_after {
            return refuse(format!(
                "--quiet {:?} is longer than --incomplete-after {:?}: a build would be given up before it is looked at",
                self.quiet, self.incomplete_after
            ));
        }
        if self.poll < SHORTEST_POLL {
            return refuse(format!(
                "--poll {:?} is too short: 100 ms is the least",
                self.poll
            ));
        }
        if let Err(error) = self.client.check() {
            return refuse(error.to_string());
        }
        if self.max_streams == 0 {
            return refuse(
                "--max-streams 0 would tell nobody of anything: 1 is the least".to_owned(),
            );
        }
        Ok(())
    }
}

/// A bound server, ready to run.
#[derive(Debug)]
pub struct Serving {
    site: Site,
    layer: UpdateNotifierLayer,
    source: WatchDirectory,
    listener: TcpListener,
    fallback: Fallback,
    drain: Duration,
}

impl Serving {
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

    /// Serves until `stop` is ready; then ends the event streams, drains the connections, and returns.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let Self {
            site,
            layer,
            source,
            listener,
            fallback,
            drain,
        } = self;
        let files = StaticFiles::new(site.clone()).fallback(fallback);
        let service = tower_layer::Layer::layer(&layer, files);
        let stop = async {
            stop.await;
            site.close();
        };
        tokio::select! {
            () = Server::new(listener).drain(drain).run(service, stop) => {}
            never = source.run(site.clone()) => match never {},
        }
    }
}

/// Where the server listens unless told otherwise: on this machine only.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:8080";

/// Where the reserved paths are unless told otherwise.
pub const DEFAULT_PREFIX: &str = "/__tidings";

const SHORTEST_POLL: Duration = Duration::from_millis(100);
