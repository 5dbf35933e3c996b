//! Content codings, independent of the library.

#[cfg(not(feature = "zstd"))]
#[path = "no_zstd.rs"]
mod zstd;
#[cfg(feature = "zstd")]
mod zstd;

use std::io::Read as _;
use std::io::Write;

/// The codings that pages can have.
pub(crate) fn codings() -> impl Iterator<Item = &'static str> {
    ["gzip", "br", "deflate"].into_iter().chain(zstd::TOKEN)
}

/// Decodes `bytes`; "" is identity.
pub(crate) fn decode(coding: &str, bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    let read = match coding {
        "br" => brotli::Decompressor::new(bytes, 4096).read_to_end(&mut plain),
        "gzip" => flate2::read::GzDecoder::new(bytes).read_to_end(&mut plain),
        "deflate" => flate2::read::ZlibDecoder::new(bytes).read_to_end(&mut plain),
        "zstd" => {
            let mut decoder = Decoder::new(coding);
            decoder.write(bytes);
            return decoder.decoded();
        }
        "" => return bytes.to_vec(),
        _ => panic!("{coding}"),
    };
    read.unwrap();
    plain
}

/// Encodes text, with other parameters than the server.
pub(crate) fn encode(coding: &str, text: &str) -> Vec<u8> {
    encode_pieces(coding, &[text.as_bytes()]).concat()
}

/// Encodes text in pieces, each of which can be decoded on arrival, and the end.
pub(crate) fn encode_pieces(coding: &str, pieces: &[&[u8]]) -> Vec<Vec<u8>> {
    let none = flate2::Compression::none();
    match coding {
        "br" => {
            let mut writer = brotli::CompressorWriter::new(Vec::new(), 4096, 0, 16);
            let mut coded = flush_each(&mut writer, |writer| writer.get_mut(), pieces);
            coded.push(writer.into_inner());
            coded
        }
        "gzip" => {
            let mut writer = flate2::write::GzEncoder::new(Vec::new(), none);
            let mut coded = flush_each(&mut writer, |writer| writer.get_mut(), pieces);
            coded.push(writer.finish().unwrap());
            coded
        }
        "deflate" => {
            let mut writer = flate2::write::ZlibEncoder::new(Vec::new(), none);
            let mut coded = flush_each(&mut writer, |writer| writer.get_mut(), pieces);
            coded.push(writer.finish().unwrap());
            coded
        }
        "zstd" => zstd::encode_pieces(pieces),
        _ => panic!("{coding}"),
    }
}

fn flush_each<W: Write>(
    writer: &mut W,
    out: fn(&mut W) -> &mut Vec<u8>,
    pieces: &[&[u8]],
) -> Vec<Vec<u8>> {
    let mut coded = Vec::new();
    // The last piece is flushed together with the end.
    let (_, before) = pieces.split_last().unwrap();
    for piece in before {
        writer.write_all(piece).unwrap();
        writer.flush().unwrap();
        coded.push(std::mem::take(out(writer)));
    }
    writer.write_all(pieces[before.len()]).unwrap();
    coded
}

/// Decodes a stream incrementally, as a client does.
pub(crate) enum Decoder {
    Plain(Vec<u8>),
    Gzip(flate2::write::GzDecoder<Vec<u8>>),
    Deflate(flate2::write::ZlibDecoder<Vec<u8>>),
    Brotli(Box<brotli::DecompressorWriter<Vec<u8>>>),
    Zstd(zstd::Decoder),
}

impl Decoder {
    pub(crate) fn new(coding: &str) -> Self {
        match coding {
            "" => Self::Plain(Vec::new()),
            "gzip" => Self::Gzip(flate2::write::GzDecoder::new(Vec::new())),
            "deflate" => Self::Deflate(flate2::write::ZlibDecoder::new(Vec::new())),
            "br" => Self::Brotli(Box::new(brotli::DecompressorWriter::new(Vec::new(), 4096))),
            "zstd" => Self::Zstd(zstd::Decoder::default()),
            _ => panic!("{coding}"),
        }
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        match self {
            Self::Plain(plain) => plain.extend_from_slice(bytes),
            Self::Gzip(writer) => writer.write_all(bytes).unwrap(),
            Self::Deflate(writer) => writer.write_all(bytes).unwrap(),
            Self::Brotli(writer) => writer.write_all(bytes).unwrap(),
            Self::Zstd(decoder) => decoder.write(bytes),
        }
    }

    /// All bytes decoded so far.
    pub(crate) fn decoded(&mut self) -> Vec<u8> {
        match self {
            Self::Plain(plain) => plain.clone(),
            Self::Gzip(writer) => {
                writer.flush().unwrap();
                writer.get_ref().clone()
            }
            Self::Deflate(writer) => {
                writer.flush().unwrap();
                writer.get_ref().clone()
            }
            Self::Brotli(writer) => {
                writer.flush().unwrap();
                writer.get_ref().clone()
            }
            Self::Zstd(decoder) => decoder.decoded(),
        }
    }
}
