//! The body of every response: bytes that are there, or a stream.

use std::fmt;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use bytes::Buf;
use bytes::Bytes;
use http_body::Body as _;
use http_body::Frame;
use http_body::SizeHint;
use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use pin_project_lite::pin_project;

use crate::error::BoxError;

/// The body of a response, wherever it comes from.
///
/// Nothing of a stream is read ahead. It ends in an error where its source breaks off, so that the client does not take
/// it for whole.
///
/// ```
/// use http_body_util::{BodyExt, Full};
/// use tidings::Body;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// let body = Body::new(Full::new(bytes::Bytes::from("hello")));
/// assert_eq!(body.collect().await?.to_bytes(), "hello");
/// # Ok(())
/// # }
/// ```
pub struct Body(Kind);

enum Kind {
    /// Sent as one frame.
    Full(Bytes),
    Stream(UnsyncBoxBody<Bytes, BoxError>),
    /// Of an answer to HEAD whose length is not known: no `Content-Length` is made of the body.
    WithoutLength(Box<Self>),
}

impl Body {
    /// Any other body. One that is a [`Body`] already is taken as it is.
    pub fn new<B>(body: B) -> Self
    where
        B: http_body::Body + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let mut body = Some(body);
        if let Some(same) = (&mut body as &mut dyn std::any::Any).downcast_mut::<Option<Self>>()
            && let Some(same) = same.take()
        {
            return same;
        }
        let stream = body.map(|inner| Converted { inner }.boxed_unsync());
        stream.map_or_else(Self::empty, |stream| Self(Kind::Stream(stream)))
    }

    /// No bytes.
    pub fn empty() -> Self {
        Self(Kind::Full(Bytes::new()))
    }

    /// These bytes.
    pub(crate) fn full(bytes: impl Into<Bytes>) -> Self {
        Self(Kind::Full(bytes.into()))
    }

    /// The same body without a known length, for an answer to HEAD.
    pub(crate) fn without_length(self) -> Self {
        Self(Kind::WithoutLength(Box::new(self.0)))
    }
}

impl Default for Body {
    fn default() -> Self {
        Self::empty()
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self::full(bytes)
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.0.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Stream(stream) => stream.size_hint(),
            Kind::WithoutLength(_) => SizeHint::default(),
        }
    }
}

impl Kind {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self {
            Self::Full(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Full(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Stream(stream) => Pin::new(stream).poll_frame(cx),
            Self::WithoutLength(kind) => kind.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Full(bytes) => bytes.is_empty(),
            Self::Stream(stream) => stream.is_end_stream(),
            Self::WithoutLength(kind) => kind.is_end_stream(),
        }
    }
}

pin_project! {
    /// Another body, with its data as `Bytes` and its error boxed. Unlike the adapters of http-body-util it keeps the
    /// length, which becomes `Content-Length`.
    struct Converted<B> {
        #[pin]
        inner: B,
    }
}

impl<B> http_body::Body for Converted<B>
where
    B: http_body::Body,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = ready!(self.project().inner.poll_frame(cx));
        let to_bytes = |mut data: B::Data| data.copy_to_bytes(data.remaining());
        Poll::Ready(frame.map(|frame| Ok(frame.map_err(Into::into)?.map_data(to_bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::Full;

    use super::*;

    #[tokio::test]
    async fn body_in_body_is_not_wrapped_again() {
        let outer = Body::new(Body::full("x"));
        assert!(matches!(outer.0, Kind::Full(_)));
        assert_eq!(outer.collect().await.unwrap().to_bytes(), "x");
    }

    #[tokio::test]
    async fn body_of_another_type_keeps_its_length_and_bytes() {
        let body = Body::new(Full::new(Bytes::from_static(b"abc")));
        assert_eq!(body.size_hint().exact(), Some(3));
        assert_eq!(body.collect().await.unwrap().to_bytes(), "abc");
    }

    #[test]
    fn without_length_full_body_has_no_exact_size() {
        let body = Body::full("abc").without_length();
        assert_eq!(body.size_hint().exact(), None);
        assert!(!body.is_end_stream());
    }
}
