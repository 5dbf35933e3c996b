//! The peer: who is at the other end of the connection that a request came by.

use std::net::IpAddr;
use std::net::SocketAddr;

use http::uri::Authority;

/// Who sent a request, for what tells an upstream of it. [`Server`](crate::Server) puts it into the extensions of every
/// request; whoever serves by other means does so too, or upstreams are told that nobody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Peer(SocketAddr);

impl Peer {
    /// The peer at this end.
    pub fn new(address: SocketAddr) -> Self {
        Self(address)
    }

    /// Its address; one of IPv4 is written so, even if it came by a socket for both.
    pub fn ip(self) -> IpAddr {
        self.0.ip().to_canonical()
    }

    /// Its port.
    pub fn port(self) -> u16 {
        self.0.port()
    }
}

/// Put into the extensions of a response by an origin that has seen to the script itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AlreadyInjected;

/// Put into the extensions of a response by an origin that has several upstreams: which of them, from 0, it is from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FromUpstream(pub(crate) usize);

/// Put into the extensions of a response by an origin that was asked for one upstream: how that knows itself if no host
/// is asked for.
#[derive(Debug, Clone)]
pub(crate) struct OwnName(pub(crate) Authority);

/// Put into the extensions of our own requests for which an upstream is to be told that they came by `https`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AsHttps;
