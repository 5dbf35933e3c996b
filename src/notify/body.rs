//! The body of an answer.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use bytes::Buf;
use bytes::Bytes;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use http_body_util::Full;
use pin_project_lite::pin_project;

use crate::endpoint::event_stream::EventStream;
use crate::error::BoxError;
use crate::http::coding::DecodeBody;
use crate::http::coding::EncodeBody;
use crate::notify::inject_body::InjectBody;

pin_project! {
    /// The body of an answer: the inner service's own, or with the script, or the endpoint's.
    #[project = ResponseBodyProjection]
    pub struct ResponseBody<B> {
        #[pin]
        kind: Kind<B>,
    }
}

pin_project! {
    #[project = KindProjection]
    pub(crate) enum Kind<B> {
        Origin { #[pin] body: B },
        Headless { #[pin] body: B },
        // Apart, since it is large, and answers are passed on by value.
        Injected { body: Pin<Box<EncodeBody<InjectBody<DecodeBody<B>>>>> },
        Whole { body: Full<Bytes> },
        Stream { body: EventStream },
    }
}

impl<B> From<Kind<B>> for ResponseBody<B> {
    fn from(kind: Kind<B>) -> Self {
        Self { kind }
    }
}

impl<B> Body for ResponseBody<B>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    /// The inner body's own, or that of a page that came in a coding and can't be decoded to its end.
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.project().kind.project() {
            KindProjection::Origin { body } | KindProjection::Headless { body } => {
                let frame = ready!(body.poll_frame(cx));
                let whole = |mut data: B::Data| data.copy_to_bytes(data.remaining());
                Poll::Ready(frame.map(|frame| Ok(frame.map_err(Into::into)?.map_data(whole))))
            }
            KindProjection::Injected { body } => body.as_mut().poll_frame(cx),
            KindProjection::Whole { body } => Pin::new(body).poll_frame(cx).map_err(never),
            KindProjection::Stream { body } => Pin::new(body).poll_frame(cx).map_err(never),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Origin { body } | Kind::Headless { body } => body.is_end_stream(),
            Kind::Injected { body } => body.is_end_stream(),
            Kind::Whole { body } => body.is_end_stream(),
            Kind::Stream { body } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Origin { body } => body.size_hint(),
            // A server takes an exact size for the length of the page, which is another now.
            Kind::Headless { .. } => SizeHint::default(),
            Kind::Injected { body } => body.size_hint(),
            Kind::Whole { body } => body.size_hint(),
            Kind::Stream { body } => body.size_hint(),
        }
    }
}

impl<B> fmt::Debug for ResponseBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody").finish_non_exhaustive()
    }
}

fn never(error: Infallible) -> BoxError {
    match error {}
}
