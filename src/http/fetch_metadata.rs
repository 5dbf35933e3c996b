//! Classification of requests by their Fetch Metadata headers, and by those that libraries for HTML fragments add.

use http::HeaderMap;
use http::Method;
use http::header;

use crate::http::cache_control;
use crate::http::media_type;

/// The kind of a request, which decides whether the response may contain the client script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequestKind {
    /// A request for a document: a navigation, or one without any of the headers.
    Document,
    /// A `HEAD` request for a document.
    Head,
    /// A request for anything not shown as a page: a fragment, a script, an image.
    Other,
}

/// The request headers that select between a page with and without the client script, for `Vary`.
pub(crate) const VARY: &str = "sec-fetch-dest, sec-fetch-mode, upgrade-insecure-requests, hx-request, turbo-frame, \
     x-requested-with, tidings-preflight";

impl RequestKind {
    /// Classifies a request by `Sec-Fetch-Dest` if present (Fetch Metadata, section 2.1), and by the headers that
    /// libraries for HTML fragments add.
    ///
    /// Two kinds of fetches are requests for a document nevertheless: the preflight of our client, which checks that
    /// the page exists, and the precaching of Workbox, which stores it for later navigations.
    pub(crate) fn from_request(method: &Method, query: Option<&str>, headers: &HeaderMap) -> Self {
        if cache_control::has_no_transform(headers) {
            return Self::Other;
        }
        let is_document =
            is_preflight(headers) || is_precaching(query) || is_document_request(headers);
        if !is_document {
            return Self::Other;
        }
        match *method {
            Method::HEAD => Self::Head,
            Method::CONNECT | Method::OPTIONS | Method::TRACE => Self::Other,
            _ => Self::Document,
        }
    }
}

/// Returns true for the preflight of our client, which fetches the page that a reload would show.
pub(crate) fn is_preflight(headers: &HeaderMap) -> bool {
    headers.contains_key("tidings-preflight")
}

/// Returns true if Workbox fills its precache with the revision of the page in the query. Usually the query does not
/// have it; such pages are found when a release is published (the module `release::precache`).
fn is_precaching(query: Option<&str>) -> bool {
    let mut parameters = query.unwrap_or("").split('&');
    parameters.any(|parameter| parameter.split('=').next() == Some("__WB_REVISION__"))
}

fn is_document_request(headers: &HeaderMap) -> bool {
    let fragment_headers = ["hx-request", "turbo-frame", "x-requested-with"];
    fragment_headers
        .iter()
        .all(|name| !headers.contains_key(*name))
        && is_document_destination(headers).unwrap_or(true)
}

/// Returns whether the destination of a request is a document, by `Sec-Fetch-Dest`; `None` without that header.
///
/// If a service worker forwards a navigation, the destination is `empty`, and only `Sec-Fetch-Mode` identifies it. In
/// Firefox the mode changes as well; what remains is a header that browsers send only with navigations (Upgrade
/// Insecure Requests, section 3.2.1).
pub(crate) fn is_document_destination(headers: &HeaderMap) -> Option<bool> {
    let mode = headers.get("sec-fetch-mode");
    Some(match headers.get("sec-fetch-dest")?.as_bytes() {
        b"document" | b"iframe" | b"frame" => true,
        b"empty" => mode.is_some_and(|mode| {
            let upgrades = headers.contains_key("upgrade-insecure-requests");
            mode == "navigate" || (mode == "same-origin" && upgrades)
        }),
        _ => false,
    })
}

/// Returns true if a request of the kind [`RequestKind::Document`] or [`RequestKind::Head`] is recognizably for a page:
/// by its `Sec-Fetch-Dest` or as our preflight, by an `Accept` with HTML, or by a path that names a page.
///
/// A request without any of these, such as a resumed download, is not.
pub(crate) fn is_page_request(path: &str, headers: &HeaderMap) -> bool {
    let is_named = || path.ends_with('/') || media_type::kind(path) == media_type::Kind::Page;
    is_page_path(path) && (has_destination(headers) || accepts_html(headers) || is_named())
}

/// Returns true if a request has a destination: `Sec-Fetch-Dest`, or it is our preflight.
pub(crate) fn has_destination(headers: &HeaderMap) -> bool {
    headers.contains_key("sec-fetch-dest") || is_preflight(headers)
}

/// Returns true if the `Accept` of a request contains HTML, as that of a navigation does.
pub(crate) fn accepts_html(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT)
        .iter()
        .any(|accept| memchr::memmem::find(accept.as_bytes(), b"text/html").is_some())
}

/// Returns true if `path` may be that of a page: its extension is not that of a script, an image or another document.
pub(crate) fn is_page_path(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or("");
    if !name.contains('.') {
        return true;
    }
    let media_type = media_type::content_type(path, false);
    matches!(
        media_type.as_bytes(),
        b"text/html" | b"application/octet-stream"
    )
}

/// Returns true for a navigation, as opposed to the request of a script, an image or a fetch: by `Sec-Fetch-Dest` if
/// present (Fetch Metadata, section 2.1), otherwise by an `Accept` with HTML. The preflight of our client counts as a
/// navigation.
pub(crate) fn is_navigation(method: &Method, headers: &HeaderMap) -> bool {
    if !matches!(*method, Method::GET | Method::HEAD) {
        return false;
    }
    if is_preflight(headers) {
        return true;
    }
    is_document_destination(headers).unwrap_or_else(|| accepts_html(headers))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_kind_fragment_or_subresource_returns_other() {
        let kind = |method: &Method, fields: &[(&str, &str)]| {
            let headers = fields
                .iter()
                .map(|&(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
            RequestKind::from_request(method, None, &headers.collect())
        };
        let get = |fields: &[(&str, &str)]| kind(&Method::GET, fields);
        assert_eq!(get(&[]), RequestKind::Document);
        assert_eq!(kind(&Method::POST, &[]), RequestKind::Document);
        assert_eq!(kind(&Method::HEAD, &[]), RequestKind::Head);
        assert_eq!(kind(&Method::OPTIONS, &[]), RequestKind::Other);
        for destination in ["document", "iframe", "frame"] {
            assert_eq!(
                get(&[("sec-fetch-dest", destination)]),
                RequestKind::Document
            );
        }
        // Navigations as Chromium and as Firefox forward them from a service worker; the others are fetches.
        let upgrades = ("upgrade-insecure-requests", "1");
        for (mode, other, expected) in [
            ("navigate", ("a", "b"), RequestKind::Document),
            ("same-origin", upgrades, RequestKind::Document),
            ("same-origin", ("a", "b"), RequestKind::Other),
            ("cors", upgrades, RequestKind::Other),
        ] {
            let fields = [("sec-fetch-dest", "empty"), ("sec-fetch-mode", mode), other];
            assert_eq!(get(&fields), expected, "{fields:?}");
        }
        let embedded = [("sec-fetch-dest", "object"), ("sec-fetch-mode", "navigate")];
        assert_eq!(get(&embedded), RequestKind::Other);
        for destination in ["empty", "script", "image", "object"] {
            assert_eq!(get(&[("sec-fetch-dest", destination)]), RequestKind::Other);
        }
        for name in ["hx-request", "turbo-frame", "x-requested-with"] {
            assert_eq!(
                get(&[(name, "x"), ("sec-fetch-dest", "document")]),
                RequestKind::Other
            );
        }
    }

    #[test]
    fn is_page_request_destination_accept_or_path_returns_true() {
        let html = ("accept", "text/html,*/*;q=0.8");
        for (path, fields, expected) in [
            ("/", &[][..], true),
            ("/a/", &[], true),
            ("/a.html", &[], true),
            ("/a.HTM", &[], true),
            ("/a", &[], false),
            ("/a", &[("accept", "*/*")], false),
            ("/a", &[html], true),
            ("/a", &[("sec-fetch-dest", "document")], true),
            ("/a", &[("tidings-preflight", "1")], true),
            ("/a.pdf", &[html], false),
            ("/a.zip", &[("sec-fetch-dest", "document")], false),
        ] {
            let headers = fields
                .iter()
                .map(|&(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
            assert_eq!(
                is_page_request(path, &headers.collect()),
                expected,
                "{path} {fields:?}"
            );
        }
    }

    #[test]
    fn request_kind_preflight_or_precache_returns_document() {
        let check = |query: Option<&str>, fields: &[(&str, &str)], expected: RequestKind| {
            let fetched = [("sec-fetch-dest", "empty"), ("x-requested-with", "x")];
            let headers = fields.iter().chain(&fetched).map(|&(name, value)| {
                let name: http::HeaderName = name.parse().unwrap();
                (name, value.parse().unwrap())
            });
            let kind = RequestKind::from_request(&Method::GET, query, &headers.collect());
            assert_eq!(kind, expected, "{query:?} {fields:?}");
        };
        check(None, &[], RequestKind::Other);
        check(None, &[("tidings-preflight", "1")], RequestKind::Document);
        check(None, &[("tidings-preflight", "")], RequestKind::Document);
        check(Some("__WB_REVISION__=0f3c"), &[], RequestKind::Document);
        check(Some("a=1&__WB_REVISION__"), &[], RequestKind::Document);
        check(
            Some("a=__WB_REVISION__&__WB_REVISION__x=1"),
            &[],
            RequestKind::Other,
        );
        let forbids = [
            ("tidings-preflight", "1"),
            ("cache-control", "no-transform"),
        ];
        check(None, &forbids, RequestKind::Other);
    }

    #[test]
    fn is_navigation_destination_overrides_accept() {
        let check = |fields: &[(&str, &str)], expected| {
            let headers = fields
                .iter()
                .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
            let headers: HeaderMap<http::HeaderValue> = headers.collect::<HeaderMap<_>>();
            assert_eq!(
                is_navigation(&Method::GET, &headers),
                expected,
                "{fields:?}"
            );
            assert!(!is_navigation(&Method::POST, &headers));
        };
        check(
            &[("accept", "text/html,application/xhtml+xml,*/*;q=0.8")],
            true,
        );
        check(&[("accept", "*/*")], false);
        check(&[("accept", "application/json")], false);
        check(&[], false);
        check(&[("sec-fetch-dest", "document"), ("accept", "*/*")], true);
        check(&[("sec-fetch-dest", "iframe")], true);
        check(
            &[("sec-fetch-dest", "empty"), ("sec-fetch-mode", "navigate")],
            true,
        );
        check(
            &[("sec-fetch-dest", "empty"), ("tidings-preflight", "1")],
            true,
        );
        check(
            &[("sec-fetch-dest", "script"), ("accept", "text/html")],
            false,
        );
        check(
            &[("sec-fetch-dest", "empty"), ("accept", "text/html")],
            false,
        );
    }
}
