//! The id of a release.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use data_encoding::HEXLOWER;
use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;
use serde::de;
use sha2::Digest as _;
use sha2::Sha256;

use crate::digest::Digest;
use crate::error::Error;
use crate::error::Kind;

/// The id of a release: 1 to 64 of `A-Z a-z 0-9 . _ -`, so that it needs no escaping in an HTML attribute, a JSON
/// string or an event.
///
/// The id of a directory's release is computed from the reachable content; that of a release that is published by hand
/// is chosen by the publisher. `Clone` is cheap.
///
/// ```
/// use tidings::ReleaseId;
///
/// let id: ReleaseId = "v1.4.2".parse().unwrap();
/// assert_eq!(id.as_str(), "v1.4.2");
/// assert!("v1 4 2".parse::<ReleaseId>().is_err());
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReleaseId(Arc<str>);

impl ReleaseId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id of this content: the first 80 bits of SHA-256 over every path and digest, in hex.
    ///
    /// The same content has the same id whatever the order of `files`, on every machine.
    pub(crate) fn from_content<'a>(files: impl IntoIterator<Item = (&'a str, &'a Digest)>) -> Self {
        let mut files: Vec<_> = files.into_iter().collect();
        files.sort_unstable();
        let mut hasher = Sha256::new();
        for (path, digest) in files {
            // Length first, or `a` + `bc` would equal `ab` + `c`.
            hasher.update((path.len() as u64).to_be_bytes());
            hasher.update(path.as_bytes());
            hasher.update(digest.as_bytes());
        }
        Self(HEXLOWER.encode(&hasher.finalize()[..ID_BYTES]).into())
    }

    /// The id for a version as a server names it: the name itself, or a digest of it if it is not a valid id.
    pub(crate) fn from_version(version: &str) -> Self {
        let digest = || Self(Digest::new(version.as_bytes()).hex(ID_BYTES).into());
        version.parse().unwrap_or_else(|_| digest())
    }
}

impl FromStr for ReleaseId {
    type Err = Error;

    fn from_str(id: &str) -> Result<Self, Error> {
        let is_allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        if id.is_empty() || id.len() > MAX_LENGTH || !id.bytes().all(is_allowed) {
            return Err(Error::new(Kind::InvalidReleaseId(id.to_owned())));
        }
        Ok(Self(id.into()))
    }
}

impl fmt::Display for ReleaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ReleaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReleaseId({})", self.0)
    }
}

impl Serialize for ReleaseId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ReleaseId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let id = String::deserialize(deserializer)?;
        id.parse().map_err(de::Error::custom)
    }
}

// 80 bits: no two builds of one site will meet, and the tag in the page stays short.
const ID_BYTES: usize = 10;

const MAX_LENGTH: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn release_id_of_content_in_any_order_is_equal() {
        let (a, b) = (Digest::new(b"a"), Digest::new(b"b"));
        assert_eq!(
            ReleaseId::from_content([("/a", &a), ("/b", &b)]),
            ReleaseId::from_content([("/b", &b), ("/a", &a)])
        );
    }

    #[test]
    fn release_id_with_bytes_moved_between_paths_differs() {
        let d = Digest::new(b"");
        assert_ne!(
            ReleaseId::from_content([("/a", &d), ("/bc", &d)]),
            ReleaseId::from_content([("/ab", &d), ("/c", &d)])
        );
    }

    #[test]
    fn release_id_of_known_content_is_the_same_on_every_machine() {
        let page = Digest::new(b"<!doctype html>");
        assert_eq!(
            ReleaseId::from_content([("/index.html", &page)]).as_str(),
            "80f78f5808fb6234fa98"
        );
    }

    #[test]
    fn release_id_that_needs_escaping_is_an_error() {
        for id in ["", "a b", "a\"b", "a\nb", "é", &"x".repeat(65)] {
            assert!(id.parse::<ReleaseId>().is_err(), "{id:?}");
            assert!(serde_json::from_value::<ReleaseId>(id.into()).is_err());
        }
        let id: ReleaseId = "v1.2_3-x".parse().unwrap();
        assert_eq!(id.as_str(), "v1.2_3-x");
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(json, "\"v1.2_3-x\"");
        assert_eq!(serde_json::from_str::<ReleaseId>(&json).unwrap(), id);
    }
}
