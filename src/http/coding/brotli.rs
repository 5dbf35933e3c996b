//! Brotli (RFC 7932).

use std::io;

use async_compression::Level;
use async_compression::brotli::EncoderParams;
use async_compression::codecs::BrotliDecoder;
use async_compression::codecs::BrotliEncoder;

use crate::http::coding::codec::AnyDecoder;
use crate::http::coding::codec::AnyEncoder;

/// An error for a stream with a large window: it may be of a gigabyte, and is no content coding (section 9.1).
pub(crate) fn decoder(first: u8) -> io::Result<AnyDecoder> {
    if first & 0x7f == LARGE_WINDOW {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok(Box::new(BrotliDecoder::new()))
}

pub(crate) fn encoder() -> AnyEncoder {
    let params = EncoderParams::default().quality(Level::Precise(QUALITY));
    Box::new(BrotliEncoder::new(params.window_size(WINDOW).text_mode()))
}

// The bits for a window beyond the 16 MB of the standard.
const LARGE_WINDOW: u8 = 0x11;

// Of about the size that gzip makes of pages, or a third less where they repeat themselves, in a third more time. The
// next one takes twice the time for a twentieth.
const QUALITY: i32 = 1;

// 256 KB: pages hardly have more, and a stream keeps twice that much in memory.
const WINDOW: i32 = 18;
