//! A body that is decoded as it streams.

use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use bytes::Buf;
use bytes::Bytes;
use http::HeaderMap;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use pin_project_lite::pin_project;

use crate::error::BoxError;
use crate::http::coding::coding::Coding;
use crate::http::coding::decoder::DecodeError;
use crate::http::coding::decoder::Decoder;

pin_project! {
    /// A decoded body; with `None` for the coding, the body as it is.
    ///
    /// Polls the body only when it is polled itself. A body that is corrupt, truncated or too large ends in an error,
    /// after what could be decoded of it.
    pub(crate) struct DecodeBody<B> {
        #[pin]
        body: B,
        decoding: Option<Decoding>,
    }
}

struct Decoding {
    decoder: Decoder,
    end: End,
}

enum End {
    /// There may be more input.
    Pending,
    Trailers(HeaderMap),
    Finished,
}

impl<B> DecodeBody<B> {
    pub(crate) fn new(body: B, coding: Option<Coding>) -> Self {
        let decoding = coding.map(|coding| Decoding {
            decoder: Decoder::new(coding),
            end: End::Pending,
        });
        Self { body, decoding }
    }
}

impl<B> Body for DecodeBody<B>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let mut this = self.project();
        let Some(decoding) = this.decoding else {
            let frame = ready!(this.body.poll_frame(cx));
            let whole = |mut data: B::Data| data.copy_to_bytes(data.remaining());
            return Poll::Ready(frame.map(|frame| Ok(frame.map_err(Into::into)?.map_data(whole))));
        };
        loop {
            match std::mem::replace(&mut decoding.end, End::Finished) {
                End::Pending => {}
                End::Trailers(trailers) => return Poll::Ready(Some(Ok(Frame::trailers(trailers)))),
                End::Finished => return Poll::Ready(None),
            }
            match decoding.decoder.pull() {
                Ok(Some(data)) => {
                    decoding.end = End::Pending;
                    return Poll::Ready(Some(Ok(Frame::data(data))));
                }
                Ok(None) => {}
                Err(error) => return Poll::Ready(Some(Err(logged(error)))),
            }
            let frame = match this.body.as_mut().poll_frame(cx) {
                Poll::Ready(frame) => frame,
                Poll::Pending => {
                    decoding.end = End::Pending;
                    return Poll::Pending;
                }
            };
            decoding.end = match frame {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(mut data) => {
                        let piece = data.copy_to_bytes(data.remaining());
                        decoding.decoder.push(piece);
                        End::Pending
                    }
                    Err(frame) => frame.into_trailers().map_or(End::Pending, End::Trailers),
                },
                Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
                None => End::Finished,
            };
            if !matches!(decoding.end, End::Pending)
                && let Err(error) = decoding.decoder.end()
            {
                decoding.end = End::Finished;
                return Poll::Ready(Some(Err(logged(error))));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.decoding {
            Some(decoding) => matches!(decoding.end, End::Finished),
            None => self.body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.decoding {
            Some(_) => SizeHint::default(),
            None => self.body.size_hint(),
        }
    }
}

// The error makes the client's connection break off: it must not take the page for complete.
fn logged(error: DecodeError) -> BoxError {
    tracing::warn!(%error, "cannot decode a response body");
    error.into()
}
