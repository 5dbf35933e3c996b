//! The byte stream of a connection to an upstream.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU8;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;
use std::time::Duration;

use hyper_util::client::legacy::connect::Connected;
use hyper_util::client::legacy::connect::Connection;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::io::ReadBuf;

use crate::origin::proxy::idle_timeout::IdleTimer;

/// A connection to an upstream that records whether bytes were received.
///
/// An upstream that closes the connection without reading the whole request may have sent a response before: a failed
/// write is reported only after everything was read.
pub(crate) struct Stream {
    io: Box<dyn Io>,
    activity: Activity,
    is_read_to_end: bool,
    failed_writer: Option<Waker>,
    idle: IdleTimer,
}

/// What an upstream has sent on a connection. `Clone` is cheap, and clones share the state.
#[derive(Debug, Clone, Default)]
pub(crate) struct Activity(Arc<AtomicU8>);

impl Activity {
    /// The activity on the connection that carried a request.
    pub(crate) fn from_connected(connected: &Connected) -> Option<Self> {
        let mut extensions = http::Extensions::new();
        connected.get_extras(&mut extensions);
        extensions.remove()
    }

    /// True if bytes were received after the last write: in HTTP/1.1, of a response.
    pub(crate) fn has_response_bytes(&self) -> bool {
        self.0.load(Ordering::Acquire) & ANSWER != 0
    }

    /// True if bytes were ever received: this was not the first request.
    pub(crate) fn is_reused(&self) -> bool {
        self.0.load(Ordering::Acquire) & USED != 0
    }

    fn record_read(&self) {
        self.0.store(ANSWER | USED, Ordering::Release);
    }

    fn record_write(&self) {
        self.0.fetch_and(!ANSWER, Ordering::Release);
    }
}

const ANSWER: u8 = 1;

const USED: u8 = 2;

trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

impl Stream {
    /// Writing fails if the upstream accepts no bytes for `write_timeout`.
    pub(crate) fn new(
        io: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        write_timeout: Duration,
    ) -> TokioIo<Self> {
        TokioIo::new(Self {
            io: Box::new(io),
            activity: Activity::default(),
            is_read_to_end: false,
            failed_writer: None,
            idle: IdleTimer::new(Some(write_timeout)),
        })
    }

    fn after_reading<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let written = match written {
            Poll::Ready(Err(error)) if !self.is_read_to_end && is_closed_by_peer(&error) => {
                self.failed_writer = Some(cx.waker().clone());
                Poll::Pending
            }
            written => written,
        };
        // A peer that is about to close the connection no longer reads.
        self.idle.check(cx, written)
    }
}

fn is_closed_by_peer(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
    )
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        Connected::new().extra(self.activity.clone())
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
            self.activity.record_read();
        } else if read.is_ready() && buf.remaining() > 0 {
            self.is_read_to_end = true;
            if let Some(writer) = self.failed_writer.take() {
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
        self.activity.record_write();
        let written = Pin::new(&mut self.io).poll_write(cx, buf);
        self.after_reading(cx, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.io).poll_flush(cx);
        self.after_reading(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.activity.record_write();
        let written = Pin::new(&mut self.io).poll_write_vectored(cx, bufs);
        self.after_reading(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}
