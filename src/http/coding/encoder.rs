//! Encoding piece by piece, flushed on demand.

use std::io;

use async_compression::core::util::PartialBuffer;
use async_compression::core::util::WriteBuffer;
use bytes::Buf as _;
use bytes::Bytes;

use crate::http::coding::AnyEncoder;
use crate::http::coding::BUFFER;
use crate::http::coding::Coding;

/// Encodes what is written into a buffer, which is taken when it is full, or when what came so far is to go out.
pub(crate) struct Encoder {
    codec: AnyEncoder,
    buffer: Box<[u8]>,
    filled: usize,
}

/// What an [`Encoder`] needs next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Its buffer is full: it must be taken, and the same asked again.
    Room,
    /// Nothing: all is done that was asked.
    Nothing,
}

impl Encoder {
    pub(crate) fn new(coding: Coding) -> Self {
        Self {
            codec: (coding.encoder)(),
            buffer: vec![0; BUFFER].into(),
            filled: 0,
        }
    }

    /// Encodes as much of the piece as there is room for, and takes that off.
    pub(crate) fn write(&mut self, piece: &mut Bytes) -> io::Result<Need> {
        while !piece.is_empty() {
            if self.is_full() {
                return Ok(Need::Room);
            }
            let mut input = PartialBuffer::new(&piece[..]);
            let (codec, mut output) = self.output();
            codec.encode(&mut input, &mut output)?;
            let (read, written) = (input.written_len(), output.written_len());
            if read + written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            self.filled += written;
            piece.advance(read);
        }
        Ok(Need::Nothing)
    }

    /// Encodes all that was written so far in such a way that it can be decoded without what follows.
    pub(crate) fn flush(&mut self) -> io::Result<Need> {
        self.drain(|codec, output| codec.flush(output))
    }

    /// Encodes all that was written, and the end. Nothing must be written after that.
    pub(crate) fn finish(&mut self) -> io::Result<Need> {
        self.drain(|codec, output| codec.finish(output))
    }

    /// What is encoded by now; may be empty.
    pub(crate) fn take(&mut self) -> Bytes {
        let encoded = Bytes::copy_from_slice(&self.buffer[..self.filled]);
        self.filled = 0;
        encoded
    }

    fn drain(
        &mut self,
        step: impl Fn(&mut AnyEncoder, &mut WriteBuffer<'_>) -> io::Result<bool>,
    ) -> io::Result<Need> {
        while !self.is_full() {
            let (codec, mut output) = self.output();
            let is_done = step(codec, &mut output)?;
            let written = output.written_len();
            self.filled += written;
            if is_done {
                return Ok(Need::Nothing);
            }
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
        }
        Ok(Need::Room)
    }

    fn output(&mut self) -> (&mut AnyEncoder, WriteBuffer<'_>) {
        let room = &mut self.buffer[self.filled..];
        (&mut self.codec, WriteBuffer::new_initialized(room))
    }

    fn is_full(&self) -> bool {
        self.filled == self.buffer.len()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// All of it at once.
    pub(in super::super) fn encode(coding: Coding, plain: &[u8]) -> Vec<u8> {
        let mut encoder = Encoder::new(coding);
        let mut piece = Bytes::copy_from_slice(plain);
        let mut out = Vec::new();
        while encoder.write(&mut piece).unwrap() == Need::Room {
            out.extend_from_slice(&encoder.take());
        }
        while encoder.finish().unwrap() == Need::Room {
            out.extend_from_slice(&encoder.take());
        }
        out.extend_from_slice(&encoder.take());
        out
    }

    #[test]
    fn the_buffer_is_never_outgrown_and_nothing_gets_lost() {
        // Without any order, so that there is as much to send as to read.
        let mut state = 1_u64;
        let noise = std::iter::repeat_with(|| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 56) as u8
        });
        let noise: Bytes = noise.take(100_000).collect();
        for coding in Coding::all() {
            let mut encoder = Encoder::new(coding);
            let (mut rest, mut sizes) = (noise.clone(), Vec::new());
            while encoder.write(&mut rest).unwrap() == Need::Room {
                sizes.push(encoder.take().len());
            }
            while encoder.flush().unwrap() == Need::Room {
                sizes.push(encoder.take().len());
            }
            assert!(sizes.iter().all(|&size| size == BUFFER), "{coding:?}");
            let sent = sizes.len() * BUFFER + encoder.take().len();
            assert!(sent >= noise.len(), "{coding:?}: {sent}");
        }
    }
}
