//! The prefix of the reserved paths.

use crate::error::Error;
use crate::error::Kind;

/// The path below which the reserved paths are: one slash at the start, none at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReservedPrefix(Box<str>);

impl ReservedPrefix {
    /// # Errors
    ///
    /// If `prefix` does not start with exactly one slash, ends in one, is longer than 64 bytes, has a dot segment, or
    /// has a character that would have to be escaped in a URL or an HTML attribute.
    pub(crate) fn parse(prefix: &str) -> Result<Self, Error> {
        let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        let is_segment =
            |segment: &str| !matches!(segment, "" | "." | "..") && segment.bytes().all(is_plain);
        let segments = prefix.strip_prefix('/').map(|rest| rest.split('/'));
        if prefix.len() > MAX_LENGTH || !segments.is_some_and(|mut all| all.all(is_segment)) {
            return Err(Error::new(Kind::InvalidPrefix(prefix.to_owned())));
        }
        Ok(Self(prefix.into()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The name that follows the prefix and its slash; `None` if `path` is not a reserved path.
    pub(crate) fn strip<'a>(&self, path: &'a str) -> Option<&'a str> {
        path.strip_prefix(&*self.0)?.strip_prefix('/')
    }

    /// The reserved path with this name.
    pub(crate) fn join(&self, name: &str) -> String {
        format!("{}/{name}", self.0)
    }
}

impl Default for ReservedPrefix {
    fn default() -> Self {
        Self(DEFAULT_PREFIX.into())
    }
}

/// The prefix of the reserved paths of a new [`UpdateNotifierLayer`](crate::UpdateNotifierLayer).
pub const DEFAULT_PREFIX: &str = "/__tidings";

// Every page carries it at least once. What is longer is a mistake.
const MAX_LENGTH: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefix_that_is_not_a_plain_path_is_rejected() {
        for prefix in [
            "", "/", "x", "/x/", "//x", "/a//b", "/../x", "/a b", "/é", "/a?b", "/\"x",
        ] {
            assert!(ReservedPrefix::parse(prefix).is_err(), "{prefix:?}");
        }
        assert!(ReservedPrefix::parse(DEFAULT_PREFIX).is_ok());
    }

    #[test]
    fn prefix_is_stripped_and_joined_with_one_slash() {
        let prefix = ReservedPrefix::parse("/a/_b").unwrap();
        assert_eq!(prefix.strip("/a/_b/events"), Some("events"));
        assert_eq!(prefix.strip("/a/_bevents"), None);
        assert_eq!(prefix.strip("/a/_b"), None);
        assert_eq!(prefix.join("events"), "/a/_b/events");
    }
}
