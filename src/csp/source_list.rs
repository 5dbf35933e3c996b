//! Source lists, and whether they match a URL (CSP3, sections 2.3.1 and 6.7.2).

use percent_encoding::percent_decode_str;

use crate::csp::directive::Directive;

/// The value of a directive.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SourceList<'a> {
    pub(crate) directive: Directive,
    value: &'a str,
}

/// A URL on the host of the page, which is known if the request named it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SameOriginUrl<'a> {
    pub(crate) host: Option<&'a str>,
    pub(crate) path: &'a str,
}

/// A nonce that needs no escaping in an attribute: the base64-value of the grammar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Nonce(Box<str>);

impl<'a> SourceList<'a> {
    pub(crate) fn new(directive: Directive, value: &'a str) -> Self {
        Self { directive, value }
    }

    /// True for a list that matches nothing: empty, or `'none'`.
    pub(crate) fn is_none(self) -> bool {
        self.sources()
            .all(|source| source.eq_ignore_ascii_case("'none'"))
    }

    /// True if a source matches the URL.
    pub(crate) fn allows_url(self, url: SameOriginUrl<'_>) -> bool {
        self.sources().any(|source| matches_url(source, url))
    }

    /// True if it ignores URLs, and trusts nonces, hashes, and scripts loaded by trusted scripts (CSP3, section 8.2).
    pub(crate) fn is_strict_dynamic(self) -> bool {
        self.has("'strict-dynamic'")
    }

    pub(crate) fn nonces(self) -> impl Iterator<Item = Nonce> {
        self.sources().filter_map(Nonce::from_source)
    }

    /// True if the page's inline scripts are allowed by `'unsafe-inline'`, which a nonce or a hash would disable.
    pub(crate) fn allows_inline(self) -> bool {
        let prefixes = ["'sha256-", "'sha384-", "'sha512-"];
        let is_hash = |source| {
            prefixes
                .iter()
                .any(|prefix| strip_prefix(source, prefix).is_some())
        };
        self.has("'unsafe-inline'")
            && !self.is_strict_dynamic()
            && self.nonces().next().is_none()
            && !self.sources().any(is_hash)
    }

    #[cfg(test)]
    pub(crate) fn value(self) -> &'a str {
        self.value
    }

    pub(crate) fn has(self, keyword: &str) -> bool {
        self.sources()
            .any(|source| source.eq_ignore_ascii_case(keyword))
    }

    fn sources(self) -> impl Iterator<Item = &'a str> {
        self.value.split_ascii_whitespace()
    }
}

impl Nonce {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The nonce of `'nonce-…'`.
    fn from_source(source: &str) -> Option<Self> {
        let value = strip_prefix(source, "'nonce-")?.strip_suffix('\'')?;
        let digits = value
            .strip_suffix("==")
            .or_else(|| value.strip_suffix('='))
            .unwrap_or(value);
        let is_digit = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_');
        let is_base64 = !digits.is_empty() && digits.bytes().all(is_digit);
        is_base64.then(|| Self(value.into()))
    }
}

/// True if `source` matches `url`. The scheme of the page is unknown here, so `http` and `https` both match.
fn matches_url(source: &str, url: SameOriginUrl<'_>) -> bool {
    if source == "*" || source.eq_ignore_ascii_case("'self'") {
        return true;
    }
    let is_http =
        |scheme: &str| scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http");
    if let Some(scheme) = source.strip_suffix(':') {
        return is_http(scheme);
    }
    let address = match source.split_once("://") {
        Some((scheme, address)) if is_http(scheme) => address,
        Some(_) => return false,
        None => source,
    };
    let slash = address.find('/').unwrap_or(address.len());
    let (authority, path) = address.split_at(slash);
    matches_host(authority, url.host) && matches_path(path, url.path)
}

fn matches_host(pattern: &str, host: Option<&str>) -> bool {
    let (pattern, port) = match pattern.rsplit_once(':') {
        Some((pattern, port)) => (pattern, Some(port)),
        None => (pattern, None),
    };
    let Some(host) = host else {
        return pattern == "*" && port.is_none_or(|port| port == "*");
    };
    let (host, host_port) = match host.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => (host, Some(port)),
        _ => (host, None),
    };
    let is_default = |port| matches!(port, "80" | "443");
    let is_port = match (port, host_port) {
        (Some("*"), _) | (None, None) => true,
        (None, Some(host_port)) => is_default(host_port),
        (Some(port), None) => is_default(port),
        (Some(port), Some(host_port)) => port == host_port,
    };
    let is_name = match pattern.strip_prefix('*') {
        Some("") => true,
        Some(domain) => {
            let start = host.len().checked_sub(domain.len()).filter(|at| *at > 0);
            let end = start.and_then(|start| host.get(start..));
            domain.starts_with('.') && end.is_some_and(|end| end.eq_ignore_ascii_case(domain))
        }
        None => pattern.eq_ignore_ascii_case(host),
    };
    is_port && is_name
}

/// True if the paths are equal, or `pattern` ends in a slash and `path` is below it.
fn matches_path(pattern: &str, path: &str) -> bool {
    let pattern = percent_decode_str(pattern).decode_utf8_lossy();
    match &*pattern {
        "" => true,
        folder if folder.ends_with('/') => path.starts_with(folder),
        file => path == file,
    }
}

/// Like [`str::strip_prefix`], in any case.
fn strip_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_matches_same_origin_url() {
        for (source, host, expected) in [
            ("*", None, true),
            ("'self'", None, true),
            ("'SELF'", None, true),
            ("https:", None, true),
            ("HTTP:", None, true),
            ("data:", None, false),
            ("blob:", None, false),
            ("wss:", None, false),
            ("'unsafe-inline'", None, false),
            ("https://*", None, true),
            ("*:*", None, true),
            ("*:8080", None, false),
            ("app.example", None, false),
            ("app.example", Some("app.example"), true),
            ("APP.example", Some("app.EXAMPLE"), true),
            ("https://app.example", Some("app.example"), true),
            ("wss://app.example", Some("app.example"), false),
            ("other.example", Some("app.example"), false),
            ("*.example", Some("app.example"), true),
            ("*.app.example", Some("app.example"), false),
            ("*.example", Some(".example"), false),
            ("*app.example", Some("myapp.example"), false),
            ("app.example", Some("app.example:8080"), false),
            ("app.example", Some("app.example:443"), true),
            ("app.example:443", Some("app.example"), true),
            ("app.example:8080", Some("app.example"), false),
            ("app.example:8080", Some("app.example:8080"), true),
            ("app.example:*", Some("app.example:8080"), true),
            ("*:8080", Some("app.example:8080"), true),
            ("app.example/", Some("app.example"), true),
            ("app.example/_t/", Some("app.example"), true),
            ("app.example/%5ft/", Some("app.example"), true),
            ("app.example/_t/events", Some("app.example"), true),
            ("app.example/_t", Some("app.example"), false),
            ("app.example/js/", Some("app.example"), false),
            ("app.example", Some("[::1]"), false),
            ("", Some("app.example"), false),
        ] {
            let url = SameOriginUrl {
                host,
                path: "/_t/events",
            };
            assert_eq!(matches_url(source, url), expected, "{source} for {host:?}");
        }
    }

    #[test]
    fn nonce_outside_the_grammar_is_ignored() {
        for (source, expected) in [
            ("'nonce-abc'", Some("abc")),
            ("'NONCE-aB+/-_9=='", Some("aB+/-_9==")),
            ("'nonce-a='", Some("a=")),
            ("'nonce-'", None),
            ("'nonce-='", None),
            ("'nonce-a==='", None),
            ("'nonce-a=b'", None),
            ("'nonce-a\"onload=x'", None),
            ("'nonce-a>'", None),
            ("'nonce-é'", None),
            ("'nonce-abc", None),
            ("nonce-abc", None),
            ("'none", None),
        ] {
            let nonce = Nonce::from_source(source);
            assert_eq!(nonce.as_ref().map(Nonce::as_str), expected, "{source}");
        }
    }
}
