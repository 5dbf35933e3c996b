//! Content codings (RFC 9110, section 8.4.1), and streaming decoders and encoders of bodies in them.
//!
//! A page that comes in a coding is decoded, so that the script can be inserted into it, and encoded again.

mod brotli;
mod codec;
mod coding;
pub(crate) mod content_encoding;
mod decode_body;
mod decoder;
mod deflate;
mod encode_body;
mod encoder;
mod gzip;
#[cfg(feature = "zstd")]
mod zstd;

pub use crate::http::coding::coding::Coding;
pub(crate) use crate::http::coding::decode_body::DecodeBody;
pub(crate) use crate::http::coding::encode_body::EncodeBody;
