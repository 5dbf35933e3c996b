//! Connections to an upstream: over TCP, with or without TLS, or a Unix socket.

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
    way: Socket,
    timeouts: Timeouts,
    http2: Option<Http2>,
}

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timeouts {
    /// Connecting: looking up the name, the handshakes and all.
    pub(crate) connect: Duration,
    /// The upstream takes nothing of what is written.
    pub(crate) write: Duration,
}

#[derive(Clone)]
enum Socket {
    Net(Box<HttpConnector>),
    Unix(Arc<Path>),
}

impl Connector {
    /// A connection on which the upstream chooses HTTP/2 goes to `http2`, and ends in [`ConnectError::Http2Negotiated`]; without
    /// that, there is no choice.
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
        let way = match upstream.transport() {
            Transport::Unix(path) => Socket::Unix(Arc::clone(path)),
            Transport::Http | Transport::Https => {
                let mut tcp = TcpConnector::new();
                tcp.enforce_http(false);
                tcp.set_nodelay(true);
                tcp.set_keepalive(Some(TCP_KEEPALIVE));
                Socket::Net(Box::new(connector(tcp, roots)))
            }
        };
        Self {
            way,
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
        let (way, timeouts, http2) = (self.way.clone(), self.timeouts, self.http2.clone());
        Box::pin(async move {
            let connecting = async {
                Ok(match way {
                    Socket::Unix(path) => {
                        let stream = UnixStream::connect(path).await;
                        Stream::new(stream.map_err(ConnectError::of)?, timeouts.write)
                    }
                    Socket::Net(mut net) => {
                        let stream = net.call(uri).await.map_err(ConnectError::of)?;
                        let is_http2 = stream.connected().is_negotiated_h2();
                        let stream = Stream::new(TokioIo::new(stream), timeouts.write);
                        if is_http2 && let Some(http2) = http2 {
                            http2.handshake(stream).await.map_err(ConnectError::of)?;
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

/// Why there is no connection.
#[derive(Debug)]
pub(crate) enum ConnectError {
    TimedOut(Duration),
    /// There is one, of HTTP/2.
    Http2Negotiated,
    Failed(Box<dyn std::error::Error + Send + Sync>),
}

impl ConnectError {
    fn of(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Failed(error.into())
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut(limit) => write!(f, "no connection within {limit:?}"),
            Self::Http2Negotiated => f.write_str("it speaks HTTP/2"),
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

// Finds peers that are gone without a word, under tunnels and event streams, which may be silent for long.
const TCP_KEEPALIVE: Duration = Duration::from_secs(60);
