//! Decoding and encoding of request paths.

use std::borrow::Cow;

use percent_encoding::AsciiSet;
use percent_encoding::CONTROLS;
use percent_encoding::percent_decode_str;
use percent_encoding::utf8_percent_encode;

/// A decoded path that starts with a slash and has no `.`, `..` or empty segments: `/docs/a b.html`, or
/// `/docs/` for a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SitePath<'a>(Cow<'a, str>);

impl<'a> SitePath<'a> {
    /// Decodes the path of a URI, segment by segment and once (RFC 3986, sections 2.1 and 5.2.4).
    ///
    /// `None` for a path with an encoded slash, a backslash, a control character, bytes that are not UTF-8, or more
    /// `..` than directories.
    pub(crate) fn decode(path: &'a str) -> Option<Self> {
        let is_special = |b: u8| b == b'%' || b == b'\\' || b.is_ascii_control();
        let is_plain = path.starts_with('/')
            && !path.bytes().any(is_special)
            && !path.contains("//")
            && !path.contains("/.");
        if is_plain {
            return Some(Self(Cow::Borrowed(path)));
        }
        let mut segments: Vec<Cow<'_, str>> = Vec::new();
        let mut ends_in_directory = true;
        for segment in path.strip_prefix('/')?.split('/') {
            let segment = percent_decode_str(segment).decode_utf8().ok()?;
            if segment
                .bytes()
                .any(|b| matches!(b, b'/' | b'\\') || b.is_ascii_control())
            {
                return None;
            }
            ends_in_directory = matches!(&*segment, "" | "." | "..");
            match &*segment {
                "" | "." => {}
                ".." => _ = segments.pop()?,
                _ => segments.push(segment),
            }
        }
        let mut decoded = String::with_capacity(path.len());
        for segment in &segments {
            decoded.push('/');
            decoded.push_str(segment);
        }
        if ends_in_directory || segments.is_empty() {
            decoded.push('/');
        }
        Some(Self(Cow::Owned(decoded)))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Encodes a decoded path for a `Location`. The reference stays on this host, since the path begins with one slash
    /// and has no empty segment.
    pub(crate) fn encode(path: &str) -> String {
        utf8_percent_encode(path, NOT_IN_PATHS).to_string()
    }
}

/// True if the path has a `..` segment (RFC 3986, section 3.3), also percent-encoded, or between backslashes.
pub(crate) fn has_parent_segment(path: &str) -> bool {
    if !path.contains(['.', '%']) {
        return false;
    }
    let path = percent_decode_str(path).collect::<Vec<u8>>();
    let mut segments = path.split(|b| matches!(b, b'/' | b'\\'));
    segments.any(|segment| segment == b"..")
}

// The characters that RFC 3986, section 3.3, does not allow in a path, and those that servers and browsers treat
// differently.
const NOT_IN_PATHS: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decode_percent_encoded_path_decodes_once() {
        for (path, expected) in [
            ("/", Some("/")),
            ("/a/b.js", Some("/a/b.js")),
            ("/a/", Some("/a/")),
            ("/a%20b/%C3%A9", Some("/a b/é")),
            ("/100%25", Some("/100%")),
            ("/%2541", Some("/%41")),
            ("//evil.example/..", Some("/")),
            ("//evil.example/%2e%2e/x", Some("/x")),
            ("/a//b/./c", Some("/a/b/c")),
            ("/a/.", Some("/a/")),
            ("/a/b/..", Some("/a/")),
            ("/.well-known/x", Some("/.well-known/x")),
            ("/...", Some("/...")),
            ("/..", None),
            ("/a/../../b", None),
            ("/a%2Fb", None),
            ("/a%5cb", None),
            ("/a\\b", None),
            ("/a%00", None),
            ("/a%0d%0ab", None),
            ("/a%7f", None),
            ("/a%ff", None),
            ("/a%c2%80%", Some("/a\u{80}%")),
            ("a", None),
            ("", None),
        ] {
            let decoded = SitePath::decode(path);
            assert_eq!(decoded.as_ref().map(SitePath::as_str), expected, "{path}");
        }
    }

    #[test]
    fn encode_path_delimiters_escapes_them() {
        assert_eq!(SitePath::encode("/a b?#%/é"), "/a%20b%3F%23%25/%C3%A9");
    }
}
