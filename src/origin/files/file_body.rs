//! Response bodies of assets, from memory or from a file that the release keeps open.

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

/// Returns a body with all bytes of an asset.
pub(crate) fn full(content: &Content) -> Body {
    match content {
        Content::Memory(bytes) => Body::full(bytes.clone()),
        Content::File(file) => Body::new(FileBody::new(file, 0, content.len())),
    }
}

/// Returns a body with the bytes in `range`, which must lie within the content.
pub(crate) fn partial(content: &Content, range: &RangeInclusive<u64>) -> Body {
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

/// Streams a part of a file that the release keeps open.
struct FileBody {
    file: Arc<OpenFile>,
    /// Offset of the next byte.
    offset: u64,
    /// Bytes not sent yet.
    remaining: u64,
    read: Option<JoinHandle<io::Result<Bytes>>>,
}

impl FileBody {
    fn new(file: &Arc<OpenFile>, offset: u64, remaining: u64) -> Self {
        Self {
            file: Arc::clone(file),
            offset,
            remaining,
            read: None,
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
        if this.remaining == 0 {
            return Poll::Ready(None);
        }
        let task = this.read.get_or_insert_with(|| {
            let (file, offset) = (Arc::clone(&this.file), this.offset);
            let length = usize::try_from(this.remaining.min(CHUNK)).unwrap_or(usize::MAX);
            tokio::task::spawn_blocking(move || file.read(offset, length))
        });
        let read = ready!(Pin::new(task).poll(cx)).map_err(io::Error::other);
        this.read = None;
        match read.flatten() {
            Ok(bytes) => {
                this.offset += bytes.len() as u64;
                this.remaining -= bytes.len() as u64;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Err(error) => {
                this.remaining = 0;
                // Closes the connection: a truncated file is better than a mix of two.
                tracing::warn!(%error, "reading a file for a response failed");
                Poll::Ready(Some(Err(error)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.remaining == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.remaining)
    }
}

// In bytes. Large enough to make the cost of the thread switch negligible, small enough for many concurrent responses.
const CHUNK: u64 = 256 * 1024;
