//! Connections to an upstream: TCP, TLS over TCP, or a Unix socket.

use std::fmt;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use http::Uri;
use hyper_util::client::legacy::connect::Connection;
use hyper_util::client::legacy::connect::HttpConnector as TcpConnector;
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tokio::time::timeout;
use tower_service::Service;

use crate::http::client_tls;
use crate::http::client_tls::HttpConnector;
use crate::http::client_tls::RootStore;
use crate::origin::proxy::http2::Http2;
use crate::origin::proxy::stream::Stream;
use crate::origin::proxy::upstream::Transport;
use crate::origin::proxy::upstream::Upstream;

/// Connects to one upstream. `Clone` is cheap.
#[derive(Clone)]
pub(crate) struct Connector {
    socket: Socket,
    timeouts: Timeouts,
    http2: Option<Http2>,
}

/// The time limits of a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timeouts {
    /// For connecting, with name resolution and handshakes.
    pub(crate) connect: Duration,
    /// For the upstream to accept some of the bytes that are written.
    pub(crate) write: Duration,
}

#[derive(Clone)]
enum Socket {
    Tcp(Box<HttpConnector>),
    Unix(Arc<Path>),
}

impl Connector {
    /// With `http2`, TLS offers HTTP/2: a connection for which the upstream chooses it is kept there, and the connect fails
    /// with [`ConnectError::Http2Negotiated`].
    pub(crate) fn new(
        upstream: &Upstream,
        timeouts: Timeouts,
        roots: &RootStore,
        http2: Option<&Http2>,
    ) -> Self {
        let connector = match http2 {
            Some(_) => client_tls::connector,
            None => client_tls::http1_connector,
        };
        let socket = match upstream.transport() {
            Transport::Unix(path) => Socket::Unix(Arc::clone(path)),
            Transport::Http | Transport::Https => {
                let mut tcp = TcpConnector::new();
                tcp.enforce_http(false);
                tcp.set_nodelay(true);
                tcp.set_keepalive(Some(TCP_KEEPALIVE));
                Socket::Tcp(Box::new(connector(tcp, roots)))
            }
        };
        Self {
            socket,
            timeouts,
            http2: http2.cloned(),
        }
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Stream>;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<TokioIo<Stream>, ConnectError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let (socket, timeouts, http2) = (self.socket.clone(), self.timeouts, self.http2.clone());
        Box::pin(async move {
            let connecting = async {
                Ok(match socket {
                    Socket::Unix(path) => {
                        let stream = UnixStream::connect(path).await;
                        Stream::new(stream.map_err(ConnectError::from_source)?, timeouts.write)
                    }
                    Socket::Tcp(mut tcp) => {
                        let stream = tcp.call(uri).await.map_err(ConnectError::from_source)?;
                        let is_http2 = stream.connected().is_negotiated_h2();
                        let stream = Stream::new(TokioIo::new(stream), timeouts.write);
                        if is_http2 && let Some(http2) = http2 {
                            http2
                                .handshake(stream)
                                .await
                                .map_err(ConnectError::from_source)?;
                            return Err(ConnectError::Http2Negotiated);
                        }
                        stream
                    }
                })
            };
            match timeout(timeouts.connect, connecting).await {
                Ok(connected) => connected,
                Err(_) => Err(ConnectError::TimedOut(timeouts.connect)),
            }
        })
    }
}

/// Why a connect failed.
#[derive(Debug)]
pub(crate) enum ConnectError {
    TimedOut(Duration),
    /// There is a connection, but with HTTP/2.
    Http2Negotiated,
    Failed(Box<dyn std::error::Error + Send + Sync>),
}

impl ConnectError {
    fn from_source(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Failed(error.into())
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut(limit) => write!(f, "no connection within {limit:?}"),
            Self::Http2Negotiated => f.write_str("HTTP/2 was negotiated"),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::TimedOut(_) | Self::Http2Negotiated => None,
            Self::Failed(error) => error.source(),
        }
    }
}

// Detects dead peers of tunnels and event streams, which have no idle timeout.
const TCP_KEEPALIVE: Duration = Duration::from_secs(60);
