//! Decoding piece by piece, within bounds.

use std::error::Error;
use std::fmt;
use std::mem;

use async_compression::core::util::PartialBuffer;
use async_compression::core::util::WriteBuffer;
use bytes::Buf as _;
use bytes::Bytes;

use crate::http::coding::AnyDecoder;
use crate::http::coding::BUFFER;
use crate::http::coding::Coding;

/// Decodes what is pushed, as it is pulled.
///
/// Behind the end of the coded stream another may follow where the coding allows it; what else follows is ignored, as
/// browsers do. A page of no bytes at all is whole.
pub(crate) struct Decoder {
    coding: Coding,
    /// There from the first byte on.
    codec: Option<AnyDecoder>,
    /// What was pushed and is not read yet. Behind a stream, less than [`LONGEST_MAGIC`] until there is more.
    piece: Bytes,
    buffer: Box<[u8]>,
    stage: Stage,
    most: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Within a stream, or before the first.
    Within,
    /// Within a stream that may have more to give without another byte.
    Full,
    /// Behind a stream.
    Between,
    /// Behind the last one.
    Behind,
    /// There is no coding, against what was said.
    Plain,
}

/// Why a coded page can't be decoded to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Corrupt(Coding),
    Truncated(Coding),
    TooLarge(Coding),
}

impl Decoder {
    pub(crate) fn new(coding: Coding) -> Self {
        Self::with_most(coding, MOST_DECODED)
    }

    /// One that gives no more than `most` bytes.
    fn with_most(coding: Coding, most: u64) -> Self {
        Self {
            coding,
            codec: None,
            piece: Bytes::new(),
            buffer: vec![0; BUFFER].into(),
            stage: Stage::Within,
            most,
        }
    }

    /// Takes the next piece. The one before must have been pulled through.
    pub(crate) fn push(&mut self, piece: Bytes) {
        self.piece = if self.piece.is_empty() {
            piece
        } else {
            [&self.piece[..], &piece].concat().into()
        };
    }

    /// The next decoded bytes, at most [`BUFFER`], or a piece that is not coded; `None` if it takes another piece to have
    /// more.
    pub(crate) fn pull(&mut self) -> Result<Option<Bytes>, Fault> {
        loop {
            if self.stage == Stage::Between && !self.piece.is_empty() {
                self.go_on()?;
            }
            if self.stage == Stage::Behind {
                self.piece.clear();
            }
            let is_done = self.piece.is_empty() && self.stage != Stage::Full;
            if is_done || self.stage == Stage::Between {
                return Ok(None);
            }
            let written = match self.stage {
                Stage::Plain => 0,
                _ => self.step()?,
            };
            if self.stage == Stage::Plain {
                return Ok(Some(mem::take(&mut self.piece)));
            }
            if written > 0 {
                self.most = self
                    .most
                    .checked_sub(written as u64)
                    .ok_or(Fault::TooLarge(self.coding))?;
                return Ok(Some(Bytes::copy_from_slice(&self.buffer[..written])));
            }
        }
    }

    /// Says that no other piece comes. All that came must have been pulled through.
    pub(crate) fn end(&self) -> Result<(), Fault> {
        let is_whole = match self.stage {
            Stage::Between => self.piece.is_empty(),
            Stage::Behind => true,
            Stage::Within | Stage::Full | Stage::Plain => self.codec.is_none(),
        };
        is_whole.then_some(()).ok_or(Fault::Truncated(self.coding))
    }

    /// Begins with another stream, if what follows is one. Nothing changes while that can't be told.
    fn go_on(&mut self) -> Result<(), Fault> {
        let continues = (self.coding.continues)(&self.piece);
        if continues && self.piece.len() < LONGEST_MAGIC {
            return Ok(());
        }
        self.stage = Stage::Behind;
        if continues && let Some(codec) = &mut self.codec {
            codec.reinit().map_err(|_| Fault::Corrupt(self.coding))?;
            self.stage = Stage::Within;
        }
        Ok(())
    }

    /// Decodes once into the buffer; gives the number of bytes.
    fn step(&mut self) -> Result<usize, Fault> {
        let corrupt = Fault::Corrupt(self.coding);
        if self.codec.is_none()
            && let Some(&first) = self.piece.first()
        {
            self.codec = (self.coding.decoder)(first).map_err(|_| corrupt)?;
        }
        let Some(codec) = &mut self.codec else {
            self.stage = Stage::Plain;
            return Ok(0);
        };
        let mut input = PartialBuffer::new(&self.piece[..]);
        let mut output = WriteBuffer::new_initialized(&mut self.buffer);
        let decoded = codec.decode(&mut input, &mut output);
        let (read, written) = (input.written_len(), output.written_len());
        self.stage = match decoded {
            Ok(true) => Stage::Between,
            Ok(false) if written == self.buffer.len() => Stage::Full,
            Ok(false) if read + written == 0 && !self.piece.is_empty() => return Err(corrupt),
            Ok(false) => Stage::Within,
            // To some codecs it is an error that nothing was left to do.
            Err(_) if self.piece.is_empty() => Stage::Within,
            Err(_) => return Err(corrupt),
        };
        self.piece.advance(read);
        Ok(written)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (coding, what) = match self {
            Self::Corrupt(coding) => (coding, "corrupt"),
            Self::Truncated(coding) => (coding, "cut off"),
            Self::TooLarge(coding) => (coding, "too large when decoded"),
        };
        write!(f, "a page in {} is {what}", coding.token())
    }
}

impl Error for Fault {}

// No page has a gigabyte; what comes to more is made to keep somebody busy.
const MOST_DECODED: u64 = 1 << 30;

// Of Zstandard.
const LONGEST_MAGIC: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::coding::encoder::tests::encode;

    /// What these pieces decode to, and what is wrong with them.
    fn decode<'a>(
        mut decoder: Decoder,
        pieces: impl IntoIterator<Item = &'a [u8]>,
    ) -> (Vec<u8>, Option<Fault>) {
        let mut plain = Vec::new();
        for piece in pieces {
            decoder.push(Bytes::copy_from_slice(piece));
            loop {
                match decoder.pull() {
                    Ok(Some(bytes)) => {
                        assert!(bytes.len() <= BUFFER);
                        plain.extend_from_slice(&bytes);
                    }
                    Ok(None) => break,
                    Err(fault) => return (plain, Some(fault)),
                }
            }
        }
        let fault = decoder.end().err();
        (plain, fault)
    }

    fn text() -> Vec<u8> {
        let lines: Vec<_> = (0..5000).map(|n| format!("line {n}\n")).collect();
        lines.concat().into_bytes()
    }

    #[test]
    fn what_was_encoded_is_decoded_in_pieces_of_any_size() {
        let text = text();
        for coding in Coding::all() {
            let coded = encode(coding, &text);
            assert!(coded.len() < text.len() / 3, "{coding:?}");
            for size in [1, 2, 7, 100, coded.len()] {
                let decoded = decode(Decoder::new(coding), coded.chunks(size));
                assert!(decoded == (text.clone(), None), "{coding:?} by {size}");
            }
        }
    }

    #[test]
    fn a_page_of_no_bytes_is_whole() {
        for coding in Coding::all() {
            assert_eq!(decode(Decoder::new(coding), []), (vec![], None));
            let empty = encode(coding, b"");
            assert_eq!(decode(Decoder::new(coding), [&empty[..]]), (vec![], None));
        }
    }

    #[test]
    fn what_is_cut_off_is_told_from_what_is_whole() {
        let text = text();
        for coding in Coding::all() {
            let coded = encode(coding, &text);
            for end in [1, 5, coded.len() / 2, coded.len() - 1] {
                let (plain, fault) = decode(Decoder::new(coding), coded[..end].chunks(100));
                assert_eq!(fault, Some(Fault::Truncated(coding)), "{end}");
                assert!(text.starts_with(&plain));
            }
        }
    }

    #[test]
    fn garbage_behind_the_end_is_ignored_and_garbage_before_it_is_not() {
        let text = text();
        for coding in Coding::all() {
            let mut coded = encode(coding, &text);
            let end = coded.len();
            for garbage in [
                &b"\0\0 what may this be?"[..],
                b"\x1f garbage",
                b"\x28\xb5 too",
            ] {
                coded.truncate(end);
                coded.extend_from_slice(garbage);
                for size in [1, 100, end + 1, coded.len()] {
                    let decoded = decode(Decoder::new(coding), coded.chunks(size));
                    assert!(decoded == (text.clone(), None), "{coding:?} by {size}");
                }
            }
            // The others have no checksum.
            if matches!(coding.token(), "gzip" | "deflate") {
                coded[end / 2] ^= 0x10;
                let (_, fault) = decode(Decoder::new(coding), coded[..end].chunks(100));
                assert!(fault.is_some(), "{coding:?}");
            }
            let html = b"<!doctype html>";
            let decoded = decode(Decoder::new(coding), html.chunks(4));
            let expected = match coding.token() {
                "gzip" => (html.to_vec(), None),
                _ => (Vec::new(), Some(Fault::Corrupt(coding))),
            };
            assert_eq!(decoded, expected);
        }
    }

    #[test]
    fn what_is_not_coded_stays_so_whatever_its_pieces_begin_with() {
        let gzip = Coding::named("gzip").unwrap();
        let pieces = [&b"<p>"[..], b"\x1f", b"\x1f\x8b</p>"];
        let expected = (pieces.concat(), None);
        assert_eq!(decode(Decoder::new(gzip), pieces), expected);
    }

    #[test]
    fn streams_that_belong_together_are_decoded_together() {
        for token in ["gzip", "zstd"] {
            let Some(coding) = Coding::named(token) else {
                continue;
            };
            let coded = [
                encode(coding, b"a"),
                encode(coding, b""),
                encode(coding, b"b"),
            ]
            .concat();
            for size in 1..coded.len() {
                let decoded = decode(Decoder::new(coding), coded.chunks(size));
                assert_eq!(decoded, (b"ab".to_vec(), None), "{token} by {size}");
            }
            let cut = &coded[..coded.len() - 1];
            let (plain, fault) = decode(Decoder::new(coding), [cut]);
            assert_eq!(
                (&plain[..1], fault),
                (&b"a"[..], Some(Fault::Truncated(coding)))
            );
        }
    }

    #[test]
    fn deflate_may_be_bare() {
        let text = text();
        let mut coded = Vec::new();
        let mut encoder =
            flate2::write::DeflateEncoder::new(&mut coded, flate2::Compression::default());
        std::io::Write::write_all(&mut encoder, &text).unwrap();
        encoder.finish().unwrap();
        let coding = Coding::named("deflate").unwrap();
        for size in [1, 100, coded.len()] {
            let decoded = decode(Decoder::new(coding), coded.chunks(size));
            assert!(decoded == (text.clone(), None), "by {size}");
        }
    }

    #[test]
    fn there_is_an_end_to_what_is_decoded() {
        let zeros = vec![0; 300_000];
        for coding in Coding::all() {
            let coded = encode(coding, &zeros);
            let decoder = |most| Decoder::with_most(coding, most);
            assert_eq!(decode(decoder(300_000), [&coded[..]]).1, None);
            let (plain, fault) = decode(decoder(299_999), [&coded[..]]);
            assert_eq!(fault, Some(Fault::TooLarge(coding)));
            assert!(plain.len() > 299_999 - BUFFER);
        }
    }

    #[test]
    fn a_window_of_a_gigabyte_is_refused() {
        let coding = Coding::named("br").unwrap();
        let (_, fault) = decode(Decoder::new(coding), [&[0x11, 0x1e, 0, 0][..]]);
        assert_eq!(fault, Some(Fault::Corrupt(coding)));
    }
}
