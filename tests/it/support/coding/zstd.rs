//! Zstandard.

use async_compression::codecs::DecodeV2 as _;
use async_compression::codecs::EncodeV2 as _;
use async_compression::codecs::ZstdDecoder;
use async_compression::codecs::ZstdEncoder;
use async_compression::core::util::PartialBuffer;
use async_compression::core::util::WriteBuffer;

pub(super) const TOKEN: Option<&str> = Some("zstd");

pub(super) fn encode_pieces(pieces: &[&[u8]]) -> Vec<Vec<u8>> {
    let mut encoder = ZstdEncoder::new(1);
    let (last, before) = pieces.split_last().unwrap();
    let mut write = |piece: &[u8], ends: bool| {
        let mut room = vec![0; 2 * piece.len() + 1000];
        let mut out = WriteBuffer::new_initialized(&mut room);
        let mut input = PartialBuffer::new(piece);
        encoder.encode(&mut input, &mut out).unwrap();
        let done = if ends {
            encoder.finish(&mut out)
        } else {
            encoder.flush(&mut out)
        };
        assert!(done.unwrap() && input.unwritten().is_empty());
        out.written().to_vec()
    };
    let mut coded: Vec<_> = before.iter().map(|piece| write(piece, false)).collect();
    coded.push(write(last, true));
    coded
}

pub(crate) struct Decoder {
    decoder: ZstdDecoder,
    plain: Vec<u8>,
}

impl Default for Decoder {
    fn default() -> Self {
        Self {
            decoder: ZstdDecoder::new(),
            plain: Vec::new(),
        }
    }
}

impl Decoder {
    pub(super) fn write(&mut self, bytes: &[u8]) {
        let mut input = PartialBuffer::new(bytes);
        loop {
            let mut room = [0; 4096];
            let mut out = WriteBuffer::new_initialized(&mut room);
            self.decoder.decode(&mut input, &mut out).unwrap();
            self.plain.extend_from_slice(out.written());
            if out.written().len() < 4096 && input.unwritten().is_empty() {
                return;
            }
        }
    }

    pub(super) fn decoded(&self) -> Vec<u8> {
        self.plain.clone()
    }
}
