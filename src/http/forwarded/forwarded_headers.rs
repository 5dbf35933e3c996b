//! The headers that describe the client to upstreams: `Forwarded` (RFC 7239) and `X-Forwarded-*`.

use std::fmt::Write as _;
use std::net::IpAddr;

use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::header;
use http::uri::Scheme;
use ipnet::IpNet;

use crate::http::context::ConnectInfo;
use crate::http::forwarded::syntax;
use crate::http::list;

/// Writes `Forwarded` and `X-Forwarded-*`.
#[derive(Debug, Clone, Default)]
pub(crate) struct ForwardedHeaders {
    trusted_proxies: Vec<IpNet>,
}

impl ForwardedHeaders {
    /// Trusts the forwarding headers that peers of these networks send.
    pub(crate) fn trust(&mut self, networks: impl IntoIterator<Item = IpNet>) {
        self.trusted_proxies.extend(networks);
    }

    /// Sets `Forwarded` and `X-Forwarded-For`, `-Proto` and `-Host` for an upstream. The received ones are kept and
    /// extended if the peer is a trusted proxy, and replaced otherwise.
    pub(crate) fn apply(
        &self,
        headers: &mut HeaderMap,
        connection: Option<&ConnectInfo>,
        host: Option<&HeaderValue>,
        assumes_https: bool,
    ) {
        let is_trusted = connection.is_some_and(|connection| self.trusts(connection.ip()));
        if !is_trusted {
            remove_all(headers);
        }
        complete_x_forwarded(headers);
        if assumes_https {
            headers.insert(PROTO, HTTPS);
        }
        append_forwarded(headers, connection, host);
        if let Some(connection) = connection {
            list::append(headers, &FOR, &connection.ip().to_string());
        }
        if !headers.contains_key(PROTO) {
            headers.insert(PROTO, if is_https(connection) { HTTPS } else { HTTP });
        }
        if let Some(host) = host
            && !headers.contains_key(HOST)
        {
            headers.insert(HOST, host.clone());
        }
    }

    /// Sets `X-Forwarded-Prefix`.
    pub(crate) fn set_prefix(headers: &mut HeaderMap, prefix: HeaderValue) {
        headers.insert(PREFIX, prefix);
    }

    fn trusts(&self, address: IpAddr) -> bool {
        let mut networks = self.trusted_proxies.iter();
        networks.any(|network| network.contains(&address))
    }
}

/// Removes all headers by which a proxy describes a client.
fn remove_all(headers: &mut HeaderMap) {
    let names = headers.keys().filter(|name| {
        // CGI and its successors map both a dash and an underscore to an underscore.
        let text = name.as_str().replace('_', "-");
        text.starts_with("x-forwarded-") || text == "x-real-ip" || text == "forwarded"
    });
    let names: Vec<HeaderName> = names.cloned().collect();
    for name in names {
        headers.remove(name);
    }
}

/// Fills in missing `X-Forwarded-*` from a received `Forwarded`: the two must not contradict each other.
fn complete_x_forwarded(headers: &mut HeaderMap) {
    if !headers.contains_key(header::FORWARDED) {
        return;
    }
    if !headers.contains_key(FOR) {
        let nodes = syntax::parameter_values(headers, "for");
        let addresses = nodes.iter().filter_map(|node| syntax::node_address(node));
        let addresses: Vec<_> = addresses.map(|address| address.to_string()).collect();
        if !addresses.is_empty() {
            list::append(headers, &FOR, &addresses.join(", "));
        }
    }
    for (name, parameter) in [(PROTO, "proto"), (HOST, "host")] {
        if !headers.contains_key(&name)
            && let Some(value) = syntax::parameter_values(headers, parameter).pop()
            && let Ok(value) = HeaderValue::try_from(value)
        {
            headers.insert(name, value);
        }
    }
}

fn is_https(connection: Option<&ConnectInfo>) -> bool {
    connection.is_some_and(|connection| *connection.scheme() == Scheme::HTTPS)
}

/// `http` or `https`, by the connection.
fn scheme(connection: Option<&ConnectInfo>) -> &'static str {
    if is_https(connection) {
        "https"
    } else {
        "http"
    }
}

/// Appends the element for the peer, and before it the ones that a received `X-Forwarded-For` has and `Forwarded` lacks.
fn append_forwarded(
    headers: &mut HeaderMap,
    connection: Option<&ConnectInfo>,
    host: Option<&HeaderValue>,
) {
    let mut elements = String::new();
    // An open quoted string would swallow the appended elements.
    let mut received = headers.get_all(header::FORWARDED).iter();
    if !received.all(|value| syntax::has_balanced_quotes(value.as_bytes())) {
        headers.remove(header::FORWARDED);
    }
    // The two must not contradict each other.
    if !headers.contains_key(header::FORWARDED) {
        for address in list::items(headers, &FOR) {
            _ = write!(elements, "for={}, ", syntax::format_node(address));
        }
    }
    let proto = list::items(headers, &PROTO).next();
    let proto = proto.filter(|proto| proto.is_ascii());
    let proto = proto.and_then(|proto| std::str::from_utf8(proto).ok());
    let proto = proto.unwrap_or(scheme(connection));
    let peer =
        connection.map(|connection| syntax::format_node(connection.ip().to_string().as_bytes()));
    let peer = peer.unwrap_or_else(|| "unknown".to_owned());
    _ = write!(elements, "for={peer}");
    if let Some(host) = host.and_then(|host| host.to_str().ok()) {
        _ = write!(elements, ";host={}", syntax::format_value(host));
    }
    _ = write!(elements, ";proto={}", syntax::format_value(proto));
    list::append(headers, &header::FORWARDED, &elements);
}

const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const HTTP: HeaderValue = HeaderValue::from_static("http");
const HTTPS: HeaderValue = HeaderValue::from_static("https");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::networks::parse_networks;

    /// `Forwarded` and `X-Forwarded-For`, `-Proto` and `-Host` as applied by a proxy that trusts 10.0.0.0/8.
    fn applied(peer: Option<&str>, fields: &[(HeaderName, &str)]) -> [String; 4] {
        let mut forwarded = ForwardedHeaders::default();
        forwarded.trust(parse_networks("10.0.0.0/8").unwrap());
        let fields = fields.iter();
        let mut headers: HeaderMap = fields
            .map(|(name, value)| (name.clone(), value.parse().unwrap()))
            .collect();
        let connection = peer.map(|peer| ConnectInfo::new(peer.parse().unwrap()));
        let host = HeaderValue::from_static("site.example:8080");
        forwarded.apply(&mut headers, connection.as_ref(), Some(&host), false);
        [header::FORWARDED, FOR, PROTO, HOST].map(|name| {
            let mut values = headers.get_all(name).iter();
            let value = values.next().map_or("", |value| value.to_str().unwrap());
            assert!(values.next().is_none());
            value.to_owned()
        })
    }

    #[test]
    fn tls_connection_is_forwarded_as_https() {
        let connection = ConnectInfo::new("192.0.2.7:4711".parse().unwrap()).https();
        let mut headers = HeaderMap::new();
        ForwardedHeaders::default().apply(&mut headers, Some(&connection), None, false);
        assert_eq!(headers[PROTO], "https");
        assert_eq!(headers[header::FORWARDED], "for=192.0.2.7;proto=https");
    }

    #[test]
    fn untrusted_peer_headers_are_replaced() {
        let spoofed = [
            (FOR, "1.1.1.1"),
            (PROTO, "https"),
            (HOST, "evil.example"),
            (header::FORWARDED, "for=1.1.1.1"),
        ];
        let expected = [
            "for=192.0.2.7;host=\"site.example:8080\";proto=http",
            "192.0.2.7",
            "http",
            "site.example:8080",
        ];
        assert_eq!(applied(Some("192.0.2.7:4711"), &spoofed), expected);
        assert_eq!(applied(Some("192.0.2.7:4711"), &[]), expected);
    }

    #[test]
    fn trusted_peer_headers_are_kept_and_extended() {
        let fields = [
            (FOR, "1.1.1.1, 2001:db8::1"),
            (PROTO, "https"),
            (HOST, "www.example"),
        ];
        let [forwarded, of, proto, host] = applied(Some("10.1.2.3:4711"), &fields);
        assert_eq!(
            forwarded,
            "for=1.1.1.1, for=\"[2001:db8::1]\", for=10.1.2.3;host=\"site.example:8080\";proto=https"
        );
        assert_eq!(of, "1.1.1.1, 2001:db8::1, 10.1.2.3");
        assert_eq!((&*proto, &*host), ("https", "www.example"));
        let known = [(header::FORWARDED, "for=1.1.1.1;proto=https")];
        let [forwarded, ..] = applied(Some("10.1.2.3:4711"), &known);
        assert!(forwarded.starts_with("for=1.1.1.1;proto=https, for=10.1.2.3;"));
        let open = [(header::FORWARDED, r#"for="1.1.1.1\""#), (FOR, "1.1.1.1")];
        let [forwarded, ..] = applied(Some("10.1.2.3:4711"), &open);
        assert!(forwarded.starts_with("for=1.1.1.1, for=10.1.2.3;"));
    }

    #[test]
    fn trusted_peer_with_only_forwarded_fills_x_forwarded() {
        let known = [(
            header::FORWARDED,
            "for=1.1.1.1;proto=http, for=\"[2001:db8::1]:4711\";proto=https;host=\"www.example:8443\"",
        )];
        let [forwarded, of, proto, host] = applied(Some("10.1.2.3:4711"), &known);
        assert!(forwarded.ends_with(", for=10.1.2.3;host=\"site.example:8080\";proto=https"));
        assert_eq!(of, "1.1.1.1, 2001:db8::1, 10.1.2.3");
        assert_eq!((&*proto, &*host), ("https", "www.example:8443"));
    }

    #[test]
    fn ipv6_node_is_quoted_and_mapped_ipv4_is_unmapped() {
        let [forwarded, of, ..] = applied(Some("[2001:db8::7]:80"), &[]);
        assert!(forwarded.starts_with("for=\"[2001:db8::7]\";"));
        assert_eq!(of, "2001:db8::7");
        assert_eq!(applied(Some("[::ffff:192.0.2.7]:80"), &[])[1], "192.0.2.7");
        let [forwarded, of, ..] = applied(None, &[(FOR, "1.1.1.1")]);
        assert!(forwarded.starts_with("for=unknown;"));
        assert_eq!(of, "");
    }
}
