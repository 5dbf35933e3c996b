//! Content codings of pages on their way (RFC 9110, section 8.4.1): a page that comes in one is decoded, so that the
//! script can be put into it, and encoded again.

mod codecs;
pub(crate) mod content_encoding;
mod decode;
mod decoder;
mod encode;
mod encoder;
#[cfg(not(feature = "zstd"))]
#[path = "no_zstd.rs"]
mod zstd;
#[cfg(feature = "zstd")]
mod zstd;

use std::fmt;
use std::io;

use async_compression::codecs::DecodeV2;
use async_compression::codecs::EncodeV2;

pub(crate) use crate::http::coding::decode::Decode;
pub(crate) use crate::http::coding::encode::Encode;

/// A coding that pages can be decoded from and encoded in.
#[derive(Clone, Copy)]
pub(crate) struct Coding {
    /// Its name in `Content-Encoding`, `Accept-Encoding` and entity tags.
    token: &'static str,
    /// For a stream that begins with this byte; `None` if that shows that it is not coded at all.
    decoder: fn(first: u8) -> io::Result<Option<AnyDecoder>>,
    encoder: fn() -> AnyEncoder,
    /// Whether what begins with this, behind the end of a stream, is another stream that belongs to it.
    continues: fn(&[u8]) -> bool,
}

type AnyDecoder = Box<dyn DecodeV2 + Send + Sync>;

type AnyEncoder = Box<dyn EncodeV2 + Send + Sync>;

impl Coding {
    /// All there are.
    fn all() -> impl Iterator<Item = Self> {
        Self::offered().chain([codecs::DEFLATE])
    }

    /// Those that we choose from ourselves, the one that we would rather send first: by what a byte less costs. Of
    /// deflate, clients have two different notions.
    pub(crate) fn offered() -> impl Iterator<Item = Self> {
        [zstd::CODING, Some(codecs::BROTLI), Some(codecs::GZIP)]
            .into_iter()
            .flatten()
    }

    /// The coding of this name, as `Content-Encoding` has it.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let name = if name.eq_ignore_ascii_case("x-gzip") {
            "gzip"
        } else {
            name
        };
        Self::all().find(|coding| coding.token.eq_ignore_ascii_case(name))
    }

    pub(crate) fn token(self) -> &'static str {
        self.token
    }
}

impl PartialEq for Coding {
    fn eq(&self, other: &Self) -> bool {
        self.token == other.token
    }
}

impl Eq for Coding {}

impl fmt::Debug for Coding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.token)
    }
}

// One at each end of a page: as much as is read and written at once anyway, and little for many pages at a time.
const BUFFER: usize = 16 * 1024;
