//! The peer: who is at the other end of the connection that a request came by.

use std::net::IpAddr;
use std::net::SocketAddr;

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
