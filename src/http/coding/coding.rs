//! The content codings that bodies can be decoded from and encoded in.

use std::io;

use crate::http::coding::brotli;
use crate::http::coding::codec::AnyDecoder;
use crate::http::coding::codec::AnyEncoder;
use crate::http::coding::deflate;
use crate::http::coding::gzip;
#[cfg(feature = "zstd")]
use crate::http::coding::zstd;

/// A content coding (RFC 9110, section 8.4.1).
///
/// ```
/// use tidings::Coding;
///
/// assert_eq!(Coding::from_token("X-GZip"), Some(Coding::Gzip));
/// assert_eq!(Coding::Brotli.token(), "br");
/// assert_eq!(Coding::from_token("identity"), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Coding {
    /// `zstd` (RFC 8878; as a content coding, RFC 9659).
    #[cfg(feature = "zstd")]
    Zstd,
    /// Brotli, `br` (RFC 7932).
    Brotli,
    /// `gzip` (RFC 1952).
    Gzip,
    /// `deflate` (RFC 1950).
    Deflate,
}

impl Coding {
    /// All codings, in order of preference.
    pub const ALL: &[Self] = &[
        #[cfg(feature = "zstd")]
        Self::Zstd,
        Self::Brotli,
        Self::Gzip,
        Self::Deflate,
    ];

    /// The codings in which the assets of a release are kept, in order of preference.
    pub const PRECOMPRESSED: [Self; 2] = [Self::Brotli, Self::Gzip];

    /// The codings that bodies are compressed in on their way, in order of preference: by what a byte less costs.
    ///
    /// Without deflate, of which clients have two different notions.
    pub(crate) const STREAMED: &[Self] = &[
        #[cfg(feature = "zstd")]
        Self::Zstd,
        Self::Brotli,
        Self::Gzip,
    ];

    /// The token in `Content-Encoding`, `Accept-Encoding` and entity tags.
    pub const fn token(self) -> &'static str {
        match self {
            #[cfg(feature = "zstd")]
            Self::Zstd => "zstd",
            Self::Brotli => "br",
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
        }
    }

    /// The coding with this token, in any case. `x-gzip` is `gzip` (RFC 9110, section 8.4.1.3).
    pub fn from_token(token: &str) -> Option<Self> {
        if token.eq_ignore_ascii_case("x-gzip") {
            return Some(Self::Gzip);
        }
        let mut all = Self::ALL.iter().copied();
        all.find(|coding| coding.token().eq_ignore_ascii_case(token))
    }

    /// A decoder for a stream that begins with this byte; `None` if the byte shows that the stream is not coded.
    ///
    /// # Errors
    ///
    /// If a stream that begins so is not accepted.
    pub(crate) fn decoder(self, first: u8) -> io::Result<Option<AnyDecoder>> {
        match self {
            #[cfg(feature = "zstd")]
            Self::Zstd => Ok(Some(zstd::decoder())),
            Self::Brotli => brotli::decoder(first).map(Some),
            Self::Gzip => Ok(gzip::decoder(first)),
            Self::Deflate => Ok(Some(deflate::decoder(first))),
        }
    }

    /// An encoder for a stream.
    pub(crate) fn encoder(self) -> AnyEncoder {
        match self {
            #[cfg(feature = "zstd")]
            Self::Zstd => zstd::encoder(),
            Self::Brotli => brotli::encoder(),
            Self::Gzip => gzip::encoder(),
            Self::Deflate => deflate::encoder(),
        }
    }

    /// True if these bytes after the end of a stream may be the start of another stream of the same body.
    pub(crate) fn may_continue(self, rest: &[u8]) -> bool {
        match self {
            #[cfg(feature = "zstd")]
            Self::Zstd => zstd::may_continue(rest),
            Self::Gzip => gzip::may_continue(rest),
            Self::Brotli | Self::Deflate => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coding_from_its_token_in_any_case_is_the_same() {
        for &coding in Coding::ALL {
            assert_eq!(Coding::from_token(coding.token()), Some(coding));
            let token = coding.token().to_ascii_uppercase();
            assert_eq!(Coding::from_token(&token), Some(coding));
        }
        assert_eq!(Coding::from_token("x-GZIP"), Some(Coding::Gzip));
        for token in ["", "identity", "compress", "*"] {
            assert_eq!(Coding::from_token(token), None);
        }
    }
}
