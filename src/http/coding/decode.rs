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
use crate::http::coding::Coding;
use crate::http::coding::decoder::Decoder;
use crate::http::coding::decoder::Fault;

pin_project! {
    /// A body decoded, or as it is if it is in no coding.
    ///
    /// Takes no more from the body than is asked of it. One that is corrupt, cut off or endless ends in an error, behind
    /// what could be decoded of it.
    pub(crate) struct Decode<B> {
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
    NotYet,
    Trailers(HeaderMap),
    Over,
}

impl<B> Decode<B> {
    pub(crate) fn new(body: B, coding: Option<Coding>) -> Self {
        let decoding = coding.map(|coding| Decoding {
            decoder: Decoder::new(coding),
            end: End::NotYet,
        });
        Self { body, decoding }
    }
}

impl<B> Body for Decode<B>
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
            match std::mem::replace(&mut decoding.end, End::Over) {
                End::NotYet => {}
                End::Trailers(trailers) => return Poll::Ready(Some(Ok(Frame::trailers(trailers)))),
                End::Over => return Poll::Ready(None),
            }
            match decoding.decoder.pull() {
                Ok(Some(data)) => {
                    decoding.end = End::NotYet;
                    return Poll::Ready(Some(Ok(Frame::data(data))));
                }
                Ok(None) => {}
                Err(fault) => return Poll::Ready(Some(Err(told(fault)))),
            }
            let frame = match this.body.as_mut().poll_frame(cx) {
                Poll::Ready(frame) => frame,
                Poll::Pending => {
                    decoding.end = End::NotYet;
                    return Poll::Pending;
                }
            };
            decoding.end = match frame {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(mut data) => {
                        let piece = data.copy_to_bytes(data.remaining());
                        decoding.decoder.push(piece);
                        End::NotYet
                    }
                    Err(frame) => frame.into_trailers().map_or(End::NotYet, End::Trailers),
                },
                Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
                None => End::Over,
            };
            if !matches!(decoding.end, End::NotYet)
                && let Err(fault) = decoding.decoder.end()
            {
                decoding.end = End::Over;
                return Poll::Ready(Some(Err(told(fault))));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.decoding {
            Some(decoding) => matches!(decoding.end, End::Over),
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

/// Tells the operator, and makes the client's connection break off: it must not take the page for whole.
fn told(fault: Fault) -> BoxError {
    tracing::warn!("gave up a page of the origin: {fault}");
    fault.into()
}
