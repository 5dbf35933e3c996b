//! The codings that need no more than this crate always has.

use std::io;

use async_compression::Level;
use async_compression::brotli::EncoderParams;
use async_compression::codecs::BrotliDecoder;
use async_compression::codecs::BrotliEncoder;
use async_compression::codecs::DecodeV2;
use async_compression::codecs::GzipDecoder;
use async_compression::codecs::GzipEncoder;
use async_compression::codecs::ZlibDecoder;
use async_compression::codecs::ZlibEncoder;
use async_compression::core::util::PartialBuffer;
use async_compression::core::util::WriteBuffer;
use flate2::Decompress;
use flate2::FlushDecompress;
use flate2::Status;

use crate::http::coding::AnyDecoder;
use crate::http::coding::Coding;

/// RFC 1952, of which a stream may have several members. What only says that it is one is taken as it is, as browsers do.
pub(crate) const GZIP: Coding = Coding {
    token: "gzip",
    decoder: |first| {
        let is_gzip = first == GZIP_MAGIC[0];
        Ok(is_gzip.then(|| Box::new(GzipDecoder::new()) as AnyDecoder))
    },
    encoder: || Box::new(GzipEncoder::new(Level::Precise(GZIP_LEVEL).into())),
    continues: |rest| begins(rest, &GZIP_MAGIC),
};

/// RFC 7932.
pub(crate) const BROTLI: Coding = Coding {
    token: "br",
    decoder: |first| {
        // Such a window may be of a gigabyte, and no coding of the web (section 9.1).
        if first & 0x7f == LARGE_WINDOW {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(Some(Box::new(BrotliDecoder::new())))
    },
    encoder: || {
        let params = EncoderParams::default().quality(Level::Precise(BROTLI_QUALITY));
        Box::new(BrotliEncoder::new(
            params.window_size(BROTLI_WINDOW).text_mode(),
        ))
    },
    continues: |_| false,
};

/// RFC 1950; from some servers it is bare RFC 1951, which browsers take as well.
pub(crate) const DEFLATE: Coding = Coding {
    token: "deflate",
    decoder: |first| {
        // A bare block that begins like the other is stored and has a bit set where encoders set none.
        let is_zlib = first & 0x0f == DEFLATE_METHOD && first >> 4 <= LARGEST_WINDOW;
        Ok(Some(if is_zlib {
            Box::new(ZlibDecoder::new())
        } else {
            Box::new(BareDecoder(Decompress::new(false)))
        }))
    },
    encoder: || Box::new(ZlibEncoder::new(Level::Precise(GZIP_LEVEL).into())),
    continues: |_| false,
};

/// True if `bytes` begin with `magic`, as far as they are there.
pub(crate) fn begins(bytes: &[u8], magic: &[u8]) -> bool {
    let there = bytes.len().min(magic.len());
    bytes[..there] == magic[..there]
}

/// Deflate without anything round it.
struct BareDecoder(Decompress);

impl DecodeV2 for BareDecoder {
    fn reinit(&mut self) -> io::Result<()> {
        self.0.reset(false);
        Ok(())
    }

    fn decode(
        &mut self,
        input: &mut PartialBuffer<&[u8]>,
        output: &mut WriteBuffer<'_>,
    ) -> io::Result<bool> {
        let (read, written) = (self.0.total_in(), self.0.total_out());
        let out = output.initialize_unwritten();
        let status = self
            .0
            .decompress(input.unwritten(), out, FlushDecompress::None)?;
        // No more than the two slices have.
        input.advance(usize::try_from(self.0.total_in() - read).unwrap_or(0));
        output.advance(usize::try_from(self.0.total_out() - written).unwrap_or(0));
        Ok(status == Status::StreamEnd)
    }

    fn flush(&mut self, _: &mut WriteBuffer<'_>) -> io::Result<bool> {
        Ok(true)
    }

    fn finish(&mut self, _: &mut WriteBuffer<'_>) -> io::Result<bool> {
        Ok(true)
    }
}

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

// The bits for a window beyond the 16 MB of the standard.
const LARGE_WINDOW: u8 = 0x11;

// RFC 1950, section 2.2: CM, and the largest CINFO.
const DEFLATE_METHOD: u8 = 8;
const LARGEST_WINDOW: u8 = 7;

// A twentieth larger than what takes three times as long; the first one saves little time, and is larger by a fifth.
const GZIP_LEVEL: i32 = 2;

// Of about the size that gzip makes of pages, or a third less where they repeat themselves, in a third more time. The
// next one takes twice the time for a twentieth.
const BROTLI_QUALITY: i32 = 1;

// 256 KB: pages hardly have more, and a stream keeps twice that much in memory.
const BROTLI_WINDOW: i32 = 18;
