//! SHA-256 digests (FIPS 180-4).

use std::fmt;

use data_encoding::BASE64;
use data_encoding::HEXLOWER;
use sha2::Digest as _;
use sha2::Sha256;

/// SHA-256 of some bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Digest([u8; 32]);

impl Digest {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    pub(crate) fn finish(hasher: Sha256) -> Self {
        Self(hasher.finalize().into())
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first `n` bytes in hex, for names and entity tags.
    pub(crate) fn hex(&self, n: usize) -> String {
        HEXLOWER.encode(&self.0[..n.min(self.0.len())])
    }

    /// All of it in Base64, as integrity attributes and policies have it.
    pub(crate) fn base64(&self) -> String {
        BASE64.encode(&self.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({})", self.hex(6))
    }
}
