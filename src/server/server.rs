//! The server of a listener.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::Response;
use http_body::Body;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use socket2::SockRef;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tower_service::Service;

use crate::server::connection;
use crate::server::connection::HttpConnections;
use crate::server::connection::Protocols;
use crate::server::host_check::HostCheck;

/// Serves a service on a listener, until it is told to stop.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    drain: Duration,
    head_timeout: Duration,
    protocols: Protocols,
}

impl Server {
    /// A server on a bound listener, with [`DEFAULT_DRAIN`] and [`DEFAULT_HEAD_TIMEOUT`], which speaks HTTP/1.1.
    pub fn new(listener: TcpListener) -> Self {
        Self {
            listener,
            drain: DEFAULT_DRAIN,
            head_timeout: DEFAULT_HEAD_TIMEOUT,
            protocols: Protocols::Http1,
        }
    }

    /// How long connections may take to finish what they are at, once the server is told to stop.
    pub fn drain(mut self, drain: Duration) -> Self {
        self.drain = drain;
        self
    }

    /// How long a client may take to send the head of a request, and how long a connection may be idle.
    pub fn head_timeout(mut self, timeout: Duration) -> Self {
        self.head_timeout = timeout;
        self
    }

    /// Speaks HTTP/2 as well, with clients that know it beforehand (RFC 9113, section 3.3): proxies and load
    /// balancers. Browsers speak it over TLS alone.
    pub fn http2(mut self) -> Self {
        self.protocols = Protocols::Both;
        self
    }

    /// Serves until `stop` is ready; then accepts no more, lets the answers that are on their way finish, and
    /// returns. What is not finished in time is cut off.
    ///
    /// Event streams never finish by themselves: [`Site::close`](crate::Site::close) ends them. What a connection was
    /// upgraded to is not the server's any more: [`Proxy::close`](crate::Proxy::close) ends tunnels.
    pub async fn run<S, B>(self, service: S, stop: impl Future<Output = ()>)
    where
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>
            + Clone
            + Send
            + 'static,
        S::Future: Send,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let connections = HttpConnections::new(self.protocols, self.head_timeout);
        let stopping = CancellationToken::new();
        // Dropped at the end, and with it whatever did not finish.
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
            let service = HostCheck::new(service.clone(), peer);
            let stopping = stopping.clone();
            match self.protocols {
                Protocols::Http1 => {
                    let connection = connections.http1(TokioIo::new(stream), service);
                    tasks.spawn(connection::until_closed(connection, stopping))
                }
                Protocols::Both => {
                    tasks.spawn(connections.clone().serve_any(stream, service, stopping))
                }
            };
        }
        drop(self.listener);
        stopping.cancel();
        let finished = async { while tasks.join_next().await.is_some() {} };
        if timeout(self.drain, finished).await.is_err() {
            let open = tasks.len();
            tracing::warn!(open, "some connections did not finish in time");
        }
    }
}

/// Errors of a connection that was gone before it was accepted; all others are ours, such as too many open files.
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

/// Ends a connection whose peer has not taken anything for a minute, as after a power cut: with the heartbeat that
/// also ends event streams to nobody.
#[cfg(target_os = "linux")]
fn set_peer_timeout(socket: &SockRef<'_>) -> io::Result<()> {
    socket.set_tcp_user_timeout(Some(PEER_TIMEOUT))
}

/// Other systems have keep-alive probes for it.
#[cfg(not(target_os = "linux"))]
fn set_peer_timeout(socket: &SockRef<'_>) -> io::Result<()> {
    socket.set_tcp_keepalive(&socket2::TcpKeepalive::new().with_time(PEER_TIMEOUT))
}

/// How long connections may take to finish, unless set.
pub const DEFAULT_DRAIN: Duration = Duration::from_secs(10);

/// How long the head of a request may take, and a connection be idle, unless set: as long as nginx lets it.
pub const DEFAULT_HEAD_TIMEOUT: Duration = Duration::from_secs(60);

const PEER_TIMEOUT: Duration = Duration::from_secs(60);

// Too many open files: some will be closed by then.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
