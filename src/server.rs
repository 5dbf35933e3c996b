//! The server: accepts connections, speaks HTTP/1.1 on them, and drains them when it is told to stop.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
use http::Request;
use http::Response;
use http::StatusCode;
use http::Version;
use http::header;
use http_body::Body;
use http_body_util::Either;
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use hyper_util::service::TowerToHyperServiceFuture;
use pin_project_lite::pin_project;
use socket2::SockRef;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio::time::timeout;
use tower_service::Service;

/// Serves a service on a listener, until it is told to stop.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    drain: Duration,
    head_timeout: Duration,
}

impl Server {
    /// A server on a bound listener, with [`DEFAULT_DRAIN`] and [`DEFAULT_HEAD_TIMEOUT`].
    pub fn new(listener: TcpListener) -> Self {
        Self {
            listener,
            drain: DEFAULT_DRAIN,
            head_timeout: DEFAULT_HEAD_TIMEOUT,
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

    /// Serves until `stop` is ready; then accepts no more, lets the answers that are on their way finish, and
    /// returns. What is not finished in time is cut off.
    ///
    /// Event streams never finish by themselves: [`Site::close`](crate::Site::close) ends them.
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
        let mut http = http1::Builder::new();
        // Without a timer the time for the head would not be limited at all.
        http.timer(TokioTimer::new())
            .header_read_timeout(self.head_timeout);
        let connections = GracefulShutdown::new();
        // Dropped at the end, and with it whatever did not finish.
        let mut tasks = JoinSet::new();
        let mut stop = std::pin::pin!(stop);
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                Some(_) = tasks.join_next() => continue,
                () = &mut stop => break,
            };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    if !is_of_one_connection(&error) {
                        tracing::warn!(%error, "can't accept connections");
                        sleep(ACCEPT_PAUSE).await;
                    }
                    continue;
                }
            };
            set_options(&stream);
            let service = OneHost(TowerToHyperService::new(service.clone()));
            let connection = http.serve_connection(TokioIo::new(stream), service);
            let connection = connections.watch(connection);
            tasks.spawn(async move {
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "connection ended");
                }
            });
        }
        drop(self.listener);
        let open = connections.count();
        if timeout(self.drain, connections.shutdown()).await.is_err() {
            tracing::warn!(open, "some connections did not finish in time");
        }
    }
}

/// Refuses what does not name exactly one host, as RFC 9112, section 3.2, demands of a server.
struct OneHost<S>(TowerToHyperService<S>);

impl<S, B> hyper::service::Service<Request<Incoming>> for OneHost<S>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone,
{
    type Response = Response<Either<B, Empty<Bytes>>>;
    type Error = Infallible;
    type Future = Answering<TowerToHyperServiceFuture<S, Request<Incoming>>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let mut hosts = request.headers().get_all(header::HOST).iter();
        let (first, second) = (hosts.next(), hosts.next());
        let is_old = request.version() < Version::HTTP_11;
        if second.is_some() || (first.is_none() && !is_old) {
            return Answering::Refusing;
        }
        Answering::Asking {
            future: self.0.call(request),
        }
    }
}

pin_project! {
    #[project = AnsweringProjection]
    enum Answering<F> {
        Refusing,
        Asking { #[pin] future: F },
    }
}

impl<F, B> Future for Answering<F>
where
    F: Future<Output = Result<Response<B>, Infallible>>,
{
    type Output = Result<Response<Either<B, Empty<Bytes>>>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            AnsweringProjection::Refusing => {
                let mut refusal = Response::new(Either::Right(Empty::new()));
                *refusal.status_mut() = StatusCode::BAD_REQUEST;
                let close = HeaderValue::from_static("close");
                refusal.headers_mut().insert(header::CONNECTION, close);
                Poll::Ready(Ok(refusal))
            }
            AnsweringProjection::Asking { future } => future
                .poll(cx)
                .map_ok(|response| response.map(Either::Left)),
        }
    }
}

/// Errors of a connection that was gone before it was accepted; all others are ours, such as too many open files.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

fn set_options(stream: &TcpStream) {
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
