//! A reverse proxy between a browser and one or more servers, for a network that misbehaves as real ones do.

mod answer;
pub(crate) mod forward;
mod rules;
mod stream;

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

use crate::names;
use crate::server::Server;

use forward::Upstreams;
use rules::Shared;
pub use rules::Streams;

/// A running front, on a free port of the loopback interface. Its rules hold for what is asked from then on. It has a
/// thread of its own, so it works on while a test waits for a deploy; dropping it ends it.
#[derive(Debug)]
pub struct Front {
    port: u16,
    rules: Shared,
    orders: Option<UnboundedSender<Order>>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread is told, and where it says that it is done.
#[derive(Debug)]
enum Order {
    Leave(mpsc::Sender<Result<()>>),
    Return(mpsc::Sender<Result<()>>),
}

impl Front {
    /// Starts one before these servers, which take turns, request by request.
    ///
    /// # Errors
    /// When there is no port, or no thread.
    pub fn start(servers: &[&Server]) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("the runtime of a front")?;
        let listener = net::TcpListener::bind("127.0.0.1:0").context("a port for a front")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let rules = Shared::default();
        let (orders, received) = unbounded_channel();
        let shared = rules.clone();
        // With the runtime go all connections.
        let thread = thread::spawn(move || {
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener);
                run(listener.ok(), address, received, shared).await;
            });
        });
        let front = Self {
            port: address.port(),
            rules,
            orders: Some(orders),
            thread: Some(thread),
        };
        front.upstreams(servers);
        Ok(front)
    }

    /// The address of a path here: `http://127.0.0.1:PORT` and the path.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The same by a name that is not the loopback interface's own, so that the page is no secure context. Only the
    /// harness's browsers know the name.
    pub fn url_by_name(&self, path: &str) -> String {
        format!("http://{}:{}{path}", names::NAME, self.port)
    }

    /// Stands before these servers from now on; with none, the answer is 502. Open streams stay with theirs.
    pub fn upstreams(&self, servers: &[&Server]) {
        let authorities = servers.iter().map(|server| server.authority().to_owned());
        self.rules.lock().upstreams = authorities.collect();
    }

    /// Whether a browser stays with the server that it got first (by a cookie), as long as there are that many.
    pub fn sticky(&self, sticky: bool) {
        self.rules.lock().sticky = sticky;
    }

    /// Gives every page this header, in place of its own one. Pages are then answered whole, never with 304.
    ///
    /// # Errors
    /// When that is no header.
    pub fn page_header(&self, name: &str, value: &str) -> Result<()> {
        let header = (name.parse::<HeaderName>()?, value.parse::<HeaderValue>()?);
        self.rules.lock().page_headers.push(header);
        Ok(())
    }

    /// Whether what the event streams say is held back, as by a middlebox that buffers: their headers pass, their
    /// bodies don't. Holds for open streams as well; they say it all when this ends.
    pub fn hold_events(&self, hold: bool) {
        let held = {
            let mut rules = self.rules.lock();
            rules.holds_events = hold;
            std::mem::take(&mut rules.held)
        };
        held.into_iter().for_each(std::task::Waker::wake);
    }

    /// Answers these paths with 404, instead of those before. One that ends with `*` means all that start so.
    pub fn missing(&self, paths: &[&str]) {
        self.rules.lock().missing = paths.iter().map(|&path| path.to_owned()).collect();
    }

    /// Whether pages are cached as by a careless CDN: the first one of each URL is the answer until it is purged,
    /// whatever the request says. Both ways round nothing is stored at first.
    pub fn cache_pages(&self, cache: bool) {
        self.rules.lock().pages = cache.then(HashMap::new);
    }

    /// Empties the cache.
    pub fn purge(&self) {
        if let Some(pages) = &mut self.rules.lock().pages {
            pages.clear();
        }
    }

    /// Goes away: when this returns every connection is closed, and new ones are refused.
    ///
    /// # Errors
    /// When the front's thread is gone.
    pub fn go_away(&self) -> Result<()> {
        self.order(Order::Leave)
    }

    /// Comes back, at the same address.
    ///
    /// # Errors
    /// When somebody else has taken the port.
    pub fn come_back(&self) -> Result<()> {
        self.order(Order::Return)
    }

    /// How many event streams go through here. One that its browser has closed is seen to be closed soon after.
    pub fn streams(&self) -> Streams {
        self.rules.lock().streams
    }

    /// How often a path (without its query) has been asked for.
    pub fn requests(&self, path: &str) -> usize {
        let rules = self.rules.lock();
        rules.requests.get(path).copied().unwrap_or_default()
    }

    fn order(&self, order: impl FnOnce(mpsc::Sender<Result<()>>) -> Order) -> Result<()> {
        let (done, answer) = mpsc::channel();
        let orders = self.orders.as_ref().context("the front has ended")?;
        orders
            .send(order(done))
            .ok()
            .context("the front has ended")?;
        answer.recv().context("the front does not answer")?
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        drop(self.orders.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn run(
    mut listener: Option<TcpListener>,
    address: SocketAddr,
    mut orders: UnboundedReceiver<Order>,
    rules: Shared,
) {
    let upstreams = Upstreams::default();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            order = orders.recv() => match order {
                None => return,
                Some(Order::Leave(done)) => {
                    listener = None;
                    connections.shutdown().await;
                    let _ = done.send(Ok(()));
                }
                Some(Order::Return(done)) => {
                    let bound = TcpListener::bind(address).await;
                    let _ = done.send(bound.map(|bound| listener = Some(bound)).map_err(Into::into));
                }
            },
            stream = accept(listener.as_ref()) => {
                let (rules, upstreams) = (rules.clone(), upstreams.clone());
                let service = service_fn(move |request| {
                    answer::answer(rules.clone(), upstreams.clone(), request)
                });
                let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                connections.spawn(connection);
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// The next connection; none while nobody listens.
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

/// Where the pages get their news from, with the prefix that `tidings serve` has by itself.
const EVENTS: &str = "/__tidings/events";
