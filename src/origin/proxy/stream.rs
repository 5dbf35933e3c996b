//! A stream to an upstream: one connection, and what is known of it.

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

/// A connection to an upstream, which notes whether anything came back.
///
/// An upstream that ends it with our bytes unread may have answered before: that they can't be written shows only after
/// all that it said was read.
pub(crate) struct Stream {
    io: Box<dyn Io>,
    activity: Activity,
    has_read_all: bool,
    writer: Option<Waker>,
    idle: IdleTimer,
}

/// What an upstream has sent on a connection. `Clone` is cheap, and all clones are one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Activity(Arc<AtomicU8>);

impl Activity {
    /// What is known of the connection that a request went by.
    pub(crate) fn of(connected: &Connected) -> Option<Self> {
        let mut extensions = http::Extensions::new();
        connected.get_extras(&mut extensions);
        extensions.remove()
    }

    /// True if it has sent anything since it was last sent something: of HTTP/1.1, a byte of an answer.
    pub(crate) fn has_response_bytes(&self) -> bool {
        self.0.load(Ordering::Acquire) & ANSWER != 0
    }

    /// True if it has ever sent anything: this was not the first request.
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
    /// Ends in an error if nothing of what is written is taken for as long as `write_limit`.
    pub(crate) fn new(
        io: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        write_limit: Duration,
    ) -> TokioIo<Self> {
        TokioIo::new(Self {
            io: Box::new(io),
            activity: Activity::default(),
            has_read_all: false,
            writer: None,
            idle: IdleTimer::new(Some(write_limit)),
        })
    }

    fn when_read<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let written = match written {
            Poll::Ready(Err(error)) if !self.has_read_all && is_cut(&error) => {
                self.writer = Some(cx.waker().clone());
                Poll::Pending
            }
            written => written,
        };
        // Who is about to close it does not read any more.
        self.idle.watch(cx, written)
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
        self.activity.record_write();
        let written = Pin::new(&mut self.io).poll_write(cx, buf);
        self.when_read(cx, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.io).poll_flush(cx);
        self.when_read(cx, flushed)
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
        self.when_read(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}
