//! A buffer for the start of a page.

use std::mem;

use bytes::Bytes;
use bytes::BytesMut;

/// The start of a page. Copied only if it comes in more than one piece.
pub(crate) enum HeldBytes {
    One(Bytes),
    Many(BytesMut),
}

impl HeldBytes {
    /// Appends a piece. Returns the number of bytes before it.
    pub(crate) fn push(&mut self, piece: Bytes) -> usize {
        let before = self.as_slice().len();
        match self {
            Self::One(first) if before == 0 => *first = piece,
            Self::One(first) => {
                let mut all = BytesMut::from(mem::take(first));
                all.extend_from_slice(&piece);
                *self = Self::Many(all);
            }
            Self::Many(all) => all.extend_from_slice(&piece),
        }
        before
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        match self {
            Self::One(first) => first,
            Self::Many(all) => all,
        }
    }

    pub(crate) fn freeze(self) -> Bytes {
        match self {
            Self::One(first) => first,
            Self::Many(all) => all.freeze(),
        }
    }
}

impl Default for HeldBytes {
    fn default() -> Self {
        Self::One(Bytes::new())
    }
}
