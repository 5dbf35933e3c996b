//! References to other resources of a host, resolved as browsers do (URL Standard, section 4.4).

use std::borrow::Cow;

/// A URL on the host of its base.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LocalUrl {
    /// Absolute, without dot segments, percent-encoded as in the reference.
    pub(crate) path: String,
    /// Without the question mark.
    pub(crate) query: Option<String>,
}

impl LocalUrl {
    /// The path and the query, as in a request target.
    pub(crate) fn path_and_query(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        }
    }
}

/// Resolves a reference in the resource at the path `base`. The fragment is dropped.
///
/// `None` for a reference with a scheme or a host of its own, and for one without a path: an empty one, a query or a
/// fragment alone.
pub(crate) fn resolve(base: &str, reference: &str) -> Option<LocalUrl> {
    let reference = clean(reference);
    let reference = reference.split('#').next().unwrap_or("");
    let (path, query) = match reference.split_once('?') {
        Some((path, query)) => (path, Some(query.to_owned())),
        None => (reference, None),
    };
    // In URLs of http a backslash is a slash.
    let path = path.replace('\\', "/");
    if path.is_empty() || path.starts_with("//") || has_scheme(&path) {
        return None;
    }
    let base = base.split(['?', '#']).next().unwrap_or("");
    let folder = base.rsplit_once('/').map_or("", |(folder, _)| folder);
    let path = if path.starts_with('/') {
        remove_dot_segments(&path)
    } else {
        remove_dot_segments(&format!("{folder}/{path}"))
    };
    Some(LocalUrl { path, query })
}

/// Without the characters that the URL parser skips: white space and controls around it, tabs and line breaks within.
fn clean(reference: &str) -> Cow<'_, str> {
    let reference = reference.trim_matches(|c: char| c <= ' ');
    if reference.contains(['\t', '\n', '\r']) {
        reference.replace(['\t', '\n', '\r'], "").into()
    } else {
        reference.into()
    }
}

fn remove_dot_segments(path: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    let mut all = path.split('/').skip(1).peekable();
    while let Some(segment) = all.next() {
        let is_last = all.peek().is_none();
        if is_double_dot(segment) {
            segments.pop();
        } else if !is_single_dot(segment) {
            segments.push(segment);
            continue;
        }
        if is_last {
            segments.push("");
        }
    }
    format!("/{}", segments.join("/"))
}

fn is_single_dot(segment: &str) -> bool {
    segment == "." || segment.eq_ignore_ascii_case("%2e")
}

fn is_double_dot(segment: &str) -> bool {
    ["..", ".%2e", "%2e.", "%2e%2e"]
        .iter()
        .any(|dots| segment.eq_ignore_ascii_case(dots))
}

/// True for a reference that starts with a scheme (RFC 3986, section 3.1).
fn has_scheme(reference: &str) -> bool {
    reference.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolve_reference_gives_what_a_browser_requests() {
        for (base, reference, expected) in [
            ("/", "a.js", Some("/a.js")),
            ("/docs/b.html", "a.js", Some("/docs/a.js")),
            ("/docs/", "./a.js", Some("/docs/a.js")),
            ("/docs/b", "../a.js?v=1#x", Some("/a.js?v=1")),
            ("/docs/b", "../../../a.js", Some("/a.js")),
            ("/docs/b?q=/x/y", "a.js", Some("/docs/a.js")),
            ("/docs/b", "/a/./b/../c", Some("/a/c")),
            ("/docs/b", ".", Some("/docs/")),
            ("/docs/b", "..", Some("/")),
            ("/docs/b", "a/..", Some("/docs/")),
            ("/docs/b", "%2e%2E/a.js", Some("/a.js")),
            ("/docs/b", " \n a.js\t", Some("/docs/a.js")),
            ("/docs/b", "a\n.js", Some("/docs/a.js")),
            ("/docs/b", "..\\a.js", Some("/a.js")),
            ("/docs/b", "a%20b.js", Some("/docs/a%20b.js")),
            ("/docs/b", "a?x=\\..", Some("/docs/a?x=\\..")),
            ("/docs/b", "a/b:c", Some("/docs/a/b:c")),
            ("/docs/b", "//cdn.example/a.js", None),
            ("/docs/b", "\\\\cdn.example/a.js", None),
            ("/docs/b", "https://cdn.example/a.js", None),
            ("/docs/b", "data:text/css,x", None),
            ("/docs/b", "#top", None),
            ("/docs/b", "?page=2", None),
            ("/docs/b", "", None),
        ] {
            let resolved = resolve(base, reference).map(|url| url.path_and_query());
            assert_eq!(resolved.as_deref(), expected, "{reference:?} at {base}");
        }
    }
}
