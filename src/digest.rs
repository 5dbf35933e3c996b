//! SHA-256 digests (FIPS 180-4).

use std::fmt;

use data_encoding::BASE64;
use data_encoding::HEXLOWER;
use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;
use serde::de;
use sha2::Digest as _;
use sha2::Sha256;

/// The SHA-256 digest of some bytes. As text, and in JSON, it is 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Digest([u8; 32]);

impl Digest {
    /// The digest of these bytes.
    pub(crate) fn new(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The digest of the bytes that this hasher has taken.
    pub(crate) fn from_hasher(hasher: Sha256) -> Self {
        Self(hasher.finalize().into())
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first `bytes` bytes in hex, for names and entity tags.
    pub(crate) fn hex(&self, bytes: usize) -> String {
        HEXLOWER.encode(&self.0[..bytes.min(self.0.len())])
    }

    /// The whole digest in Base64, as in integrity attributes and Content Security Policies.
    pub(crate) fn base64(&self) -> String {
        BASE64.encode(&self.0)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({})", self.hex(6))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let hex = String::deserialize(deserializer)?;
        let bytes = HEXLOWER.decode(hex.as_bytes()).ok();
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
        let expected = || de::Error::custom("expected 64 lower-case hex digits");
        bytes.map(Self).ok_or_else(expected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_as_json_is_hex() {
        let digest = Digest::new(b"");
        let json = serde_json::to_string(&digest).unwrap();
        let hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(json, format!("\"{hex}\""));
        assert_eq!(serde_json::from_str::<Digest>(&json).unwrap(), digest);
        for wrong in ["", "00", &hex.to_uppercase(), &format!("{hex}00")] {
            assert!(serde_json::from_value::<Digest>(wrong.into()).is_err());
        }
    }
}
