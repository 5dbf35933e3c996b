//! Encoding piece by piece, flushed on demand.

use std::io;

use async_compression::core::util::PartialBuffer;
use async_compression::core::util::WriteBuffer;
use bytes::Buf as _;
use bytes::Bytes;

use crate::http::coding::codec::AnyEncoder;
use crate::http::coding::codec::BUFFER;
use crate::http::coding::coding::Coding;

/// Encodes into a buffer, which the caller takes when it is full, or when everything written so far is to be sent.
pub(crate) struct Encoder {
    codec: AnyEncoder,
    buffer: Box<[u8]>,
    filled: usize,
}

/// How far a call of an [`Encoder`] came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// The buffer is full: [`Encoder::take`] it, and make the same call again.
    BufferFull,
    /// Everything is done.
    Done,
}

impl Encoder {
    pub(crate) fn new(coding: Coding) -> Self {
        Self {
            codec: coding.encoder(),
            buffer: vec![0; BUFFER].into(),
            filled: 0,
        }
    }

    /// Encodes as much of the piece as there is room for, and advances the piece by that.
    pub(crate) fn write(&mut self, piece: &mut Bytes) -> io::Result<Progress> {
        while !piece.is_empty() {
            if self.is_full() {
                return Ok(Progress::BufferFull);
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
        Ok(Progress::Done)
    }

    /// Flushes everything written so far, so that it can be decoded without what follows.
    pub(crate) fn flush(&mut self) -> io::Result<Progress> {
        self.drain(|codec, output| codec.flush(output))
    }

    /// Ends the stream. Nothing must be written after that.
    pub(crate) fn finish(&mut self) -> io::Result<Progress> {
        self.drain(|codec, output| codec.finish(output))
    }

    /// The encoded bytes in the buffer, if any, which is empty afterwards.
    pub(crate) fn take(&mut self) -> Bytes {
        let encoded = Bytes::copy_from_slice(&self.buffer[..self.filled]);
        self.filled = 0;
        encoded
    }

    fn drain(
        &mut self,
        step: impl Fn(&mut AnyEncoder, &mut WriteBuffer<'_>) -> io::Result<bool>,
    ) -> io::Result<Progress> {
        while !self.is_full() {
            let (codec, mut output) = self.output();
            let is_done = step(codec, &mut output)?;
            let written = output.written_len();
            self.filled += written;
            if is_done {
                return Ok(Progress::Done);
            }
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
        }
        Ok(Progress::BufferFull)
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

    /// Encodes a whole text.
    pub(in super::super) fn encode(coding: Coding, plain: &[u8]) -> Vec<u8> {
        let mut encoder = Encoder::new(coding);
        let mut piece = Bytes::copy_from_slice(plain);
        let mut out = Vec::new();
        while encoder.write(&mut piece).unwrap() == Progress::BufferFull {
            out.extend_from_slice(&encoder.take());
        }
        while encoder.finish().unwrap() == Progress::BufferFull {
            out.extend_from_slice(&encoder.take());
        }
        out.extend_from_slice(&encoder.take());
        out
    }

    #[test]
    fn encoder_of_noise_fills_its_buffer_and_loses_nothing() {
        // Without any order, so that there is as much to send as to read.
        let mut state = 1_u64;
        let noise = std::iter::repeat_with(|| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 56) as u8
        });
        let noise: Bytes = noise.take(100_000).collect();
        for coding in Coding::ALL.iter().copied() {
            let mut encoder = Encoder::new(coding);
            let (mut rest, mut sizes) = (noise.clone(), Vec::new());
            while encoder.write(&mut rest).unwrap() == Progress::BufferFull {
                sizes.push(encoder.take().len());
            }
            while encoder.flush().unwrap() == Progress::BufferFull {
                sizes.push(encoder.take().len());
            }
            assert!(sizes.iter().all(|&size| size == BUFFER), "{coding:?}");
            let sent = sizes.len() * BUFFER + encoder.take().len();
            assert!(sent >= noise.len(), "{coding:?}: {sent}");
        }
    }
}
