//! Compresses assets when a release is built.

use std::io;
use std::io::Read;
use std::io::Write as _;

use brotli::enc::BrotliEncoderParams;
use bytes::Bytes;
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

use crate::http::coding::Coding;
use crate::release::asset::Asset;
use crate::release::representation::Content;
use crate::release::representation::Representation;

/// The path at which build tools put the compressed copy of a file; `None` for codings that they don't use.
pub(crate) fn copy_path(path: &str, coding: Coding) -> Option<String> {
    match coding {
        Coding::Brotli => Some(format!("{path}.br")),
        Coding::Gzip => Some(format!("{path}.gz")),
        _ => None,
    }
}

/// Sets the encoded representations of an asset: every coding that makes it smaller, if its bytes are in memory.
pub(crate) fn compress(asset: &Asset) {
    let codings = Coding::PRECOMPRESSED.into_iter();
    let encoded = codings.filter_map(|coding| Some((coding, compressed(asset, coding)?)));
    asset.set_encoded(encoded.collect());
}

/// An asset in `coding`, if its bytes are in memory and that makes it smaller.
pub(crate) fn compressed(asset: &Asset, coding: Coding) -> Option<Representation> {
    let Content::Memory(bytes) = asset.plain().content() else {
        return None;
    };
    Some(asset.encoded_from(smaller(coding, bytes)?))
}

/// `bytes` in `coding`, if there is at least 1 KiB of them and that makes them smaller by a tenth or more.
///
/// The result depends on nothing but the bytes, so that all replicas send the same.
fn smaller(coding: Coding, bytes: &[u8]) -> Option<Bytes> {
    if bytes.len() < MIN_BYTES {
        return None;
    }
    match encode(coding, bytes) {
        Ok(small) => (small.len() < bytes.len() / 10 * 9).then_some(small),
        Err(error) => {
            tracing::warn!(%error, coding = coding.token(), "cannot compress a file");
            None
        }
    }
}

fn encode(coding: Coding, bytes: &[u8]) -> io::Result<Bytes> {
    let mut out = Vec::with_capacity(bytes.len() / 3);
    match coding {
        Coding::Brotli => {
            let small = bytes.len() <= MAX_BYTES_BEST;
            let params = BrotliEncoderParams {
                quality: if small { 9 } else { 5 },
                lgwin: 22,
                size_hint: bytes.len(),
                ..BrotliEncoderParams::default()
            };
            brotli::BrotliCompress(&mut &*bytes, &mut out, &params)?;
        }
        Coding::Gzip => {
            let mut encoder = GzEncoder::new(&mut out, Compression::new(6));
            encoder.write_all(bytes)?;
            encoder.finish()?;
        }
        _ => return Err(io::ErrorKind::Unsupported.into()),
    }
    Ok(out.into())
}

/// True if `encoded` decodes to exactly `plain`.
///
/// Stops at the first difference, so that a decompression bomb costs no more than the file itself.
pub(crate) fn decodes_to(coding: Coding, encoded: &[u8], plain: &[u8]) -> bool {
    match coding {
        Coding::Brotli => decodes_as(brotli::Decompressor::new(encoded, BUFFER), plain),
        Coding::Gzip => decodes_as(MultiGzDecoder::new(encoded), plain),
        _ => false,
    }
}

fn decodes_as(mut decoder: impl Read, mut plain: &[u8]) -> bool {
    let mut buffer = vec![0; BUFFER];
    loop {
        match decoder.read(&mut buffer) {
            Ok(0) => return plain.is_empty(),
            Ok(read) => match plain.strip_prefix(&buffer[..read]) {
                Some(rest) => plain = rest,
                None => return false,
            },
            Err(_) => return false,
        }
    }
}

// Below this a response fits into one packet with its header, compressed or not.
const MIN_BYTES: usize = 1024;

// Up to here brotli 9 takes less than 25 ms; a bundle of megabytes would delay its release.
const MAX_BYTES_BEST: usize = 128 * 1024;

const BUFFER: usize = 32 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compressed_bytes_decode_to_the_original() {
        let text = "let a = 1; ".repeat(1000);
        for coding in Coding::PRECOMPRESSED {
            let small = smaller(coding, text.as_bytes()).unwrap();
            assert!(small.len() < text.len() / 10, "{coding:?}");
            assert!(decodes_to(coding, &small, text.as_bytes()));
            assert!(!decodes_to(coding, &small, &text.as_bytes()[1..]));
            assert!(!decodes_to(
                coding,
                &small[..small.len() - 9],
                text.as_bytes()
            ));
        }
    }

    #[test]
    fn small_or_random_bytes_are_not_compressed() {
        assert_eq!(smaller(Coding::Gzip, &[b'a'; 1023]), None);
        let mut noise = 1_u64;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            noise = noise
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (noise >> 56) as u8
        })
        .take(4096)
        .collect();
        assert_eq!(smaller(Coding::Brotli, &noise), None);
    }
}
