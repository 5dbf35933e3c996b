//! Networks in settings: CIDR notation, addresses, and names for common sets.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::error::Error;
use crate::error::Kind;

/// Parses `10.0.0.0/8`, a single address, `loopback`, or `private` (RFC 1918, RFC 4193 and loopback).
///
/// # Errors
///
/// If it is none of these.
pub(crate) fn parse_networks(text: &str) -> Result<Vec<IpNet>, Error> {
    let named: &[&str] = match text {
        "loopback" => &LOOPBACK,
        "private" => &PRIVATE,
        other => &[other],
    };
    let network = |text: &&str| {
        let parsed = text.parse::<IpNet>().ok();
        parsed.or_else(|| Some(text.parse::<IpAddr>().ok()?.into()))
    };
    let networks: Option<Vec<_>> = named.iter().map(network).collect();
    networks.ok_or_else(|| Error::new(Kind::InvalidNetwork(text.to_owned())))
}

const LOOPBACK: [&str; 2] = ["127.0.0.0/8", "::1/128"];

const PRIVATE: [&str; 6] = [
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "fc00::/7",
    "127.0.0.0/8",
    "::1/128",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_networks_names_and_cidr_are_accepted() {
        for (text, expected) in [
            ("10.0.0.0/8", Some(1)),
            ("::1", Some(1)),
            ("private", Some(6)),
            ("loopback", Some(2)),
            ("10.0.0.0/33", None),
            ("example.org", None),
        ] {
            assert_eq!(
                parse_networks(text).ok().map(|all| all.len()),
                expected,
                "{text}"
            );
        }
    }
}
