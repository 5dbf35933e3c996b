//! Connections to an upstream: over TCP, with or without TLS, or a Unix socket.

use std::fmt;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU8;
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

use crate::origin::proxy::http2::Http2;
use crate::origin::proxy::idle::Idle;
use crate::origin::proxy::tls;
use crate::origin::proxy::tls::Net;
use crate::origin::proxy::tls::Trust;
use crate::origin::proxy::upstream::Target;
use crate::origin::proxy::upstream::Upstream;

/// Connects to one upstream. `Clone` is cheap.
#[derive(Clone)]
pub(super) struct Connector {
    way: Way,
    limits: Limits,
    http2: Option<Http2>,
}

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Connecting: looking up the name, the handshakes and all.
    pub(super) connect: Duration,
    /// The upstream takes nothing of what is written.
    pub(super) write: Duration,
}

#[derive(Clone)]
enum Way {
    Net(Box<Net>),
    Unix(Arc<Path>),
}

impl Connector {
    /// A connection on which the upstream chooses HTTP/2 goes to `http2`, and ends in [`ConnectError::IsHttp2`]; without
    /// that, there is no choice.
    pub(super) fn new(
        upstream: &Upstream,
        limits: Limits,
        trust: &Trust,
        http2: Option<&Http2>,
    ) -> Self {
        let over = match http2 {
            Some(_) => tls::over,
            None => tls::over_http1,
        };
        let way = match upstream.target() {
            Target::Unix(path) => Way::Unix(Arc::clone(path)),
            Target::Http | Target::Https => {
                let mut http = HttpConnector::new();
                http.enforce_http(false);
                http.set_nodelay(true);
                http.set_keepalive(Some(KEEP_ALIVE));
                Way::Net(Box::new(over(http, trust)))
            }
        };
        Self {
            way,
            limits,
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
        let (way, limits, http2) = (self.way.clone(), self.limits, self.http2.clone());
        Box::pin(async move {
            let connecting = async {
                Ok(match way {
                    Way::Unix(path) => {
                        let stream = UnixStream::connect(path).await;
                        Stream::new(stream.map_err(ConnectError::of)?, limits.write)
                    }
                    Way::Net(mut net) => {
                        let stream = net.call(uri).await.map_err(ConnectError::of)?;
                        let is_http2 = stream.connected().is_negotiated_h2();
                        let stream = Stream::new(TokioIo::new(stream), limits.write);
                        if is_http2 && let Some(http2) = http2 {
                            http2.begin(stream).await.map_err(ConnectError::of)?;
                            return Err(ConnectError::IsHttp2);
                        }
                        stream
                    }
                })
            };
            match timeout(limits.connect, connecting).await {
                Ok(connected) => connected,
                Err(_) => Err(ConnectError::TimedOut(limits.connect)),
            }
        })
    }
}

/// Why there is no connection.
#[derive(Debug)]
pub(super) enum ConnectError {
    TimedOut(Duration),
    /// There is one, of HTTP/2.
    IsHttp2,
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
            Self::IsHttp2 => f.write_str("it speaks HTTP/2"),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::TimedOut(_) | Self::IsHttp2 => None,
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
    exchange: Exchange,
    has_read_all: bool,
    writer: Option<Waker>,
    idle: Idle,
}

/// What an upstream has sent on a connection. `Clone` is cheap, and all clones are one.
#[derive(Debug, Clone, Default)]
pub(super) struct Exchange(Arc<AtomicU8>);

impl Exchange {
    /// What is known of the connection that a request went by.
    pub(super) fn of(connected: &Connected) -> Option<Self> {
        let mut extensions = http::Extensions::new();
        connected.get_extras(&mut extensions);
        extensions.remove()
    }

    /// True if it has sent anything since it was last sent something: of HTTP/1.1, a byte of an answer.
    pub(super) fn has_answer(&self) -> bool {
        self.0.load(Ordering::Acquire) & ANSWER != 0
    }

    /// True if it has ever sent anything: this was not the first request.
    pub(super) fn is_used(&self) -> bool {
        self.0.load(Ordering::Acquire) & USED != 0
    }

    fn was_read(&self) {
        self.0.store(ANSWER | USED, Ordering::Release);
    }

    fn was_written(&self) {
        self.0.fetch_and(!ANSWER, Ordering::Release);
    }
}

const ANSWER: u8 = 1;

const USED: u8 = 2;

trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

impl Stream {
    fn new(
        io: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        write_limit: Duration,
    ) -> TokioIo<Self> {
        TokioIo::new(Self {
            io: Box::new(io),
            exchange: Exchange::default(),
            has_read_all: false,
            writer: None,
            idle: Idle::new(Some(write_limit)),
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
        Connected::new().extra(self.exchange.clone())
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
            self.exchange.was_read();
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
        self.exchange.was_written();
        let written = Pin::new(&mut self.io).poll_write(cx, buf);
        let written = self.idle.watch(cx, written);
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
        self.exchange.was_written();
        let written = Pin::new(&mut self.io).poll_write_vectored(cx, bufs);
        let written = self.idle.watch(cx, written);
        self.read_first(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}

// Finds peers that are gone without a word, under tunnels and event streams, which may be silent for long.
const KEEP_ALIVE: Duration = Duration::from_secs(60);
