//! Limits of size and time for request heads and connections.

use std::time::Duration;
use std::time::Instant;

use super::*;
use crate::support::events::Events;

const HEAD_TIMEOUT: Duration = Duration::from_millis(400);

/// A site whose head timeout is [`HEAD_TIMEOUT`].
fn with_short_timeout() -> Site {
    Site::with(|server| server.head_timeout(HEAD_TIMEOUT))
}

/// Asserts that the server closes this connection after the timeout.
#[track_caller]
fn assert_timed_out(mut client: Client, start: Instant) {
    let rest = client.rest().unwrap();
    let rest = String::from_utf8_lossy(&rest);
    assert!(
        rest.is_empty() || rest.starts_with("HTTP/1.1 408 "),
        "{rest}"
    );
    let took = start.elapsed();
    assert!(took >= HEAD_TIMEOUT.mul_f32(0.9), "after {took:?}");
    assert!(took < HEAD_TIMEOUT * 25, "after {took:?}");
}

#[test]
fn head_timeout_incomplete_head_closes_connection() {
    let site = with_short_timeout();
    for part in [
        "",
        "G",
        "GET /robots.txt HTTP/1.1",
        "GET /robots.txt HTTP/1.1\r\nHost: a\r\n",
    ] {
        let start = Instant::now();
        let client = site.send(part);
        assert_timed_out(client, start);
    }
    site.assert_alive();
}

#[test]
fn head_timeout_dripping_head_closes_connection() {
    let site = with_short_timeout();
    let start = Instant::now();
    let mut client = site.send("GET /robots.txt HTTP/1.1\r\nHost: a\r\nX: ");
    // Until the server closes the connection.
    while client.send("a").is_ok() {
        std::thread::sleep(Duration::from_millis(10));
        assert!(start.elapsed() < HEAD_TIMEOUT * 25, "it still listens");
    }
    assert!(start.elapsed() >= HEAD_TIMEOUT);
    site.assert_alive();
}

#[test]
fn head_timeout_closes_idle_connection_only() {
    let site = with_short_timeout();
    let mut idle = site.connect();
    idle.request("GET", "/robots.txt", &[]).unwrap();
    let start = Instant::now();
    let mut busy = site.connect();
    let mut requests = 0;
    while start.elapsed() < HEAD_TIMEOUT * 2 {
        assert_robots(&busy.request("GET", "/robots.txt", &[]).unwrap());
        requests += 1;
    }
    assert!(requests > 2);
    assert_timed_out(idle, start);
}

#[test]
fn head_timeout_does_not_end_an_event_stream() {
    let site = with_short_timeout();
    let mut events = Events::open(site.address());
    assert!(events.release().is_some());
    let mut client = events.into_client();
    assert!(client.is_silent(HEAD_TIMEOUT * 3));
}

#[test]
fn request_head_too_large_returns_414_or_431() {
    let site = Site::new();
    let path = format!("/{}", "x".repeat(70_000));
    let answer = site.connect().request("GET", &path, &[]).unwrap();
    assert_eq!(answer.status, 414);
    let many: Vec<_> = (0..120).map(|n| format!("x-{n}")).collect();
    let many: Vec<_> = many.iter().map(|name| (name.as_str(), "1")).collect();
    let mut client = site.connect();
    let answer = client.request("GET", "/", &many).unwrap();
    assert_eq!(answer.status, 431);
    assert!(client.is_closed());
    site.assert_alive();
}

#[test]
fn request_head_endless_closes_the_connection() {
    let site = Site::new();
    let mut client = site.send("GET / HTTP/1.1\r\nHost: a\r\nX: ");
    let piece = vec![b'a'; 64 * 1024];
    let mut sent = 0;
    while client.send(&piece).is_ok() {
        sent += piece.len();
        // Unread bytes fill the socket buffers, some megabytes.
        assert!(sent < 64 * 1024 * 1024, "it takes any amount");
    }
    match client.response() {
        Ok(answer) => assert_eq!(answer.status, 431),
        Err(error) => assert!(is_disconnect(&error), "{error}"),
    }
    site.assert_alive();
}

#[test]
fn silent_connections_do_not_block_others() {
    let site = Site::new();
    let silent: Vec<_> = (0..300).map(|_| site.send("GET /")).collect();
    site.assert_alive();
    drop(silent);
    site.assert_alive();
}
