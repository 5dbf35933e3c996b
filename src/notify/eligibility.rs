//! Which responses may contain the client script.

use http::HeaderMap;
use http::StatusCode;
use http::header;
use http::response;

use crate::http::cache_control::has_no_transform;
use crate::http::media_type::is_html;

/// Returns true if the client script can be inserted into a response, in whatever coding: it is a complete HTML
/// document in an ASCII-compatible charset, is no attachment, and may be transformed (`no-transform`, RFC 9111, section
/// 5.2.2.6).
pub(crate) fn is_page(response: &response::Parts) -> bool {
    is_document(response.status)
        && is_html(&response.headers)
        && !is_attachment(&response.headers)
        && !has_no_transform(&response.headers)
        && !response.headers.contains_key(header::CONTENT_RANGE)
}

fn is_document(status: StatusCode) -> bool {
    status == StatusCode::OK || status.is_client_error() || status.is_server_error()
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
    fn is_page_status_without_document_returns_false() {
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
    fn is_page_content_type_not_html_returns_false() {
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
    fn is_page_attachment_partial_or_no_transform_returns_false() {
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
}
