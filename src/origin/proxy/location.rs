//! Addresses in answers: where an upstream sends a client, as that client is to be sent there.

use http::Uri;
use http::uri::Authority;
use http::uri::PathAndQuery;
use http::uri::Scheme;

/// How the site that an upstream knows lies in the one that its client knows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LocationRewriter<'a> {
    /// By what name the upstream was asked, if that is not the client's.
    pub(crate) asked: Option<(&'a Scheme, &'a Authority)>,
    /// By what name the client asked.
    pub(crate) host: Option<&'a str>,
    /// What was taken off the beginning of the path.
    pub(crate) prefix: Option<&'a str>,
}

impl LocationRewriter<'_> {
    /// A `Location` (RFC 9110, section 10.2.2) for the client; `None` if it is right as it is.
    pub(crate) fn rewrite(&self, location: &str) -> Option<String> {
        let after = location.strip_prefix('/');
        let is_path = after.is_some_and(|after| !after.starts_with(['/', '\\']));
        let path = if is_path {
            self.prefix?;
            location.to_owned()
        } else {
            self.path_of(location)?
        };
        Some(match self.prefix {
            Some(prefix) if !is_below(&path, prefix) => format!("{prefix}{path}"),
            _ => path,
        })
    }

    /// The path, the query and the fragment of an address on this site.
    fn path_of(&self, location: &str) -> Option<String> {
        let uri: Uri = location.parse().ok()?;
        let (scheme, authority) = (uri.scheme()?, uri.authority()?);
        let is_as_asked = self.asked == Some((scheme, authority));
        let is_as_known = self.prefix.is_some() && self.host == Some(authority.as_str());
        if !(is_as_asked || is_as_known) {
            return None;
        }
        let path = uri.path_and_query().map_or("/", PathAndQuery::as_str);
        let fragment = location.find('#').map_or("", |at| &location[at..]);
        // Two slashes would be another host, and so would a slash and a backslash.
        let path = path.trim_start_matches(['/', '\\']);
        Some(format!("/{path}{fragment}"))
    }
}

fn is_below(path: &str, prefix: &str) -> bool {
    let rest = path.strip_prefix(prefix);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(prefix: Option<&str>, location: &str, expected: Option<&str>) {
        let authority = Authority::from_static("127.0.0.1:3000");
        let rewriter = LocationRewriter {
            asked: Some((&Scheme::HTTP, &authority)),
            host: Some("www.example"),
            prefix,
        };
        assert_eq!(
            rewriter.rewrite(location).as_deref(),
            expected,
            "{location}"
        );
    }

    #[test]
    fn the_name_that_the_upstream_was_asked_by_is_nobody_elses_business() {
        for (location, expected) in [
            ("http://127.0.0.1:3000/a?b#c", Some("/a?b#c")),
            ("http://127.0.0.1:3000", Some("/")),
            ("http://127.0.0.1:3000//evil.example", Some("/evil.example")),
            (
                "http://127.0.0.1:3000/\\evil.example",
                Some("/evil.example"),
            ),
            // Another scheme is another place: it would lead here again.
            ("https://127.0.0.1:3000/a", None),
            ("http://127.0.0.1:3001/a", None),
            ("http://www.example/a", None),
            ("/a", None),
            ("a", None),
            ("//evil.example", None),
            ("", None),
        ] {
            check(None, location, expected);
        }
    }

    #[test]
    fn what_was_taken_off_a_path_is_put_on_again() {
        for (location, expected) in [
            ("/a", Some("/api/a")),
            ("/", Some("/api/")),
            ("/api/a", Some("/api/a")),
            ("/apis", Some("/api/apis")),
            ("http://127.0.0.1:3000/a", Some("/api/a")),
            ("http://www.example/a", Some("/api/a")),
            ("http://elsewhere.example/a", None),
            ("//evil.example", None),
            ("/\\evil.example", None),
            ("a", None),
        ] {
            check(Some("/api"), location, expected);
        }
    }
}
