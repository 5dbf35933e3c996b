//! Speaking: one connection, in the protocol that its client chose.

use std::convert::Infallible;
use std::error::Error as StdError;
use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::Response;
use http_body::Body;
use hyper::body::Incoming;
use hyper::rt::Read;
use hyper::rt::Write;
use hyper::rt::bounds::Http2ServerConnExec;
use hyper::server::conn::http1;
use hyper::server::conn::http2;
use hyper::service::HttpService;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tower_service::Service;

use crate::server::host_check::HostCheck;
use crate::server::preface;

/// Serves connections. `Clone` is cheap.
#[derive(Debug, Clone)]
pub(crate) struct HttpConnections {
    http1: http1::Builder,
    http2: http2::Builder<TokioExecutor>,
    head_timeout: Duration,
}

/// The protocols of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocols {
    Http1,
    /// HTTP/2 as well, for clients that begin with its preface.
    Both,
}

impl HttpConnections {
    pub(crate) fn new(protocols: Protocols, head_timeout: Duration) -> Self {
        let mut http1 = http1::Builder::new();
        // Without a timer the time for the head would not be limited at all.
        http1
            .timer(TokioTimer::new())
            .max_buf_size(MAX_BUFFER)
            .header_read_timeout(head_timeout);
        let mut http2 = http2::Builder::new(TokioExecutor::new());
        if protocols == Protocols::Both {
            // It has no time limit of its own for a peer that is gone.
            http2
                .timer(TokioTimer::new())
                .keep_alive_interval(PING_INTERVAL)
                .keep_alive_timeout(PING_TIMEOUT);
        }
        Self {
            http1,
            http2,
            head_timeout,
        }
    }

    pub(crate) fn http1<S, B, I>(
        &self,
        io: TokioIo<I>,
        service: HostCheck<S>,
    ) -> http1::UpgradeableConnection<TokioIo<I>, HostCheck<S>>
    where
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone,
        B: Body<Data = Bytes> + 'static,
        B::Error: Into<Box<dyn StdError + Send + Sync>>,
        I: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        self.http1.serve_connection(io, service).with_upgrades()
    }

    /// Finds out which protocol the client speaks, and speaks it.
    pub(crate) async fn serve_any<S, B>(
        self,
        stream: TcpStream,
        service: HostCheck<S>,
        stopping: CancellationToken,
    ) where
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>
            + Clone
            + Send
            + 'static,
        S::Future: Send,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn StdError + Send + Sync>>,
    {
        let detected = tokio::select! {
            detected = timeout(self.head_timeout, preface::read(stream)) => detected,
            () = stopping.cancelled() => return,
        };
        let (io, is_http2) = match detected {
            Ok(Ok(detected)) => detected,
            Ok(Err(error)) => return tracing::debug!(%error, "connection ended"),
            Err(_) => return tracing::debug!("a client did not say anything in time"),
        };
        let io = TokioIo::new(io);
        if is_http2 {
            until_closed(self.http2.serve_connection(io, service), stopping).await;
        } else {
            until_closed(self.http1(io, service), stopping).await;
        }
    }
}

/// Waits for the end of a connection, which is nobody's fault. Once the server stops it comes after the answers that
/// are on their way.
pub(crate) async fn until_closed<C, E>(connection: C, stopping: CancellationToken)
where
    C: Graceful + Future<Output = Result<(), E>>,
    E: fmt::Display,
{
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopping.cancelled() => {
            connection.as_mut().shut_down();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended");
    }
}

/// A connection that can be told to begin nothing new.
pub(crate) trait Graceful {
    fn shut_down(self: Pin<&mut Self>);
}

impl<I, S, B> Graceful for http1::UpgradeableConnection<I, S>
where
    S: HttpService<Incoming, ResBody = B>,
    S::Error: Into<Box<dyn StdError + Send + Sync>>,
    B: Body + 'static,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
    I: Read + Write + Unpin + Send + 'static,
{
    fn shut_down(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

impl<I, S, B, E> Graceful for http2::Connection<I, S, E>
where
    S: HttpService<Incoming, ResBody = B>,
    S::Error: Into<Box<dyn StdError + Send + Sync>>,
    B: Body + 'static,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
    I: Read + Write + Unpin,
    E: Http2ServerConnExec<S::Future, B>,
{
    fn shut_down(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

// The head of a request has to fit: twice what nginx takes. A client that takes nothing costs not much more.
const MAX_BUFFER: usize = 64 * 1024;

// As often as an event stream has a heartbeat: proxies between count that as life, too.
const PING_INTERVAL: Duration = Duration::from_secs(25);

const PING_TIMEOUT: Duration = Duration::from_secs(20);
