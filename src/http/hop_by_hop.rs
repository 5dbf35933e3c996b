//! Hop-by-hop headers, which a proxy does not forward (RFC 9110, section 7.6.1).

use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::header;

use crate::http::list;

/// Removes the hop-by-hop headers: those that the RFC lists, those that `Connection` names, and those between a client and
/// a forward proxy.
pub(crate) fn remove(headers: &mut HeaderMap) {
    if headers.contains_key(header::CONNECTION) {
        let names = list::items(headers, &header::CONNECTION);
        let names = names.filter_map(|item| HeaderName::from_bytes(item).ok());
        let names: Vec<HeaderName> = names.collect();
        for name in names {
            headers.remove(name);
        }
        headers.remove(header::CONNECTION);
    }
    if headers.contains_key(header::TRANSFER_ENCODING) {
        // With both, `Content-Length` is the wrong one (RFC 9112, section 6.3).
        headers.remove(header::CONTENT_LENGTH);
    }
    for name in &HOP_BY_HOP {
        headers.remove(name);
    }
}

/// The protocols in `Upgrade`, if `Connection` names it.
///
/// `None` for HTTP/2 in cleartext: requests inside the tunnel would bypass every rule of this proxy.
pub(crate) fn requested_upgrade(headers: &HeaderMap) -> Option<HeaderValue> {
    let protocol = headers.get(header::UPGRADE)?;
    let is_named = list::contains(headers, &header::CONNECTION, header::UPGRADE.as_str());
    let is_http2 = protocol.to_str().ok().is_none_or(|protocols| {
        protocols
            .split(',')
            .any(|protocol| protocol.trim().to_ascii_lowercase().starts_with("h2c"))
    });
    (is_named && !is_http2).then(|| protocol.clone())
}

/// True if the sender accepts trailers: `TE: trailers` (RFC 9110, section 10.1.4).
pub(crate) fn accepts_trailers(headers: &HeaderMap) -> bool {
    list::contains(headers, &header::TE, "trailers")
}

/// True if the client waits for 100 (Continue) before it sends the body (RFC 9110, section 10.1.1).
pub(crate) fn expects_continue(headers: &HeaderMap) -> bool {
    list::contains(headers, &header::EXPECT, "100-continue")
}

/// Joins the `Cookie` fields into which HTTP/2 may have split one (RFC 9113, section 8.2.3).
pub(crate) fn join_cookies(headers: &mut HeaderMap) {
    let mut all = headers.get_all(header::COOKIE).iter();
    if all.next().is_none() || all.next().is_none() {
        return;
    }
    let values: Vec<&[u8]> = headers
        .get_all(header::COOKIE)
        .iter()
        .map(HeaderValue::as_bytes)
        .collect();
    if let Ok(joined) = HeaderValue::from_bytes(&values.join(&b"; "[..])) {
        headers.insert(header::COOKIE, joined);
    }
}

const HOP_BY_HOP: [HeaderName; 11] = [
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("http2-settings"),
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    HeaderName::from_static("proxy-authentication-info"),
    // About the upstream's host and port, which clients do not connect to (RFC 7838).
    header::ALT_SVC,
    HeaderName::from_static("alt-used"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(&str, &str)]) -> HeaderMap {
        let fields = fields.iter().map(|(name, value)| {
            let name: HeaderName = name.parse().unwrap();
            (name, HeaderValue::from_str(value).unwrap())
        });
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(name, value);
        }
        headers
    }

    #[test]
    fn remove_hop_by_hop_and_connection_named_keeps_the_rest() {
        let mut fields = headers(&[
            ("connection", "close, X-Mine ,, x-other"),
            ("connection", "Cookie"),
            ("x-mine", "1"),
            ("x-other", "1"),
            ("cookie", "a=b"),
            ("keep-alive", "timeout=5"),
            ("proxy-connection", "keep-alive"),
            ("proxy-authorization", "Basic x"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "websocket"),
            ("http2-settings", "x"),
            ("alt-svc", "h3=\":443\""),
            ("trailer", "x-sum"),
            ("accept", "text/html"),
            ("authorization", "Bearer x"),
        ]);
        remove(&mut fields);
        let mut left: Vec<_> = fields.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["accept", "authorization", "trailer"]);
    }

    #[test]
    fn remove_connection_with_non_ascii_item_reads_the_others() {
        let mut fields = headers(&[("x-mine", "1"), ("accept", "text/html")]);
        let names = HeaderValue::from_bytes(b"\xe9, x-mine").unwrap();
        fields.insert(header::CONNECTION, names);
        remove(&mut fields);
        assert!(fields.keys().eq([&header::ACCEPT]));
    }

    #[test]
    fn requested_upgrade_requires_connection_and_excludes_h2c() {
        let check = |fields: &[(&str, &str)], expected: Option<&str>| {
            let found = requested_upgrade(&headers(fields));
            let found = found.as_ref().map(|value| value.to_str().unwrap());
            assert_eq!(found, expected, "{fields:?}");
        };
        let socket = ("upgrade", "websocket");
        check(&[socket], None);
        check(&[("connection", "upgrade")], None);
        check(&[socket, ("connection", "keep-alive")], None);
        check(
            &[socket, ("connection", "keep-alive, Upgrade")],
            Some("websocket"),
        );
        let named = ("connection", "Upgrade, HTTP2-Settings");
        check(&[("upgrade", "h2c"), named], None);
        check(&[("upgrade", "websocket, H2C"), named], None);
        check(&[("upgrade", "h2c-14"), named], None);
        check(&[("upgrade", "x/1"), named], Some("x/1"));
    }

    #[test]
    fn join_cookies_several_fields_become_one() {
        let mut fields = headers(&[("cookie", "a=1"), ("cookie", "b=2; c=3")]);
        join_cookies(&mut fields);
        let cookies: Vec<_> = fields.get_all(header::COOKIE).iter().collect();
        assert_eq!(cookies, ["a=1; b=2; c=3"]);
    }
}
