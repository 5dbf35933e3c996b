//! A body that is encoded as it streams.

use std::io;
use std::mem;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;

use bytes::Bytes;
use http::HeaderMap;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use pin_project_lite::pin_project;

use crate::error::BoxError;
use crate::http::coding::Coding;
use crate::http::coding::encoder::Encoder;
use crate::http::coding::encoder::Need;

pin_project! {
    /// A body encoded, or as it is if it is to be in no coding.
    ///
    /// Takes no more from the body than is asked of it. Whenever the body has nothing more for now, all that came of it
    /// goes out.
    pub(crate) struct Encode<B> {
        #[pin]
        body: B,
        encoding: Option<Encoding>,
    }
}

struct Encoding {
    encoder: Encoder,
    stage: Stage,
}

enum Stage {
    /// All that came is out.
    Idle,
    /// This came, and is to be encoded.
    Writing(Bytes),
    /// All that came is encoded, but need not be out.
    Written,
    /// It is on its way out, and behind it the body breaks off if it did.
    Flushing(Option<BoxError>),
    /// The body has ended, with these trailers.
    Finishing(Option<HeaderMap>),
    Trailers(HeaderMap),
    Failed(BoxError),
    Over,
}

impl<B> Encode<B> {
    pub(crate) fn new(body: B, coding: Option<Coding>) -> Self {
        let encoding = coding.map(|coding| Encoding {
            encoder: Encoder::new(coding),
            stage: Stage::Idle,
        });
        Self { body, encoding }
    }
}

impl<B> Body for Encode<B>
where
    B: Body<Data = Bytes, Error = BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.project();
        match this.encoding {
            Some(encoding) => encoding.poll_frame(this.body, cx),
            None => this.body.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.encoding {
            Some(encoding) => matches!(encoding.stage, Stage::Over),
            None => self.body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.encoding {
            Some(_) => SizeHint::default(),
            None => self.body.size_hint(),
        }
    }
}

impl Encoding {
    fn poll_frame<B>(
        &mut self,
        mut body: Pin<&mut B>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>>
    where
        B: Body<Data = Bytes, Error = BoxError>,
    {
        let mut taken = 0;
        loop {
            let encoded = self.encode().map_err(told)?;
            if !encoded.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(encoded))));
            }
            let stage = mem::replace(&mut self.stage, Stage::Over);
            match stage {
                Stage::Idle | Stage::Written if taken < MOST_AT_ONCE => {}
                Stage::Idle | Stage::Written => {
                    self.stage = stage;
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Stage::Writing(_) | Stage::Flushing(_) | Stage::Finishing(_) => {
                    self.stage = stage;
                    continue;
                }
                Stage::Trailers(trailers) => {
                    return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
                }
                Stage::Failed(error) => return Poll::Ready(Some(Err(error))),
                Stage::Over => return Poll::Ready(None),
            }
            self.stage = match body.as_mut().poll_frame(cx) {
                Poll::Pending if matches!(stage, Stage::Idle) => {
                    self.stage = Stage::Idle;
                    return Poll::Pending;
                }
                Poll::Pending => Stage::Flushing(None),
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => {
                        taken += data.len();
                        Stage::Writing(data)
                    }
                    Err(frame) => Stage::Finishing(frame.into_trailers().ok()),
                },
                Poll::Ready(Some(Err(error))) => Stage::Flushing(Some(error)),
                Poll::Ready(None) => Stage::Finishing(None),
            };
        }
    }

    /// Does what can be done without the body; gives what must be sent before the rest can be done.
    fn encode(&mut self) -> io::Result<Bytes> {
        let stage = mem::replace(&mut self.stage, Stage::Over);
        let (need, stage) = match stage {
            Stage::Writing(mut piece) => (self.encoder.write(&mut piece), Stage::Writing(piece)),
            Stage::Flushing(_) => (self.encoder.flush(), stage),
            Stage::Finishing(_) => (self.encoder.finish(), stage),
            stage => {
                self.stage = stage;
                return Ok(Bytes::new());
            }
        };
        self.stage = match (need?, stage) {
            (Need::Nothing, Stage::Writing(_)) => {
                self.stage = Stage::Written;
                return Ok(Bytes::new());
            }
            (Need::Nothing, Stage::Flushing(None)) => Stage::Idle,
            (Need::Nothing, Stage::Flushing(Some(error))) => Stage::Failed(error),
            (Need::Nothing, Stage::Finishing(None)) => Stage::Over,
            (Need::Nothing, Stage::Finishing(Some(trailers))) => Stage::Trailers(trailers),
            (_, stage) => stage,
        };
        Ok(self.encoder.take())
    }
}

fn told(error: io::Error) -> BoxError {
    tracing::warn!(%error, "can't encode a page");
    error.into()
}

// A body of zeros comes to nothing for long: others get their turn in between.
const MOST_AT_ONCE: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    /// Zeros without end, which are always ready.
    struct Zeros;

    impl Body for Zeros {
        type Data = Bytes;
        type Error = BoxError;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[0; 16 * 1024])))))
        }
    }

    #[test]
    fn a_body_that_comes_to_nothing_lets_others_have_their_turn() {
        let mut cx = Context::from_waker(Waker::noop());
        for coding in Coding::all() {
            let mut body = Encode::new(Zeros, Some(coding));
            let poll = Pin::new(&mut body).poll_frame(&mut cx);
            assert!(poll.is_pending(), "{coding:?}");
        }
    }
}
