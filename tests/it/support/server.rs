//! A server in this process with its own runtime, so that tests can use a blocking client.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;

use bytes::Bytes;
use http::Request;
use http::Response;
use http_body::Body;
use hyper::body::Incoming;
use tidings::Server;
use tidings::Site;
use tidings::StaticFiles;
use tidings::UpdateNotifierLayer;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tower::Layer as _;
use tower::Service;

use crate::support::directory_site::watch;
use crate::support::wait_until;
use crate::support::within;

/// A [`Server`] that runs until it is dropped.
#[derive(Debug)]
pub(crate) struct TestServer {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    server: Option<JoinHandle<()>>,
    runtime: Runtime,
}

impl TestServer {
    /// Serves the files in `dir` as the program does; returns when the first release is published.
    pub(crate) fn site(dir: &Path, set: impl FnOnce(Server) -> Server) -> Self {
        let site = Site::new();
        let files = StaticFiles::new(site.clone());
        let running = Self::new(UpdateNotifierLayer::new(site.clone()).layer(files), set);
        let source = watch(dir).run(site.clone());
        running.runtime.spawn(async { match source.await {} });
        wait_until("the first release", || site.current());
        running
    }

    /// Serves `service` on a free port, with a server configured by `set`.
    pub(crate) fn new<S, B>(service: S, set: impl FnOnce(Server) -> Server) -> Self
    where
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>
            + Clone
            + Send
            + 'static,
        S::Future: Send,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        Self::at("127.0.0.1:0", service, set).unwrap()
    }

    /// As [`new`](Self::new), at this address; `None` if the machine does not have it.
    pub(crate) fn at<S, B>(
        address: &str,
        service: S,
        set: impl FnOnce(Server) -> Server,
    ) -> Option<Self>
    where
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>
            + Clone
            + Send
            + 'static,
        S::Future: Send,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind(address)).ok()?;
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let server = set(Server::new(listener));
        let server = runtime.spawn(server.run(service, async {
            _ = stopped.await;
        }));
        Some(Self {
            address,
            stop: Some(stop),
            server: Some(server),
            runtime,
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Spawns a task that runs until the server is dropped.
    pub(crate) fn spawn(&self, future: impl Future<Output: Send> + Send + 'static) {
        self.runtime.spawn(future);
    }

    /// Runs a future on the runtime of the server.
    pub(crate) fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Starts the shutdown of the server, which then drains.
    pub(crate) fn stop(&mut self) {
        self.stop.take();
    }

    /// Waits for the server to return.
    pub(crate) fn wait_for_exit(&mut self) {
        let server = self.server.take().unwrap();
        let ended = async { within("the server to return", server).await };
        self.runtime.block_on(ended).unwrap();
    }
}
