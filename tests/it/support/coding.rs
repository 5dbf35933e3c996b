//! Content codings, by the tests' own hands.

use std::io::Read as _;
use std::io::Write as _;

/// What was encoded; of no coding, the bytes themselves.
pub(crate) fn decode(coding: &str, bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    let read = match coding {
        "br" => brotli::Decompressor::new(bytes, 4096).read_to_end(&mut plain),
        "gzip" => flate2::read::GzDecoder::new(bytes).read_to_end(&mut plain),
        "" => return bytes.to_vec(),
        _ => panic!("{coding}"),
    };
    read.unwrap();
    plain
}

/// Text in a coding, but not as the server would do it.
pub(crate) fn encode(coding: &str, text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    if coding == "br" {
        let mut writer = brotli::CompressorWriter::new(&mut out, 4096, 0, 16);
        writer.write_all(text.as_bytes()).unwrap();
        drop(writer);
    } else {
        let mut writer = flate2::write::GzEncoder::new(&mut out, flate2::Compression::none());
        writer.write_all(text.as_bytes()).unwrap();
        writer.finish().unwrap();
    }
    out
}
