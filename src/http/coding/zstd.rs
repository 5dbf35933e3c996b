//! Zstandard (RFC 8878; as a content coding, RFC 9659).

use async_compression::codecs::ZstdDecoder;
use async_compression::codecs::ZstdEncoder;
use async_compression::zstd::CParameter;
use async_compression::zstd::DParameter;

use crate::http::coding::codec::AnyDecoder;
use crate::http::coding::codec::AnyEncoder;
use crate::http::coding::codec::may_begin_with;

pub(crate) fn decoder() -> AnyDecoder {
    let params = [DParameter::window_log_max(LARGEST_WINDOW)];
    Box::new(ZstdDecoder::new_with_params(&params))
}

pub(crate) fn encoder() -> AnyEncoder {
    let params = [CParameter::window_log(WINDOW)];
    Box::new(ZstdEncoder::new_with_params(LEVEL, &params))
}

/// A stream may have several frames (RFC 8878, section 3.1).
pub(crate) fn may_continue(rest: &[u8]) -> bool {
    may_begin_with(rest, &FRAME_MAGIC) || may_be_skippable(rest)
}

/// True for the start of a frame that holds no content (RFC 8878, section 3.1.2).
fn may_be_skippable(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|first| first & 0xf0 == 0x50)
        && (bytes.len() < 2 || may_begin_with(&bytes[1..], &SKIPPABLE_MAGIC))
}

const FRAME_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

// Behind a byte of 0x50 to 0x5f.
const SKIPPABLE_MAGIC: [u8; 3] = [0x2a, 0x4d, 0x18];

// Faster than gzip 4, and no larger.
const LEVEL: i32 = 3;

// 512 KB: pages hardly have more, and a stream keeps a few times that much in memory.
const WINDOW: u32 = 19;

// 8 MB: RFC 9659 allows no more.
const LARGEST_WINDOW: u32 = 23;
