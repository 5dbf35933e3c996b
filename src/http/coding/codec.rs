//! What the codecs of all codings have in common.

use async_compression::codecs::DecodeV2;
use async_compression::codecs::EncodeV2;

/// A streaming decoder of any coding.
pub(crate) type AnyDecoder = Box<dyn DecodeV2 + Send + Sync>;

/// A streaming encoder of any coding.
pub(crate) type AnyEncoder = Box<dyn EncodeV2 + Send + Sync>;

/// True if `bytes` begin with `magic`, as far as they are there.
pub(crate) fn may_begin_with(bytes: &[u8], magic: &[u8]) -> bool {
    let length = bytes.len().min(magic.len());
    bytes[..length] == magic[..length]
}

// One at each end of a page: as much as is read and written at once anyway, and little for many pages at a time.
pub(crate) const BUFFER: usize = 16 * 1024;
