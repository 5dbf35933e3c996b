//! Decoding piece by piece, within bounds.

use std::error::Error;
use std::fmt;
use std::mem;

use async_compression::core::util::PartialBuffer;
use async_compression::core::util::WriteBuffer;
use bytes::Buf as _;
use bytes::Bytes;

use crate::http::coding::codec::AnyDecoder;
use crate::http::coding::codec::BUFFER;
use crate::http::coding::coding::Coding;

/// Decodes what is pushed, as it is pulled.
///
/// After the end of the coded stream another may follow where the coding allows it; any other bytes after it are
/// ignored, as browsers do. An empty body is complete.
pub(crate) struct Decoder {
    coding: Coding,
    /// `None` before the first byte.
    codec: Option<AnyDecoder>,
    /// What was pushed and is not read yet. After a stream, less than [`MAX_MAGIC`] bytes until there are more.
    input: Bytes,
    buffer: Box<[u8]>,
    state: State,
    /// How many more decoded bytes are allowed.
    remaining: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// In a stream, or before the first.
    InStream,
    /// In a stream that may have more output without more input.
    OutputFull,
    /// After a stream.
    AfterStream,
    /// After the last stream.
    Finished,
    /// The body is not coded, although its header field says so.
    Identity,
}

/// Why a coded body can't be decoded to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DecodeError {
    /// The bytes are not in this coding.
    Corrupt(Coding),
    /// The body ends within a stream.
    Truncated(Coding),
    /// It decodes to more than [`MAX_DECODED`] bytes.
    TooLarge(Coding),
}

impl Decoder {
    pub(crate) fn new(coding: Coding) -> Self {
        Self::with_limit(coding, MAX_DECODED)
    }

    /// A decoder with an error after `limit` decoded bytes.
    fn with_limit(coding: Coding, limit: u64) -> Self {
        Self {
            coding,
            codec: None,
            input: Bytes::new(),
            buffer: vec![0; BUFFER].into(),
            state: State::InStream,
            remaining: limit,
        }
    }

    /// Takes the next piece of input. The one before must have been decoded: [`pull`](Self::pull) returned `None`.
    pub(crate) fn push(&mut self, piece: Bytes) {
        self.input = if self.input.is_empty() {
            piece
        } else {
            [&self.input[..], &piece].concat().into()
        };
    }

    /// The next decoded bytes: at most [`BUFFER`], or a whole piece of a body that is not coded. `None` if more input
    /// is needed.
    pub(crate) fn pull(&mut self) -> Result<Option<Bytes>, DecodeError> {
        loop {
            if self.state == State::AfterStream && !self.input.is_empty() {
                self.start_next_stream()?;
            }
            if self.state == State::Finished {
                self.input.clear();
            }
            let is_done = self.input.is_empty() && self.state != State::OutputFull;
            if is_done || self.state == State::AfterStream {
                return Ok(None);
            }
            let written = match self.state {
                State::Identity => 0,
                _ => self.decode()?,
            };
            if self.state == State::Identity {
                return Ok(Some(mem::take(&mut self.input)));
            }
            if written > 0 {
                self.remaining = self
                    .remaining
                    .checked_sub(written as u64)
                    .ok_or(DecodeError::TooLarge(self.coding))?;
                return Ok(Some(Bytes::copy_from_slice(&self.buffer[..written])));
            }
        }
    }

    /// Ends the input, all of which must have been decoded: an error if the body is not complete.
    pub(crate) fn end(&self) -> Result<(), DecodeError> {
        let is_complete = match self.state {
            State::AfterStream => self.input.is_empty(),
            State::Finished => true,
            State::InStream | State::OutputFull | State::Identity => self.codec.is_none(),
        };
        is_complete
            .then_some(())
            .ok_or(DecodeError::Truncated(self.coding))
    }

    /// Starts another stream, if one follows. Changes nothing while there is too little input to know.
    fn start_next_stream(&mut self) -> Result<(), DecodeError> {
        let continues = self.coding.may_continue(&self.input);
        if continues && self.input.len() < MAX_MAGIC {
            return Ok(());
        }
        self.state = State::Finished;
        if continues && let Some(codec) = &mut self.codec {
            codec
                .reinit()
                .map_err(|_| DecodeError::Corrupt(self.coding))?;
            self.state = State::InStream;
        }
        Ok(())
    }

    /// Decodes once into the buffer. Returns the number of bytes.
    fn decode(&mut self) -> Result<usize, DecodeError> {
        let corrupt = DecodeError::Corrupt(self.coding);
        if self.codec.is_none()
            && let Some(&first) = self.input.first()
        {
            self.codec = self.coding.decoder(first).map_err(|_| corrupt)?;
        }
        let Some(codec) = &mut self.codec else {
            self.state = State::Identity;
            return Ok(0);
        };
        let mut input = PartialBuffer::new(&self.input[..]);
        let mut output = WriteBuffer::new_initialized(&mut self.buffer);
        let decoded = codec.decode(&mut input, &mut output);
        let (read, written) = (input.written_len(), output.written_len());
        self.state = match decoded {
            Ok(true) => State::AfterStream,
            Ok(false) if written == self.buffer.len() => State::OutputFull,
            Ok(false) if read + written == 0 && !self.input.is_empty() => return Err(corrupt),
            Ok(false) => State::InStream,
            // To some codecs it is an error that nothing was left to do.
            Err(_) if self.input.is_empty() => State::InStream,
            Err(_) => return Err(corrupt),
        };
        self.input.advance(read);
        Ok(written)
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (coding, problem) = match self {
            Self::Corrupt(coding) => (coding, "corrupt"),
            Self::Truncated(coding) => (coding, "truncated"),
            Self::TooLarge(coding) => (coding, "too large when decoded"),
        };
        write!(f, "a body in {} is {problem}", coding.token())
    }
}

impl Error for DecodeError {}

// No page has a gigabyte; a body that decodes to more is made to exhaust us.
const MAX_DECODED: u64 = 1 << 30;

// Of Zstandard.
const MAX_MAGIC: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::coding::encoder::tests::encode;

    /// What these pieces decode to, and the error at their end.
    fn decode<'a>(
        mut decoder: Decoder,
        pieces: impl IntoIterator<Item = &'a [u8]>,
    ) -> (Vec<u8>, Option<DecodeError>) {
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
                    Err(error) => return (plain, Some(error)),
                }
            }
        }
        let error = decoder.end().err();
        (plain, error)
    }

    fn text() -> Vec<u8> {
        let lines: Vec<_> = (0..5000).map(|n| format!("line {n}\n")).collect();
        lines.concat().into_bytes()
    }

    #[test]
    fn decoder_with_pieces_of_any_size_restores_the_text() {
        let text = text();
        for coding in Coding::ALL.iter().copied() {
            let coded = encode(coding, &text);
            assert!(coded.len() < text.len() / 3, "{coding:?}");
            for size in [1, 2, 7, 100, coded.len()] {
                let decoded = decode(Decoder::new(coding), coded.chunks(size));
                assert!(decoded == (text.clone(), None), "{coding:?} by {size}");
            }
        }
    }

    #[test]
    fn decoder_without_input_is_complete() {
        for coding in Coding::ALL.iter().copied() {
            assert_eq!(decode(Decoder::new(coding), []), (vec![], None));
            let empty = encode(coding, b"");
            assert_eq!(decode(Decoder::new(coding), [&empty[..]]), (vec![], None));
        }
    }

    #[test]
    fn decoder_with_truncated_input_is_an_error() {
        let text = text();
        for coding in Coding::ALL.iter().copied() {
            let coded = encode(coding, &text);
            for end in [1, 5, coded.len() / 2, coded.len() - 1] {
                let (plain, error) = decode(Decoder::new(coding), coded[..end].chunks(100));
                assert_eq!(error, Some(DecodeError::Truncated(coding)), "{end}");
                assert!(text.starts_with(&plain));
            }
        }
    }

    #[test]
    fn decoder_ignores_garbage_only_after_the_end() {
        let text = text();
        for coding in Coding::ALL.iter().copied() {
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
            if matches!(coding, Coding::Gzip | Coding::Deflate) {
                coded[end / 2] ^= 0x10;
                let (_, error) = decode(Decoder::new(coding), coded[..end].chunks(100));
                assert!(error.is_some(), "{coding:?}");
            }
            let html = b"<!doctype html>";
            let decoded = decode(Decoder::new(coding), html.chunks(4));
            let expected = match coding {
                Coding::Gzip => (html.to_vec(), None),
                _ => (Vec::new(), Some(DecodeError::Corrupt(coding))),
            };
            assert_eq!(decoded, expected);
        }
    }

    #[test]
    fn decoder_of_uncoded_gzip_passes_every_piece() {
        let gzip = Coding::Gzip;
        let pieces = [&b"<p>"[..], b"\x1f", b"\x1f\x8b</p>"];
        let expected = (pieces.concat(), None);
        assert_eq!(decode(Decoder::new(gzip), pieces), expected);
    }

    #[test]
    fn decoder_with_several_members_decodes_all() {
        for token in ["gzip", "zstd"] {
            let Some(coding) = Coding::from_token(token) else {
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
            let (plain, error) = decode(Decoder::new(coding), [cut]);
            assert_eq!(
                (&plain[..1], error),
                (&b"a"[..], Some(DecodeError::Truncated(coding)))
            );
        }
    }

    #[test]
    fn decoder_of_bare_deflate_restores_the_text() {
        let text = text();
        let mut coded = Vec::new();
        let mut encoder =
            flate2::write::DeflateEncoder::new(&mut coded, flate2::Compression::default());
        std::io::Write::write_all(&mut encoder, &text).unwrap();
        encoder.finish().unwrap();
        let coding = Coding::Deflate;
        for size in [1, 100, coded.len()] {
            let decoded = decode(Decoder::new(coding), coded.chunks(size));
            assert!(decoded == (text.clone(), None), "by {size}");
        }
    }

    #[test]
    fn decoder_past_its_limit_is_an_error() {
        let zeros = vec![0; 300_000];
        for coding in Coding::ALL.iter().copied() {
            let coded = encode(coding, &zeros);
            let decoder = |limit| Decoder::with_limit(coding, limit);
            assert_eq!(decode(decoder(300_000), [&coded[..]]).1, None);
            let (plain, error) = decode(decoder(299_999), [&coded[..]]);
            assert_eq!(error, Some(DecodeError::TooLarge(coding)));
            assert!(plain.len() > 299_999 - BUFFER);
        }
    }

    #[test]
    fn decoder_of_a_large_brotli_window_is_an_error() {
        let coding = Coding::Brotli;
        let (_, error) = decode(Decoder::new(coding), [&[0x11, 0x1e, 0, 0][..]]);
        assert_eq!(error, Some(DecodeError::Corrupt(coding)));
    }
}
