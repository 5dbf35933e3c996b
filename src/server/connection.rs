//! Connections: HTTP/1.1, and HTTP/2 where it is enabled, over any transport.

use std::convert::Infallible;
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
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tower_service::Service;

use crate::error::BoxError;
use crate::server::connection_service::ConnectionService;
use crate::server::protocol_detection;

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
        // Without a timer the time for the header section would not be limited at all.
        http1
            .timer(TokioTimer::new())
            .max_buf_size(MAX_BUFFER)
            .header_read_timeout(head_timeout);
        let mut http2 = http2::Builder::new(TokioExecutor::new());
        if protocols == Protocols::Both {
            // It has no time limit of its own for a client that is gone.
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

    /// Serves HTTP/1.1 until the connection is closed; after `shutdown`, until the responses in progress are sent.
    // Not `async`: the task of a connection would be larger by the arguments.
    pub(crate) fn serve_http1<S, B, I>(
        &self,
        io: I,
        service: ConnectionService<S>,
        shutdown: CancellationToken,
    ) -> impl Future<Output = ()> + use<S, B, I>
    where
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone,
        B: Body<Data = Bytes> + 'static,
        B::Error: Into<BoxError>,
        I: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let connection = self.http1.serve_connection(TokioIo::new(io), service);
        until_closed(connection.with_upgrades(), shutdown)
    }

    /// Serves the protocol that the first bytes are of, as [`serve_http1`](Self::serve_http1) does.
    pub(crate) async fn serve_any<S, B, I>(
        self,
        io: I,
        service: ConnectionService<S>,
        shutdown: CancellationToken,
    ) where
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>
            + Clone
            + Send
            + 'static,
        S::Future: Send,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
        I: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let detected = tokio::select! {
            detected = timeout(self.head_timeout, protocol_detection::detect_http2(io)) => detected,
            () = shutdown.cancelled() => return,
        };
        let (io, is_http2) = match detected {
            Ok(Ok(detected)) => detected,
            Ok(Err(error)) => return tracing::debug!(%error, "connection ended"),
            Err(_) => return tracing::debug!("timeout before the first bytes of a connection"),
        };
        if is_http2 {
            let connection = self.http2.serve_connection(TokioIo::new(io), service);
            until_closed(connection, shutdown).await;
        } else {
            self.serve_http1(io, service, shutdown).await;
        }
    }
}

async fn until_closed<C, E>(connection: C, shutdown: CancellationToken)
where
    C: Graceful + Future<Output = Result<(), E>>,
    E: fmt::Display,
{
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.cancelled() => {
            connection.as_mut().shut_down();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended");
    }
}

/// A connection with a graceful shutdown: it accepts no new requests, and ends after the responses in progress.
trait Graceful {
    fn shut_down(self: Pin<&mut Self>);
}

impl<I, S, B> Graceful for http1::UpgradeableConnection<I, S>
where
    S: HttpService<Incoming, ResBody = B>,
    S::Error: Into<BoxError>,
    B: Body + 'static,
    B::Error: Into<BoxError>,
    I: Read + Write + Unpin + Send + 'static,
{
    fn shut_down(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

impl<I, S, B, E> Graceful for http2::Connection<I, S, E>
where
    S: HttpService<Incoming, ResBody = B>,
    S::Error: Into<BoxError>,
    B: Body + 'static,
    B::Error: Into<BoxError>,
    I: Read + Write + Unpin,
    E: Http2ServerConnExec<S::Future, B>,
{
    fn shut_down(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

// The header section of a request has to fit: twice what nginx accepts. A client that reads nothing costs not much more.
const MAX_BUFFER: usize = 64 * 1024;

// As often as the heartbeat of an event stream: proxies in between count both as activity.
const PING_INTERVAL: Duration = Duration::from_secs(25);

const PING_TIMEOUT: Duration = Duration::from_secs(20);
