//! HTTP/2 to an upstream: one connection that all requests share.

use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use hyper::client::conn::http2;
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use tokio::time::Instant;

use crate::origin::proxy::request_body::RequestBody;
use crate::origin::proxy::stream::Stream;

/// The connection to an upstream that chose HTTP/2. `Clone` is cheap, and clones share the connection.
///
/// It is not in the pool of hyper's client: that keys connections by the authority of the request, which in HTTP/2 is
/// the `Host` that the client chose.
#[derive(Clone)]
pub(crate) struct Http2 {
    idle_timeout: Duration,
    connection: Arc<Mutex<Option<Connection>>>,
}

struct Connection {
    sender: SendRequest<RequestBody>,
    last_used: Instant,
}

impl Http2 {
    /// A connection that has not been used for `idle_timeout` is replaced.
    pub(crate) fn new(idle_timeout: Duration) -> Self {
        Self {
            idle_timeout,
            connection: Arc::default(),
        }
    }

    /// A handle for sending a request, if there is a connection.
    pub(crate) fn sender(&self) -> Option<SendRequest<RequestBody>> {
        let mut current = self.lock();
        let now = Instant::now();
        let connection = current
            .as_mut()
            .filter(|known| !known.sender.is_closed() && now < known.last_used + self.idle_timeout);
        if let Some(connection) = connection {
            connection.last_used = now;
            return Some(connection.sender.clone());
        }
        // The connection itself closes after the last response on it.
        *current = None;
        None
    }

    /// Drops the connection, on which nothing can be sent any more.
    pub(crate) fn clear(&self) {
        *self.lock() = None;
    }

    /// Starts HTTP/2 on this stream, and keeps the connection for the requests to come.
    pub(crate) async fn handshake(&self, stream: TokioIo<Stream>) -> Result<(), hyper::Error> {
        let handshake = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(PING_INTERVAL)
            .handshake(stream);
        let (sender, connection) = handshake.await?;
        let last_used = Instant::now();
        // The task ends after the last sender is dropped.
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "HTTP/2 connection to an upstream failed");
            }
        });
        *self.lock() = Some(Connection { sender, last_used });
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Option<Connection>> {
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Http2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http2").finish_non_exhaustive()
    }
}

const PING_INTERVAL: Duration = Duration::from_secs(25);
