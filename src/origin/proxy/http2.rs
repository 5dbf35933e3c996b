//! HTTP/2 to an upstream: one connection, which all requests share.

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

/// The connection to an upstream that has chosen to speak HTTP/2. `Clone` is cheap, and all clones are one.
///
/// A pool would keep connections by the name that is in the request, which is the visitor's choice; and here it stands in
/// `:authority`.
#[derive(Clone)]
pub(crate) struct Http2 {
    idle: Duration,
    connection: Arc<Mutex<Option<Connection>>>,
}

struct Connection {
    sender: SendRequest<RequestBody>,
    used: Instant,
}

impl Http2 {
    /// Requests have a new connection when the old one has not been used for as long as `idle`.
    pub(crate) fn new(idle: Duration) -> Self {
        Self {
            idle,
            connection: Arc::default(),
        }
    }

    /// What a request can be sent by, if there is a connection.
    pub(crate) fn sender(&self) -> Option<SendRequest<RequestBody>> {
        let mut current = self.lock();
        let now = Instant::now();
        let connection = current
            .as_mut()
            .filter(|known| !known.sender.is_closed() && now < known.used + self.idle);
        if let Some(connection) = connection {
            connection.used = now;
            return Some(connection.sender.clone());
        }
        // Ends when the last answer on it has.
        *current = None;
        None
    }

    /// Nothing can be sent by it any more.
    pub(crate) fn clear(&self) {
        *self.lock() = None;
    }

    /// Speaks HTTP/2 on a new connection.
    pub(crate) async fn handshake(&self, stream: TokioIo<Stream>) -> Result<(), hyper::Error> {
        let handshake = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(PING_INTERVAL)
            .handshake(stream);
        let (sender, connection) = handshake.await?;
        let used = Instant::now();
        // It ends with the last of its senders.
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection to an upstream ended");
            }
        });
        *self.lock() = Some(Connection { sender, used });
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
