//! A response body of bytes in memory, or out of a file that a release keeps open.

use std::fmt;
use std::io;
use std::ops::RangeInclusive;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use bytes::Bytes;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use tokio::task::JoinHandle;

use crate::release::Content;
use crate::release::OpenFile;

/// The bytes of an asset, or a part of them.
pub struct FileBody(Kind);

enum Kind {
    Memory(Bytes),
    File {
        file: Arc<OpenFile>,
        next: u64,
        left: u64,
        reading: Option<JoinHandle<io::Result<Bytes>>>,
    },
}

impl FileBody {
    pub(crate) fn empty() -> Self {
        Self(Kind::Memory(Bytes::new()))
    }

    pub(crate) fn text(text: impl Into<Bytes>) -> Self {
        Self(Kind::Memory(text.into()))
    }

    pub(crate) fn whole(content: &Content) -> Self {
        match content {
            Content::Memory(bytes) => Self(Kind::Memory(bytes.clone())),
            Content::File(file) => Self::of_file(file, 0, content.len()),
        }
    }

    /// The bytes in `range`, which lies within the content.
    pub(crate) fn part(content: &Content, range: &RangeInclusive<u64>) -> Self {
        let length = (range.end() - range.start())
            .saturating_add(1)
            .min(content.len());
        match content {
            Content::Memory(bytes) => {
                let at = |n: u64| usize::try_from(n).unwrap_or(usize::MAX).min(bytes.len());
                let start = at(*range.start());
                let end = at(range.start().saturating_add(length));
                Self(Kind::Memory(bytes.slice(start..end.max(start))))
            }
            Content::File(file) => Self::of_file(file, *range.start(), length),
        }
    }

    fn of_file(file: &Arc<OpenFile>, next: u64, left: u64) -> Self {
        Self(Kind::File {
            file: Arc::clone(file),
            next,
            left,
            reading: None,
        })
    }
}

impl Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let (file, next, left, reading) = match &mut self.0 {
            Kind::Memory(bytes) if bytes.is_empty() => return Poll::Ready(None),
            Kind::Memory(bytes) => {
                let bytes = std::mem::take(bytes);
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
            Kind::File { left: 0, .. } => return Poll::Ready(None),
            Kind::File {
                file,
                next,
                left,
                reading,
            } => (file, next, left, reading),
        };
        let task = reading.get_or_insert_with(|| {
            let (file, offset) = (Arc::clone(file), *next);
            let length = (*left).min(CHUNK);
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            tokio::task::spawn_blocking(move || file.read(offset, length))
        });
        let read = ready!(Pin::new(task).poll(cx)).map_err(io::Error::other);
        *reading = None;
        match read.flatten() {
            Ok(bytes) => {
                *next += bytes.len() as u64;
                *left -= bytes.len() as u64;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Err(error) => {
                *left = 0;
                // The connection is cut: better half a file than half of two.
                tracing::warn!(%error, "gave up sending a file");
                Poll::Ready(Some(Err(error)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Memory(bytes) => bytes.is_empty(),
            Kind::File { left, .. } => *left == 0,
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(match &self.0 {
            Kind::Memory(bytes) => bytes.len() as u64,
            Kind::File { left, .. } => *left,
        })
    }
}

impl fmt::Debug for FileBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileBody")
            .field("left", &self.size_hint().lower())
            .finish_non_exhaustive()
    }
}

// Large enough that handing the read to another thread does not show, small enough for many at once.
const CHUNK: u64 = 256 * 1024;
