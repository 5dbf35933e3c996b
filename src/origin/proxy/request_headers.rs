//! Request headers: those for the upstream, and what they tell about the request's purpose.

use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::Uri;
use http::Version;
use http::header;
use http::request;
use http::uri::PathAndQuery;

use crate::http::context::ConnectInfo;
use crate::http::context::RequestContext;
use crate::http::fetch_metadata;
use crate::http::forwarded::ForwardedHeaders;
use crate::http::hop_by_hop;
use crate::http::via::Via;

/// The path and query, unchanged.
pub(crate) fn path_and_query(uri: &Uri) -> PathAndQuery {
    let path_and_query = uri.path_and_query().cloned();
    path_and_query.unwrap_or_else(|| PathAndQuery::from_static("/"))
}

/// The headers for the upstream: without hop-by-hop headers, and with `Forwarded`, `X-Forwarded-*` and `Via`.
pub(crate) fn for_upstream(
    forwarded: &ForwardedHeaders,
    via: &Via,
    parts: request::Parts,
    upgrade: Option<&HeaderValue>,
) -> HeaderMap {
    let connection = parts.extensions.get::<ConnectInfo>();
    let context = RequestContext::get(&parts.extensions);
    let mut headers = parts.headers;
    let accepts_trailers = hop_by_hop::accepts_trailers(&headers);
    // `Connection` must not remove it.
    let host = headers.remove(header::HOST);
    hop_by_hop::remove(&mut headers);
    if parts.version == Version::HTTP_2 {
        hop_by_hop::join_cookies(&mut headers);
    }
    // The absolute form, or `:authority`, overrides `Host` (RFC 9112, section 3.2.2).
    let authority = parts.uri.authority();
    let authority = authority.and_then(|name| {
        // Credentials are not part of `Host` (RFC 9110, section 4.2.4).
        let host = name.as_str().rsplit('@').next();
        HeaderValue::try_from(host.unwrap_or_default()).ok()
    });
    let host = authority.or(host);
    let assumes_https = context.is_some_and(|context| context.assumes_https);
    forwarded.apply(&mut headers, connection, host.as_ref(), assumes_https);
    if let Some(prefix) = context.and_then(|context| context.removed_prefix.as_ref()) {
        ForwardedHeaders::set_prefix(&mut headers, prefix.clone());
    }
    if let Some(host) = host {
        headers.insert(header::HOST, host);
    }
    via.append_to(&mut headers, parts.version);
    if parts.method == Method::OPTIONS {
        decrement_max_forwards(&mut headers);
    }
    if let Some(protocol) = upgrade {
        headers.insert(header::CONNECTION, UPGRADE);
        headers.insert(header::UPGRADE, protocol.clone());
    } else if accepts_trailers {
        // `TE` is itself a hop-by-hop header (RFC 9110, section 10.1.4).
        headers.insert(header::CONNECTION, HeaderValue::from_static("te"));
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
    }
    headers
}

fn decrement_max_forwards(headers: &mut HeaderMap) {
    let max_forwards = headers.get(header::MAX_FORWARDS);
    let max_forwards = max_forwards.and_then(|value| value.to_str().ok()?.parse::<u32>().ok());
    if let Some(max_forwards) = max_forwards {
        headers.insert(header::MAX_FORWARDS, max_forwards.saturating_sub(1).into());
    }
}

/// True for a request for a script or style sheet, by `Sec-Fetch-Dest` or by the file name extension.
pub(crate) fn loads_code(headers: &HeaderMap, path: &str) -> bool {
    match headers.get("sec-fetch-dest").map(HeaderValue::as_bytes) {
        Some(destination) => matches!(destination, b"script" | b"style" | b"worker"),
        None => [".js", ".mjs", ".css"]
            .iter()
            .any(|end| path.ends_with(end)),
    }
}

/// True for a request for what a page shows or loads, as opposed to `fetch` by its scripts.
pub(crate) fn is_loaded_by_page(headers: &HeaderMap) -> bool {
    let destination = headers.get("sec-fetch-dest");
    destination.is_some_and(|destination| destination != "empty")
        || fetch_metadata::is_preflight(headers)
}

/// The value of `Connection` in an upgrade.
pub(crate) const UPGRADE: HeaderValue = HeaderValue::from_static("upgrade");

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    #[test]
    fn connection_naming_host_keeps_host() {
        let request = Request::get("/")
            .header("host", "site.example")
            .header("connection", "host");
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let headers = for_upstream(&ForwardedHeaders::default(), &Via::new(), parts, None);
        assert_eq!(headers[header::HOST], "site.example");
        assert_eq!(headers["x-forwarded-host"], "site.example");
    }
}
