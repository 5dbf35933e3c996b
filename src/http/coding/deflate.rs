//! `deflate`: the zlib format (RFC 1950); from some servers bare DEFLATE (RFC 1951), which browsers accept as well.

use std::io;

use async_compression::Level;
use async_compression::codecs::DecodeV2;
use async_compression::codecs::ZlibDecoder;
use async_compression::codecs::ZlibEncoder;
use async_compression::core::util::PartialBuffer;
use async_compression::core::util::WriteBuffer;
use flate2::Decompress;
use flate2::FlushDecompress;
use flate2::Status;

use crate::http::coding::codec::AnyDecoder;
use crate::http::coding::codec::AnyEncoder;
use crate::http::coding::gzip;

/// A decoder for the format that a stream with this first byte is in.
pub(crate) fn decoder(first: u8) -> AnyDecoder {
    // A bare block that begins like the other is stored and has a bit set where encoders set none.
    let is_zlib = first & 0x0f == DEFLATE_METHOD && first >> 4 <= LARGEST_WINDOW;
    if is_zlib {
        Box::new(ZlibDecoder::new())
    } else {
        Box::new(BareDecoder(Decompress::new(false)))
    }
}

pub(crate) fn encoder() -> AnyEncoder {
    Box::new(ZlibEncoder::new(Level::Precise(gzip::LEVEL).into()))
}

/// Decodes DEFLATE without a header or trailer.
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

// RFC 1950, section 2.2: CM, and the largest CINFO.
const DEFLATE_METHOD: u8 = 8;
const LARGEST_WINDOW: u8 = 7;
