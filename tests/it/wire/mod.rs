//! Raw bytes on a socket: how the server responds, and that nothing makes it hang or crash.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod bodies;
mod connections;
mod limits;
mod malformed;
mod shutdown;

use std::io;
use std::net::SocketAddr;

use tempfile::TempDir;
use tidings::Server;

use crate::support::http;
use crate::support::http::Client;
use crate::support::http::RawResponse;
use crate::support::server::TestServer;
use crate::support::site_dir;

const ABOUT: &str = "<!doctype html><title>About</title>\n";
const ROBOTS: &str = "User-agent: *\n";

/// A server for a small site, and its directory.
struct Site {
    running: TestServer,
    _dir: TempDir,
}

impl Site {
    fn new() -> Self {
        Self::with(|server| server)
    }

    fn with(set: impl FnOnce(Server) -> Server) -> Self {
        let dir = site_dir(&[
            ("index.html", "<!doctype html><title>Home</title>\n"),
            ("about.html", ABOUT),
            ("docs/index.html", ABOUT),
            ("robots.txt", ROBOTS),
            ("long.txt", &"line\n".repeat(1000)),
        ]);
        Self {
            running: TestServer::site(dir.path(), set),
            _dir: dir,
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

    /// Asserts that the next connection is served.
    #[track_caller]
    fn assert_alive(&self) {
        assert_robots(&http::get(self.address(), "/robots.txt", &[]));
    }
}

#[track_caller]
fn assert_robots(answer: &RawResponse) {
    assert_eq!((answer.status, answer.text()), (200, ROBOTS));
}

/// True if the connection was closed during sending or receiving. That happens if the server closes it with unread
/// bytes.
fn is_disconnect(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::UnexpectedEof
    )
}
