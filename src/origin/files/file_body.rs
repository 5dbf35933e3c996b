//! Response bodies of assets: bytes in memory, or out of a file that a release keeps open.

use std::io;
use std::ops::RangeInclusive;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use bytes::Bytes;
use http_body::Frame;
use http_body::SizeHint;
use tokio::task::JoinHandle;

use crate::http::body::Body;
use crate::release::Content;
use crate::release::OpenFile;

/// All bytes of an asset.
pub(crate) fn whole(content: &Content) -> Body {
    match content {
        Content::Memory(bytes) => Body::full(bytes.clone()),
        Content::File(file) => Body::new(FileBody::new(file, 0, content.len())),
    }
}

/// The bytes in `range`, which lies within the content.
pub(crate) fn part(content: &Content, range: &RangeInclusive<u64>) -> Body {
    let length = (range.end() - range.start())
        .saturating_add(1)
        .min(content.len());
    match content {
        Content::Memory(bytes) => {
            let at = |n: u64| usize::try_from(n).unwrap_or(usize::MAX).min(bytes.len());
            let start = at(*range.start());
            let end = at(range.start().saturating_add(length));
            Body::full(bytes.slice(start..end.max(start)))
        }
        Content::File(file) => Body::new(FileBody::new(file, *range.start(), length)),
    }
}

/// Bytes out of a file that a release keeps open, read as they are sent.
struct FileBody {
    file: Arc<OpenFile>,
    /// Offset of the next byte.
    next: u64,
    /// Bytes that are still to be sent.
    left: u64,
    reading: Option<JoinHandle<io::Result<Bytes>>>,
}

impl FileBody {
    fn new(file: &Arc<OpenFile>, next: u64, left: u64) -> Self {
        Self {
            file: Arc::clone(file),
            next,
            left,
            reading: None,
        }
    }
}

impl http_body::Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        if this.left == 0 {
            return Poll::Ready(None);
        }
        let task = this.reading.get_or_insert_with(|| {
            let (file, offset) = (Arc::clone(&this.file), this.next);
            let length = usize::try_from(this.left.min(CHUNK)).unwrap_or(usize::MAX);
            tokio::task::spawn_blocking(move || file.read(offset, length))
        });
        let read = ready!(Pin::new(task).poll(cx)).map_err(io::Error::other);
        this.reading = None;
        match read.flatten() {
            Ok(bytes) => {
                this.next += bytes.len() as u64;
                this.left -= bytes.len() as u64;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Err(error) => {
                this.left = 0;
                // The connection is cut: better half a file than half of two.
                tracing::warn!(%error, "sending a file failed");
                Poll::Ready(Some(Err(error)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

// Large enough that handing the read to another thread does not show, small enough for many at once.
const CHUNK: u64 = 256 * 1024;
