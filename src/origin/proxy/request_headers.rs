//! What goes out: a request as an upstream is to see it, and what it is for.

use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::Uri;
use http::Version;
use http::header;
use http::request;
use http::uri::PathAndQuery;

use crate::http::context::AsHttps;
use crate::http::context::Peer;
use crate::http::fetch_metadata;
use crate::http::forwarded::ForwardedHeaders;
use crate::http::forwarded::Prefix;
use crate::http::hop_by_hop;
use crate::http::via::Via;
use crate::origin::proxy::service::UPGRADE;

/// The path and the query, as they came.
pub(crate) fn target(uri: &Uri) -> PathAndQuery {
    let target = uri.path_and_query().cloned();
    target.unwrap_or_else(|| PathAndQuery::from_static("/"))
}

/// The fields as the upstream is to see them.
pub(crate) fn headers(
    forwarded: &ForwardedHeaders,
    via: &Via,
    parts: request::Parts,
    upgrade: Option<&HeaderValue>,
) -> HeaderMap {
    let peer = parts.extensions.get::<Peer>().copied();
    let mut headers = parts.headers;
    let accepts_trailers = hop_by_hop::accepts_trailers(&headers);
    // It is for everybody, whatever `Connection` says.
    let host = headers.remove(header::HOST);
    hop_by_hop::remove(&mut headers);
    if parts.version == Version::HTTP_2 {
        hop_by_hop::join_cookies(&mut headers);
    }
    // An absolute form, or `:authority`, is what counts (RFC 9112, section 3.2.2).
    let authority = parts.uri.authority();
    let authority = authority.and_then(|name| {
        // A password before the host is not part of its name (RFC 9110, section 4.2.4).
        let host = name.as_str().rsplit('@').next();
        HeaderValue::try_from(host.unwrap_or_default()).ok()
    });
    let host = authority.or(host);
    let as_https = parts.extensions.get::<AsHttps>().copied();
    forwarded.apply(&mut headers, peer, host.as_ref(), as_https);
    if let Some(prefix) = parts.extensions.get::<Prefix>() {
        ForwardedHeaders::set_prefix(&mut headers, prefix.clone());
    }
    if let Some(host) = host {
        headers.insert(header::HOST, host);
    }
    via.append_to(&mut headers, parts.version);
    if parts.method == Method::OPTIONS {
        count_down(&mut headers);
    }
    if let Some(protocol) = upgrade {
        headers.insert(header::CONNECTION, UPGRADE);
        headers.insert(header::UPGRADE, protocol.clone());
    } else if accepts_trailers {
        // It is of one connection itself (RFC 9110, section 10.1.4).
        headers.insert(header::CONNECTION, HeaderValue::from_static("te"));
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
    }
    headers
}

fn count_down(headers: &mut HeaderMap) {
    let left = headers.get(header::MAX_FORWARDS);
    let left = left.and_then(|left| left.to_str().ok()?.parse::<u32>().ok());
    if let Some(left) = left {
        headers.insert(header::MAX_FORWARDS, left.saturating_sub(1).into());
    }
}

/// True if a script or a style sheet is asked for, by `Sec-Fetch-Dest` or by its name.
pub(crate) fn loads_code(headers: &HeaderMap, path: &str) -> bool {
    match headers.get("sec-fetch-dest").map(HeaderValue::as_bytes) {
        Some(destination) => matches!(destination, b"script" | b"style" | b"worker"),
        None => [".js", ".mjs", ".css"]
            .iter()
            .any(|end| path.ends_with(end)),
    }
}

/// True if a page loads this to be shown, as against what its scripts ask for.
pub(crate) fn is_loaded_by_page(headers: &HeaderMap) -> bool {
    let destination = headers.get("sec-fetch-dest");
    destination.is_some_and(|destination| destination != "empty")
        || fetch_metadata::is_preflight(headers)
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    #[test]
    fn connection_names_no_host_away() {
        let request = Request::get("/")
            .header("host", "site.example")
            .header("connection", "host");
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let headers = headers(&ForwardedHeaders::default(), &Via::new(), parts, None);
        assert_eq!(headers[header::HOST], "site.example");
        assert_eq!(headers["x-forwarded-host"], "site.example");
    }
}
