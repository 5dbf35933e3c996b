use std::pin::Pin;
use std::pin::pin;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;

use bytes::Bytes;
use http_body::Body;
use http_body::Frame;

use crate::error::BoxError;
use crate::fuzz::line;
use crate::fuzz::pieces;
use crate::http::coding::Coding;
use crate::http::coding::DecodeBody;
use crate::http::coding::EncodeBody;

/// Pages in codings: any bytes are decoded to the same however they are cut, a little at a time; and what was encoded
/// is decoded to what it was.
///
/// The first line names a coding, the second says how the bytes are cut. The rest is decoded, and encoded.
///
/// # Panics
///
/// If it is not so.
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
    let encoded = run(EncodeBody::new(Pieces::of(bytes, cuts), Some(coding)));
    assert_eq!(encoded.end, End::Whole);
    let decoded = decode(coding, &encoded.bytes, cuts);
    assert_eq!(decoded.end, End::Whole);
    assert_eq!(decoded.bytes, bytes);
}

fn decode(coding: Coding, bytes: &[u8], cuts: &[u8]) -> Streamed {
    run(DecodeBody::new(Pieces::of(bytes, cuts), Some(coding)))
}

/// What came of a body.
struct Streamed {
    bytes: Vec<u8>,
    end: End,
}

#[derive(Debug, PartialEq, Eq)]
enum End {
    Whole,
    Broken,
    /// Nobody waited for it.
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
                assert!(data.len() <= LARGEST_FRAME, "{}", data.len());
                bytes.extend_from_slice(&data);
                if bytes.len() > MOST_DECODED {
                    break End::TooLong;
                }
            }
        }
    };
    Streamed { bytes, end }
}

/// A body that lets wait for each of its pieces.
struct Pieces {
    pieces: std::vec::IntoIter<Bytes>,
    next: Option<Bytes>,
}

impl Pieces {
    fn of(bytes: &[u8], cuts: &[u8]) -> Self {
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

// What a decoder gives at once, or the whole of what turns out not to be coded.
const LARGEST_FRAME: usize = 16 * 1024;

// A bomb takes long, and has shown by then that it comes a little at a time.
const MOST_DECODED: usize = 1024 * 1024;
