//! Fields of one connection, which a proxy does not pass on (RFC 9110, section 7.6.1).

use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::header;

/// Takes out what is for one connection only: what the RFC lists, what `Connection` names, and what is between a client
/// and the proxy it knows of.
pub(crate) fn strip(headers: &mut HeaderMap) {
    if headers.contains_key(header::CONNECTION) {
        for name in named_by_connection(headers) {
            headers.remove(name);
        }
        headers.remove(header::CONNECTION);
    }
    if headers.contains_key(header::TRANSFER_ENCODING) {
        // Of the two it is the length that is wrong (RFC 9112, section 6.3).
        headers.remove(header::CONTENT_LENGTH);
    }
    for name in &PER_CONNECTION {
        headers.remove(name);
    }
}

/// What the sender of these fields wants to switch to, if it really asks for that: `Upgrade`, and named by `Connection`.
///
/// HTTP/2 is none of it: what is sent inside would pass every rule of the one in front.
pub(crate) fn upgrade(headers: &HeaderMap) -> Option<HeaderValue> {
    let protocol = headers.get(header::UPGRADE)?;
    let is_named = has_item(headers, &header::CONNECTION, header::UPGRADE.as_str());
    let is_http2 = protocol.to_str().ok().is_none_or(|protocols| {
        protocols
            .split(',')
            .any(|protocol| protocol.trim().to_ascii_lowercase().starts_with("h2c"))
    });
    (is_named && !is_http2).then(|| protocol.clone())
}

/// True if the sender takes trailers: `TE: trailers` (RFC 9110, section 10.1.4).
pub(crate) fn takes_trailers(headers: &HeaderMap) -> bool {
    has_item(headers, &header::TE, "trailers")
}

/// True if the body is to wait for a 100 (RFC 9110, section 10.1.1).
pub(crate) fn expects_continue(headers: &HeaderMap) -> bool {
    has_item(headers, &header::EXPECT, "100-continue")
}

/// One `Cookie` of the several that HTTP/2 may have made of it (RFC 9113, section 8.2.3).
pub(crate) fn join_cookies(headers: &mut HeaderMap) {
    let mut all = headers.get_all(header::COOKIE).iter();
    if all.next().is_none() || all.next().is_none() {
        return;
    }
    let pieces: Vec<&[u8]> = headers
        .get_all(header::COOKIE)
        .iter()
        .map(HeaderValue::as_bytes)
        .collect();
    if let Ok(joined) = HeaderValue::from_bytes(&pieces.join(&b"; "[..])) {
        headers.insert(header::COOKIE, joined);
    }
}

/// The items of a list, which may be in several fields and hold any bytes (RFC 9110, section 5.6.1).
pub(crate) fn items<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> impl Iterator<Item = &'a [u8]> {
    headers
        .get_all(name)
        .iter()
        .flat_map(|value| value.as_bytes().split(|&b| b == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|item| !item.is_empty())
}

fn named_by_connection(headers: &HeaderMap) -> Vec<HeaderName> {
    items(headers, &header::CONNECTION)
        .filter_map(|item| HeaderName::from_bytes(item).ok())
        .collect()
}

fn has_item(headers: &HeaderMap, name: &HeaderName, wanted: &str) -> bool {
    items(headers, name).any(|item| item.eq_ignore_ascii_case(wanted.as_bytes()))
}

const PER_CONNECTION: [HeaderName; 11] = [
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("http2-settings"),
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    HeaderName::from_static("proxy-authentication-info"),
    // For the host and port that were connected to, which no visitor knows (RFC 7838).
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
    fn what_is_for_one_connection_goes_and_all_else_stays() {
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
        strip(&mut fields);
        let mut left: Vec<_> = fields.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["accept", "authorization", "trailer"]);
    }

    #[test]
    fn what_stands_beside_bytes_that_are_no_text_is_named_as_well() {
        let mut fields = headers(&[("x-mine", "1"), ("accept", "text/html")]);
        let names = HeaderValue::from_bytes(b"\xe9, x-mine").unwrap();
        fields.insert(header::CONNECTION, names);
        strip(&mut fields);
        assert!(fields.keys().eq([&header::ACCEPT]));
    }

    #[test]
    fn an_upgrade_is_one_that_connection_names() {
        let check = |fields: &[(&str, &str)], expected: Option<&str>| {
            let found = upgrade(&headers(fields));
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
    fn cookies_of_http_2_are_joined() {
        let mut fields = headers(&[("cookie", "a=1"), ("cookie", "b=2; c=3")]);
        join_cookies(&mut fields);
        let cookies: Vec<_> = fields.get_all(header::COOKIE).iter().collect();
        assert_eq!(cookies, ["a=1; b=2; c=3"]);
    }
}
