//! The name of a release, and the digests it is made of.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use data_encoding::HEXLOWER;
use sha2::Digest as _;
use sha2::Sha256;

use crate::digest::Digest;
use crate::error::Error;
use crate::error::Kind;

/// The id of a release: 1 to 64 of `A-Z a-z 0-9 . _ -`, so that it can stand in an HTML attribute, a
/// JSON string and an event without escaping.
///
/// For a directory it is made of the content that visitors can reach; for a release that is published by
/// hand it is whatever the publisher says. `Clone` is cheap.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReleaseId(Arc<str>);

impl ReleaseId {
    /// The id as it is written everywhere.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id of this content: the first 80 bits of SHA-256 over every path and digest, in hex.
    ///
    /// The same content gives the same id whatever the order of `files`, on every machine.
    pub(crate) fn of<'a>(files: impl IntoIterator<Item = (&'a str, &'a Digest)>) -> Self {
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

    /// The id for what a server calls its build: just that, or a digest of it where it could not be an id.
    pub(crate) fn called(value: &str) -> Self {
        let digest = || Self(Digest::of(value.as_bytes()).hex(ID_BYTES).into());
        value.parse().unwrap_or_else(|_| digest())
    }
}

impl FromStr for ReleaseId {
    type Err = Error;

    fn from_str(id: &str) -> Result<Self, Error> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        if id.is_empty() || id.len() > 64 || !id.bytes().all(plain) {
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

// 80 bits: no two builds of one site will meet, and the tag in the page stays short.
const ID_BYTES: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_content_has_an_equal_id_in_any_order() {
        let (a, b) = (Digest::of(b"a"), Digest::of(b"b"));
        assert_eq!(
            ReleaseId::of([("/a", &a), ("/b", &b)]),
            ReleaseId::of([("/b", &b), ("/a", &a)])
        );
    }

    #[test]
    fn a_path_cannot_lend_bytes_to_its_neighbour() {
        let d = Digest::of(b"");
        assert_ne!(
            ReleaseId::of([("/a", &d), ("/bc", &d)]),
            ReleaseId::of([("/ab", &d), ("/c", &d)])
        );
    }

    #[test]
    fn an_id_is_the_same_on_every_machine() {
        let page = Digest::of(b"<!doctype html>");
        assert_eq!(
            ReleaseId::of([("/index.html", &page)]).as_str(),
            "80f78f5808fb6234fa98"
        );
    }

    #[test]
    fn an_id_that_would_need_escaping_is_refused() {
        for id in ["", "a b", "a\"b", "a\nb", "é", &"x".repeat(65)] {
            assert!(id.parse::<ReleaseId>().is_err(), "{id:?}");
        }
        assert_eq!(
            "v1.2_3-x".parse::<ReleaseId>().unwrap().as_str(),
            "v1.2_3-x"
        );
    }
}
