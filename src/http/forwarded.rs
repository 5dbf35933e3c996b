//! What an upstream is told of the client: `Forwarded` (RFC 7239), `X-Forwarded-*`, `Via` and `Host`.

use std::collections::hash_map::RandomState;
use std::fmt::Write as _;
use std::hash::BuildHasher as _;
use std::net::IpAddr;
use std::str::FromStr;

use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Version;
use http::header;
use http::uri::Authority;
use ipnet::IpNet;

use crate::error::Error;
use crate::error::Kind;
use crate::http::context::AsHttps;
use crate::http::context::Peer;
use crate::http::forwarded_elements;
use crate::http::hop_by_hop::items;

/// Which `Host` an upstream sees.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum HostHeader {
    /// The one that the client asked for.
    #[default]
    Keep,
    /// The upstream's own, as its address has it.
    Upstream,
    /// Always this one.
    Name(Authority),
}

impl FromStr for HostHeader {
    type Err = Error;

    /// `keep`, `upstream`, or a name, with a port if need be.
    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "keep" => Ok(Self::Keep),
            "upstream" => Ok(Self::Upstream),
            name => match name.parse::<Authority>() {
                Ok(name) if !name.as_str().contains('@') => Ok(Self::Name(name)),
                _ => Err(Error::new(Kind::InvalidHostHeader(text.to_owned()))),
            },
        }
    }
}

/// What a route took off the path, in the extensions of a request.
#[derive(Debug, Clone)]
pub(crate) struct Prefix(pub(crate) HeaderValue);

/// Writes the fields that tell of the client.
#[derive(Debug, Clone)]
pub(crate) struct Teller {
    /// Peers whose word on who the client is counts.
    pub(crate) trusted: Vec<IpNet>,
    pub(crate) host: HostHeader,
    /// The name by which this proxy knows itself in `Via`.
    name: String,
    /// What it adds there to nearly all messages.
    via: HeaderValue,
}

impl Teller {
    pub(crate) fn new() -> Self {
        // Every `RandomState` has other keys: two of us in a row are no loop.
        let number = RandomState::new().hash_one(0);
        let name = format!("tidings-{:010x}", number & 0xff_ffff_ffff);
        let via = HeaderValue::try_from(format!("1.1 {name}"));
        Self {
            trusted: Vec::new(),
            host: HostHeader::Keep,
            name,
            // It is made of letters and digits.
            via: via.unwrap_or_else(|_| HeaderValue::from_static("1.1 tidings")),
        }
    }

    /// True if the request was here before.
    pub(crate) fn has_seen(&self, headers: &HeaderMap) -> bool {
        let is_own = |via: &[u8]| {
            let words = via.split(u8::is_ascii_whitespace);
            let mut words = words.filter(|word| !word.is_empty());
            words.nth(1) == Some(self.name.as_bytes())
        };
        items(headers, &header::VIA).any(is_own)
    }

    /// Adds this proxy to the message's way (RFC 9110, section 7.6.3).
    pub(crate) fn add_via(&self, headers: &mut HeaderMap, received: Version) {
        if received == Version::HTTP_11 && !headers.contains_key(header::VIA) {
            headers.insert(header::VIA, self.via.clone());
            return;
        }
        let version = match received {
            Version::HTTP_2 => "2.0",
            Version::HTTP_10 => "1.0",
            _ => "1.1",
        };
        append_to_list(headers, &header::VIA, &format!("{version} {}", self.name));
    }

    /// Tells the upstream who asked, for what host, and how. What the client says of that itself counts only if it
    /// is trusted.
    pub(crate) fn tell(
        &self,
        headers: &mut HeaderMap,
        peer: Option<Peer>,
        host: Option<&HeaderValue>,
        as_https: Option<AsHttps>,
    ) {
        let is_trusted = peer.is_some_and(|peer| self.trusts(peer.ip()));
        if !is_trusted {
            for name in told_by(headers) {
                headers.remove(name);
            }
        }
        take_from_forwarded(headers);
        if as_https.is_some() {
            headers.insert(PROTO, HeaderValue::from_static("https"));
        }
        tell_forwarded(headers, peer, host);
        if let Some(peer) = peer {
            append_to_list(headers, &FOR, &peer.ip().to_string());
        }
        if !headers.contains_key(PROTO) {
            headers.insert(PROTO, HeaderValue::from_static("http"));
        }
        if let Some(host) = host
            && !headers.contains_key(HOST)
        {
            headers.insert(HOST, host.clone());
        }
    }

    /// Tells the upstream what is missing at the beginning of its path.
    pub(crate) fn tell_prefix(headers: &mut HeaderMap, prefix: Prefix) {
        headers.insert(PREFIX, prefix.0);
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted
            .iter()
            .any(|network| network.contains(&address))
    }
}

/// The fields by which one proxy tells another, or an application, of a client.
fn told_by(headers: &HeaderMap) -> Vec<HeaderName> {
    let names = headers.keys().filter(|name| {
        // Applications behind CGI and its heirs see no difference between a dash and an underscore.
        let text = name.as_str().replace('_', "-");
        text.starts_with("x-forwarded-") || text == "x-real-ip" || text == "forwarded"
    });
    names.cloned().collect()
}

/// Whoever came before us and knew only the newer field is put into the older ones, too: the two must not contradict
/// each other.
fn take_from_forwarded(headers: &mut HeaderMap) {
    if !headers.contains_key(header::FORWARDED) {
        return;
    }
    let values = |headers: &HeaderMap, name| forwarded_elements::values(headers, name);
    if !headers.contains_key(FOR) {
        let addresses = values(headers, "for");
        let addresses = addresses
            .iter()
            .filter_map(|node| forwarded_elements::address(node));
        let addresses: Vec<_> = addresses.map(|address| address.to_string()).collect();
        if !addresses.is_empty() {
            append_to_list(headers, &FOR, &addresses.join(", "));
        }
    }
    for (name, parameter) in [(PROTO, "proto"), (HOST, "host")] {
        if !headers.contains_key(&name)
            && let Some(value) = values(headers, parameter).pop()
            && let Ok(value) = HeaderValue::try_from(value)
        {
            headers.insert(name, value);
        }
    }
}

fn tell_forwarded(headers: &mut HeaderMap, peer: Option<Peer>, host: Option<&HeaderValue>) {
    let mut element = String::new();
    // What ends within quotes would take in what we add.
    let mut came = headers.get_all(header::FORWARDED).iter();
    if !came.all(|value| closes_quotes(value.as_bytes())) {
        headers.remove(header::FORWARDED);
    }
    // Whoever came before us and knew only the older fields is put in, too: the two must not contradict each other.
    if !headers.contains_key(header::FORWARDED) {
        for address in items(headers, &FOR) {
            _ = write!(element, "for={}, ", node(address));
        }
    }
    let proto = items(headers, &PROTO).next();
    let proto = proto.filter(|proto| proto.is_ascii()).and_then(text);
    let proto = proto.unwrap_or("http");
    let peer = peer.map(|peer| node(peer.ip().to_string().as_bytes()));
    let peer = peer.unwrap_or_else(|| "unknown".to_owned());
    _ = write!(element, "for={peer}");
    if let Some(host) = host.and_then(|host| host.to_str().ok()) {
        _ = write!(element, ";host={}", quoted(host));
    }
    _ = write!(element, ";proto={}", quoted(proto));
    append_to_list(headers, &header::FORWARDED, &element);
}

/// A node as `Forwarded` has it (RFC 7239, section 6): what is no address is not known, and one of IPv6 is quoted.
fn node(address: &[u8]) -> String {
    match text(address).and_then(|address| address.parse().ok()) {
        Some(IpAddr::V4(address)) => address.to_string(),
        Some(IpAddr::V6(address)) => format!("\"[{address}]\""),
        None => "unknown".to_owned(),
    }
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

/// True if every quoted string in it has an end.
fn closes_quotes(value: &[u8]) -> bool {
    let mut is_open = false;
    let mut bytes = value.iter();
    while let Some(b) = bytes.next() {
        match b {
            b'"' => is_open = !is_open,
            b'\\' if is_open => _ = bytes.next(),
            _ => {}
        }
    }
    !is_open
}

/// A value as it is if it is a token, else in quotes (RFC 9110, section 5.6).
fn quoted(value: &str) -> String {
    let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if !value.is_empty() && value.bytes().all(is_token) {
        return value.to_owned();
    }
    let mut quoted = String::from("\"");
    for c in value.chars() {
        if matches!(c, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

/// Adds an item to the end of a list, in one field, as the less careful upstreams want it.
fn append_to_list(headers: &mut HeaderMap, name: &HeaderName, item: &str) {
    if !headers.contains_key(name) {
        if let Ok(value) = HeaderValue::from_str(item) {
            headers.insert(name.clone(), value);
        }
        return;
    }
    let mut all = Vec::new();
    for value in headers.get_all(name) {
        all.extend_from_slice(value.as_bytes());
        all.extend_from_slice(b", ");
    }
    all.extend_from_slice(item.as_bytes());
    if let Ok(value) = HeaderValue::from_bytes(&all) {
        headers.insert(name.clone(), value);
    }
}

const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::networks::networks;

    /// What an upstream is told by a proxy that trusts 10.0.0.0/8: `Forwarded`, and the `X-` fields.
    fn told(peer: Option<&str>, fields: &[(HeaderName, &str)]) -> [String; 4] {
        let mut teller = Teller::new();
        teller.trusted = networks("10.0.0.0/8").unwrap();
        let fields = fields.iter();
        let mut headers: HeaderMap = fields
            .map(|(name, value)| (name.clone(), value.parse().unwrap()))
            .collect();
        let peer = peer.map(|peer| Peer::new(peer.parse().unwrap()));
        let host = HeaderValue::from_static("site.example:8080");
        teller.tell(&mut headers, peer, Some(&host), None);
        [header::FORWARDED, FOR, PROTO, HOST].map(|name| {
            let mut values = headers.get_all(name).iter();
            let value = values.next().map_or("", |value| value.to_str().unwrap());
            assert!(values.next().is_none());
            value.to_owned()
        })
    }

    #[test]
    fn a_stranger_is_not_believed() {
        let lies = [
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
        assert_eq!(told(Some("192.0.2.7:4711"), &lies), expected);
        assert_eq!(told(Some("192.0.2.7:4711"), &[]), expected);
    }

    #[test]
    fn a_trusted_proxy_is_believed_and_added() {
        let fields = [
            (FOR, "1.1.1.1, 2001:db8::1"),
            (PROTO, "https"),
            (HOST, "www.example"),
        ];
        let [forwarded, of, proto, host] = told(Some("10.1.2.3:4711"), &fields);
        assert_eq!(
            forwarded,
            "for=1.1.1.1, for=\"[2001:db8::1]\", for=10.1.2.3;host=\"site.example:8080\";proto=https"
        );
        assert_eq!(of, "1.1.1.1, 2001:db8::1, 10.1.2.3");
        assert_eq!((&*proto, &*host), ("https", "www.example"));
        let known = [(header::FORWARDED, "for=1.1.1.1;proto=https")];
        let [forwarded, ..] = told(Some("10.1.2.3:4711"), &known);
        assert!(forwarded.starts_with("for=1.1.1.1;proto=https, for=10.1.2.3;"));
        let open = [(header::FORWARDED, r#"for="1.1.1.1\""#), (FOR, "1.1.1.1")];
        let [forwarded, ..] = told(Some("10.1.2.3:4711"), &open);
        assert!(forwarded.starts_with("for=1.1.1.1, for=10.1.2.3;"));
    }

    #[test]
    fn a_trusted_proxy_may_know_only_the_newer_field() {
        let known = [(
            header::FORWARDED,
            "for=1.1.1.1;proto=http, for=\"[2001:db8::1]:4711\";proto=https;host=\"www.example:8443\"",
        )];
        let [forwarded, of, proto, host] = told(Some("10.1.2.3:4711"), &known);
        assert!(forwarded.ends_with(", for=10.1.2.3;host=\"site.example:8080\";proto=https"));
        assert_eq!(of, "1.1.1.1, 2001:db8::1, 10.1.2.3");
        assert_eq!((&*proto, &*host), ("https", "www.example:8443"));
    }

    #[test]
    fn addresses_of_version_6_are_quoted_and_those_of_both_are_of_version_4() {
        let [forwarded, of, ..] = told(Some("[2001:db8::7]:80"), &[]);
        assert!(forwarded.starts_with("for=\"[2001:db8::7]\";"));
        assert_eq!(of, "2001:db8::7");
        assert_eq!(told(Some("[::ffff:192.0.2.7]:80"), &[])[1], "192.0.2.7");
        let [forwarded, of, ..] = told(None, &[(FOR, "1.1.1.1")]);
        assert!(forwarded.starts_with("for=unknown;"));
        assert_eq!(of, "");
    }

    #[test]
    fn a_proxy_knows_itself_and_no_other() {
        let (teller, other) = (Teller::new(), Teller::new());
        let mut headers = HeaderMap::new();
        teller.add_via(&mut headers, Version::HTTP_2);
        assert!(teller.has_seen(&headers));
        assert!(!other.has_seen(&headers));
        other.add_via(&mut headers, Version::HTTP_11);
        assert!(teller.has_seen(&headers) && other.has_seen(&headers));
        assert_eq!(headers.get_all(header::VIA).iter().count(), 1);
        headers.insert(header::VIA, HeaderValue::from_bytes(b"1.1 \xe9").unwrap());
        teller.add_via(&mut headers, Version::HTTP_11);
        assert!(teller.has_seen(&headers));
    }
}
