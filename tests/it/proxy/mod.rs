//! The proxy between two sockets: requests and responses are compared byte for byte on both sides.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod bodies;
mod event_streams;
mod forwarded;
mod framing;
mod headers;
mod memory;
mod protocols;
mod responses;
mod retries;
mod routes;
mod timeouts;
mod tls;
mod tunnels;
mod unavailable_wait;
mod via;

use std::net::SocketAddr;
use std::time::Duration;

use tidings::Proxy;

use crate::support::http;
use crate::support::http::Client;
use crate::support::http::RawResponse;
use crate::support::server::TestServer;
use crate::support::upstream::Upstream;

/// A minimal response.
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A proxy on a free port.
struct TestProxy {
    running: TestServer,
    proxy: Proxy,
}

impl TestProxy {
    /// A proxy for `upstream`.
    fn new(upstream: &Upstream) -> Self {
        Self::with(upstream, |proxy| proxy)
    }

    /// A proxy for `upstream`, configured by `set`.
    fn with(upstream: &Upstream, set: impl FnOnce(Proxy) -> Proxy) -> Self {
        Self::with_upstreams(&[&url(upstream.address())], set)
    }

    /// A proxy for the servers at these addresses, configured by `set`.
    fn with_upstreams(upstreams: &[&str], set: impl FnOnce(Proxy) -> Proxy) -> Self {
        let upstreams = upstreams.iter().map(|upstream| upstream.parse().unwrap());
        let proxy = set(Proxy::new(upstreams).unwrap());
        Self {
            running: TestServer::new(proxy.clone(), |server| server),
            proxy,
        }
    }

    fn address(&self) -> SocketAddr {
        self.running.address()
    }

    fn connect(&self) -> Client {
        Client::connect(self.address()).unwrap()
    }

    /// Opens a connection and sends these bytes.
    fn send(&self, bytes: impl AsRef<[u8]>) -> Client {
        let mut client = self.connect();
        client.send(bytes).unwrap();
        client
    }

    #[track_caller]
    fn get(&self, path: &str, fields: &[(&str, &str)]) -> RawResponse {
        http::get(self.address(), path, fields)
    }
}

fn url(address: SocketAddr) -> String {
    format!("http://{address}")
}

/// A timeout for events that should not happen: long for the program, short for a test.
const SHORT: Duration = Duration::from_millis(150);
