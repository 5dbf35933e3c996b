//! The server: accepts connections, and drains them when it shuts down.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::Response;
use http_body::Body;
use hyper::body::Incoming;
use socket2::SockRef;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tower_layer::Layer as _;
use tower_service::Service;

use crate::error::BoxError;
use crate::http::context::ConnectInfo;
use crate::server::connection::HttpConnections;
use crate::server::connection::Protocols;
use crate::server::connection_service::ConnectionService;
use crate::server::host_check::HostCheckLayer;

/// Serves a tower service on a listener until it shuts down.
///
/// ```no_run
/// use tidings::{Server, Shutdown, Site, StaticFiles};
/// use tokio::net::TcpListener;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let site = Site::new();
/// let shutdown = Shutdown::new().site(site.clone());
/// let listener = TcpListener::bind("127.0.0.1:8080").await?;
/// Server::new(listener)
///     .run(StaticFiles::new(site), shutdown.started())
///     .await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    drain: Duration,
    head_timeout: Duration,
    protocols: Protocols,
}

impl Server {
    /// A server for HTTP/1.1 on a bound listener, with [`DEFAULT_DRAIN`] and [`DEFAULT_HEAD_TIMEOUT`].
    pub fn new(listener: TcpListener) -> Self {
        Self {
            listener,
            drain: DEFAULT_DRAIN,
            head_timeout: DEFAULT_HEAD_TIMEOUT,
            protocols: Protocols::Http1,
        }
    }

    /// The time limit for the responses in progress when the server shuts down.
    pub fn drain(mut self, drain: Duration) -> Self {
        self.drain = drain;
        self
    }

    /// The time limit for the header section of a request, and for an idle connection.
    pub fn head_timeout(mut self, timeout: Duration) -> Self {
        self.head_timeout = timeout;
        self
    }

    /// Serves HTTP/2 as well, to clients with prior knowledge (RFC 9113, section 3.3) such as proxies and load balancers.
    /// Browsers use it over TLS only.
    pub fn http2(mut self) -> Self {
        self.protocols = Protocols::Both;
        self
    }

    /// Serves until `stop` is ready; then closes the listener, finishes the responses in progress, and returns. After the
    /// [`drain`](Self::drain) limit, connections that are still open are closed.
    ///
    /// A request without exactly one `Host` gets 400 (RFC 9112, section 3.2).
    ///
    /// Event streams and tunnels do not end by themselves: [`Shutdown`](crate::Shutdown) ends them first.
    pub async fn run<S, B>(self, service: S, stop: impl Future<Output = ()>)
    where
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>
            + Clone
            + Send
            + 'static,
        S::Future: Send,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        self.run_unchecked(HostCheckLayer.layer(service), stop)
            .await;
    }

    /// [`run`](Self::run) for a service that checks `Host` itself.
    pub(crate) async fn run_unchecked<S, B>(self, service: S, stop: impl Future<Output = ()>)
    where
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>
            + Clone
            + Send
            + 'static,
        S::Future: Send,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let connections = HttpConnections::new(self.protocols, self.head_timeout);
        let shutdown = CancellationToken::new();
        // Dropping it aborts what is left.
        let mut tasks = JoinSet::new();
        let mut stop = std::pin::pin!(stop);
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                Some(_) = tasks.join_next() => continue,
                () = &mut stop => break,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    if !is_connection_error(&error) {
                        tracing::warn!(%error, "can't accept connections");
                        sleep(ACCEPT_PAUSE).await;
                    }
                    continue;
                }
            };
            set_socket_options(&stream);
            let service = ConnectionService::new(service.clone(), ConnectInfo::new(peer));
            let shutdown = shutdown.clone();
            match self.protocols {
                Protocols::Http1 => tasks.spawn(connections.serve_http1(stream, service, shutdown)),
                Protocols::Both => {
                    tasks.spawn(connections.clone().serve_any(stream, service, shutdown))
                }
            };
        }
        drop(self.listener);
        shutdown.cancel();
        let finished = async { while tasks.join_next().await.is_some() {} };
        if timeout(self.drain, finished).await.is_err() {
            let open = tasks.len();
            tracing::warn!(open, "some connections did not finish in time");
        }
    }
}

/// True for a connection that was closed before it was accepted. All other errors are ours, such as too many open files.
fn is_connection_error(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

fn set_socket_options(stream: &TcpStream) {
    // An event is a small packet that must not wait for the next.
    let nodelay = stream.set_nodelay(true);
    let socket = SockRef::from(stream);
    let peer_timeout = set_peer_timeout(&socket);
    if let Err(error) = nodelay.and(peer_timeout) {
        tracing::debug!(%error, "can't set socket options");
    }
}

/// Closes a connection whose peer has acknowledged nothing for a minute, as after a power cut. Because of the heartbeat
/// this applies to event streams as well.
#[cfg(target_os = "linux")]
fn set_peer_timeout(socket: &SockRef<'_>) -> io::Result<()> {
    socket.set_tcp_user_timeout(Some(PEER_TIMEOUT))
}

/// Other systems have keep-alive probes for that.
#[cfg(not(target_os = "linux"))]
fn set_peer_timeout(socket: &SockRef<'_>) -> io::Result<()> {
    socket.set_tcp_keepalive(&socket2::TcpKeepalive::new().with_time(PEER_TIMEOUT))
}

/// The default time limit for the responses in progress when a server shuts down.
pub const DEFAULT_DRAIN: Duration = Duration::from_secs(10);

/// The default time limit for the header section of a request, and for an idle connection: that of nginx.
pub const DEFAULT_HEAD_TIMEOUT: Duration = Duration::from_secs(60);

const PEER_TIMEOUT: Duration = Duration::from_secs(60);

// After "too many open files": some are closed by then.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
