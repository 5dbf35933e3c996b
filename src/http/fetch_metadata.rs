//! What a request is for, by the Fetch Metadata headers and by the marks of scripts that swap fragments.

use http::HeaderMap;
use http::Method;
use http::header;

use crate::http::cache_control;
use crate::http::media_type;

/// The parts of a request that decide whether its answer may carry the script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// For a document, by somebody who navigates there, or who does not say.
    Document,
    /// For the head of a document.
    Head,
    /// For something that is not shown as a page: a fragment, a script, an image.
    Other,
}

/// Request fields that the choice between a page with and without the script depends on.
pub(crate) const VARY: &str = "sec-fetch-dest, sec-fetch-mode, upgrade-insecure-requests, hx-request, turbo-frame, \
     x-requested-with, tidings-preflight";

impl Asked {
    /// What the request asks for, by `Sec-Fetch-Dest` where there is one (Fetch Metadata, section 2.1), and by
    /// the fields with which scripts that swap fragments mark their requests.
    ///
    /// Two that fetch want the document all the same: our own client, which looks whether it is there, and Workbox,
    /// which keeps it for those who will navigate.
    pub(crate) fn by(method: &Method, query: Option<&str>, headers: &HeaderMap) -> Self {
        if cache_control::forbids_transformation(headers) {
            return Self::Other;
        }
        let is_document = is_preflight(headers) || is_precaching(query) || shows_document(headers);
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

/// True if our client asks, to see the page that a reload would give.
pub(crate) fn is_preflight(headers: &HeaderMap) -> bool {
    headers.contains_key("tidings-preflight")
}

/// True if Workbox fills its precache and has the revision of a page in the query. As a rule it keeps that to itself:
/// such pages are found when they are published (the module `release::precache`).
fn is_precaching(query: Option<&str>) -> bool {
    let mut parameters = query.unwrap_or("").split('&');
    parameters.any(|parameter| parameter.split('=').next() == Some("__WB_REVISION__"))
}

fn shows_document(headers: &HeaderMap) -> bool {
    let marks = ["hx-request", "turbo-frame", "x-requested-with"];
    marks.iter().all(|mark| !headers.contains_key(*mark)) && is_to_show(headers).unwrap_or(true)
}

/// Whether somebody goes to a page, by `Sec-Fetch-Dest`; `None` if that isn't there.
///
/// Where a service worker passes a navigation on, the destination is lost, and only `Sec-Fetch-Mode` still tells. In
/// Firefox that is lost as well; what is left is a field that browsers send with navigations alone (Upgrade Insecure
/// Requests, section 3.2.1).
pub(crate) fn is_to_show(headers: &HeaderMap) -> Option<bool> {
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

/// True if a request is for a page as far as it says anything: by its `Sec-Fetch-Dest` or as our preflight, by an
/// `Accept` that names HTML, or by a path that is one of a page. Only where [`Asked`] says that it is for a document.
///
/// What is fetched by who says nothing at all, such as a download that is to be continued, is none.
pub(crate) fn goes_to_page(path: &str, headers: &HeaderMap) -> bool {
    let is_named = || path.ends_with('/') || media_type::kind(path) == media_type::Kind::Page;
    may_be_page(path) && (says_destination(headers) || accepts_html(headers) || is_named())
}

/// True if a request says what it is for.
pub(crate) fn says_destination(headers: &HeaderMap) -> bool {
    headers.contains_key("sec-fetch-dest") || is_preflight(headers)
}

/// True if the `Accept` of a request names HTML, as that of a browser does where somebody goes to a page.
pub(crate) fn accepts_html(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT)
        .iter()
        .any(|accept| memchr::memmem::find(accept.as_bytes(), b"text/html").is_some())
}

/// True if a page could be at `path`, by its name: it is none of a script, an image, a document of another kind.
pub(crate) fn may_be_page(path: &str) -> bool {
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

/// True for a request of somebody who goes to a page, as against a script, image or fetch: by
/// `Sec-Fetch-Dest` where there is one (Fetch Metadata, section 2.1), else by an `Accept` that names HTML. Our
/// client's preflight is to see what a navigation would.
pub(crate) fn is_navigation(method: &Method, headers: &HeaderMap) -> bool {
    if !matches!(*method, Method::GET | Method::HEAD) {
        return false;
    }
    if is_preflight(headers) {
        return true;
    }
    is_to_show(headers).unwrap_or_else(|| accepts_html(headers))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fragments_and_subresources_are_not_asked_as_documents() {
        let asked = |method: &Method, fields: &[(&str, &str)]| {
            let headers = fields
                .iter()
                .map(|&(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
            Asked::by(method, None, &headers.collect())
        };
        let get = |fields: &[(&str, &str)]| asked(&Method::GET, fields);
        assert_eq!(get(&[]), Asked::Document);
        assert_eq!(asked(&Method::POST, &[]), Asked::Document);
        assert_eq!(asked(&Method::HEAD, &[]), Asked::Head);
        assert_eq!(asked(&Method::OPTIONS, &[]), Asked::Other);
        for destination in ["document", "iframe", "frame"] {
            assert_eq!(get(&[("sec-fetch-dest", destination)]), Asked::Document);
        }
        // As Chromium and as Firefox pass a navigation on; the others are fetched.
        let upgrades = ("upgrade-insecure-requests", "1");
        for (mode, other, expected) in [
            ("navigate", ("a", "b"), Asked::Document),
            ("same-origin", upgrades, Asked::Document),
            ("same-origin", ("a", "b"), Asked::Other),
            ("cors", upgrades, Asked::Other),
        ] {
            let fields = [("sec-fetch-dest", "empty"), ("sec-fetch-mode", mode), other];
            assert_eq!(get(&fields), expected, "{fields:?}");
        }
        let embedded = [("sec-fetch-dest", "object"), ("sec-fetch-mode", "navigate")];
        assert_eq!(get(&embedded), Asked::Other);
        for destination in ["empty", "script", "image", "object"] {
            assert_eq!(get(&[("sec-fetch-dest", destination)]), Asked::Other);
        }
        for mark in ["hx-request", "turbo-frame", "x-requested-with"] {
            assert_eq!(
                get(&[(mark, "x"), ("sec-fetch-dest", "document")]),
                Asked::Other
            );
        }
    }

    #[test]
    fn who_goes_to_a_page_says_so_or_names_it() {
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
                goes_to_page(path, &headers.collect()),
                expected,
                "{path} {fields:?}"
            );
        }
    }

    #[test]
    fn a_preflight_and_a_precache_want_the_document() {
        let check = |query: Option<&str>, fields: &[(&str, &str)], expected: Asked| {
            let fetched = [("sec-fetch-dest", "empty"), ("x-requested-with", "x")];
            let headers = fields.iter().chain(&fetched).map(|&(name, value)| {
                let name: http::HeaderName = name.parse().unwrap();
                (name, value.parse().unwrap())
            });
            let asked = Asked::by(&Method::GET, query, &headers.collect());
            assert_eq!(asked, expected, "{query:?} {fields:?}");
        };
        check(None, &[], Asked::Other);
        check(None, &[("tidings-preflight", "1")], Asked::Document);
        check(None, &[("tidings-preflight", "")], Asked::Document);
        check(Some("__WB_REVISION__=0f3c"), &[], Asked::Document);
        check(Some("a=1&__WB_REVISION__"), &[], Asked::Document);
        check(
            Some("a=__WB_REVISION__&__WB_REVISION__x=1"),
            &[],
            Asked::Other,
        );
        let forbids = [
            ("tidings-preflight", "1"),
            ("cache-control", "no-transform"),
        ];
        check(None, &forbids, Asked::Other);
    }

    #[test]
    fn a_navigation_asks_for_a_document() {
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
