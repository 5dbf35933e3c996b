//! The tag that goes into a page, and the script that it names.

use std::fmt::Write as _;
use std::sync::LazyLock;

use bytes::Bytes;

use crate::error::Error;
use crate::error::Kind;
use crate::inject::policy::Form;
use crate::inject::policy::Nonce;
use crate::inject::policy::Permit;
use crate::release::Digest;
use crate::release::ReleaseId;

/// The client script, as it is sent.
pub(crate) const CLIENT: &str = include_str!("client.min.js");

/// The client script with all that it would import, for pages whose policy lets nothing be imported.
pub(crate) const WHOLE: &str = CLIENT;

/// Where the reserved paths begin: one slash, and no slash at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Prefix(Box<str>);

impl Prefix {
    /// # Errors
    ///
    /// If `prefix` does not start with exactly one slash, ends in one, or has anything in it that would have
    /// to be escaped in a URL or an attribute.
    pub(crate) fn new(prefix: &str) -> Result<Self, Error> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        let segments = prefix.strip_prefix('/').map(|rest| rest.split('/'));
        let is_segment = |segment: &str| {
            !segment.is_empty() && segment != "." && segment != ".." && segment.bytes().all(plain)
        };
        if prefix.len() > LONGEST_PREFIX || !segments.is_some_and(|mut all| all.all(is_segment)) {
            return Err(Error::new(Kind::InvalidPrefix(prefix.to_owned())));
        }
        Ok(Self(prefix.into()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// What follows the prefix and its slash, if `path` is one of the reserved ones.
    pub(crate) fn strip<'a>(&self, path: &'a str) -> Option<&'a str> {
        path.strip_prefix(&*self.0)?.strip_prefix('/')
    }
}

impl Default for Prefix {
    fn default() -> Self {
        Self("/__tidings".into())
    }
}

/// The name of the client script under the prefix: `client-<hash>.js`.
pub(crate) fn client_name() -> &'static str {
    static NAME: LazyLock<String> = LazyLock::new(|| {
        let hash = Digest::of(CLIENT.as_bytes()).hex(5);
        format!("client-{hash}.js")
    });
    &NAME
}

/// The name of the whole script under the prefix: `whole-<hash>.js`.
pub(crate) fn whole_name() -> &'static str {
    static NAME: LazyLock<String> = LazyLock::new(|| {
        let hash = Digest::of(WHOLE.as_bytes()).hex(5);
        format!("whole-{hash}.js")
    });
    &NAME
}

/// The whole script as a source in a policy: `'sha256-…'`.
pub(crate) fn whole_source() -> &'static str {
    static SOURCE: LazyLock<String> = LazyLock::new(|| {
        let hash = Digest::of(WHOLE.as_bytes()).base64();
        format!("'sha256-{hash}'")
    });
    &SOURCE
}

/// The tag for the pages of one release: ASCII, below 200 bytes under the default prefix, unless a policy wants more.
///
/// The same release gives the same bytes on every machine, and so the same entity tags.
pub(crate) fn tag(prefix: &Prefix, id: &ReleaseId, built: u64, permit: &Permit) -> Bytes {
    let prefix = prefix.as_str();
    let (script, integrity) = match permit.form {
        Form::Parts => (client_name(), None),
        Form::Whole => (whole_name(), None),
        Form::Pinned => (whole_name(), Some(whole_source().trim_matches('\''))),
    };
    let mut attributes = String::new();
    for (name, value) in [
        ("integrity", integrity),
        ("nonce", permit.nonce.as_ref().map(Nonce::as_str)),
    ] {
        if let Some(value) = value {
            // Writing to a string can't fail.
            _ = write!(attributes, " {name}=\"{value}\"");
        }
    }
    Bytes::from(format!(
        "<script async src=\"{prefix}/{script}\"{attributes} data-release=\"{id}\" data-built=\"{built}\"></script>"
    ))
}

/// What distinguishes the tags of one release, in pages of whatever policy, from those of another.
pub(crate) fn distinction(prefix: &Prefix, id: &ReleaseId, built: u64) -> String {
    let plain = tag(prefix, id, built, &Permit::default());
    let tags = [&plain[..], whole_name().as_bytes()].concat();
    Digest::of(&tags).hex(DISTINCTION_BYTES)
}

// 48 bits: entity tags of one page are compared, not all there are.
const DISTINCTION_BYTES: usize = 6;

// Beyond this it is no prefix but a mistake.
const LONGEST_PREFIX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tag_is_short_and_ascii() {
        let id = "x".repeat(64).parse().unwrap();
        let tag = tag(&Prefix::default(), &id, u64::MAX, &Permit::default());
        assert!(tag.is_ascii());
        assert!(tag.len() < 200, "{}", tag.len());
    }

    #[test]
    fn a_prefix_that_is_no_plain_path_is_refused() {
        for prefix in [
            "", "/", "x", "/x/", "//x", "/a//b", "/../x", "/a b", "/é", "/a?b", "/\"x",
        ] {
            assert!(Prefix::new(prefix).is_err(), "{prefix:?}");
        }
        let prefix = Prefix::new("/a/_b").unwrap();
        assert_eq!(prefix.strip("/a/_b/events"), Some("events"));
        assert_eq!(prefix.strip("/a/_bevents"), None);
        assert_eq!(prefix.strip("/a/_b"), None);
    }
}
