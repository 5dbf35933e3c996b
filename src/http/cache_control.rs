//! Directives of `Cache-Control` (RFC 9111, section 5.2).

use http::HeaderMap;
use http::header;

/// Returns true if a message has the directive `no-transform` (RFC 9111, sections 5.2.1.6 and 5.2.2.6).
pub(crate) fn has_no_transform(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::CACHE_CONTROL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|directive| directive.trim().eq_ignore_ascii_case("no-transform"))
}
