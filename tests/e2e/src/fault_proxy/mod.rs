//! A reverse proxy between a browser and one or more servers that injects the faults of real networks.

mod event_stream;
pub(crate) mod forward;
mod handler;
mod rules;

use std::collections::HashMap;
use std::net;
use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread;
use std::thread::JoinHandle;

use anyhow::Context;
use anyhow::Result;
use http::HeaderName;
use http::HeaderValue;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::mpsc::unbounded_channel;
use tokio::task::JoinSet;

use crate::hostname;
use crate::server::Server;

use forward::Upstreams;
use rules::Shared;
pub use rules::Streams;

/// A running proxy, on a free port of the loopback interface. A changed rule applies to later requests. It runs in a
/// thread of its own, so also while a test blocks on a deploy; dropping it stops it.
#[derive(Debug)]
pub struct FaultProxy {
    port: u16,
    rules: Shared,
    commands: Option<UnboundedSender<Command>>,
    thread: Option<JoinHandle<()>>,
}

/// A command to the thread, with the channel for its result.
#[derive(Debug)]
enum Command {
    Disconnect(mpsc::Sender<Result<()>>),
    Reconnect(mpsc::Sender<Result<()>>),
}

impl FaultProxy {
    /// Starts a proxy with these upstreams, which get the requests in turn.
    ///
    /// # Errors
    /// When there is no port, or no thread.
    pub fn start(servers: &[&Server]) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("the runtime of a proxy")?;
        let listener = net::TcpListener::bind("127.0.0.1:0").context("a port for a proxy")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let rules = Shared::default();
        let (commands, received) = unbounded_channel();
        let shared = rules.clone();
        // Dropping the runtime closes all connections.
        let thread = thread::spawn(move || {
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener);
                run(listener.ok(), address, received, shared).await;
            });
        });
        let proxy = Self {
            port: address.port(),
            rules,
            commands: Some(commands),
            thread: Some(thread),
        };
        proxy.set_upstreams(servers);
        Ok(proxy)
    }

    /// The URL of a path on this proxy: `http://127.0.0.1:PORT` and the path.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The same with a hostname that browsers do not treat as loopback, so that the page is no secure context. Only the
    /// harness's browsers resolve it.
    pub fn insecure_url(&self, path: &str) -> String {
        format!("http://{}:{}{path}", hostname::HOSTNAME, self.port)
    }

    /// Replaces the upstreams; with none, requests get 502. Open streams stay connected.
    pub fn set_upstreams(&self, servers: &[&Server]) {
        let authorities = servers.iter().map(|server| server.authority().to_owned());
        self.rules.lock().upstreams = authorities.collect();
    }

    /// Whether a browser stays with its first upstream (by a cookie), as long as there are that many.
    pub fn set_sticky(&self, sticky: bool) {
        self.rules.lock().sticky = sticky;
    }

    /// Sets this header on every page, in place of the upstream's. Pages are then never answered with 304.
    ///
    /// # Errors
    /// When name or value is invalid.
    pub fn set_page_header(&self, name: &str, value: &str) -> Result<()> {
        let header = (name.parse::<HeaderName>()?, value.parse::<HeaderValue>()?);
        self.rules.lock().page_headers.push(header);
        Ok(())
    }

    /// Whether event streams are held back, as by a middlebox that buffers: their headers pass, their bodies don't.
    /// Applies to open streams as well; what was held back passes when this ends.
    pub fn hold_events(&self, hold: bool) {
        let wakers = {
            let mut rules = self.rules.lock();
            rules.holds_events = hold;
            std::mem::take(&mut rules.wakers)
        };
        wakers.into_iter().for_each(std::task::Waker::wake);
    }

    /// Answers these paths with 404, and no longer those of the last call. A path that ends with `*` is a prefix.
    pub fn set_missing(&self, paths: &[&str]) {
        self.rules.lock().missing = paths.iter().map(|&path| path.to_owned()).collect();
    }

    /// Whether pages are cached as by a misconfigured CDN: the first response for each URL is served until the cache is
    /// purged, whatever the request headers. Each call starts with an empty cache.
    pub fn cache_pages(&self, cache: bool) {
        self.rules.lock().pages = cache.then(HashMap::new);
    }

    /// Empties the cache.
    pub fn purge(&self) {
        if let Some(pages) = &mut self.rules.lock().pages {
            pages.clear();
        }
    }

    /// Stops listening: when this returns every connection is closed, and new ones are refused.
    ///
    /// # Errors
    /// When the proxy's thread has ended.
    pub fn disconnect(&self) -> Result<()> {
        self.command(Command::Disconnect)
    }

    /// Listens again, at the same address.
    ///
    /// # Errors
    /// When the port is in use.
    pub fn reconnect(&self) -> Result<()> {
        self.command(Command::Reconnect)
    }

    /// The number of event streams. One that its browser has closed is counted as closed soon after.
    pub fn streams(&self) -> Streams {
        self.rules.lock().streams
    }

    /// The number of requests for a path (without its query).
    pub fn request_count(&self, path: &str) -> usize {
        let rules = self.rules.lock();
        rules.requests.get(path).copied().unwrap_or_default()
    }

    fn command(&self, command: impl FnOnce(mpsc::Sender<Result<()>>) -> Command) -> Result<()> {
        let (done, response) = mpsc::channel();
        let commands = self.commands.as_ref().context("the proxy has ended")?;
        commands
            .send(command(done))
            .ok()
            .context("the proxy has ended")?;
        response.recv().context("the proxy does not answer")?
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        drop(self.commands.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn run(
    mut listener: Option<TcpListener>,
    address: SocketAddr,
    mut commands: UnboundedReceiver<Command>,
    rules: Shared,
) {
    let upstreams = Upstreams::default();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            command = commands.recv() => match command {
                None => return,
                Some(Command::Disconnect(done)) => {
                    listener = None;
                    connections.shutdown().await;
                    let _ = done.send(Ok(()));
                }
                Some(Command::Reconnect(done)) => {
                    let bound = TcpListener::bind(address).await;
                    let _ = done.send(bound.map(|bound| listener = Some(bound)).map_err(Into::into));
                }
            },
            stream = accept(listener.as_ref()) => {
                let (rules, upstreams) = (rules.clone(), upstreams.clone());
                let service = service_fn(move |request| {
                    handler::handle(rules.clone(), upstreams.clone(), request)
                });
                let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                connections.spawn(connection);
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// The next connection; pending while there is no listener.
async fn accept(listener: Option<&TcpListener>) -> TcpStream {
    let Some(listener) = listener else {
        return std::future::pending().await;
    };
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            return stream;
        }
    }
}

/// The path of the event streams under the default prefix.
const EVENTS: &str = "/__tidings/events";
