//! The sources in a directive, and whether we are among them (CSP3, sections 2.3.1 and 6.7.2).

use percent_encoding::percent_decode_str;

use crate::csp::parse::Directive;

/// The value of a directive: what it allows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sources<'a> {
    pub(crate) directive: Directive,
    value: &'a str,
}

/// Where something of ours is: on the page's own host, which is known if the request named it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) host: Option<&'a str>,
    pub(crate) path: &'a str,
}

/// A nonce that can stand in an attribute as it is: the base64-value of the grammar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Nonce(Box<str>);

impl<'a> Sources<'a> {
    pub(crate) fn new(directive: Directive, value: &'a str) -> Self {
        Self { directive, value }
    }

    /// True for a list that nothing can match: empty, or `'none'`.
    pub(crate) fn is_none(self) -> bool {
        self.list()
            .all(|source| source.eq_ignore_ascii_case("'none'"))
    }

    /// True if what is at `place` may be loaded for the sake of its address.
    pub(crate) fn allow(self, place: Place<'_>) -> bool {
        self.list().any(|source| matches(source, place))
    }

    /// True if addresses don't count in it, only nonces, hashes, and the word of a script that runs already.
    pub(crate) fn is_strict(self) -> bool {
        self.has("'strict-dynamic'")
    }

    pub(crate) fn nonces(self) -> impl Iterator<Item = Nonce> {
        self.list().filter_map(Nonce::of)
    }

    /// True if the page's inline scripts run for a word that counts no more once a nonce or a hash stands beside it.
    pub(crate) fn allow_inline(self) -> bool {
        let hashes = ["'sha256-", "'sha384-", "'sha512-"];
        let is_hash = |source| hashes.iter().any(|start| strip(source, start).is_some());
        self.has("'unsafe-inline'")
            && !self.is_strict()
            && self.nonces().next().is_none()
            && !self.list().any(is_hash)
    }

    #[cfg(test)]
    pub(crate) fn value(self) -> &'a str {
        self.value
    }

    pub(crate) fn has(self, keyword: &str) -> bool {
        self.list()
            .any(|source| source.eq_ignore_ascii_case(keyword))
    }

    fn list(self) -> impl Iterator<Item = &'a str> {
        self.value.split_ascii_whitespace()
    }
}

impl Nonce {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The nonce of `'nonce-…'`.
    fn of(source: &str) -> Option<Self> {
        let value = strip(source, "'nonce-")?.strip_suffix('\'')?;
        let digits = value
            .strip_suffix("==")
            .or_else(|| value.strip_suffix('='))
            .unwrap_or(value);
        let is_digit = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_');
        let is_base64 = !digits.is_empty() && digits.bytes().all(is_digit);
        is_base64.then(|| Self(value.into()))
    }
}

/// True if `source` is one that `place` comes from. Which of `http` and `https` the page came over nobody here knows,
/// so either may be it.
fn matches(source: &str, place: Place<'_>) -> bool {
    if source == "*" || source.eq_ignore_ascii_case("'self'") {
        return true;
    }
    let is_ours =
        |scheme: &str| scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http");
    if let Some(scheme) = source.strip_suffix(':') {
        return is_ours(scheme);
    }
    let address = match source.split_once("://") {
        Some((scheme, address)) if is_ours(scheme) => address,
        Some(_) => return false,
        None => source,
    };
    let slash = address.find('/').unwrap_or(address.len());
    let (authority, path) = address.split_at(slash);
    is_host(authority, place.host) && is_path(path, place.path)
}

fn is_host(pattern: &str, host: Option<&str>) -> bool {
    let (pattern, port) = match pattern.rsplit_once(':') {
        Some((pattern, port)) => (pattern, Some(port)),
        None => (pattern, None),
    };
    let Some(host) = host else {
        return pattern == "*" && port.is_none_or(|port| port == "*");
    };
    let (host, our_port) = match host.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => (host, Some(port)),
        _ => (host, None),
    };
    let is_default = |port| matches!(port, "80" | "443");
    let is_port = match (port, our_port) {
        (Some("*"), _) | (None, None) => true,
        (None, Some(ours)) => is_default(ours),
        (Some(port), None) => is_default(port),
        (Some(port), Some(ours)) => port == ours,
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

/// A path that ends in a slash stands for all that is below it.
fn is_path(pattern: &str, path: &str) -> bool {
    let pattern = percent_decode_str(pattern).decode_utf8_lossy();
    match &*pattern {
        "" => true,
        folder if folder.ends_with('/') => path.starts_with(folder),
        file => path == file,
    }
}

/// What follows `start` in `text`, whatever the case of `start`.
fn strip<'a>(text: &'a str, start: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(start.len())?;
    head.eq_ignore_ascii_case(start).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_us_or_it_is_not() {
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
            let place = Place {
                host,
                path: "/_t/events",
            };
            assert_eq!(matches(source, place), expected, "{source} for {host:?}");
        }
    }

    #[test]
    fn a_nonce_is_what_the_grammar_has_and_nothing_else() {
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
            let nonce = Nonce::of(source);
            assert_eq!(nonce.as_ref().map(Nonce::as_str), expected, "{source}");
        }
    }
}
