//! Timeouts for stalled peers, backpressure, and disconnects, at every point of an exchange.

use std::io;
use std::net::TcpListener;
use std::net::TcpStream;
use std::time::Instant;

use super::*;
use crate::support::signal::Signal;

/// A proxy whose timeouts are all short.
fn with_short_timeouts(upstream: &Upstream) -> TestProxy {
    TestProxy::with(upstream, limits)
}

fn limits(proxy: Proxy) -> Proxy {
    proxy
        .connect_timeout(SHORT)
        .first_byte_timeout(SHORT)
        .body_idle_timeout(SHORT)
        .upstream_wait(Duration::ZERO)
}

/// An upstream that sends `answer` and then stalls until the proxy disconnects; the signal reports that it did.
fn stalling(answer: &'static str) -> (Upstream, Signal) {
    let left = Signal::new();
    let has_left = left.clone();
    let upstream = Upstream::new(move |connection| {
        connection.request()?;
        connection.send(answer)?;
        connection.wait_for_end()?;
        left.notify();
        Ok(())
    });
    (upstream, has_left)
}

#[track_caller]
fn check_gateway_timeout(proxied: &TestProxy) {
    let start = Instant::now();
    let post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";
    let answer = proxied.send(post).response().unwrap();
    assert_eq!(
        (answer.status, answer.text()),
        (504, "504 Gateway Timeout\n")
    );
    assert!(start.elapsed() >= SHORT);
}

#[test]
fn connect_timeout_full_backlog_returns_504() {
    // A backlog of one, which is full.
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    socket.bind(&any.into()).unwrap();
    socket.listen(0).unwrap();
    let listener = TcpListener::from(socket);
    let address = listener.local_addr().unwrap();
    let mut queue = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, SHORT) {
        queue.push(stream);
        assert!(queue.len() < 50);
    }
    let proxied = TestProxy::with_upstreams(&[&url(address)], limits);
    check_gateway_timeout(&proxied);
}

#[test]
fn first_byte_timeout_silent_upstream_returns_504() {
    let (upstream, has_left) = stalling("");
    check_gateway_timeout(&with_short_timeouts(&upstream));
    has_left.wait();
    assert_eq!(upstream.requests().len(), 1);
}

#[test]
fn first_byte_timeout_unaccepted_connection_returns_504() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxied = TestProxy::with_upstreams(&[&url(listener.local_addr().unwrap())], limits);
    check_gateway_timeout(&proxied);
}

#[test]
fn first_byte_timeout_incomplete_head_returns_504_without_retry() {
    for start in [
        "H",
        "HTTP/1.1 200 OK\r\nContent-",
        "HTTP/1.1 100 Continue\r\n\r\n",
    ] {
        let (upstream, has_left) = stalling(start);
        let proxied = with_short_timeouts(&upstream);
        assert_eq!(proxied.get("/", &[]).status, 504);
        has_left.wait();
        assert_eq!(upstream.requests().len(), 1, "{start}");
    }
}

#[test]
fn body_idle_timeout_stalled_response_body_aborts_response() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        "HTTP/1.1 200 OK\r\n\r\nabc",
    ] {
        let (upstream, has_left) = stalling(answer);
        let proxied = TestProxy::with(&upstream, |proxy| proxy.body_idle_timeout(SHORT));
        let mut client = proxied.connect();
        client.send_request("GET", "/", &[]).unwrap();
        let error = client.response().unwrap_err();
        assert!(!http::is_timeout(&error), "{answer:?} {error}");
        has_left.wait();
        assert_eq!(upstream.requests().len(), 1);
    }
}

#[test]
fn body_idle_timeout_slow_response_body_is_complete() {
    let upstream = Upstream::new(|connection| {
        connection.request()?;
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n")?;
        for _ in 0..20 {
            std::thread::sleep(SHORT / 2);
            connection.send("x")?;
        }
        Ok(())
    });
    let proxied = TestProxy::with(&upstream, |proxy| proxy.body_idle_timeout(SHORT * 8));
    assert_eq!(proxied.get("/", &[]).body.len(), 20);
}

#[test]
fn body_idle_timeout_stalled_request_body_returns_408() {
    for sent in [
        "Content-Length: 9\r\n\r\nabc",
        "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    ] {
        let left = Signal::new();
        let has_left = left.clone();
        let upstream = Upstream::new(move |connection| {
            connection.head()?;
            connection.wait_for_end()?;
            left.notify();
            Ok(())
        });
        let proxied = TestProxy::with(&upstream, |proxy| proxy.body_idle_timeout(SHORT));
        let mut client = proxied.send(format!("PUT / HTTP/1.1\r\nHost: a\r\n{sent}"));
        let answer = client.response().unwrap();
        assert_eq!(answer.status, 408);
        has_left.wait();
        assert!(client.is_closed());
        assert_eq!(upstream.connections(), 1);
        // The upstream is not ejected.
        assert!(upstream.requests().len() == 1);
    }
}

#[test]
fn first_byte_timeout_does_not_count_a_slow_upload() {
    let upstream = Upstream::responding(OK);
    let proxied = TestProxy::with(&upstream, |proxy| {
        proxy
            .first_byte_timeout(SHORT * 4)
            .body_idle_timeout(SHORT * 40)
    });
    let mut client = proxied.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n");
    for letter in ["a", "b", "c"] {
        assert!(client.is_silent(SHORT * 5));
        client.send(letter).unwrap();
    }
    assert_eq!(client.response().unwrap().text(), "ok");
    assert_eq!(upstream.only_request().text(), "abc");
}

#[test]
fn body_idle_timeout_upstream_stops_reading_returns_504() {
    let (over, ended) = (Signal::new(), Signal::new());
    let (is_over, has_ended) = (over.clone(), ended.clone());
    let upstream = Upstream::new(move |connection| {
        connection.head()?;
        is_over.wait();
        // No more bytes arrive.
        connection.wait_for_end()?;
        ended.notify();
        Ok(())
    });
    let proxied = with_short_timeouts(&upstream);
    let length = 64 << 20;
    let head = format!("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n");
    let mut client = proxied.send(head);
    let mut sent = 0;
    while sent < length && client.send([b'x'; 16 * 1024]).is_ok() {
        sent += 16 * 1024;
    }
    assert!(sent < length / 2, "{sent}");
    assert_eq!(client.response().unwrap().status, 504);
    over.notify();
    has_ended.wait();
}

#[test]
fn backpressure_slow_client_stops_reading_the_upstream() {
    let (sent, all) = (
        Signal::new(),
        std::sync::Arc::new(std::sync::OnceLock::new()),
    );
    let (is_sent, count) = (sent.clone(), std::sync::Arc::clone(&all));
    let upstream = Upstream::new(move |connection| {
        connection.request()?;
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")?;
        count.set(connection.flood(SHORT * 3)).unwrap();
        sent.notify();
        Ok(())
    });
    let proxied = TestProxy::new(&upstream);
    let mut client = proxied.connect();
    client.send_request("GET", "/", &[]).unwrap();
    assert_eq!(client.head().unwrap().status, 200);
    is_sent.wait();
    // The socket buffers of two connections, and little more.
    let bytes = *all.get().unwrap();
    assert!(bytes < 64 << 20, "{bytes}");
}

#[test]
fn backpressure_slow_upstream_stops_reading_the_client() {
    let done = Signal::new();
    let is_done = done.clone();
    let upstream = Upstream::new(move |connection| {
        connection.head()?;
        is_done.wait();
        Ok(())
    });
    let proxied = TestProxy::new(&upstream);
    let stream = TcpStream::connect(proxied.address()).unwrap();
    stream.set_write_timeout(Some(SHORT * 3)).unwrap();
    let head = "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n";
    io::Write::write_all(&mut &stream, head.as_bytes()).unwrap();
    let mut sent = 0;
    while let Ok(written) = io::Write::write(&mut &stream, &[b'x'; 16 * 1024]) {
        sent += written;
    }
    assert!(sent < 64 << 20, "{sent}");
    done.notify();
}

#[test]
fn client_disconnect_before_response_closes_upstream_connection() {
    let (upstream, has_left) = stalling("");
    let proxied = TestProxy::new(&upstream);
    let mut client = proxied.connect();
    client.send_request("GET", "/", &[]).unwrap();
    upstream.wait_for(1);
    drop(client);
    has_left.wait();
    assert_eq!(upstream.connections(), 1);
}

#[test]
fn client_disconnect_in_response_closes_upstream_connection() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n: hi\n\n",
    ] {
        let (upstream, has_left) = stalling(answer);
        let proxied = TestProxy::new(&upstream);
        let mut client = proxied.connect();
        client.send_request("GET", "/", &[]).unwrap();
        assert_eq!(client.head().unwrap().status, 200);
        drop(client);
        has_left.wait();
        assert_eq!(upstream.connections(), 1);
    }
}

#[test]
fn client_disconnect_in_upload_closes_upstream_connection() {
    let (begun, left) = (Signal::new(), Signal::new());
    let (has_begun, has_left) = (begun.clone(), left.clone());
    let upstream = Upstream::new(move |connection| {
        connection.head()?;
        connection.take(3)?;
        begun.notify();
        connection.wait_for_end()?;
        left.notify();
        Ok(())
    });
    let proxied = TestProxy::new(&upstream);
    let client = proxied.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc");
    has_begun.wait();
    drop(client);
    has_left.wait();
}

/// A half-closed connection looks like a closed tab, so the response may be dropped. It is never truncated.
#[test]
fn client_half_close_gets_complete_response_or_none() {
    let upstream = Upstream::responding(OK);
    let proxied = TestProxy::new(&upstream);
    for _ in 0..20 {
        let mut client = proxied.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        client.finish().unwrap();
        match client.response() {
            Ok(answer) => assert_eq!(answer.text(), "ok"),
            Err(error) => assert!(!http::is_timeout(&error), "{error}"),
        }
        assert!(client.is_closed());
    }
    assert_eq!(proxied.get("/", &[]).text(), "ok");
}

#[test]
fn upstream_half_close_response_is_complete() {
    let upstream = Upstream::new(|connection| {
        connection.request()?;
        connection.send("HTTP/1.1 200 OK\r\n\r\nab")?;
        connection.send("c")?;
        connection.finish()?;
        connection.wait_for_end()
    });
    let proxied = TestProxy::new(&upstream);
    assert_eq!(proxied.get("/", &[]).text(), "abc");
}
