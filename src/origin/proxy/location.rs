//! `Location` (RFC 9110, section 10.2.2): from the origin and paths of an upstream to those of the client.

use http::Uri;
use http::uri::Authority;
use http::uri::PathAndQuery;
use http::uri::Scheme;

/// Rewrites `Location` in the response to one request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LocationRewriter<'a> {
    /// The origin in the request to the upstream, if it is not the client's.
    pub(crate) upstream_origin: Option<(&'a Scheme, &'a Authority)>,
    /// The `Host` of the client's request.
    pub(crate) client_host: Option<&'a str>,
    /// The path prefix that was removed from the request target.
    pub(crate) prefix: Option<&'a str>,
}

impl LocationRewriter<'_> {
    /// The `Location` for the client; `None` if it need not change.
    pub(crate) fn rewrite(&self, location: &str) -> Option<String> {
        let after = location.strip_prefix('/');
        let is_path = after.is_some_and(|after| !after.starts_with(['/', '\\']));
        let path = if is_path {
            self.prefix?;
            location.to_owned()
        } else {
            self.own_path(location)?
        };
        Some(match self.prefix {
            Some(prefix) if !is_below(&path, prefix) => format!("{prefix}{path}"),
            _ => path,
        })
    }

    /// The path, query and fragment of a URL on this site; `None` for other sites.
    fn own_path(&self, location: &str) -> Option<String> {
        let uri: Uri = location.parse().ok()?;
        let (scheme, authority) = (uri.scheme()?, uri.authority()?);
        let is_upstream = self.upstream_origin == Some((scheme, authority));
        let is_client = self.prefix.is_some() && self.client_host == Some(authority.as_str());
        if !(is_upstream || is_client) {
            return None;
        }
        let path = uri.path_and_query().map_or("/", PathAndQuery::as_str);
        let fragment = location.find('#').map_or("", |at| &location[at..]);
        // Browsers read `//` and `/\` at the beginning as the start of an authority.
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
            upstream_origin: Some((&Scheme::HTTP, &authority)),
            client_host: Some("www.example"),
            prefix,
        };
        assert_eq!(
            rewriter.rewrite(location).as_deref(),
            expected,
            "{location}"
        );
    }

    #[test]
    fn location_of_upstream_origin_becomes_path() {
        for (location, expected) in [
            ("http://127.0.0.1:3000/a?b#c", Some("/a?b#c")),
            ("http://127.0.0.1:3000", Some("/")),
            ("http://127.0.0.1:3000//evil.example", Some("/evil.example")),
            (
                "http://127.0.0.1:3000/\\evil.example",
                Some("/evil.example"),
            ),
            // A redirect to https would become a redirect to itself.
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
    fn location_with_prefix_removed_gets_it_back() {
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
