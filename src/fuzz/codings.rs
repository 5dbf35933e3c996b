use std::pin::Pin;
use std::pin::pin;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;

use bytes::Bytes;
use http_body::Body;
use http_body::Frame;

use crate::error::BoxError;
use crate::fuzz::input::line;
use crate::fuzz::input::pieces;
use crate::http::coding::Coding;
use crate::http::coding::DecodeBody;
use crate::http::coding::EncodeBody;

/// Content codings: decoding gives the same bytes however the input is cut, and in small frames; decoding reverses
/// encoding.
///
/// The first line is a content coding, the second the sizes of the pieces. The rest is decoded, and encoded.
///
/// # Panics
///
/// If the property does not hold.
pub fn codings(data: &[u8]) {
    let (token, rest) = line(data);
    let (cuts, bytes) = line(rest);
    let name = std::str::from_utf8(token).ok();
    let Some(coding) = name.and_then(Coding::from_token) else {
        return;
    };
    let whole = decode(coding, bytes, &[]);
    let cut = decode(coding, bytes, cuts);
    assert_eq!(whole.end, cut.end);
    if whole.end == End::Whole {
        assert_eq!(whole.bytes, cut.bytes);
    }
    let encoded = run(EncodeBody::new(Pieces::new(bytes, cuts), Some(coding)));
    assert_eq!(encoded.end, End::Whole);
    let decoded = decode(coding, &encoded.bytes, cuts);
    assert_eq!(decoded.end, End::Whole);
    assert_eq!(decoded.bytes, bytes);
}

fn decode(coding: Coding, bytes: &[u8], cuts: &[u8]) -> Streamed {
    run(DecodeBody::new(Pieces::new(bytes, cuts), Some(coding)))
}

/// A body that was read to its end.
struct Streamed {
    bytes: Vec<u8>,
    end: End,
}

#[derive(Debug, PartialEq, Eq)]
enum End {
    Whole,
    Broken,
    /// Reading stopped at the limit.
    TooLong,
}

fn run(body: impl Body<Data = Bytes, Error = BoxError>) -> Streamed {
    let mut cx = Context::from_waker(Waker::noop());
    let mut body = pin!(body);
    let mut bytes = Vec::new();
    let end = loop {
        match body.as_mut().poll_frame(&mut cx) {
            Poll::Pending => {}
            Poll::Ready(None) => break End::Whole,
            Poll::Ready(Some(Err(_))) => break End::Broken,
            Poll::Ready(Some(Ok(frame))) => {
                let data = frame.into_data().unwrap_or_default();
                assert!(data.len() <= MAX_FRAME, "{}", data.len());
                bytes.extend_from_slice(&data);
                if bytes.len() > MAX_DECODED {
                    break End::TooLong;
                }
            }
        }
    };
    Streamed { bytes, end }
}

/// A body that is pending before each of its pieces.
struct Pieces {
    pieces: std::vec::IntoIter<Bytes>,
    next: Option<Bytes>,
}

impl Pieces {
    fn new(bytes: &[u8], cuts: &[u8]) -> Self {
        let pieces: Vec<_> = pieces(bytes, cuts).map(Bytes::copy_from_slice).collect();
        Self {
            pieces: pieces.into_iter(),
            next: None,
        }
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Some(piece) = self.next.take() {
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        self.next = self.pieces.next();
        match self.next {
            Some(_) => Poll::Pending,
            None => Poll::Ready(None),
        }
    }
}

// The most that a decoder returns at once, and the most that it holds back of input that is not coded after all.
const MAX_FRAME: usize = 16 * 1024;

// A decompression bomb takes long, and enough of its frames were checked by then.
const MAX_DECODED: usize = 1024 * 1024;
