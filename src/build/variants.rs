//! Compressing once what is sent many times.

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
use crate::release::asset::Content;
use crate::release::asset::Representation;

/// The path at which build tools put a file that they have compressed in `coding`; `None` if they don't use it.
pub(crate) fn copy_of(path: &str, coding: Coding) -> Option<String> {
    match coding {
        Coding::Brotli => Some(format!("{path}.br")),
        Coding::Gzip => Some(format!("{path}.gz")),
        _ => None,
    }
}

/// Keeps every form of an asset that pays, if its bytes are in memory.
pub(crate) fn compress(asset: &Asset) {
    let forms = Coding::PRECOMPRESSED.into_iter();
    let forms = forms.filter_map(|coding| Some((coding, compressed(asset, coding)?)));
    asset.keep_encoded(forms.collect());
}

/// An asset in `coding`, if its bytes are in memory and it pays.
pub(crate) fn compressed(asset: &Asset, coding: Coding) -> Option<Representation> {
    let Content::Memory(bytes) = asset.plain().content() else {
        return None;
    };
    Some(asset.encoded_form(smaller(coding, bytes)?))
}

/// `bytes` in `coding`, if that makes them smaller by a tenth or more. Nothing below 1 KiB.
///
/// A pure function of the bytes, so that replicas send the same.
fn smaller(coding: Coding, bytes: &[u8]) -> Option<Bytes> {
    if bytes.len() < WORTHWHILE {
        return None;
    }
    match encode(coding, bytes) {
        Ok(small) => (small.len() < bytes.len() / 10 * 9).then_some(small),
        Err(error) => {
            tracing::warn!(%error, coding = coding.token(), "can't compress");
            None
        }
    }
}

fn encode(coding: Coding, bytes: &[u8]) -> io::Result<Bytes> {
    let mut out = Vec::with_capacity(bytes.len() / 3);
    match coding {
        Coding::Brotli => {
            let small = bytes.len() <= SMALL;
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
/// Stops at the first difference, so that a bomb costs no more than the file it stands beside.
pub(crate) fn decodes_to(coding: Coding, encoded: &[u8], plain: &[u8]) -> bool {
    match coding {
        Coding::Brotli => reads_as(brotli::Decompressor::new(encoded, BUFFER), plain),
        Coding::Gzip => reads_as(MultiGzDecoder::new(encoded), plain),
        _ => false,
    }
}

fn reads_as(mut decoder: impl Read, mut plain: &[u8]) -> bool {
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

// Below this a response fits into one packet with its head, compressed or not.
const WORTHWHILE: usize = 1024;

// Up to here brotli 9 costs less than 25 ms; a bundle of megabytes would hold up the news of its release.
const SMALL: usize = 128 * 1024;

const BUFFER: usize = 32 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_compressed_decodes_to_what_it_was() {
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
    fn small_and_random_bytes_are_left_as_they_are() {
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
