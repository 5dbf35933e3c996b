//! `gzip` (RFC 1952).

use async_compression::Level;
use async_compression::codecs::GzipDecoder;
use async_compression::codecs::GzipEncoder;

use crate::http::coding::codec::AnyDecoder;
use crate::http::coding::codec::AnyEncoder;
use crate::http::coding::codec::may_begin_with;

/// `None` for a stream that is not in gzip, in spite of its `Content-Encoding`: it is passed as it is, as browsers do.
pub(crate) fn decoder(first: u8) -> Option<AnyDecoder> {
    (first == MAGIC[0]).then(|| Box::new(GzipDecoder::new()) as AnyDecoder)
}

pub(crate) fn encoder() -> AnyEncoder {
    Box::new(GzipEncoder::new(Level::Precise(LEVEL).into()))
}

/// A stream may have several members (section 2.2).
pub(crate) fn may_continue(rest: &[u8]) -> bool {
    may_begin_with(rest, &MAGIC)
}

const MAGIC: [u8; 2] = [0x1f, 0x8b];

// A twentieth larger than what takes three times as long; level 1 saves little time, and is larger by a fifth.
pub(crate) const LEVEL: i32 = 2;
