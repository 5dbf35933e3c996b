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
use crate::http::coding::coding::Coding;
use crate::http::coding::encoder::Encoder;
use crate::http::coding::encoder::Progress;

pin_project! {
    /// An encoded body; with `None` for the coding, the body as it is.
    ///
    /// Polls the body only when it is polled itself. Whenever the body has nothing more for now, everything written so
    /// far is flushed.
    pub(crate) struct EncodeBody<B> {
        #[pin]
        body: B,
        encoding: Option<Encoding>,
    }
}

struct Encoding {
    encoder: Encoder,
    state: State,
}

enum State {
    /// Everything written so far is flushed.
    Idle,
    /// This data is to be encoded.
    Writing(Bytes),
    /// All that came is encoded, but progress not be out.
    Written,
    /// Everything is being flushed; then follows this error, if the body ended in one.
    Flushing(Option<BoxError>),
    /// The body has ended, with these trailers.
    Finishing(Option<HeaderMap>),
    Trailers(HeaderMap),
    Failed(BoxError),
    Finished,
}

impl<B> EncodeBody<B> {
    pub(crate) fn new(body: B, coding: Option<Coding>) -> Self {
        let encoding = coding.map(|coding| Encoding {
            encoder: Encoder::new(coding),
            state: State::Idle,
        });
        Self { body, encoding }
    }
}

impl<B> Body for EncodeBody<B>
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
            Some(encoding) => matches!(encoding.state, State::Finished),
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
            let encoded = self.encode().map_err(logged)?;
            if !encoded.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(encoded))));
            }
            let state = mem::replace(&mut self.state, State::Finished);
            match state {
                State::Idle | State::Written if taken < MAX_PER_POLL => {}
                State::Idle | State::Written => {
                    self.state = state;
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                State::Writing(_) | State::Flushing(_) | State::Finishing(_) => {
                    self.state = state;
                    continue;
                }
                State::Trailers(trailers) => {
                    return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
                }
                State::Failed(error) => return Poll::Ready(Some(Err(error))),
                State::Finished => return Poll::Ready(None),
            }
            self.state = match body.as_mut().poll_frame(cx) {
                Poll::Pending if matches!(state, State::Idle) => {
                    self.state = State::Idle;
                    return Poll::Pending;
                }
                Poll::Pending => State::Flushing(None),
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => {
                        taken += data.len();
                        State::Writing(data)
                    }
                    Err(frame) => State::Finishing(frame.into_trailers().ok()),
                },
                Poll::Ready(Some(Err(error))) => State::Flushing(Some(error)),
                Poll::Ready(None) => State::Finishing(None),
            };
        }
    }

    /// Makes the progress that is possible without the body. Returns encoded bytes that must be sent first.
    fn encode(&mut self) -> io::Result<Bytes> {
        let state = mem::replace(&mut self.state, State::Finished);
        let (progress, state) = match state {
            State::Writing(mut piece) => (self.encoder.write(&mut piece), State::Writing(piece)),
            State::Flushing(_) => (self.encoder.flush(), state),
            State::Finishing(_) => (self.encoder.finish(), state),
            state => {
                self.state = state;
                return Ok(Bytes::new());
            }
        };
        self.state = match (progress?, state) {
            (Progress::Done, State::Writing(_)) => {
                self.state = State::Written;
                return Ok(Bytes::new());
            }
            (Progress::Done, State::Flushing(None)) => State::Idle,
            (Progress::Done, State::Flushing(Some(error))) => State::Failed(error),
            (Progress::Done, State::Finishing(None)) => State::Finished,
            (Progress::Done, State::Finishing(Some(trailers))) => State::Trailers(trailers),
            (_, state) => state,
        };
        Ok(self.encoder.take())
    }
}

fn logged(error: io::Error) -> BoxError {
    tracing::warn!(%error, "cannot encode a response body");
    error.into()
}

// A body of zeros encodes to nothing for long: other tasks get their turn in between.
const MAX_PER_POLL: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    /// An endless body of zeros that is always ready.
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
    fn encode_body_without_output_yields_to_other_tasks() {
        let mut cx = Context::from_waker(Waker::noop());
        for coding in Coding::ALL.iter().copied() {
            let mut body = EncodeBody::new(Zeros, Some(coding));
            let poll = Pin::new(&mut body).poll_frame(&mut cx);
            assert!(poll.is_pending(), "{coding:?}");
        }
    }
}
