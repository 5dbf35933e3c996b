//! Connections to an upstream: over TCP, with or without TLS, or a Unix socket.

use std::fmt;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;
use std::time::Duration;

use http::Uri;
use hyper_util::client::legacy::connect::Connected;
use hyper_util::client::legacy::connect::Connection;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::io::ReadBuf;
use tokio::net::UnixStream;
use tokio::time::timeout;
use tower_service::Service;

use crate::origin::proxy::tls;
use crate::origin::proxy::tls::Net;
use crate::origin::proxy::tls::Trust;
use crate::origin::proxy::upstream::Target;
use crate::origin::proxy::upstream::Upstream;

/// Connects to one upstream. `Clone` is cheap.
#[derive(Clone)]
pub(super) struct Connector {
    way: Way,
    limit: Duration,
}

#[derive(Clone)]
enum Way {
    Net(Box<Net>),
    Unix(Arc<Path>),
}

impl Connector {
    /// Connects within `limit`: looking up the name, the handshakes and all.
    pub(super) fn new(upstream: &Upstream, limit: Duration, trust: &Trust) -> Self {
        let way = match upstream.target() {
            Target::Unix(path) => Way::Unix(Arc::clone(path)),
            Target::Http | Target::Https => {
                let mut http = HttpConnector::new();
                http.enforce_http(false);
                http.set_nodelay(true);
                http.set_keepalive(Some(KEEP_ALIVE));
                Way::Net(Box::new(tls::over(http, trust)))
            }
        };
        Self { way, limit }
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
        let (way, limit) = (self.way.clone(), self.limit);
        Box::pin(async move {
            let connecting = async {
                Ok(match way {
                    Way::Unix(path) => {
                        let stream = UnixStream::connect(path).await;
                        Stream::new(stream.map_err(ConnectError::of)?, false)
                    }
                    Way::Net(mut net) => {
                        let stream = net.call(uri).await.map_err(ConnectError::of)?;
                        let is_http2 = stream.connected().is_negotiated_h2();
                        Stream::new(TokioIo::new(stream), is_http2)
                    }
                })
            };
            match timeout(limit, connecting).await {
                Ok(connected) => connected,
                Err(_) => Err(ConnectError::TimedOut(limit)),
            }
        })
    }
}

/// Why there is no connection.
#[derive(Debug)]
pub(super) enum ConnectError {
    TimedOut(Duration),
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
            Self::Failed(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::TimedOut(_) => None,
            Self::Failed(error) => error.source(),
        }
    }
}

/// A connection to an upstream, which notes whether anything came back.
///
/// An upstream that ends it with our bytes unread may have answered before: that they can't be written shows only after
/// all that it said was read.
pub(super) struct Stream {
    io: Box<dyn Io>,
    is_http2: bool,
    exchange: Exchange,
    has_read_all: bool,
    writer: Option<Waker>,
}

/// Whether an upstream has sent anything since it was last sent something: of HTTP/1.1, a byte of an answer. `Clone` is
/// cheap, and all clones are one.
#[derive(Debug, Clone, Default)]
pub(super) struct Exchange(Arc<AtomicBool>);

impl Exchange {
    pub(super) fn has_answer(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

impl Stream {
    fn new(
        io: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        is_http2: bool,
    ) -> TokioIo<Self> {
        TokioIo::new(Self {
            io: Box::new(io),
            is_http2,
            exchange: Exchange::default(),
            has_read_all: false,
            writer: None,
        })
    }

    fn read_first<T>(
        &mut self,
        cx: &Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        match written {
            Poll::Ready(Err(error)) if !self.has_read_all && is_cut(&error) => {
                self.writer = Some(cx.waker().clone());
                Poll::Pending
            }
            written => written,
        }
    }
}

fn is_cut(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
    )
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        let connected = Connected::new().extra(self.exchange.clone());
        if self.is_http2 {
            connected.negotiated_h2()
        } else {
            connected
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.io).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.exchange.0.store(true, Ordering::Release);
        } else if read.is_ready() && buf.remaining() > 0 {
            self.has_read_all = true;
            if let Some(writer) = self.writer.take() {
                writer.wake();
            }
        }
        read
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.exchange.0.store(false, Ordering::Release);
        let written = Pin::new(&mut self.io).poll_write(cx, buf);
        self.read_first(cx, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.io).poll_flush(cx);
        self.read_first(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.exchange.0.store(false, Ordering::Release);
        let written = Pin::new(&mut self.io).poll_write_vectored(cx, bufs);
        self.read_first(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}

// Finds peers that are gone without a word, under tunnels and event streams, which may be silent for long.
const KEEP_ALIVE: Duration = Duration::from_secs(60);
