//! Dates in header fields (RFC 9110, section 5.6.7).

use std::time::UNIX_EPOCH;

use http::HeaderMap;
use http::header;

/// The `Last-Modified` of a response, in milliseconds since 1970.
pub(crate) fn last_modified_millis(headers: &HeaderMap) -> Option<u64> {
    let text = headers.get(header::LAST_MODIFIED)?.to_str().ok()?;
    let time = httpdate::parse_http_date(text).ok()?;
    let since = time.duration_since(UNIX_EPOCH).ok()?.as_millis();
    u64::try_from(since).ok()
}
