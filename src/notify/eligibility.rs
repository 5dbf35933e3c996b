//! Which responses may carry the script.

use http::HeaderMap;
use http::Method;
use http::StatusCode;
use http::header;
use http::response;

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
        if forbids_transformation(headers) {
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

/// True if a response is a page that the script can be put into, whatever coding it is in: HTML in an
/// ASCII-compatible charset, whole, and not forbidden to be changed (`no-transform`, RFC 9111, section
/// 5.2.2.6).
pub(crate) fn is_page(response: &response::Parts) -> bool {
    is_document(response.status)
        && is_html(&response.headers)
        && !is_attachment(&response.headers)
        && !forbids_transformation(&response.headers)
        && !response.headers.contains_key(header::CONTENT_RANGE)
}

/// True if whoever sent these headers wants the content unchanged.
fn forbids_transformation(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::CACHE_CONTROL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|directive| directive.trim().eq_ignore_ascii_case("no-transform"))
}

fn is_document(status: StatusCode) -> bool {
    status == StatusCode::OK || status.is_client_error() || status.is_server_error()
}

/// True for HTML in an ASCII-compatible charset.
pub(crate) fn is_html(headers: &HeaderMap) -> bool {
    let mut fields = headers.get_all(header::CONTENT_TYPE).iter();
    let value = fields.next().and_then(|value| value.to_str().ok());
    // Of two, who knows which one counts.
    let (Some(value), None) = (value, fields.next()) else {
        return false;
    };
    let mut parts = value.split(';');
    let essence = parts.next().unwrap_or("").trim();
    let charset = parts.find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let is_charset = name.trim().eq_ignore_ascii_case("charset");
        is_charset.then(|| value.trim().trim_matches('"').to_ascii_lowercase())
    });
    essence.eq_ignore_ascii_case("text/html")
        && charset.is_none_or(|charset| is_ascii_compatible(&charset))
}

/// The labels of the Encoding standard whose encodings have other bytes for ASCII, or have states.
fn is_ascii_compatible(charset: &str) -> bool {
    !charset.starts_with("utf-16")
        && !charset.starts_with("utf-32")
        && !charset.starts_with("utf-7")
        && !charset.starts_with("iso-2022")
        && !matches!(
            charset,
            "csiso2022jp"
                | "csiso2022kr"
                | "csunicode"
                | "hz-gb-2312"
                | "iso-10646-ucs-2"
                | "replacement"
                | "ucs-2"
                | "unicode"
                | "unicodefeff"
                | "unicodefffe"
        )
}

fn is_attachment(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_DISPOSITION)
        .is_some_and(|value| {
            let value = value.as_bytes();
            value.len() >= 10 && value[..10].eq_ignore_ascii_case(b"attachment")
        })
}

#[cfg(test)]
mod tests {
    use http::Response;

    use super::*;

    fn parts(status: u16, headers: &[(&str, &str)]) -> response::Parts {
        let mut response = Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        response.body(()).unwrap().into_parts().0
    }

    const HTML: (&str, &str) = ("content-type", "text/html; charset=utf-8");

    #[test]
    fn only_whole_documents_are_pages() {
        for (status, expected) in [
            (200, true),
            (404, true),
            (500, true),
            (204, false),
            (206, false),
            (301, false),
            (304, false),
        ] {
            assert_eq!(is_page(&parts(status, &[HTML])), expected, "{status}");
        }
    }

    #[test]
    fn the_content_type_decides() {
        for (value, expected) in [
            ("text/html", true),
            ("Text/HTML;Charset=\"UTF-8\"", true),
            ("text/html; charset=windows-1252", true),
            ("text/html; charset=shift_jis", true),
            ("text/html; charset=utf-16le", false),
            ("text/html; charset=iso-2022-jp", false),
            ("application/xhtml+xml", false),
            ("image/svg+xml", false),
            ("text/html-like", false),
            ("application/json", false),
        ] {
            assert_eq!(
                is_page(&parts(200, &[("content-type", value)])),
                expected,
                "{value}"
            );
        }
        assert!(!is_page(&parts(200, &[])));
        let json = ("content-type", "application/json");
        assert!(!is_page(&parts(200, &[HTML, json])));
    }

    #[test]
    fn some_pages_want_to_be_left_alone() {
        for (name, value) in [
            ("content-disposition", "Attachment; filename=x.html"),
            ("cache-control", "max-age=1, No-Transform"),
            ("content-range", "bytes 0-1/2"),
        ] {
            assert!(!is_page(&parts(200, &[HTML, (name, value)])), "{name}");
        }
        for (name, value) in [
            ("content-disposition", "inline"),
            ("cache-control", "no-cache"),
            ("content-encoding", "gzip"),
        ] {
            assert!(is_page(&parts(200, &[HTML, (name, value)])), "{name}");
        }
    }

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
}
