//! Persistent connections, HTTP/1.0, request targets, and disconnects.

use std::time::Duration;
use std::time::Instant;

use super::*;
use crate::support::events::Events;
use crate::support::http::Framing;

#[test]
fn pipelined_requests_are_answered_in_order() {
    let site = Site::new();
    let mut client = site.send(
        "GET /robots.txt HTTP/1.1\r\nHost: a\r\n\r\n\
         HEAD /about HTTP/1.1\r\nHost: a\r\n\r\n\
         GET /none HTTP/1.1\r\nHost: a\r\n\r\n\
         GET /robots.txt HTTP/1.1\r\nHost: a\r\nIf-None-Match: *\r\n\r\n\
         GET /docs HTTP/1.1\r\nHost: a\r\n\r\n\
         POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n\
         GET /robots.txt HTTP/1.1\r\nHost: a\r\nRange: bytes=0-3\r\n\r\n\
         GET /robots.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    );
    assert_robots(&client.response().unwrap());
    let head = client.response_to("HEAD").unwrap();
    assert_eq!((head.status, head.framing), (200, Framing::None));
    assert_eq!(client.response().unwrap().text(), "404 Not Found\n");
    assert_eq!(client.response().unwrap().status, 304);
    assert_eq!(client.response().unwrap().field("location"), "/docs/");
    assert_eq!(client.response().unwrap().status, 405);
    assert_eq!(client.response().unwrap().text(), "User");
    assert_robots(&client.response().unwrap());
    assert!(client.is_closed());
}

#[test]
fn keep_alive_holds_for_every_status() {
    let site = Site::new();
    let mut client = site.connect();
    for (method, path, field, status) in [
        ("GET", "/", ("accept", "*/*"), 200),
        ("HEAD", "/", ("accept", "*/*"), 200),
        ("GET", "/robots.txt", ("if-none-match", "*"), 304),
        ("GET", "/robots.txt", ("range", "bytes=0-0"), 206),
        ("GET", "/robots.txt", ("range", "bytes=99-"), 416),
        ("GET", "/robots.txt", ("if-match", "\"x\""), 412),
        ("GET", "/docs", ("accept", "*/*"), 308),
        ("GET", "/none", ("accept", "*/*"), 404),
        ("GET", "/%00", ("accept", "*/*"), 400),
        ("POST", "/", ("accept", "*/*"), 405),
        ("DELETE", "/robots.txt", ("accept", "*/*"), 405),
        ("GET", "/__tidings/none", ("accept", "*/*"), 404),
        ("POST", "/__tidings/events", ("accept", "*/*"), 405),
        ("HEAD", "/__tidings/events", ("accept", "*/*"), 200),
        ("GET", "/__tidings/release.json", ("accept", "*/*"), 200),
        ("GET", "/long.txt", ("accept-encoding", "br"), 200),
    ] {
        let answer = client.request(method, path, &[field]).unwrap();
        assert_eq!(answer.status, status, "{method} {path}");
        assert_eq!(answer.field("connection"), "", "{method} {path}");
        assert!(answer.field("date").ends_with(" GMT"));
    }
    assert_robots(&client.request("GET", "/robots.txt", &[]).unwrap());
}

#[test]
fn head_on_the_wire_has_headers_of_get_and_no_body() {
    let site = Site::new();
    let mut client = site.connect();
    for (path, field) in [
        ("/", ("accept", "text/html")),
        ("/some/route", ("accept", "text/html")),
        ("/robots.txt", ("accept", "*/*")),
        ("/robots.txt", ("if-none-match", "*")),
        ("/long.txt", ("accept-encoding", "br")),
        ("/long.txt", ("accept-encoding", "gzip")),
        ("/none", ("accept", "*/*")),
        ("/docs", ("accept", "*/*")),
        ("/%00", ("accept", "*/*")),
        ("/__tidings/release.json", ("accept", "*/*")),
        ("/__tidings/none", ("accept", "*/*")),
    ] {
        let mut get = client.request("GET", path, &[field]).unwrap();
        let mut head = client.request("HEAD", path, &[field]).unwrap();
        assert_eq!(head.status, get.status, "{path}");
        get.headers.remove("date");
        head.headers.remove("date");
        assert_eq!(head.headers, get.headers, "{path}");
        let length = get.field("content-length");
        match get.framing {
            Framing::None => assert_eq!(length, "", "a 304 of {path}"),
            _ => assert_eq!(length, get.body.len().to_string(), "{path}"),
        }
    }
}

#[test]
fn connection_close_closes_after_the_response() {
    let site = Site::new();
    for path in ["/robots.txt", "/none", "/docs"] {
        let mut client = site.connect();
        let answer = client.request("GET", path, &[("Connection", "close")]);
        assert_eq!(answer.unwrap().field("connection"), "close");
        assert!(client.is_closed());
    }
}

#[test]
fn http_1_0_closes_unless_keep_alive() {
    let site = Site::new();
    let mut client = site.send("GET /robots.txt HTTP/1.0\r\n\r\n");
    assert_robots(&client.response().unwrap());
    assert!(client.is_closed());
    let mut client = site.send("GET /robots.txt HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    let answer = client.response().unwrap();
    assert_robots(&answer);
    assert_eq!(answer.field("connection"), "keep-alive");
    client.send("GET /none HTTP/1.0\r\n\r\n").unwrap();
    assert_eq!(client.response().unwrap().status, 404);
    assert!(client.is_closed());
    // HTTP/1.0 has no chunks: the end of the connection delimits the stream.
    let mut client = site.send("GET /__tidings/events HTTP/1.0\r\n\r\n");
    let head = client.head().unwrap();
    assert_eq!(head.status, 200);
    assert_eq!(head.field("transfer-encoding"), "");
    assert_eq!(client.take(7).unwrap(), b"retry: ");
}

#[test]
fn request_byte_by_byte_after_empty_line_is_accepted() {
    let site = Site::new();
    let mut client = site.connect();
    for byte in b"\r\nGET /robots.txt HTTP/1.1\r\nHost: a\r\n\r\n" {
        client.send([*byte]).unwrap();
    }
    assert_robots(&client.response().unwrap());
    for byte in b"GET /robots.txt HTTP/1.1\r\nhOST:a\r\n\r\n" {
        client.send([*byte]).unwrap();
    }
    assert_robots(&client.response().unwrap());
}

#[test]
fn request_target_every_form_is_parsed() {
    let site = Site::new();
    for (line, status) in [
        ("GET http://other.example/robots.txt", 200),
        ("GET https://other.example:8443/robots.txt?x", 200),
        ("GET http://other.example", 200),
        ("GET http://other.example/none", 404),
        ("GET http://other.example/../x", 400),
        ("OPTIONS *", 405),
        ("GET *", 400),
        ("GET robots.txt", 400),
        ("OPTIONS /", 405),
        ("CONNECT other.example:443", 405),
        ("GET /?", 200),
        ("GET /?a=b#c", 200),
        ("GET //other.example/../robots.txt", 200),
    ] {
        let request = format!("{line} HTTP/1.1\r\nHost: other.example\r\n\r\n");
        let answer = site.send(request).response().unwrap();
        assert_eq!(answer.status, status, "{line}");
        if status == 405 {
            assert_eq!(answer.field("allow"), "GET, HEAD");
        }
    }
    site.assert_alive();
}

#[test]
fn upgrade_request_is_answered_without_switching() {
    let site = Site::new();
    for fields in [
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n",
    ] {
        let request = format!("GET /robots.txt HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
        assert_robots(&site.send(request).response().unwrap());
    }
}

/// A half-closed connection could still carry the response. Detecting closed tabs at once, which look the same, is
/// worth more. The response is complete, or there is none.
#[test]
fn client_half_close_gets_complete_response_or_none() {
    let site = Site::new();
    for _ in 0..20 {
        let mut client = site.send("GET /long.txt HTTP/1.1\r\nHost: a\r\n\r\n");
        client.finish().unwrap();
        match client.response() {
            Ok(answer) => assert_eq!(answer.text(), "line\n".repeat(1000)),
            Err(error) => assert!(is_disconnect(&error), "{error}"),
        }
        assert!(client.is_closed());
    }
    // An incomplete request gets no response, or a 400.
    for part in ["", "GET /long.txt HTTP/1.1\r\nHo"] {
        let mut client = site.send(part);
        client.finish().unwrap();
        match client.response() {
            Ok(answer) => assert_eq!(answer.status, 400),
            Err(error) => assert!(is_disconnect(&error), "{error}"),
        }
    }
    site.assert_alive();
}

/// A closed tab must not hold its slot until the next heartbeat fails.
#[test]
fn event_stream_client_disconnect_frees_its_slot() {
    let dir = site_dir(&[("index.html", ABOUT)]);
    let arguments = ["--max-streams", "1", "--debounce", "50ms"];
    let program = crate::support::program::Program::serve_with(dir.path(), &arguments).ready();
    let mut tab = Events::open(program.address());
    tab.block().unwrap();
    assert_eq!(program.get("/__tidings/events", &[]).status, 503);
    drop(tab);
    let start = Instant::now();
    crate::support::wait_until("a place", || {
        let mut client = Client::connect(program.address()).unwrap();
        client
            .send_request("GET", "/__tidings/events", &[])
            .unwrap();
        (client.head().unwrap().status == 200).then_some(())
    });
    let took = start.elapsed();
    assert!(took < Duration::from_secs(15), "{took:?}");
}
