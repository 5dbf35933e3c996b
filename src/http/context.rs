//! The context of a request, and the outcome of a response: what the layers of the stack tell each other.

use std::net::IpAddr;
use std::net::SocketAddr;

use bytes::Bytes;
use http::Extensions;
use http::HeaderMap;
use http::HeaderValue;
use http::uri::Authority;
use http::uri::Scheme;

/// The connection that a request arrived on.
///
/// [`Server`](crate::Server) inserts it into the extensions of every request. An application with another server inserts
/// it too; without it, `Forwarded` and `X-Forwarded-For` name no client.
///
/// ```
/// use tidings::ConnectInfo;
///
/// let mut request = http::Request::new(());
/// let peer = "192.0.2.7:4711".parse()?;
/// request.extensions_mut().insert(ConnectInfo::new(peer).https());
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectInfo {
    peer: SocketAddr,
    local: Option<SocketAddr>,
    scheme: Scheme,
}

impl ConnectInfo {
    /// A connection from `peer`, without TLS.
    pub fn new(peer: SocketAddr) -> Self {
        Self {
            peer,
            local: None,
            scheme: Scheme::HTTP,
        }
    }

    /// Sets the address that was connected to.
    pub fn local(mut self, address: SocketAddr) -> Self {
        self.local = Some(address);
        self
    }

    /// Sets that the connection is a TLS connection.
    pub fn https(mut self) -> Self {
        self.scheme = Scheme::HTTPS;
        self
    }

    /// The address of the client; an IPv4-mapped IPv6 address as IPv4.
    pub fn ip(&self) -> IpAddr {
        self.peer.ip().to_canonical()
    }

    /// The port of the client.
    pub fn port(&self) -> u16 {
        self.peer.port()
    }

    /// The address that was connected to, if it is known.
    pub fn local_address(&self) -> Option<SocketAddr> {
        self.local
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> &Scheme {
        &self.scheme
    }
}

/// What layers add to a request for the layers behind them. In its extensions, there once.
#[derive(Debug, Clone, Default)]
pub(crate) struct RequestContext {
    /// The headers that the notifier replaced, as the client sent them: for an origin that has its own codings and
    /// ranges of pages with the script.
    pub(crate) original_headers: Option<HeaderMap>,
    /// The path prefix that a route removed.
    pub(crate) removed_prefix: Option<HeaderValue>,
    /// A request of our own for which the upstream is to believe that the client used `https`.
    pub(crate) assumes_https: bool,
}

impl RequestContext {
    /// The context of a request, if a layer has added to it.
    pub(crate) fn get(extensions: &Extensions) -> Option<&Self> {
        extensions.get()
    }

    /// The context of a request, to add to it.
    pub(crate) fn get_mut(extensions: &mut Extensions) -> &mut Self {
        extensions.get_or_insert_default()
    }
}

/// Where a response comes from, and what became of the script in it. In its extensions; a response without one is that
/// of a service that is not ours.
#[derive(Debug, Clone)]
pub(crate) enum Outcome {
    /// A page of a release.
    Page(PreparedPage),
    /// A response of an upstream.
    Upstream(UpstreamOutcome),
    /// A response of this server itself, such as an error page: it does not get the script.
    Server,
}

/// A page of a release, for which it was decided when the release was built how the script goes in.
///
/// A policy that is added to the response afterwards may want it otherwise.
#[derive(Debug, Clone)]
pub(crate) struct PreparedPage {
    /// The page without the script, and its entity tag; `None` if the response is without the script anyway, or the page
    /// is not in memory.
    pub(crate) source: Option<(Bytes, HeaderValue)>,
}

/// Which upstream a response comes from.
#[derive(Debug, Clone)]
pub(crate) struct UpstreamOutcome {
    /// Its index among the upstreams of the proxy, from 0.
    pub(crate) index: usize,
    /// The host that a request without one is for.
    pub(crate) authority: Authority,
}

impl Outcome {
    /// Which upstream a response comes from, if it does.
    pub(crate) fn upstream(extensions: &Extensions) -> Option<&UpstreamOutcome> {
        match extensions.get() {
            Some(Self::Upstream(upstream)) => Some(upstream),
            _ => None,
        }
    }
}
