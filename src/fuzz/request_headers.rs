use std::net::IpAddr;
use std::net::SocketAddr;

use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Request;
use http::Version;
use http::header;
use http::request;

use crate::fuzz::input::line;
use crate::http::accept_encoding::AcceptEncoding;
use crate::http::context::ConnectInfo;
use crate::http::forwarded::ForwardedHeaders;
use crate::http::hop_by_hop;
use crate::http::networks::parse_networks;
use crate::http::via::Via;
use crate::origin::proxy::request_headers;

/// Request headers for upstreams: hop-by-hop headers are removed, all others stay, and a client cannot spoof the headers
/// that describe it.
///
/// The first line has the address of the peer (10.0.0.0/8 is trusted), the HTTP version and the request target, separated
/// by spaces; the other lines are the headers.
///
/// # Panics
///
/// If the property does not hold.
pub fn request_headers(data: &[u8]) {
    let parts = head(data);
    remove_hop_by_hop(parts.headers.clone());
    accept(&parts.headers);
    let upgrade = hop_by_hop::requested_upgrade(&parts.headers);
    if let Some(protocol) = &upgrade {
        assert!(names(&parts.headers, &header::CONNECTION, "upgrade"));
        assert_eq!(parts.headers.get(header::UPGRADE), Some(protocol));
        let lower = protocol.as_bytes().to_ascii_lowercase();
        assert!(!items(&lower).any(|item| item.starts_with(b"h2c")));
    }
    let via = Via::new();
    let mut forwarded = ForwardedHeaders::default();
    forwarded.trust(parse_networks(TRUSTED).unwrap_or_default());
    let sent = Sent {
        headers: request_headers::for_upstream(&forwarded, &via, parts.clone(), upgrade.as_ref()),
        is_upgrade: upgrade.is_some(),
        peer: parts.extensions.get().map(|peer: &ConnectInfo| peer.ip()),
    };
    sent.assert_hop_by_hop(&parts.headers);
    sent.assert_end_to_end(&parts);
    sent.assert_forwarded(&parts);
    assert!(via.is_loop(&sent.headers), "{:?}", sent.headers);
}

fn head(data: &[u8]) -> request::Parts {
    let (start, mut rest) = line(data);
    let start = std::str::from_utf8(start).unwrap_or("");
    let mut words = start.split(' ');
    let mut next = || words.next().unwrap_or("");
    let (mut parts, ()) = Request::new(()).into_parts();
    if let Ok(address) = next().parse::<IpAddr>() {
        let peer = ConnectInfo::new(SocketAddr::new(address, 4711));
        parts.extensions.insert(peer);
    }
    parts.version = match next() {
        "2" => Version::HTTP_2,
        "1.0" => Version::HTTP_10,
        _ => Version::HTTP_11,
    };
    parts.uri = next().parse().unwrap_or_default();
    while !rest.is_empty() {
        let (field, after) = line(rest);
        rest = after;
        let colon = field.iter().position(|&b| b == b':').unwrap_or(field.len());
        let name = HeaderName::from_bytes(&field[..colon]);
        let value = field.get(colon + 1..).unwrap_or_default();
        let value = HeaderValue::from_bytes(value.trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            parts.headers.append(name, value);
        }
    }
    parts
}

fn remove_hop_by_hop(mut headers: HeaderMap) {
    let before = headers.clone();
    hop_by_hop::remove(&mut headers);
    for name in before.keys() {
        let is_kept = headers.get_all(name).iter().eq(before.get_all(name));
        let is_gone = !headers.contains_key(name);
        let is_hop = is_hop_by_hop(&before, name);
        assert!(if is_hop { is_gone } else { is_kept }, "{name}");
    }
    assert!(headers.keys().all(|name| before.contains_key(name)));
}

fn accept(headers: &HeaderMap) {
    let accept_encoding = AcceptEncoding::from_headers(headers);
    let offered = ["br", "gzip"].map(|token| (token, token));
    let chosen = accept_encoding.choose(offered);
    assert!(chosen.is_none_or(|token| accept_encoding.allows(token)));
    let alone = accept_encoding.choose([("gzip", "gzip")]);
    assert!(alone.is_none() || chosen.is_some());
}

/// The headers for the upstream.
struct Sent {
    headers: HeaderMap,
    is_upgrade: bool,
    peer: Option<IpAddr>,
}

impl Sent {
    /// Hop-by-hop headers are those for the upstream, whatever the client sent.
    fn assert_hop_by_hop(&self, before: &HeaderMap) {
        for name in HOP_BY_HOP {
            let takes_trailers = !self.is_upgrade && names(before, &header::TE, "trailers");
            let expected = match name {
                "connection" if self.is_upgrade => Some("upgrade"),
                "connection" if takes_trailers => Some("te"),
                "te" if takes_trailers => Some("trailers"),
                "upgrade" if self.is_upgrade => continue,
                _ => None,
            };
            let values = self.headers.get_all(name).iter();
            assert!(values.eq(expected.as_ref()), "{name}");
        }
        let upgrade = self.headers.get_all(header::UPGRADE).iter();
        assert_eq!(upgrade.count(), usize::from(self.is_upgrade));
    }

    fn assert_end_to_end(&self, parts: &request::Parts) {
        let before = &parts.headers;
        for name in before.keys() {
            let is_joined = parts.version == Version::HTTP_2 && name == header::COOKIE;
            let folded = name.as_str().replace('_', "-");
            let is_rewritten = REWRITTEN.contains(&&*folded) || folded.starts_with("x-forwarded-");
            if is_rewritten || is_joined || is_hop_by_hop(before, name) {
                continue;
            }
            let values = self.headers.get_all(name).iter();
            assert!(values.eq(before.get_all(name)), "{name}");
        }
        let added = self.headers.keys();
        let mut added = added.filter(|name| !before.contains_key(*name));
        assert!(added.all(|name| REWRITTEN.contains(&name.as_str())));
    }

    fn assert_forwarded(&self, parts: &request::Parts) {
        let authority = parts.uri.authority().map(|name| {
            let host = name.as_str().rsplit('@').next();
            host.unwrap_or_default().as_bytes()
        });
        let host = parts.headers.get(header::HOST).map(HeaderValue::as_bytes);
        let host = authority.or(host);
        assert_eq!(self.only("host"), host);
        let trusted = ipnet::IpNet::V4(TRUSTED_NET);
        let is_trusted = self.peer.is_some_and(|peer| trusted.contains(&peer));
        let peer = self.peer.map(|peer| peer.to_string().into_bytes());
        let forwarded_for = self.only("x-forwarded-for");
        let last = forwarded_for.and_then(|all| items(all).last());
        if is_trusted {
            assert_eq!(last, peer.as_deref());
        } else {
            assert_eq!(forwarded_for, peer.as_deref());
            assert_eq!(self.only("x-forwarded-proto"), Some(&b"http"[..]));
            assert_eq!(self.only("x-forwarded-host"), host);
            assert_eq!(self.only("x-forwarded-port"), None);
        }
        let forwarded = self.only("forwarded").expect("it is always sent");
        let is_received = is_trusted && parts.headers.contains_key(header::FORWARDED);
        // The elements of a trusted peer may be malformed; ours are not.
        let built = if is_received {
            last_element(forwarded)
        } else {
            forwarded
        };
        let elements = elements(built);
        let elements = elements.unwrap_or_else(|| panic!("{forwarded:?} is no Forwarded"));
        assert!(is_trusted || elements.len() == 1, "{forwarded:?}");
        if is_trusted && !is_received && is_kept(&parts.headers, "x-forwarded-for") {
            let all = forwarded_for.map_or(0, |all| items(all).count());
            assert_eq!(elements.len(), all, "{forwarded:?}");
        }
        let ours = elements.last().map_or(&[][..], |element| element);
        let node = match self.peer {
            Some(IpAddr::V6(address)) => format!("[{address}]"),
            Some(IpAddr::V4(address)) => address.to_string(),
            None => "unknown".to_owned(),
        };
        let value = |wanted: &str| {
            let mut pairs = ours.iter();
            let pair = pairs.find(|(name, _)| name == wanted.as_bytes());
            pair.map(|(_, value)| &value[..])
        };
        assert_eq!(value("for"), Some(node.as_bytes()), "{forwarded:?}");
        let text = |host: &&[u8]| {
            host.iter()
                .all(|&b| b == b'\t' || (b' '..0x7f).contains(&b))
        };
        assert_eq!(value("host"), host.filter(text), "{forwarded:?}");
        let names: Vec<_> = ours.iter().map(|(name, _)| &name[..]).collect();
        assert!(matches!(
            names[..],
            [b"for", b"proto"] | [b"for", b"host", b"proto"]
        ));
    }

    /// The value of a field, which occurs at most once.
    fn only(&self, name: &str) -> Option<&[u8]> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next();
        assert!(values.next().is_none(), "{name}");
        value.map(HeaderValue::as_bytes)
    }
}

/// An element of `Forwarded`: names and unquoted values.
type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// The elements of `Forwarded` (RFC 7239, section 4); `None` if it is malformed.
fn elements(mut rest: &[u8]) -> Option<Vec<Pairs>> {
    let mut elements = vec![Pairs::new()];
    loop {
        let end = rest.iter().position(|&b| b == b'=')?;
        let (name, after) = rest.split_at(end);
        let (value, after) = match after.get(1..)? {
            [b'"', after @ ..] => quoted(after)?,
            after => {
                let end = after.iter().position(|&b| !is_token(b));
                let (value, after) = after.split_at(end.unwrap_or(after.len()));
                (value.to_vec(), after)
            }
        };
        if name.is_empty() || !name.iter().all(|&b| is_token(b)) {
            return None;
        }
        elements.last_mut()?.push((name.to_vec(), value));
        rest = match after {
            [] => return Some(elements),
            [b';', after @ ..] => after,
            [b',', after @ ..] => {
                elements.push(Pairs::new());
                after.trim_ascii_start()
            }
            _ => return None,
        };
    }
}

/// The text after the last comma outside of quotes.
fn last_element(forwarded: &[u8]) -> &[u8] {
    let mut last = forwarded;
    let mut rest = forwarded;
    while let [b, after @ ..] = rest {
        rest = match b {
            b'"' => quoted(after).map_or(&[], |(_, after)| after),
            _ => after,
        };
        if *b == b',' {
            last = rest;
        }
    }
    last.trim_ascii_start()
}

/// The content of a quoted string, and the text after it.
fn quoted(rest: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut value = Vec::new();
    let mut bytes = rest.iter().enumerate();
    while let Some((at, &b)) = bytes.next() {
        match b {
            b'"' => return Some((value, &rest[at + 1..])),
            b'\\' => value.push(*bytes.next()?.1),
            b => value.push(b),
        }
    }
    None
}

fn is_token(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b)
}

/// The items of a list (RFC 9110, section 5.6.1).
fn items(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    let items = list.split(|&b| b == b',').map(<[u8]>::trim_ascii);
    items.filter(|item| !item.is_empty())
}

/// True if this list has this item.
fn names(headers: &HeaderMap, field: &HeaderName, name: &str) -> bool {
    let mut values = headers.get_all(field).iter();
    values
        .any(|value| items(value.as_bytes()).any(|item| item.eq_ignore_ascii_case(name.as_bytes())))
}

fn is_hop_by_hop(headers: &HeaderMap, name: &HeaderName) -> bool {
    HOP_BY_HOP.contains(&name.as_str()) || names(headers, &header::CONNECTION, name.as_str())
}

fn is_kept(headers: &HeaderMap, name: &'static str) -> bool {
    !is_hop_by_hop(headers, &HeaderName::from_static(name))
}

const TRUSTED: &str = "10.0.0.0/8";
const TRUSTED_NET: ipnet::Ipv4Net =
    ipnet::Ipv4Net::new_assert(std::net::Ipv4Addr::new(10, 0, 0, 0), 8);

const HOP_BY_HOP: [&str; 12] = [
    "alt-svc",
    "alt-used",
    "connection",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authentication-info",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// The headers that are replaced or extended.
const REWRITTEN: [&str; 11] = [
    "connection",
    "forwarded",
    "host",
    "te",
    "upgrade",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-real-ip",
];
